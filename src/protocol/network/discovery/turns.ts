import { setTimeout as delay } from 'node:timers/promises'

/** Of the time that this work takes together, so many times as long is left to everything else. */
const REST = 4
/** Shorter rests are saved up: timers are no more exact. */
const LEAST_REST_MS = 2
/** Longer ones come of a machine that had something else to do while the work was under way. */
const LONGEST_REST_MS = 100

/**
 * Work that strangers may ask for without end and that costs them nothing: one piece after the other, never more than a fifth of this process's time, and of
 * those who wait each has one piece done in turn, however much one of them has asked for.
 */
export class Turns {
  /** What waits, by whom it is for; who has had a turn goes to the end. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #running = false

  /** @throws what `work` throws */
  take<T>(who: string, work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const piece = (): void => {
      try {
        resolve(work())
      } catch (thrown) {
        reject(thrown)
      }
    }
    const own = this.#waiting.get(who)
    if (own === undefined) this.#waiting.set(who, [piece])
    else own.push(piece)
    if (!this.#running) void this.#run()
    return promise
  }

  async #run(): Promise<void> {
    this.#running = true
    let restMs = 0
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const startMs = performance.now()
      next()
      restMs += REST * (performance.now() - startMs)
      if (restMs < LEAST_REST_MS) continue
      await delay(Math.min(restMs, LONGEST_REST_MS))
      restMs = 0
    }
    this.#running = false
  }

  #next(): (() => void) | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const [who, pieces] = first
    const piece = pieces.shift()
    this.#waiting.delete(who)
    if (pieces.length > 0) this.#waiting.set(who, pieces)
    return piece
  }
}
