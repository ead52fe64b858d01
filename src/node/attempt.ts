import type { Readable, Writable } from 'node:stream'
import { StopReason, type Executor, type LiveUsage, type RuntimeTask } from '../executors/executor.ts'
import type { Execution } from '../protocol/execution.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Clock } from './clock.ts'

export interface AttemptOptions {
  readonly executor: Executor
  readonly task: RuntimeTask
  readonly limits: Limits
  readonly dir: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Aborted with StopReason `cancelled` by the requester, `shutdown` by the provider. */
  readonly cancel: AbortSignal
  readonly shutdown: AbortSignal
  /** Epoch milliseconds; what is left until then bounds the wall time. */
  readonly totalDeadlineMs: number
  readonly clock: Clock
  onUsage(usage: LiveUsage): void
}

export interface Attempt {
  readonly execution: Execution
  readonly startedAtMs: number
  readonly finishedAtMs: number
}

/**
 * One task to one Execution. Wall time lives here and nowhere else: it runs from the task's first
 * instruction, and reaches the executor as one more reason to stop.
 *
 * @throws SoukError what the executor rejects with: the task never started, or did not end by its own doing.
 */
export async function runAttempt(options: AttemptOptions): Promise<Attempt> {
  const { clock, limits } = options
  const wall = new AbortController()
  let disarm: (() => void) | undefined
  let startedAtMs = clock.nowMs()
  let budgetMs = limits.wallTimeMs
  try {
    const execution = await options.executor.run({
      task: options.task,
      limits,
      dir: options.dir,
      stdin: options.stdin,
      stdout: options.stdout,
      stderr: options.stderr,
      signal: AbortSignal.any([options.cancel, options.shutdown, wall.signal]),
      onStarted() {
        startedAtMs = clock.nowMs()
        budgetMs = Math.min(limits.wallTimeMs, Math.max(0, options.totalDeadlineMs - startedAtMs))
        disarm = clock.setTimeout(() => wall.abort(new StopReason('wallTime')), budgetMs)
      },
      onUsage: (usage) => options.onUsage(usage),
    })
    return { execution: withOvershoot(execution, budgetMs), startedAtMs, finishedAtMs: clock.nowMs() }
  } finally {
    disarm?.()
    options.stdin.destroy()
  }
}

/** What wall time a task had is known here alone: less than its limit where all of its time, queued and running, ran out. */
function withOvershoot(execution: Execution, budgetMs: number): Execution {
  const { outcome, usage } = execution
  if (outcome.kind !== 'limit' || outcome.limit !== 'wallTime') return execution
  return { ...execution, usage: { ...usage, overshootMs: Math.max(0, usage.wallTimeMs - budgetMs) } }
}
