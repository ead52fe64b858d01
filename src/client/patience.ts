import { setTimeout as sleep } from 'node:timers/promises'
import { SoukError } from '../protocol/errors.ts'

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000

export interface PatienceOptions {
  /** How long a run of failures may last before it is given up. */
  readonly timeoutMs: number
  /** Aborts when nobody wants the connection any more. */
  readonly closed: AbortSignal
  readonly signal?: AbortSignal
}

/**
 * How one operation bears with a broken connection: it waits a little longer after each failure in a row, with some
 * chance in it so that many do not come back at the same instant, and gives up when no progress was made for too long.
 */
export class Patience {
  readonly #options: PatienceOptions
  #failures = 0
  #sinceMs = 0

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** Something came through: the next failure is a first one. */
  progress(): void {
    this.#failures = 0
  }

  /**
   * Resolves when it is time to try again.
   * @throws what failed, where it is not the network's passing fault; CONNECTION_LOST where it went on for too long;
   *   the signal's reason.
   */
  async afterFailure(thrown: unknown): Promise<void> {
    const { timeoutMs, closed, signal } = this.#options
    signal?.throwIfAborted()
    if (closed.aborted || !isPassing(thrown)) throw thrown
    const nowMs = performance.now()
    if (this.#failures === 0) this.#sinceMs = nowMs
    const leftMs = timeoutMs - (nowMs - this.#sinceMs)
    if (leftMs <= 0) throw givenUp(thrown, timeoutMs)
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures)
    this.#failures += 1
    const waitMs = Math.min(leftMs, delayMs * (0.5 + Math.random() / 2))
    const stop = signal === undefined ? closed : AbortSignal.any([closed, signal])
    await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined)
    signal?.throwIfAborted()
    if (closed.aborted) throw thrown
  }
}

/** A lost connection, or a provider that cannot be reached for now. */
function isPassing(thrown: unknown): thrown is SoukError {
  return (
    thrown instanceof SoukError &&
    thrown.retryable &&
    (thrown.code === 'CONNECTION_LOST' || thrown.code === 'UNREACHABLE')
  )
}

function givenUp(last: SoukError, timeoutMs: number): SoukError<'CONNECTION_LOST'> {
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: `The connection broke and did not come back within ${timeoutMs / 1000} s: ${last.message}`,
    details: 'address' in last.details && last.details.address !== undefined ? { address: last.details.address } : {},
    cause: last,
  })
}
