import type { PreparingProgress } from '../../protocol/events.ts'
import type { Clock } from '../clock.ts'
import type { TrackedTask } from '../journal/tracked-task.ts'

/** Between two words of progress: a person reads no faster, and each goes to every follower. */
const PROGRESS_INTERVAL_MS = 250

/**
 * Tells the followers of a task how far what it needs has come, a few times a second: at once where something else is
 * fetched or all of it is there, and that nothing is fetched any more.
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
