import type { SoukError } from '../protocol/errors.ts'
import { EXIT, exitCodeOfError } from './exit-code.ts'
import { soukHome, type SoukHome } from './souk-home.ts'
import { UnwritableError, type Terminal } from './render/terminal.ts'

/** What every command works with. */
export interface Cli {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  readonly home: SoukHome
  /**
   * Runs a command's work, which returns the exit code; what it throws is printed in the form asked for.
   * The code is kept for the end of the process.
   */
  perform(options: Performance): Promise<void>
  /** Prints an error in the form asked for. */
  fail(options: { readonly error: SoukError; readonly json: boolean }): Promise<void>
  /** What the process ends with. */
  exitCode: number
  /** What it ends with where the command that runs is struck by a bug. */
  failureCode: number
}

interface Performance {
  readonly json: boolean | undefined
  /** What an error exits with that is neither usage nor cancellation. */
  readonly failureCode: number
  readonly work: () => Promise<number>
}

export function createCli({ version, env, terminal }: Pick<Cli, 'version' | 'env' | 'terminal'>): Cli {
  const cli: Cli = {
    version,
    env,
    terminal,
    home: soukHome(env),
    exitCode: EXIT.success,
    failureCode: EXIT.failure,

    async perform({ json = false, failureCode, work }) {
      cli.failureCode = failureCode
      try {
        cli.exitCode = await work()
      } catch (thrown) {
        // There is nowhere to print it to.
        if (thrown instanceof UnwritableError) throw thrown
        const { SoukError } = await import('../protocol/errors.ts')
        const error = SoukError.from(thrown)
        cli.exitCode = exitCodeOfError({ error, otherwise: failureCode })
        await cli.fail({ error, json })
      }
    },

    async fail({ error, json }) {
      const { stdout, stderr } = terminal
      if (env['SOUK_DEBUG'] === '1') await stderr.write(`${debugText(error)}\n`)
      if (json) {
        const { writeJson } = await import('./json-output.ts')
        await writeJson({ stdout, document: { error: error.toJSON() } })
      } else {
        const { errorLines } = await import('./render/error-text.ts')
        await stderr.write(`${errorLines({ error: error.toJSON(), colors: stderr.colors }).join('\n')}\n`)
      }
    },
  }
  return cli
}

function debugText(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${debugText(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
