import { createReadStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Executor, ResumedJob, RuntimeTask } from '../../executors/executor.ts'
import type { Key } from '../../identity/key-file.ts'
import { signReceipt } from '../../identity/receipt.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { Denials, RuntimeName } from '../../protocol/execution.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import type { Offer } from '../admission/offers.ts'
import { chargeOf } from '../admission/pricing.ts'
import type { Clock } from '../clock.ts'
import { resolveTask, stdinFileOf } from '../inputs/inputs.ts'
import { inputHolder, outputHolder } from '../journal/holders.ts'
import { interruptedError, isSettled, type LiveTask } from '../journal/task-state.ts'
import type { TaskTable } from '../journal/task-table.ts'
import type { TrackedTask } from '../journal/tracked-task.ts'
import { keepResults } from '../results/keep-results.ts'
import { createOutputLog, reopenOutputLog, type OutputLog } from '../results/output-log.ts'
import type { ResultCache } from '../results/result-cache.ts'
import type { Capacity } from '../scheduler/capacity.ts'
import { runAttempt, type Attempt } from './attempt.ts'
import type { DenialTally } from './denials.ts'
import { jobFolder } from './job-folder.ts'
import { nextUsage } from './running-tasks.ts'
import { markStart, startMarkOf } from './start-mark.ts'
import { taskCacheOf, type TaskCache } from './task-cache.ts'

export interface RunTaskOptions {
  readonly task: TrackedTask
  readonly tasks: TaskTable
  readonly key: Key
  readonly executors: ReadonlyMap<RuntimeName, Executor>
  readonly store: ArtifactStore
  readonly capacity: Pick<Capacity, 'isKnown'>
  readonly unknownPeersStorageBytes: number
  readonly denials: DenialTally
  /** Where results of deterministic tasks are kept to be given again. */
  readonly cache?: ResultCache | undefined
  readonly policy: { readonly offers: readonly Offer[] }
  readonly clock: Clock
  readonly logger: Logger
  readonly workDir: string
  readonly outputDir: string
  readonly shutdown: AbortSignal
  /** An earlier process of this node began this attempt, and it may be running still. */
  readonly resumes: boolean
}

/**
 * One attempt at a task that has its slot: from `started` in the journal to `finished`, `failed` or `requeued`. Resolves to
 *
 * - `settled`: the task has come to its end,
 * - `again`: it was requeued and is to be queued once more,
 * - `left`: the node stops and the task goes on without it. It stays `running` in the journal, and its folder and output stay.
 *
 * Unless it was left, everything that the attempt used is free again by then.
 */
export async function runTask(options: RunTaskOptions): Promise<'settled' | 'again' | 'left'> {
  const { task, tasks, resumes, clock, logger } = options
  const { record } = task
  if (isSettled(record)) return 'settled'
  const { taskId } = record
  // The first attempt of a task that could begin at once is in the journal already.
  const begun = record.state === 'running'
  const attempt = begun ? record.attempts : record.attempts + 1
  const dir = jobFolder({ ...options, taskId })
  const start: Start = { begun: resumes, marked: Promise.resolve() }
  let left = false
  // Sizes go first: a follower that sees the new attempt must not see the old one's output.
  if (!resumes) task.sizes = { stdout: 0, stderr: 0 }
  const beginning =
    begun ||
    tasks.commit({
      taskId,
      decide: (now) => (isSettled(now) ? undefined : { kind: 'started', taskId, attempt, atMs: clock.nowMs() }),
    })
  try {
    if (!(await beginning)) return 'settled'
    const taskCache = resumes ? undefined : taskCacheOf({ ...options, record })
    const { receipt, denials } = await receiptOf({ ...options, record, attempt, dir, start, taskCache })
    await tasks.commit({
      taskId,
      decide: ({ channelId }) => ({
        kind: 'finished',
        taskId,
        atMs: clock.nowMs(),
        receipt,
        ...(channelId !== undefined && { channelId }),
      }),
    })
    await taskCache?.keep(receipt)
    options.store.release({ holder: inputHolder(taskId) })
    const { outcome, usage } = receipt
    const denied = options.denials.note({ runtime: record.runtime, denials, limitsHit: usage.limitsHit })
    logger.info({ taskId, outcome, wallTimeMs: usage.wallTimeMs, ...(denied && { denied }) }, 'task finished')
    return 'settled'
  } catch (thrown) {
    const error = SoukError.from(thrown)
    left = start.begun && isLeft({ ...options, runtime: record.runtime, error })
    if (!left) return await settleFailure({ ...options, record, error })
    logger.info({ taskId }, 'left running for the next process of this node')
    return 'left'
  } finally {
    await start.marked
    if (!left && existsSync(dir))
      await rm(dir, { recursive: true, force: true }).catch((error: unknown) => {
        logger.error({ taskId, err: error }, 'the scratch folder of a task cannot be removed')
      })
  }
}

