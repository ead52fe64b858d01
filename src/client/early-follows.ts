import type { TaskEvent } from '../protocol/events.ts'

/** The most follows that may wait for somebody to want them; each buffers no more than its credit. */
const MOST_UNCLAIMED = 64
/** A task whose events nobody has asked for by then is followed only when somebody does. */
const UNCLAIMED_MS = 5_000

/**
 * Follows that were asked for together with the submission, which saves a round trip to the first event. Only so many
 * at once, and only for a while: a thousand tasks may be submitted before the first result is waited for.
 */
export class EarlyFollows {
  #unclaimed = 0

  /** A place for one more, or undefined where there is none. */
  begin(): EarlyFollow | undefined {
    if (this.#unclaimed >= MOST_UNCLAIMED) return undefined
    this.#unclaimed += 1
    return new EarlyFollow(() => {
      this.#unclaimed -= 1
    })
  }
}

/** One follow that goes with a submission. */
export class EarlyFollow {
  readonly #abort = new AbortController()
  readonly #release: () => void
  #claimable = true
  #events: AsyncIterable<TaskEvent> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(release: () => void) {
    this.#release = release
  }

  /** Ends submission and follow when it aborts. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The task is accepted, and these are its events. */
  keep(events: AsyncIterable<TaskEvent>): void {
    this.#events = events
    this.#timer = setTimeout(() => this.end(new Error('nobody asked for the events')), UNCLAIMED_MS).unref()
  }

  /** The events, for the first who wants them from the beginning; they end with the signal's reason when it aborts. */
  take(signal?: AbortSignal): AsyncIterable<TaskEvent> | undefined {
    const events = this.#events
    if (!this.#claimable || events === undefined) return undefined
    this.#unclaim()
    return this.#until(events, signal)
  }

  /** No submission came of it, or nobody wants the events. */
  end(reason: unknown): void {
    if (!this.#claimable) return
    this.#unclaim()
    this.#abort.abort(reason)
    // A generator notices that it is over only when it is asked for something.
    this.#events?.[Symbol.asyncIterator]()
      .next()
      .catch(() => undefined)
  }

  #unclaim(): void {
    this.#claimable = false
    clearTimeout(this.#timer)
    this.#release()
  }

  async *#until(
    events: AsyncIterable<TaskEvent>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<TaskEvent, void, undefined> {
    const onAbort = (): void => this.#abort.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal?.aborted) onAbort()
      yield* events
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
