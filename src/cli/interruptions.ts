const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type InterruptingSignal = (typeof SIGNALS)[number]

export interface Interruptions {
  /** The first signal: to end in an orderly way. Its reason is an Interruption. */
  readonly first: AbortSignal
  /** The second: to end at once. A third one ends the process as if nobody had listened. */
  readonly second: AbortSignal
  dispose(): void
}

/** Why a command ends before its time. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly signal: InterruptingSignal

  constructor(signal: InterruptingSignal) {
    super(`interrupted by ${signal}`)
    this.signal = signal
  }
}

/** Listens for Ctrl-C, TERM and hang-up from now on. A hang-up is both signals in one: nobody is there to send a second. */
export function listenForInterruptions(): Interruptions {
  const first = new AbortController()
  const second = new AbortController()
  const onSignal = (signal: InterruptingSignal): void => {
    const atOnce = first.signal.aborted || signal === 'SIGHUP'
    // In this order: whoever is told of the first one sees whether it is the second as well.
    if (atOnce) second.abort(new Interruption(signal))
    first.abort(new Interruption(signal))
    if (atOnce) dispose()
  }
  const dispose = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return { first: first.signal, second: second.signal, dispose }
}
