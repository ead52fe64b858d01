import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { createCli, type Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { createProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

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
  try {
    await parse({ cli, args })
  } catch (thrown) {
    // Standard output cannot be written: an error has nowhere else to go.
    await terminal.stderr.write(`souk: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`).catch(() => undefined)
    return EXIT.fault
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
    await cli.fail({ error: await usageError({ thrown, args }), json: asksForJson(args) })
  }
}

/** What follows `--` is the task's. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}

async function usageError({ thrown, args }: { readonly thrown: CommanderError; readonly args: readonly string[] }): Promise<Error & import('../protocol/errors.ts').SoukError> {
  const { SoukError } = await import('../protocol/errors.ts')
  const command = commandOf(args)
  if (thrown.code === 'commander.help') {
    const message = command === '' ? 'No command is given.' : `\`souk ${command}\` needs a command.`
    return new SoukError({ code: 'INVALID_USAGE', message, details: {}, hint: hintOf(command) })
  }
  const [first = '', ...suggestion] = thrown.message.replace(/^error: /, '').split('\n')
  const message = `${first.charAt(0).toUpperCase()}${first.slice(1)}${/[.?!]$/.test(first) ? '' : '.'}${suggestion.map((line) => ` ${line.replace(/^\((.*)\)$/, '$1')}`).join('')}`
  return new SoukError({ code: 'INVALID_USAGE', message, details: {}, hint: hintOf(command), cause: thrown })
}

function hintOf(command: string): string {
  return `See \`souk ${command === '' ? '' : `${command} `}--help\`.`
}
