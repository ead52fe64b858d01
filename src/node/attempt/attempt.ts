import type { Readable, Writable } from 'node:stream'
import {
  StopReason,
  type Executor,
  type Job,
  type LiveUsage,
  type ResumedJob,
  type RuntimeTask,
} from '../../executors/executor.ts'
import type { Execution } from '../../protocol/execution.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Clock } from '../clock.ts'

export interface AttemptOptions {
  readonly executor: Executor
  readonly task: RuntimeTask
  /** Its peer's address. */
  readonly requester: string
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
  /** The task has begun, at this time: its first instruction. */
  readonly onStarted: (atMs: number) => void
  /** Where it is gone on with what an earlier process of this node began. */
  readonly before?: ResumedJob<RuntimeTask>['before'] | undefined
  onUsage(usage: LiveUsage): void
}

export interface Attempt {
  readonly execution: Execution
  readonly startedAtMs: number
  readonly finishedAtMs: number
}

/**
 * One task to one Execution. Wall time lives here and nowhere else: it runs from the task's first
 * instruction, and reaches the executor as one more reason to stop. It runs on while there is no node.
 *
 * Resolves to undefined where nothing is left of a run to go on with.
 *
 * @throws SoukError what the executor rejects with: the task never started, or did not end by its own doing.
 */
export async function runAttempt(options: AttemptOptions): Promise<Attempt | undefined> {
  const { clock, executor, limits, before } = options
  const wall = new AbortController()
  let disarm: (() => void) | undefined
  let startedAtMs = before?.startedAtMs ?? clock.nowMs()
  let budgetMs = limits.wallTimeMs
  const begin = (atMs: number): void => {
    startedAtMs = atMs
    budgetMs = Math.min(limits.wallTimeMs, Math.max(0, options.totalDeadlineMs - atMs))
    // The host's clock may have been set back meanwhile.
    const goneMs = Math.max(0, clock.nowMs() - atMs)
    disarm = clock.setTimeout(() => wall.abort(new StopReason('wallTime')), budgetMs - goneMs)
  }
  const job: Job<RuntimeTask> = {
    task: options.task,
    requester: options.requester,
    limits,
    dir: options.dir,
    stdin: options.stdin,
    stdout: options.stdout,
    stderr: options.stderr,
    signal: AbortSignal.any([options.cancel, options.shutdown, wall.signal]),
    onStarted() {
      begin(clock.nowMs())
      options.onStarted(startedAtMs)
    },
    onUsage: (usage) => options.onUsage(usage),
  }
  try {
    if (before !== undefined) begin(before.startedAtMs)
    const execution = await (before === undefined ? executor.run(job) : executor.resume?.({ ...job, before }))
    if (execution === undefined) return undefined
    const nowMs = clock.nowMs()
    // A task that ended while there was no node ended then.
    const finishedAtMs = before === undefined ? nowMs : Math.min(nowMs, startedAtMs + execution.usage.wallTimeMs)
    return { execution: withOvershoot(execution, budgetMs), startedAtMs, finishedAtMs }
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
