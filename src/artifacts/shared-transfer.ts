import type { Source } from './receive.ts'

/** One who waits for a transfer, and could feed it. */
export interface Waiter {
  readonly source: Source
  readonly signal: AbortSignal
  readonly onProgress?: (progress: { readonly fetchedBytes: number }) => void
}

/** One try: brings the blob in from a source. */
export type Run = (request: {
  readonly source: Source
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly fetchedBytes: number }) => void
}) => Promise<void>

interface Waiting extends Waiter {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * One transfer for all who want the same blob. It is fed by the source of the first; when that fails because
 * its waiter is gone, the next one's goes on from there. It ends when nobody waits any more.
 */
export class SharedTransfer {
  readonly #run: Run
  readonly #onEnd: () => void
  readonly #waiting = new Set<Waiting>()
  #controller = new AbortController()

  /** `onEnd` is called in the very moment in which nobody waits any more: from then on, nobody may join. */
  constructor({ run, onEnd }: { readonly run: Run; readonly onEnd: () => void }) {
    this.#run = run
    this.#onEnd = onEnd
  }

  /** Resolves when the blob is there; rejects with the transfer's failure, or with the reason of the waiter's own signal. */
  join(waiter: Waiter): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiter.signal.removeEventListener('abort', abort)
        this.#waiting.delete(waiting)
      }
      const waiting: Waiting = {
        ...waiter,
        resolve: () => {
          leave()
          resolve()
        },
        reject: (reason) => {
          leave()
          reject(reason)
        },
      }
      const abort = (): void => {
        waiting.reject(waiter.signal.reason as Error)
        if (this.#waiting.size === 0) this.#controller.abort(waiter.signal.reason)
      }
      if (waiter.signal.aborted) return reject(waiter.signal.reason as Error)
      waiter.signal.addEventListener('abort', abort, { once: true })
      this.#waiting.add(waiting)
    })
  }

  /** Runs until all who have joined have their answer; those who join in the meantime get it too. Never rejects. */
  async settle(): Promise<void> {
    for (;;) {
      const [supplier] = this.#waiting
      if (supplier === undefined) return this.#onEnd()
      this.#controller = new AbortController()
      try {
        await this.#run({
          source: supplier.source,
          signal: this.#controller.signal,
          onProgress: (progress) => this.#tell(progress),
        })
        for (const waiting of this.#waiting) waiting.resolve()
      } catch (reason) {
        // A source often ends with the signal of the waiter that brought it: that is no reason for the others.
        if (this.#waiting.has(supplier)) for (const waiting of this.#waiting) waiting.reject(reason as Error)
      }
    }
  }

  /** Ends the transfer for all who wait. */
  abort(reason: Error): void {
    for (const waiting of this.#waiting) waiting.reject(reason)
    this.#controller.abort(reason)
  }

  #tell(progress: { readonly fetchedBytes: number }): void {
    for (const waiting of this.#waiting) waiting.onProgress?.(progress)
  }
}
