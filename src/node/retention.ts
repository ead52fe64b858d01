import type { Logger } from 'pino'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Clock } from './clock.ts'
import { outputHolder } from './holders.ts'
import { removeOutput } from './output-log.ts'
import { isSettled, type SettledTask } from './task-state.ts'
import type { TaskTable } from './task-table.ts'

export interface RetentionPolicy {
  /** How long a settled task, its output and its result files are kept. */
  readonly resultsMs: number
  /** At most so many settled tasks are kept; the oldest go first. */
  readonly maxResults: number
}

const SWEEP_INTERVAL_MS = 10_000

export interface RetentionOptions {
  readonly tasks: TaskTable
  readonly store: ArtifactStore
  readonly policy: RetentionPolicy
  readonly clock: Clock
  readonly outputDir: string
  readonly logger: Logger
}

/** The settled tasks that are past their time, or past the number that is kept, oldest first. */
export function expiredTasks(options: {
  readonly settled: readonly SettledTask[]
  readonly policy: RetentionPolicy
  readonly nowMs: number
}): readonly SettledTask[] {
  const { settled, policy, nowMs } = options
  const oldestFirst = settled.toSorted((a, b) => a.finishedAtMs - b.finishedAtMs)
  const surplus = Math.max(0, oldestFirst.length - policy.maxResults)
  return oldestFirst.filter((task, index) => index < surplus || task.finishedAtMs + policy.resultsMs <= nowMs)
}

/** Removes what is expired now, and every few seconds from now on. The returned function ends it. */
export function startRetention(options: RetentionOptions): () => void {
  const { clock, logger } = options
  let stopped = false
  let disarm: () => void = () => {}

  async function sweep(): Promise<void> {
    try {
      const settled: SettledTask[] = []
      for (const { record } of options.tasks.all()) if (isSettled(record)) settled.push(record)
      for (const task of expiredTasks({ settled, policy: options.policy, nowMs: clock.nowMs() })) {
        if (stopped) return
        await remove(task.taskId)
      }
    } catch (error) {
      logger.error({ err: error }, 'removing old results failed')
    }
    if (!stopped) disarm = clock.setTimeout(() => void sweep(), SWEEP_INTERVAL_MS)
  }

  async function remove(taskId: string): Promise<void> {
    await options.tasks.commit({ taskId, decide: () => ({ kind: 'removed', taskId, atMs: clock.nowMs() }) })
    options.store.release({ holder: outputHolder(taskId) })
    await removeOutput({ dir: options.outputDir, taskId })
    logger.debug({ taskId }, 'old result removed')
  }

  disarm = clock.setTimeout(() => void sweep(), SWEEP_INTERVAL_MS)
  return () => {
    stopped = true
    disarm()
  }
}
