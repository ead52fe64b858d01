import type { LiveUsage } from '../../executors/executor.ts'
import type { RunningTask, RunningUsage } from '../../protocol/node-status.ts'
import type { TrackedTask } from '../journal/tracked-task.ts'

/** What a task uses now, with the cores that it has used on average since `before`. */
export function nextUsage({
  before,
  usage,
  atMs,
}: {
  readonly before: RunningUsage | undefined
  readonly usage: LiveUsage
  readonly atMs: number
}): RunningUsage {
  if (before === undefined) return { ...usage, atMs }
  // The host's clock may be set back meanwhile.
  const passedMs = Math.max(1, atMs - before.atMs)
  const cpuCores = Math.max(0, usage.cpuTimeMs - before.cpuTimeMs) / passedMs
  return { ...usage, atMs, cpuCores: Math.round(cpuCores * 100) / 100 }
}

/** What runs, in the order in which it was accepted. */
export function runningTasksOf(tasks: Iterable<TrackedTask>): readonly RunningTask[] {
  return [...tasks].flatMap(({ record, usage }) => {
    if (record.state !== 'running' || record.startedAtMs === undefined) return []
    const { taskId, requester, runtime, name, startedAtMs, limits } = record
    return [{ taskId, name, requester, runtime, startedAtMs, limits, ...(usage !== undefined && { usage }) }]
  })
}
