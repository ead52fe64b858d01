import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Executor } from '../executors/executor.ts'
import type { RuntimeName } from '../protocol/execution.ts'
import { StopReason } from '../executors/executor.ts'
import { blobsOf } from '../protocol/task.ts'
import type { Accounts } from './payments/accounts.ts'
import type { Clock } from './clock.ts'
import { inputHolder, outputHolder } from './journal/holders.ts'
import { jobFolder } from './attempt/job-folder.ts'
import type { Journal } from './journal/journal.ts'
import { outputSizes } from './results/output-log.ts'
import { isSettled, recoveryOf, reduce, type TaskRecord } from './journal/task-state.ts'
import type { TaskTable } from './journal/task-table.ts'
import { trackTask, type TrackedTask } from './journal/tracked-task.ts'

/** The tasks that an earlier process of this node left. */
export interface FoundTasks {
  /** The journal's events, folded: each task as it is now. */
  readonly records: readonly TaskRecord[]
  /** Ids of the running ones that may still be running: their runtime can resume them, and their job folder is there. */
  readonly resumable: ReadonlySet<string>
}

/** Reads the journal and the job folders; changes nothing. */
export async function findTasks(options: {
  readonly journal: Journal
  readonly executors: ReadonlyMap<RuntimeName, Executor>
  readonly workDir: string
}): Promise<FoundTasks> {
  const records = recordsOf(options.journal)
  const resumable = new Set<string>()
  for (const { taskId, state, runtime } of records) {
    if (state !== 'running' || options.executors.get(runtime)?.resume === undefined) continue
    const folder = await stat(jobFolder({ ...options, taskId })).catch(() => undefined)
    if (folder?.isDirectory() === true) resumable.add(taskId)
  }
  return { records, resumable }
}

export interface RecoveredTasks {
  /** Running ones, whose run is to be resumed. */
  readonly toResume: readonly TrackedTask[]
  readonly toRun: readonly TrackedTask[]
}

/**
 * Puts every task that was found back into the table, with its blobs held, and journals what became of those that were interrupted
 * (see {@link recoveryOf}).
 */
export async function recoverTasks(options: {
  readonly found: FoundTasks
  readonly tasks: TaskTable
  readonly store: ArtifactStore
  readonly accounts: Pick<Accounts, 'resume'>
  readonly clock: Clock
  readonly outputDir: string
  readonly logger: Logger
}): Promise<RecoveredTasks> {
  const { tasks, store, clock, logger, found } = options
  const recovered = { toResume: [] as TrackedTask[], toRun: [] as TrackedTask[] }
  for (const record of found.records) {
    const { taskId, requester } = record
    const task = trackTask(record, await outputSizes({ dir: options.outputDir, taskId }))
    tasks.restore(task)
    if (!isSettled(record)) options.accounts.resume(record)
    const recovery = recoveryOf(record, { atMs: clock.nowMs(), resumable: found.resumable.has(taskId) })
    if ('event' in recovery) await tasks.commit({ taskId, decide: () => recovery.event })
    if (recovery.action !== 'keep') logger.info({ taskId, action: recovery.action }, 'task taken up again')
    const now = task.record
    if (!isSettled(now)) {
      store.restore({ holder: inputHolder(taskId), owner: requester, blobs: blobsOf(now.spec) })
      if (now.cancelRequestedAtMs !== undefined) task.cancel.abort(new StopReason('cancelled'))
      recovered[recovery.action === 'resume' ? 'toResume' : 'toRun'].push(task)
    } else if (now.result.kind === 'receipt') {
      const blobs = now.result.receipt.outputs.flatMap((output) => ('sha256' in output ? [output] : []))
      const missing = store.restore({ holder: outputHolder(taskId), owner: requester, blobs })
      if (missing.length > 0) logger.error({ taskId, missing }, 'result files of a finished task are gone')
    }
  }
  return recovered
}

function recordsOf(journal: Journal): readonly TaskRecord[] {
  const records = new Map<string, TaskRecord>()
  for (const event of journal.load()) {
    const next = reduce(records.get(event.taskId), event)
    if (next === undefined) records.delete(event.taskId)
    else records.set(event.taskId, next)
  }
  return [...records.values()]
}
