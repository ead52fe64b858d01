export interface LaneItem {
  /** Whether nothing else may run meanwhile. */
  readonly alone: boolean
}

export interface Place {
  /** From 0: there is one item at a time in each. */
  readonly lane: number
  /** Whether others may run meanwhile. */
  readonly accompanied: boolean
}

/**
 * Runs items in their order, each in the first lane that is free. One that has to be alone waits for those before it, and
 * those after it wait for it.
 */
export async function runInLanes<T extends LaneItem>(request: {
  readonly items: readonly T[]
  readonly lanes: number
  readonly run: (item: T, place: Place) => Promise<void>
}): Promise<void> {
  const { items, lanes, run } = request
  const waiting = [...items]
  while (waiting.length > 0) {
    const alone = waiting.findIndex((item) => item.alone)
    const together = waiting.splice(0, alone === -1 ? waiting.length : Math.max(1, alone))
    const count = Math.min(lanes, together.length)
    const work = async (lane: number): Promise<void> => {
      for (let item = together.shift(); item !== undefined; item = together.shift())
        await run(item, { lane, accompanied: count > 1 })
    }
    await Promise.all(Array.from({ length: count }, (_, lane) => work(lane)))
  }
}
