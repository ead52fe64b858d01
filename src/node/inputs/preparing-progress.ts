import type { PreparingProgress } from '../../protocol/events.ts'
import type { Clock } from '../clock.ts'
import type { TrackedTask } from '../journal/tracked-task.ts'

/** Between two progress events, each of which goes to every follower: a person reads no faster. */
const PROGRESS_INTERVAL_MS = 250

/**
 * Returns a function that tells a task's followers how far its preparation is: a few times a second, and at once when something else
 * begins to be fetched, when a fetch is complete, and when there is nothing left to fetch (`undefined`).
 */
export function preparationTeller({ task, clock }: { readonly task: TrackedTask; readonly clock: Clock }) {
  let toldAtMs = -Infinity
  return (preparation: PreparingProgress | undefined): void => {
    const nowMs = clock.nowMs()
    const isNews =
      preparation === undefined ||
      preparation.what !== task.preparing?.what ||
      preparation.fetchedBytes >= preparation.totalBytes
    if (!isNews && Math.abs(nowMs - toldAtMs) < PROGRESS_INTERVAL_MS) return
    toldAtMs = nowMs
    task.preparing = preparation
    task.changes.notify()
  }
}
