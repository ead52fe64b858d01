import type { Logger } from 'pino'
import type { ArtifactStore } from '../artifacts/store.ts'
import { blobsOf } from '../protocol/task.ts'
import type { Clock } from './clock.ts'
import { inputHolder, outputHolder } from './holders.ts'
import type { Journal } from './journal.ts'
import { outputSizes } from './output-log.ts'
import { isSettled, recoveryOf, reduce, type TaskRecord } from './task-state.ts'
import type { TaskTable } from './task-table.ts'
import { trackTask, type TrackedTask } from './tracked-task.ts'

/**
 * Takes up what the journal has: every task is in the table again, with its blobs held; those that were running
 * are settled or put back. Resolves to the tasks that are to run.
 */
export async function recoverTasks(options: {
  readonly journal: Journal
  readonly tasks: TaskTable
  readonly store: ArtifactStore
  readonly clock: Clock
  readonly outputDir: string
  readonly logger: Logger
}): Promise<readonly TrackedTask[]> {
  const { tasks, store, clock, logger } = options
  const toRun: TrackedTask[] = []
  for (const record of recordsOf(options.journal)) {
    const { taskId, requester } = record
    const task = trackTask(record, await outputSizes({ dir: options.outputDir, taskId }))
    tasks.restore(task)
    const recovery = recoveryOf(record, { atMs: clock.nowMs() })
    if ('event' in recovery) await tasks.commit({ taskId, decide: () => recovery.event })
    if (recovery.action !== 'keep') logger.info({ taskId, action: recovery.action }, 'task taken up again')
    const now = task.record
    if (!isSettled(now)) {
      store.restore({ holder: inputHolder(taskId), owner: requester, blobs: blobsOf(now.spec) })
      toRun.push(task)
    } else if (now.result.kind === 'receipt') {
      const blobs = now.result.receipt.outputs.flatMap((output) => ('sha256' in output ? [output] : []))
      const missing = store.restore({ holder: outputHolder(taskId), owner: requester, blobs })
      if (missing.length > 0) logger.error({ taskId, missing }, 'result files of a finished task are gone')
    }
  }
  return toRun
}

/** The journal's events, folded: each task as it is now. */
function recordsOf(journal: Journal): Iterable<TaskRecord> {
  const records = new Map<string, TaskRecord>()
  for (const event of journal.load()) {
    const next = reduce(records.get(event.taskId), event)
    if (next === undefined) records.delete(event.taskId)
    else records.set(event.taskId, next)
  }
  return records.values()
}
