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
  /** The Ethereum address of the peer that submitted it. */
  readonly requester: string
  readonly limits: Limits
  readonly dir: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Aborted with StopReason `cancelled` by the requester, `shutdown` by the provider. */
  readonly cancel: AbortSignal
  readonly shutdown: AbortSignal
  /** Epoch milliseconds. The wall time is cut to what is left until then. */
  readonly totalDeadlineMs: number
  readonly clock: Clock
  /** The task's first instruction ran at this time, in epoch milliseconds. */
  readonly onStarted: (atMs: number) => void
  /** Set to resume an attempt that an earlier process of this node began. */
  readonly before?: ResumedJob<RuntimeTask>['before'] | undefined
  onUsage(usage: LiveUsage): void
}

export interface Attempt {
  readonly execution: Execution
  readonly startedAtMs: number
  readonly finishedAtMs: number
}

/**
 * Runs one task, or resumes it, to one Execution. Wall time is measured here and nowhere else: it counts from the task's first
 * instruction, also while no node is there, and reaches the executor as an abort of the job's signal.
 *
 * Resolves to undefined where nothing is left of a run that was to be resumed.
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
    // A task may have ended while no node was there: then it ended when its wall time says, and not now.
    const finishedAtMs = before === undefined ? nowMs : Math.min(nowMs, startedAtMs + execution.usage.wallTimeMs)
    return { execution: withOvershoot(execution, budgetMs), startedAtMs, finishedAtMs }
  } finally {
    disarm?.()
    options.stdin.destroy()
  }
}

/** Only here is it known how much wall time the task was allowed, as the total deadline may have cut it: so the overshoot is set here. */
function withOvershoot(execution: Execution, budgetMs: number): Execution {
  const { outcome, usage } = execution
  if (outcome.kind !== 'limit' || outcome.limit !== 'wallTime') return execution
  return { ...execution, usage: { ...usage, overshootMs: Math.max(0, usage.wallTimeMs - budgetMs) } }
}
