import { createReadStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Executor, ResumedJob, RuntimeTask } from '../../executors/executor.ts'
import type { Key } from '../../identity/key-file.ts'
import { keepResults } from '../results/keep-results.ts'
import { signReceipt } from '../../identity/receipt.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { Denials, RuntimeName } from '../../protocol/execution.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import { isDeterministic } from '../../protocol/task.ts'
import { chargeOf } from '../admission/pricing.ts'
import type { Logger } from 'pino'
import { runAttempt, type Attempt } from './attempt.ts'
import type { Clock } from '../clock.ts'
import type { Capacity } from '../scheduler/capacity.ts'
import type { DenialTally } from './denials.ts'
import { inputHolder, outputHolder } from '../journal/holders.ts'
import { resolveTask, stdinFileOf } from '../inputs/inputs.ts'
import { jobFolder } from './job-folder.ts'
import { createOutputLog, outputFile, reopenOutputLog, type OutputLog } from '../results/output-log.ts'
import type { Offer } from '../admission/offers.ts'
import type { CacheQuestion, ResultCache } from '../results/result-cache.ts'
import { markStart, startMarkOf } from './start-mark.ts'
import type { TaskTable } from '../journal/task-table.ts'
import { nextUsage } from './running-tasks.ts'
import { interruptedError, isSettled, type LiveTask } from '../journal/task-state.ts'
import type { TrackedTask } from '../journal/tracked-task.ts'

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
 * One attempt at a task that has its slot, from `started` in the journal to `finished`, `failed` or
 * `requeued`; resolves to `again` when it was requeued, and to `left` where the node stops and the task goes on: it stays
 * `running`, and its folder and output stay. What the task used is free again when it resolves otherwise.
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
    const question = resumes ? undefined : questionOf({ ...options, record })
    const { receipt, denials } = await receiptOf({ ...options, record, attempt, dir, start, question })
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
    if (question !== undefined) await keepInCache({ ...options, record, question, receipt })
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

/** Whether the task has begun, and whether the next process of this node would know when. */
interface Start {
  begun: boolean
  /** Never rejects. */
  marked: Promise<void>
}

/** Who can go on with a task lets go of it when the node stops, and says so as of a task that ended. */
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

async function receiptOf(
  options: RunTaskOptions & {
    readonly record: LiveTask
    readonly attempt: number
    readonly dir: string
    readonly start: Start
    readonly question: CacheQuestion | undefined
  },
): Promise<{ readonly receipt: Receipt; readonly denials: Denials | undefined }> {
  const { task, record, store, clock, start, dir } = options
  const { taskId } = record
  const executor = options.executors.get(record.runtime)
  if (executor === undefined) {
    throw new SoukError({
      code: 'RUNTIME_UNAVAILABLE',
      message: `The runtime ${record.runtime} is not offered here any more`,
      details: { runtime: record.runtime, why: 'the operator turned it off' },
    })
  }
  const stdinFile = stdinFileOf({ spec: record.spec, owner: record.requester, store })
  const onGrow = (): void => {
    task.sizes = log.sizes()
    task.changes.notify()
  }
  const place = { dir: options.outputDir, taskId, onGrow }
  const log = await (options.resumes ? reopenOutputLog(place) : createOutputLog({ ...place, attempt: options.attempt }))
  try {
    // Before anything is answered: its requester has brought every file that it names.
    const resolved = resolveTask({
      spec: record.spec,
      specDigest: record.authorization.specDigest,
      runtime: record.runtime,
      owner: record.requester,
      store,
    })
    const answer = await answerOf({ ...options, log })
    const attempt =
      answer?.attempt ??
      (await runAttempt({
        executor,
        task: resolved,
        requester: record.requester,
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
          // Where it is lost the task counts from a moment before.
          if (executor.resume !== undefined) start.marked = markStart({ dir, atMs }).catch(() => {})
        },
        onUsage(usage) {
          task.usage = nextUsage({ before: task.usage, usage, atMs: clock.nowMs() })
        },
      }))
    if (attempt === undefined) throw interruptedError(record)
    const { execution, startedAtMs, finishedAtMs } = attempt
    const outputs = await keepResults({ ...options, outputs: execution.outputs })
    const digests = await log.seal()
    const receipt = signReceipt({
      receipt: {
        ...chargeOf({ ...record, usage: execution.usage, outputs, cachedPercent: answer?.percent }),
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

/** What the cache is asked for a task; undefined where there is none, or the task need not come out the same. */
function questionOf({
  cache,
  policy,
  record,
}: Pick<RunTaskOptions, 'cache' | 'policy'> & { readonly record: LiveTask }): CacheQuestion | undefined {
  if (cache === undefined || !isDeterministic(record.spec.runtime)) return undefined
  const capability = policy.offers.find(({ runtime }) => runtime === record.runtime)?.capability
  if (capability?.available !== true) return undefined
  return {
    specDigest: record.authorization.specDigest,
    engine: capability.isolation.engine,
    limits: record.limits,
  }
}

/** An attempt that an earlier one stands for. Nobody waits for the answer to a task that is cancelled. */
async function answerOf({
  cache,
  question,
  task,
  clock,
  dir,
  log,
}: Pick<RunTaskOptions, 'cache' | 'task' | 'clock'> & {
  readonly question: CacheQuestion | undefined
  readonly dir: string
  readonly log: OutputLog
}): Promise<{ readonly attempt: Attempt; readonly percent: number } | undefined> {
  if (cache === undefined || question === undefined || task.cancel.signal.aborted) return undefined
  const startedAtMs = clock.nowMs()
  const { stdout, stderr } = log
  const answer = await cache.answer({ question, dir, stdout, stderr })
  if (answer === undefined) return undefined
  const { execution, percent } = answer
  return { attempt: { execution, startedAtMs, finishedAtMs: clock.nowMs() }, percent }
}

/** The engine is what the run really had. */
async function keepInCache({
  cache,
  record,
  question,
  receipt,
  store,
  outputDir,
}: Pick<RunTaskOptions, 'cache' | 'store' | 'outputDir'> & {
  readonly record: LiveTask
  readonly question: CacheQuestion
  readonly receipt: Receipt
}): Promise<void> {
  if (receipt.terms?.cached === true) return
  const { taskId, requester: owner } = record
  await cache?.keep({
    question: { ...question, engine: receipt.isolation.engine },
    receipt,
    stdoutFile: outputFile({ dir: outputDir, taskId }, 'stdout'),
    stderrFile: outputFile({ dir: outputDir, taskId }, 'stderr'),
    fileOf: (sha256) => store.path({ owner, sha256 }),
  })
}

/** What an earlier process had of an attempt. */
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
