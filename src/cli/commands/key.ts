import type { CommandRequest } from '../command-request.ts'
import type { Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'

interface KeyOptions {
  readonly key?: string
  readonly json?: boolean
}

export function addKeyCommands({ program, cli }: CommandRequest): void {
  const key = program
    .command('key')
    .summary('show who this requester is')
    .description('Looks at the key of this requester.')
  key
    .command('show')
    .description(
      'Prints the address of the key that tasks are signed with; an operator lists it under peers.known. Makes the key where there is none.',
    )
    .option('-k, --key <file>', 'the key; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--json', 'print {file, address} as one JSON document')
    .action((options: KeyOptions) =>
      cli.perform({ json: options.json, failureCode: EXIT.failure, work: () => show({ cli, options }) }),
    )
}

async function show({ cli, options }: { readonly cli: Cli; readonly options: KeyOptions }): Promise<number> {
  const [{ loadOrCreateKey }, { writeJson }] = await Promise.all([
    import('../../identity/key-file.ts'),
    import('../json-output.ts'),
  ])
  const file = options.key ?? cli.home.key
  const { address } = await loadOrCreateKey({ file })
  const { stdout } = cli.terminal
  if (options.json === true) await writeJson({ stdout, document: { file, address } })
  else await stdout.write(`${address}\n`)
  return EXIT.success
}