/** Whether the task's first instruction has run, and whether the time of that is noted for the next process of this node. */
interface Start {
  begun: boolean
  /** Never rejects. */
  marked: Promise<void>
}

/**
 * Whether the executor has let go of a task that goes on. An executor with `resume` does so when the node stops, and then rejects with
 * PROVIDER_STOPPED as any other does for a task that it has ended.
 */
function isLeft({
  executors,
  runtime,
  shutdown,
  error,
}: Pick<RunTaskOptions, 'executors' | 'shutdown'> & {
  readonly runtime: RuntimeName
  readonly error: SoukError
}): boolean {
  return error.code === 'PROVIDER_STOPPED' && shutdown.aborted && executors.get(runtime)?.resume !== undefined
}

interface AttemptPlace {
  readonly record: LiveTask
  /** Which attempt at the task this is, from 1. */
  readonly attempt: number
  readonly dir: string
  readonly start: Start
  readonly taskCache: TaskCache | undefined
}

/** Makes the attempt, hands over what it put out, and signs what it came to. @throws SoukError where it is not billable */
async function receiptOf(
  options: RunTaskOptions & AttemptPlace,
): Promise<{ readonly receipt: Receipt; readonly denials: Denials | undefined }> {
  const { task, record } = options
  const { taskId } = record
  const onGrow = (): void => {
    task.sizes = log.sizes()
    task.changes.notify()
  }
  const place = { dir: options.outputDir, taskId, onGrow }
  const log = await (options.resumes ? reopenOutputLog(place) : createOutputLog({ ...place, attempt: options.attempt }))
  try {
    const { attempt, cachedPercent } = await attemptOf({ ...options, log })
    const { execution, startedAtMs, finishedAtMs } = attempt
    const outputs = await keepResults({ ...options, outputs: execution.outputs })
    const digests = await log.seal()
    const receipt = signReceipt({
      receipt: {
        ...chargeOf({ ...record, usage: execution.usage, outputs, cachedPercent }),
        version: 1,
        taskId,
        authorization: record.authorization,
        provider: options.key.address,
        attempts: options.attempt,
        outcome: execution.outcome,
        usage: execution.usage,
        limits: record.limits,
        isolation: execution.isolation,
        stdout: digests.stdout,
        stderr: digests.stderr,
        outputs,
        timings: orderedTimings({ acceptedAtMs: record.acceptedAtMs, startedAtMs, finishedAtMs }),
      },
      key: options.key,
    })
    return { receipt, denials: execution.denials }
  } finally {
    task.usage = undefined
    await log.close()
  }
}

