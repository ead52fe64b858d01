/** Time as the node sees it: a port, so that deadlines can be tested without waiting for them. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Calls back once after `delayMs`, unless the returned function is called first. */
  setTimeout(callback: () => void, delayMs: number): () => void
}

/** The longest delay that Node's timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS))
    return () => clearTimeout(timer)
  },
}
