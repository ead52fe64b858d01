/**
 * Wakes those who wait for something to change. A waiter names the version it has seen, so that a change
 * between looking and waiting is never missed.
 */
export interface ChangeSignal {
  readonly version: number
  notify(): void
  /** Resolves once `version` is past `seen`, or when `signal` aborts; never rejects. */
  after(seen: number, options: { readonly signal: AbortSignal }): Promise<void>
}

export function createChangeSignal(): ChangeSignal {
  let version = 0
  const waiters = new Set<() => void>()
  return {
    get version() {
      return version
    },
    notify() {
      version += 1
      for (const wake of [...waiters]) wake()
    },
    after(seen, { signal }) {
      if (version > seen || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          waiters.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiters.add(wake)
        signal.addEventListener('abort', wake)
      })
    },
  }
}
