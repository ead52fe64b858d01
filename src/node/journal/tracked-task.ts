import type { Prepared } from '../../executors/executor.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { OutputOffsets, PreparingProgress, TaskSummary } from '../../protocol/events.ts'
import type { RunningUsage } from '../../protocol/node-status.ts'
import { createChangeSignal, type ChangeSignal } from './change-signal.ts'
import { isSettled, summaryOf, type LiveTask, type TaskRecord } from './task-state.ts'

/** A task of this node: its journaled record, and the state that only this process has of it. */
export interface TrackedTask {
  record: TaskRecord
  /** How far its inputs, or its image, have been fetched; set while they are. */
  preparing?: PreparingProgress | undefined
  /** Holds what it needs of this host besides its inputs (an image) until it is settled. */
  prepared?: Prepared | undefined
  /** Set while it runs, if its runtime reports usage. */
  usage?: RunningUsage | undefined
  /** The total charge of its channel just after this task was charged to it. Its output is released once that much was received. */
  dueWei?: bigint | undefined
  /** Bytes of output that can be read. */
  sizes: OutputOffsets
  readonly changes: ChangeSignal
  /** Resolves when the last commit of this task is through. Commits are chained on it, one after the other; it never rejects. */
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

/** The record of a task that has not ended. @throws SoukError INTERNAL if it has. */
export function liveRecord({ record }: TrackedTask): LiveTask {
  if (!isSettled(record)) return record
  const reason = 'a settled task cannot be queued'
  throw new SoukError({ code: 'INTERNAL', message: `Task ${record.taskId}: ${reason}`, details: { reason } })
}
