import type { Prepared } from '../../executors/executor.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { OutputOffsets, PreparingProgress, TaskSummary } from '../../protocol/events.ts'
import type { RunningUsage } from '../../protocol/node-status.ts'
import { createChangeSignal, type ChangeSignal } from './change-signal.ts'
import { isSettled, summaryOf, type LiveTask, type TaskRecord } from './task-state.ts'

/** A task of this node: what the journal says of it, and what only this process knows. */
export interface TrackedTask {
  record: TaskRecord
  /** While inputs are being fetched, or something else that it needs: an image. */
  preparing?: PreparingProgress | undefined
  /** What it needs of this host besides, held until it is settled. */
  prepared?: Prepared | undefined
  /** While it runs, where its runtime tells. */
  usage?: RunningUsage | undefined
  /** What its channel was charged with, all told, once it was: its output goes out when that much is received. */
  dueWei?: bigint | undefined
  /** Output that can be read. */
  sizes: OutputOffsets
  readonly changes: ChangeSignal
  /** Settles, and never rejects, when no event of this task is on its way into the journal: one follows the other. */
  lastCommit: Promise<unknown>
  /** Aborted by the requester's cancellation, with a StopReason. */
  readonly cancel: AbortController
}

export function trackTask(record: TaskRecord, sizes: OutputOffsets = { stdout: 0, stderr: 0 }): TrackedTask {
  return { record, sizes, changes: createChangeSignal(), lastCommit: Promise.resolve(), cancel: new AbortController() }
}

/** One line of a task list. */
export function summaryOfTracked({ record, sizes, preparing }: TrackedTask): TaskSummary {
  return summaryOf(record, {
    stdoutBytes: sizes.stdout,
    stderrBytes: sizes.stderr,
    preparing: preparing !== undefined,
  })
}

/** A task that has not ended. @throws SoukError INTERNAL where it has. */
export function liveRecord({ record }: TrackedTask): LiveTask {
  if (!isSettled(record)) return record
  const reason = 'a settled task cannot be queued'
  throw new SoukError({ code: 'INTERNAL', message: `Task ${record.taskId}: ${reason}`, details: { reason } })
}
