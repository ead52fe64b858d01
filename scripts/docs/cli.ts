import type { Command } from 'commander'
import picocolors from 'picocolors'
import { createCli } from '../../src/cli/cli.ts'
import { EXIT_CODE_MEANINGS } from '../../src/cli/exit-code.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { TerminalStream } from '../../src/cli/render/terminal.ts'
import { page, table } from './markdown.ts'

/** What help is written for: the same whoever generates the page. */
const PLAIN: TerminalStream = {
  isTTY: false,
  columns: () => 80,
  colors: picocolors.createColors(false),
  broken: new AbortController().signal,
  write: () => Promise.resolve(),
}

/** docs/CLI.md */
export function cliPage(): string {
  const { program, help } = createProgram(
    createCli({ version: '', env: {}, terminal: { stdout: PLAIN, stderr: PLAIN } }),
  )
  const helpOf = (command: Command): string => {
    const before = help().length
    command.outputHelp()
    return help().slice(before).trimEnd()
  }
  return page([
    '# Command line',
    'The help of every command, as `--help` prints it, and what holds for all of them.',
    '## For all commands',
    [
      '- Data goes to standard output, everything else to standard error: a line per change of state, with the time since the start. Progress is shown on a terminal only.',
      '- `--json` prints exactly one JSON document on standard output, whatever happens: the result, or `{"error": {code, message, fault, phase, retryable, hint, details}}` ([ERRORS.md](ERRORS.md)), for a wrong command line as well. It is on one line where standard output is no terminal.',
      '- An error is what happened, why, and what to do, a line each. `SOUK_DEBUG=1` adds the stack trace, and the log of the sandbox with `--local`.',
      '- Text of strangers, such as names and messages of a provider, is shown with its control characters escaped. The output of a task is passed on as it is: where you do not trust it, do not let it reach a terminal.',
    ].join('\n'),
    '## Exit codes',
    table({ head: ['Code', 'Meaning'], rows: EXIT_CODE_MEANINGS }),
    '## Variables',
    table({
      head: ['Variable', 'Meaning'],
      rows: [
        ['`SOUK_HOME`', 'folder of what a requester keeps, instead of `~/.souk`'],
        [
          '`SOUK_RPC`, `SOUK_CONTRACT`, `SOUK_CHAIN_ID`',
          'the chain that a requester pays on, instead of `--rpc` (several are separated by commas), `--contract` and `--chain-id`',
        ],
        [
          '`SOUK_BOOTSTRAP`',
          'nodes of the market that know others, instead of `--bootstrap`; several are separated by commas',
        ],
        ['`SOUK_STAKE`', "the contract of souk's stakes, instead of `--stake`"],
        ['`SOUK_SWARM_KEY`', 'the file of the key of a private network'],
        ['`NO_COLOR`', 'no colours, where it is not empty; else there are colours on a terminal'],
        ['`FORCE_COLOR`', 'colours everywhere, or nowhere where it is `0`; it wins over `NO_COLOR`'],
        ['`SOUK_DEBUG`', '`1`: stack traces and logs'],
        ['`SOUK_…`', 'each key of the configuration has one: [CONFIG.md](CONFIG.md)'],
      ],
    }),
    '## Files',
    table({
      head: ['Below `~/.souk`', 'Content'],
      rows: [
        ['`key`', 'the key of this requester, made on first use, mode 0600'],
        [
          '`tasks/`',
          'the text of the tasks that were sent, so that a result fetched later is whole; removed after 30 days',
        ],
        [
          '`wallet.sqlite`',
          'the channels of this requester, and the newest voucher of each. It is worth what they hold: without it souk can neither pay through them nor close them',
        ],
        ['`record.sqlite`', 'how often each provider has kept its word; of no use to anybody else'],
        [
          '`receipts/`, `proofs/`',
          'receipts of the last 30 days; proofs that providers have lied or disagree, for ever',
        ],
        [
          '`transactions.sqlite`',
          'what was sent to the chain, with its nonces: without it, what is under way is not gone on with',
        ],
        ['`probes.json`', 'what the sandbox of `--local` was found to enforce, until the next boot'],
        ['`cache/`', 'compiled code of souk itself, so that it starts sooner; may be removed at any time'],
        ['`local/`', 'scratch of `--local` runs, removed at their end; what a killed one left, by the next one'],
        ['`node/`', 'the data folder of a provider, where its configuration does not say otherwise (`node.data_dir`)'],
      ],
    }),
    ...commandsBelow(program).flatMap((command) => [
      `## \`${fullName(command)}\``,
      `\`\`\`text\n${helpOf(command)}\n\`\`\``,
    ]),
  ])
}

/** Every command that does something, in the order of the help. */
function commandsBelow(command: Command): readonly Command[] {
  return command.commands.flatMap((each) => (each.commands.length === 0 ? [each] : commandsBelow(each)))
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}
