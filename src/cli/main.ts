import { readFileSync } from 'node:fs'
import { CommanderError, type Command } from 'commander'
import type { SoukError } from '../protocol/errors.ts'
import { createCli, type Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { createProgram } from './program.ts'
import { createTerminal, UnwritableError } from './render/terminal.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/**
 * The command line.
 *
 * @param args what follows the program's name.
 * @returns the exit code. Never throws for anything that a person can do.
 */
export async function main(args: readonly string[]): Promise<number> {
  const { env } = process
  const terminal = createTerminal({ env })
  const cli = createCli({ version, env, terminal })
  const onBug = (thrown: unknown): void => void failByBug({ cli, args, thrown })
  process.once('uncaughtException', onBug)
  try {
    await parse({ cli, args })
  } catch (thrown) {
    await reportBug({ cli, args, thrown })
    return cli.failureCode
  } finally {
    process.off('uncaughtException', onBug)
  }
  return terminal.stdout.broken.aborted ? EXIT.brokenPipe : cli.exitCode
}

async function parse({ cli, args }: { readonly cli: Cli; readonly args: readonly string[] }): Promise<void> {
  const { program, help } = createProgram(cli)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    const { stdout } = cli.terminal
    if (thrown.exitCode === 0) return stdout.write(help())
    cli.exitCode = EXIT.usage
    const json = asksForJson(args)
    // `souk` or `souk tasks` alone: what there is says more than an error.
    if (thrown.code === 'commander.help' && !json) return cli.terminal.stderr.write(help())
    await cli.fail({ error: await errorOf({ thrown, program, args }), json })
  }
}

interface Bug {
  readonly cli: Cli
  readonly args: readonly string[]
  readonly thrown: unknown
}

/** What nobody caught: the process cannot go on, but its document and exit code are as promised. */
async function failByBug(bug: Bug): Promise<void> {
  await reportBug(bug)
  process.exit(bug.cli.failureCode)
}

async function reportBug({ cli, args, thrown }: Bug): Promise<void> {
  const { SoukError } = await import('../protocol/errors.ts')
  const report =
    thrown instanceof UnwritableError
      ? // There is nowhere to print a document to.
        cli.terminal.stderr.write(`souk: ${thrown.message}\n`)
      : cli.fail({ error: SoukError.from(thrown), json: asksForJson(args) })
  await report.catch(() => undefined)
}

/** What follows `--` is the task's. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}

interface Misuse {
  readonly thrown: CommanderError
  readonly program: Command
  readonly args: readonly string[]
}

async function errorOf({ thrown, program, args }: Misuse): Promise<SoukError> {
  const { usageError } = await import('./usage-error.ts')
  const command = commandOf({ program, args })
  const hint = `See \`${command} --help\`.`
  if (thrown.code === 'commander.help') return usageError({ message: `\`${command}\` needs a command.`, hint })
  const [first = '', ...suggestion] = thrown.message.replace(/^error: /, '').split('\n')
  const message = `${first.charAt(0).toUpperCase()}${first.slice(1)}${/[.?!]$/.test(first) ? '' : '.'}${suggestion.map((line) => ` ${line.replace(/^\((.*)\)$/, '$1')}`).join('')}`
  return usageError({ message, hint, cause: thrown })
}

/** The command that the arguments name, as far as there is one: `souk tasks list`. */
function commandOf({ program, args }: Omit<Misuse, 'thrown'>): string {
  let command = program
  const names = [program.name()]
  for (const word of args) {
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined) break
    command = next
    names.push(word)
  }
  return names.join(' ')
}
