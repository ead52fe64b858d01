export interface Place {
  /** From 0: there is one item at a time in each. */
  readonly lane: number
  /** Whether others may run meanwhile. */
  readonly accompanied: boolean
}

/** Runs items in their order, each in the first lane that is free. */
export async function runInLanes<T>(request: {
  readonly items: readonly T[]
  readonly lanes: number
  readonly run: (item: T, place: Place) => Promise<void>
}): Promise<void> {
  const { items, lanes, run } = request
  const waiting = [...items]
  const count = Math.min(lanes, waiting.length)
  const work = async (lane: number): Promise<void> => {
    while (waiting.length > 0) await run(waiting.shift() as T, { lane, accompanied: count > 1 })
  }
  await Promise.all(Array.from({ length: count }, (_, lane) => work(lane)))
}
