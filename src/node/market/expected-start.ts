import type { Limits } from '../../protocol/limits.ts'
import { demandOf, type Capacity } from '../scheduler/capacity.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'

/** When nothing has run yet, a task is taken to run for this long. */
const FIRST_GUESS_MS = 1000
/** How much of the mean each run is: the latest sixteen or so are most of it. */
const WEIGHT = 1 / 16

/** A guess at how long a task would wait for its slot; the files that it needs first are not in it. */
export interface ExpectedStart {
  /**
   * 0 where nothing waits and it would fit beside what runs. Else as many tasks as would be before it, and one that runs, each as
   * long as tasks ran here lately, over as many slots as there are; never more than the longest that a task may wait.
   */
  ofNext(task: { readonly requester: string; readonly limits: Limits }): number
  /** A task had its slot for this long. */
  ran(durationMs: number): void
}

export function createExpectedStart(options: {
  readonly capacity: Capacity
  readonly scheduler: Pick<Scheduler, 'snapshot' | 'positionOfNext'>
  readonly maxQueueWaitMs: number
}): ExpectedStart {
  const { capacity, scheduler, maxQueueWaitMs } = options
  const { slots } = capacity.total
  let meanMs = FIRST_GUESS_MS
  const fits = (requester: string, limits: Limits): boolean => {
    const reservation = capacity.reserve({ requester, demand: demandOf(limits, capacity.total) })
    if (reservation.reserved) reservation.release()
    return reservation.reserved
  }
  return {
    ofNext({ requester, limits }) {
      if (scheduler.snapshot().queued === 0 && fits(requester, limits)) return 0
      const before = scheduler.positionOfNext(requester) + 1
      return Math.min(maxQueueWaitMs, Math.ceil((before * meanMs) / slots))
    },
    ran(durationMs) {
      meanMs += (durationMs - meanMs) * WEIGHT
    },
  }
}
