import { SoukError } from '../../protocol/errors.ts'
import { containerFailed, dockerUnavailable } from './failures.ts'

/** The engine did not answer in time. */
export class EngineTimeout extends Error {
  override readonly name = 'EngineTimeout'
}

/** System errors by which a Unix socket says that nobody answers there, or nobody any more (connect(2), read(2)). */
const GONE = new Set(['ECONNREFUSED', 'ENOENT', 'EACCES', 'EPERM', 'ECONNRESET', 'EPIPE', 'ENOTSOCK', 'ECONNABORTED'])

/** Whether a call failed because the engine was not there, rather than that it refused. */
export function isEngineGone(error: unknown): boolean {
  return error instanceof EngineTimeout || GONE.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}

/** The engine's HTTP status, where it answered with an error. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** Why no engine answers on a socket, and what to do, in a sentence for the operator. */
export function whyGone(error: unknown, socketPath: string): string {
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'ENOENT':
      return `there is no engine at ${socketPath}; install Docker (Debian: apt-get install docker.io) or name its socket in the configuration.`
    case 'ECONNREFUSED':
      return `no engine answers on ${socketPath}; start it (systemctl start docker).`
    case 'EACCES':
    case 'EPERM':
      return `${socketPath} may not be opened by this user; add the user to the group of the socket.`
    default:
      return `the engine on ${socketPath} does not answer: ${messageOf(error)}.`
  }
}

/** What a failed call means for the task that needed it: always the provider's fault, and worth another try. */
export function engineFailure({
  doing,
  error,
  socketPath,
}: {
  /** What was being done, as in `creating the container`. */
  readonly doing: string
  readonly error: unknown
  readonly socketPath: string
}): SoukError {
  if (error instanceof SoukError) return error as SoukError
  return isEngineGone(error)
    ? dockerUnavailable(whyGone(error, socketPath), error)
    : containerFailed(`${doing}: ${messageOf(error)}`, error)
}

/** The engine's own words, on one line, without the prefix of its HTTP status. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 500)
}