/** What the cache answers, or else what the runtime makes of the task. */
async function attemptOf(
  options: RunTaskOptions & AttemptPlace & { readonly log: OutputLog },
): Promise<{ readonly attempt: Attempt; readonly cachedPercent: number | undefined }> {
  const { task, record, store, clock, start, dir, log, taskCache } = options
  const { spec, runtime, requester } = record
  const executor = options.executors.get(runtime)
  if (executor === undefined) throw runtimeGone(runtime)
  const stdinFile = stdinFileOf({ spec, owner: requester, store })
  // Before the cache may answer, so that only a requester who has brought every file of the task gets its result.
  const { specDigest } = record.authorization
  const resolved = resolveTask({ spec, specDigest, runtime, owner: requester, store })
  // Nobody waits for the answer to a task that is cancelled.
  const cached = task.cancel.signal.aborted ? undefined : await taskCache?.answer({ dir, log })
  if (cached !== undefined) return { attempt: cached.attempt, cachedPercent: cached.percent }
  const attempt = await runAttempt({
    executor,
    task: resolved,
    requester,
    limits: record.limits,
    dir,
    stdin: stdinFile === undefined ? Readable.from([]) : createReadStream(stdinFile),
    stdout: log.stdout,
    stderr: log.stderr,
    cancel: task.cancel.signal,
    shutdown: options.shutdown,
    totalDeadlineMs: record.totalDeadlineMs,
    clock,
    before: options.resumes ? await stateBefore({ record, dir, log }) : undefined,
    onStarted(atMs) {
      start.begun = true
      // If the mark is lost, a resumed task counts its time from the start of the attempt, a moment earlier.
      if (executor.resume !== undefined) start.marked = markStart({ dir, atMs }).catch(() => {})
    },
    onUsage(usage) {
      task.usage = nextUsage({ before: task.usage, usage, atMs: clock.nowMs() })
    },
  })
  if (attempt === undefined) throw interruptedError(record)
  return { attempt, cachedPercent: undefined }
}

function runtimeGone(runtime: RuntimeName): SoukError<'RUNTIME_UNAVAILABLE'> {
  return new SoukError({
    code: 'RUNTIME_UNAVAILABLE',
    message: `The runtime ${runtime} is not offered here any more`,
    details: { runtime, why: 'the operator turned it off' },
  })
}

/** How far an earlier process of this node had followed the attempt. */
async function stateBefore({
  record,
  dir,
  log,
}: {
  readonly record: LiveTask
  readonly dir: string
  readonly log: OutputLog
}): Promise<ResumedJob<RuntimeTask>['before']> {
  const { stdout, stderr } = log.sizes()
  const startedAtMs = (await startMarkOf(dir)) ?? record.startedAtMs ?? record.acceptedAtMs
  return { startedAtMs, stdoutBytes: stdout, stderrBytes: stderr }
}

/** A receipt's times never run backwards, even where the host's clock was set back meanwhile. */
function orderedTimings({ acceptedAtMs, startedAtMs, finishedAtMs }: Receipt['timings']): Receipt['timings'] {
  const started = Math.max(acceptedAtMs, startedAtMs)
  return { acceptedAtMs, startedAtMs: started, finishedAtMs: Math.max(started, finishedAtMs) }
}

/** A fault of the provider that may pass, on a task with retries left, is tried again; everything else is final. */
async function settleFailure(
  options: RunTaskOptions & { readonly record: LiveTask; readonly error: SoukError },
): Promise<'settled' | 'again'> {
  const { task, tasks, record, error, clock, logger } = options
  const { taskId } = record
  const now = clock.nowMs()
  options.store.release({ holder: outputHolder(taskId) })
  options.denials.noteFailure({ runtime: record.runtime, error })
  if (error.code === 'INTERNAL') logger.error({ taskId, err: error }, 'an attempt failed by a bug')
  const again =
    error.fault === 'provider' &&
    error.retryable &&
    record.retriesLeft > 0 &&
    !task.cancel.signal.aborted &&
    now < record.totalDeadlineMs
  if (again) {
    await tasks.commit({ taskId, decide: () => ({ kind: 'requeued', taskId, atMs: now, error: error.toJSON() }) })
    logger.warn({ taskId, code: error.code, reason: error.message }, 'attempt failed, the task will run again')
    return 'again'
  }
  await tasks.commit({ taskId, decide: () => ({ kind: 'failed', taskId, atMs: now, error: error.toJSON() }) })
  options.store.release({ holder: inputHolder(taskId) })
  logger.warn({ taskId, code: error.code, reason: error.message }, 'task failed')
  return 'settled'
}
