import { Option } from 'commander'
import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import { LIMIT_OPTIONS } from '../limit-options.ts'
import type { RunOptions } from '../run-request.ts'

const HELP = `
The task's standard output and error come as they are written; what souk itself
has to say goes to standard error. Ctrl-C cancels the task and waits for its
receipt; a second one leaves the task to its provider.

Of several providers the one is asked first that has not failed more often
than not, for the lowest price, then for the earliest start, then with the best
record ($SOUK_HOME/record.sqlite). Where it refuses, or fails by its own fault,
the next one is, within the task's total timeout. Where one is lost to whom the
task may have to be paid, nobody else is asked: souk run waits for it.

Where a provider is to be paid, that is by vouchers out of the channel to it
that souk channel open has made; the wallet is $SOUK_HOME/wallet.sqlite.

With --verify, or verify in the task file, several providers run a deterministic
task, and what most of them say is the result; its output comes when that is
known. Receipts of all are kept in $SOUK_HOME/receipts, and what proves that
providers disagree in $SOUK_HOME/proofs.

Exits as the task did: with its exit code, 128+n for signal n, 124 for a time
limit, 122 for any other limit, 134 for a trap, 130 when it was cancelled; with
125 when it was refused or provider or network failed, and with 2 for a bad task
file or command line.

Examples:
  $ souk run --local examples/word-count.yaml
  $ souk run --to ADDR examples/word-count.yaml --output-dir result
  $ souk run --bootstrap ADDR --max-price 0.001eth examples/word-count.yaml
  $ souk run --bootstrap ADDR --verify 'quorum(3)' examples/estimate-pi.yaml
  $ souk run --to ADDR --wasm app.wasm --memory 64m -- first second
  $ souk run --to ADDR --wasm sort.wasm --stdin - < names.txt
  $ souk run --to ADDR --wasm app.wasm --deterministic --fuel 1000000000
  $ souk run --to ADDR --native ./app --pids 4 -- first second
  $ souk run --to ADDR --native ./image.tar -- echo hi
  $ souk run --to ADDR --docker busybox@sha256:… -- echo hi
  $ souk run --to ADDR --docker python:3.12 -- python -c 'print(1)'
  $ souk run --to ADDR --docker ./image.tar --class runsc -- echo hi
  $ souk run --local --docker busybox -- echo hi
  $ souk run --local --rootfs /srv/root --env LANG=C -- /bin/sh -c 'echo hi'
  $ souk run --to ADDR long.yaml --detach`

export function addRunCommand({ program, cli }: CommandRequest): void {
  const run = program
    .command('run')
    .summary('run a task, at a provider or here')
    .description('Runs a task in a sandbox, at a provider or on this host, and brings back what came of it.')
    .usage(
      [
        '[--to ADDR… | --local] [options] FILE',
        'souk run [--to ADDR… | --local] [options] --wasm APP.WASM [-- ARGUMENTS…]',
        'souk run [--to ADDR… | --local] [options] --native FILE [-- ARGUMENTS…]',
        'souk run [--to ADDR… | --local] [options] --docker IMAGE [-- COMMAND…]',
        'souk run --local [options] --rootfs FOLDER -- COMMAND…',
      ].join('\n       '),
    )
    .argument('[file]', 'the task: YAML, or JSON where its name ends in .json')
    .argument(
      '[arguments...]',
      'of the program or of the entrypoint of an image; the command, with --rootfs and where an image has no entrypoint',
    )

  run.optionsGroup('Where:')
  run
    .option(
      '-t, --to <multiaddr>',
      'the provider: an address that `souk up` prints; repeatable: then the best of them is asked, and the next where it refuses or fails',
      collect,
    )
    .option(
      '-b, --bootstrap <multiaddr...>',
      'without --to and --local: nodes of the market that know providers; $SOUK_BOOTSTRAP, separated by commas, where absent',
    )
    .option('--local', 'this host: no network, same sandbox, whichever runtime the task needs')
    .option(
      '--degraded',
      'with --local: run a native task although limits of it cannot be held here; the receipt names them',
    )
    .option('-c, --config <file>', 'with --local: the configuration of the sandbox')
    .option('-k, --key <file>', 'who asks; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--chain-id <id>', 'the chain that the provider is on; $SOUK_CHAIN_ID, or 0, for none, where absent')

  run.optionsGroup('What (in addition to the file, or instead of what it says):')
  run
    .option('-w, --wasm <file>', 'a WebAssembly program, instead of a task file')
    .option(
      '--native <file>',
      'a static Linux program, or an image: an archive (OCI, or of `docker save`), or one that the provider offers, pinned',
    )
    .option(
      '--docker <image>',
      'an image, pinned, by a tag (its registry is asked what it means, with --local the engine here), or in an archive, whose path starts with ./ or /',
    )
    .option(
      '--insecure-registry <host>',
      'a registry, HOST or HOST:PORT, that is asked over plain HTTP, as those of this machine are anyway; repeatable',
      collect,
    )
    .option(
      '--deterministic',
      'with WebAssembly: it comes out the same on every provider, with clocks and random numbers of its own',
    )
    .option('--class <name>', 'with Docker: the low-level runtime, by the name that the provider offers it under')
    .option('--rootfs <folder>', 'with --local: a folder as read-only root file system')
    .option('--name <name>', 'name of the task')
    .option('-e, --env <key=value>', 'a variable of its environment; repeatable', collect)
    .option('-i, --input <file:/path>', 'a file or folder, and where it is inside; repeatable', collect)
    .option('-o, --output </path>', 'a folder inside whose files are the result; repeatable', collect)
    .option('--stdin <file>', 'its standard input; - is that of this command')
    .option('--workdir </path>', 'the folder inside that it starts in')
    .option('--max-price <amount>', 'the most that it may cost: 1000 (wei), 20gwei, 0.001eth')
    .option('--verify <how>', 'how a deterministic task is checked: once, spot(P) or quorum(N); no provider is told')
    .option('--retry <times>', 'how often it may be run again after a fault of the provider')

  run.optionsGroup('Limits:')
  for (const { flags, description } of LIMIT_OPTIONS) run.addOption(new Option(flags, description))

  run.optionsGroup('Result:')
  run
    .option('-d, --output-dir <folder>', 'save the files of the result there')
    .option('--receipt <file>', 'save the signed receipt')
    .option('--json', 'print one JSON document, with all output in it, at the end')
    .option('-q, --quiet', 'only errors, besides what the task writes')
    .option(
      '--detach',
      'leave when the provider has all it needs; prints the id of the task, with --json {task, provider}',
    )

  run.addHelpText('after', HELP)
  run.action((file: string | undefined, args: readonly string[], options: RunOptions) =>
    cli.perform({
      json: options.json,
      failureCode: EXIT.fault,
      work: async () => {
        const { runTask } = await import('../run-task.ts')
        return runTask({ cli, file, args, options })
      },
    }),
  )
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
