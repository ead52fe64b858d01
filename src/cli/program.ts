import { Command } from 'commander'
import type { Cli } from './cli.ts'
import { addChannelCommands } from './commands/channel.ts'
import { addConfigCommands } from './commands/config.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEarningsCommand } from './commands/earnings.ts'
import { addKeyCommands } from './commands/key.ts'
import { addMarketCommands } from './commands/market.ts'
import { addNodeCommands } from './commands/node-status.ts'
import { addQuoteCommand } from './commands/quote.ts'
import { addRunCommand } from './commands/run.ts'
import { addStakeCommands } from './commands/stake.ts'
import { addTasksCommands } from './commands/tasks.ts'
import { addUpCommand } from './commands/up.ts'
import { addVerifyCommand } from './commands/verify.ts'
import { addWalletCommands } from './commands/wallet.ts'

const EXAMPLES = `
Examples:
  $ souk up                                      offer this machine
  $ souk run --local examples/word-count.yaml    run a task here
  $ souk run --to ADDR examples/word-count.yaml  run it at a provider
  $ souk quote examples/word-count.yaml          what it would cost, at whom
  $ souk tasks list --to ADDR                    what I have there
  $ souk verify receipt.json                     who signed what

ADDR is an address that \`souk up\` prints. More in \`souk COMMAND --help\`.`

export interface Program {
  readonly program: Command
  /** What --help or --version had to say. */
  help(): string
}

/**
 * The whole command line as commander sees it. Only names, options and help are here and in commands/: what a
 * command needs to do its work it imports when it does it, so that help and usage errors take no time.
 */
export function createProgram(cli: Cli): Program {
  let help = ''
  const { stdout } = cli.terminal
  const { bold } = stdout.colors
  const program = new Command('souk')
    .description("A marketplace for compute: strangers' tasks run in a sandbox, and the signed result comes back.")
    .version(`souk ${cli.version}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => void (help += text),
      writeErr: (text) => void (help += text),
      outputError: () => undefined,
      getOutHelpWidth: () => helpWidth(stdout.columns()),
      getErrHelpWidth: () => helpWidth(stdout.columns()),
      getOutHasColors: () => stdout.colors.isColorSupported,
      getErrHasColors: () => stdout.colors.isColorSupported,
    })
    .configureHelp({ styleTitle: (title) => bold(title), subcommandTerm: (command) => command.name() })
  const request = { program, cli }
  program.commandsGroup('Requester:')
  addRunCommand(request)
  addQuoteCommand(request)
  addTasksCommands(request)
  addMarketCommands(request)
  addVerifyCommand(request)
  addKeyCommands(request)
  addWalletCommands(request)
  addChannelCommands(request)
  program.commandsGroup('Provider:')
  addUpCommand(request)
  addNodeCommands(request)
  addEarningsCommand(request)
  addStakeCommands(request)
  addDoctorCommand(request)
  addConfigCommands(request)
  program.addHelpText('after', EXAMPLES)
  return { program, help: () => help }
}

/** Lines of help are no longer than people like to read. */
function helpWidth(columns: number): number {
  return Math.min(Math.max(columns, 60), 100)
}
