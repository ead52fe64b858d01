/** One who waits for a piece of work. */
export interface Waiter<P> {
  readonly signal: AbortSignal
  readonly onProgress: (progress: P) => void
}

export type Work<T, P> = (context: Waiter<P>) => Promise<T>

interface Waiting<T, P> extends Waiter<P> {
  readonly resolve: (result: T) => void
  readonly reject: (reason: unknown) => void
}

interface UnderWay<T, P> {
  readonly waiting: Set<Waiting<T, P>>
  readonly controller: AbortController
  progress?: P
}

/** Work that is done once for all who want it at the same time. */
export class SharedWork<T, P> {
  readonly #underWay = new Map<string, UnderWay<T, P>>()
  readonly #ending = new Set<Promise<void>>()

  /**
   * Does `work`, or waits for what another has begun under the same key. Who goes away ends it for nobody else; when the
   * last one goes, it is aborted.
   *
   * @throws what the work fails with; or the reason of the waiter's own signal, at once.
   */
  async join(key: string, waiter: Waiter<P>, work: Work<T, P>): Promise<T> {
    waiter.signal.throwIfAborted()
    const joined = this.#underWay.get(key) ?? this.#begin(key, work)
    if (joined.progress !== undefined) waiter.onProgress(joined.progress)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiter.signal.removeEventListener('abort', abort)
        joined.waiting.delete(waiting)
      }
      const abort = (): void => {
        waiting.reject(waiter.signal.reason)
        if (joined.waiting.size > 0) return
        // Who comes from now on begins anew.
        if (this.#underWay.get(key) === joined) this.#underWay.delete(key)
        joined.controller.abort(waiter.signal.reason)
      }
      const waiting: Waiting<T, P> = {
        ...waiter,
        resolve(result) {
          leave()
          resolve(result)
        },
        reject(reason) {
          leave()
          reject(reason)
        },
      }
      waiter.signal.addEventListener('abort', abort, { once: true })
      joined.waiting.add(waiting)
    })
  }

  /** Ends what is under way; resolves when nothing is. */
  async close(reason: Error): Promise<void> {
    for (const { waiting, controller } of this.#underWay.values()) {
      for (const each of waiting) each.reject(reason)
      controller.abort(reason)
    }
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  #begin(key: string, work: Work<T, P>): UnderWay<T, P> {
    const waiting = new Set<Waiting<T, P>>()
    const controller = new AbortController()
    const begun: UnderWay<T, P> = { waiting, controller }
    this.#underWay.set(key, begun)
    const onProgress = (progress: P): void => {
      begun.progress = progress
      for (const each of waiting) each.onProgress(progress)
    }
    // Not before whoever begins it waits for it.
    const ended = Promise.resolve()
      .then(() => work({ signal: controller.signal, onProgress }))
      .finally(() => {
        if (this.#underWay.get(key) === begun) this.#underWay.delete(key)
      })
      .then(
        (result) => {
          for (const each of waiting) each.resolve(result)
        },
        (reason: unknown) => {
          for (const each of waiting) each.reject(reason)
        },
      )
      .finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
    return begun
  }
}

/** Lets so many go on at once, and the others wait for their turn. */
export class Turns {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** @throws what `work` fails with; the signal's reason, where that comes before its turn. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal)
    try {
      return await work()
    } finally {
      this.#free += 1
      this.#next()
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        this.#queue.splice(this.#queue.indexOf(begin), 1)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#queue.push(begin)
      this.#next()
    })
  }

  #next(): void {
    if (this.#free === 0) return
    const begin = this.#queue.shift()
    if (begin === undefined) return
    this.#free -= 1
    begin()
  }
}
