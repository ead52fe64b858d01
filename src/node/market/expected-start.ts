import type { Limits } from '../../protocol/limits.ts'
import { demandOf, type Capacity } from '../scheduler/capacity.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'

/** The assumed duration of a task before anything has run. */
const FIRST_GUESS_MS = 1000
/** Of each run in the exponential moving average: about the latest sixteen runs make up most of it. */
const WEIGHT = 1 / 16

/** Estimates how long a task would wait for its slot, apart from fetching its inputs. */
export interface ExpectedStart {
  /**
   * In milliseconds: 0 if nothing waits and the task would fit beside what runs. Otherwise (tasks ahead of it + 1) × mean duration of
   * recent runs / slots, at most the longest that a task may wait.
   */
  ofNext(task: { readonly requester: string; readonly limits: Limits }): number
  /** Notes that a task has held its slot for this long. */
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
