import type { Logger } from 'pino'
import type { ArtifactStore } from '../artifacts/store.ts'
import { StopReason, type Executor, type PrepareProgress } from '../executors/executor.ts'
import type { Key } from '../identity/key-file.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { RuntimeName } from '../protocol/execution.ts'
import type { DeniedTotals } from '../protocol/node-status.ts'
import type { BlobService, QuoteService, Submission, TaskService } from '../protocol/network/task-service.ts'
import { createAccounts, type Accounts } from './payments/accounts.ts'
import { createDenialTally } from './attempt/denials.ts'
import { followTask } from './results/follow.ts'
import { inputHolder } from './journal/holders.ts'
import { fetchInputs, missingBlobs, type BlobSource, type FetchProgress } from './inputs/inputs.ts'
import { createExpectedStart } from './market/expected-start.ts'
import { createIntake, type IntakeOptions } from './admission/intake.ts'
import { createRefusedRate } from './admission/refused-rate.ts'
import { createPayments, type Payments } from './payments/payments.ts'
import type { PrepareLanes } from './inputs/prepare-lanes.ts'
import type { Meeting } from './market/peer-record.ts'
import { broughtOrLeft, createPreparation } from './inputs/preparation.ts'
import { preparationTeller } from './inputs/preparing-progress.ts'
import { createQuoteDesk } from './market/quote-desk.ts'
import { recoverTasks, type FoundTasks } from './recover.ts'
import type { ResultCache } from './results/result-cache.ts'
import { openResultBlob } from './results/result-blobs.ts'
import { startRetention, type RetentionPolicy } from './results/retention.ts'
import { runTask } from './attempt/run-task.ts'
import { createScheduler, type Scheduler } from './scheduler/scheduler.ts'
import type { Settler } from './payments/settler.ts'
import { cancelledInQueue } from './task-errors.ts'
import { expiryErrorOf, expiryOf, isSettled, type LiveTask } from './journal/task-state.ts'
import { createTaskTable, type TaskTable } from './journal/task-table.ts'
import { liveRecord, summaryOfTracked, type TrackedTask } from './journal/tracked-task.ts'

export interface ProviderOptions extends IntakeOptions {
  readonly key: Key
  readonly retention: RetentionPolicy
  readonly executors: ReadonlyMap<RuntimeName, Executor>
  readonly store: ArtifactStore
  readonly blobs: BlobSource
  /** Results of deterministic tasks, to be given again; none where absent. */
  readonly cache?: ResultCache
  readonly lanes: PrepareLanes
  /** Called for each event with a requester that is counted. */
  readonly onMeeting: (requester: string, what: Meeting) => void
  readonly settler: Settler
  readonly logger: Logger
  /** Scratch of running tasks, and what they wrote to stdout and stderr. */
  readonly workDir: string
  readonly outputDir: string
  /** Called when the journal cannot be written any more: nothing can be promised to anybody from then on. */
  readonly onFatal: (error: SoukError) => void
}

/** The provider: accepts tasks, sees each through to its end, and serves its requester meanwhile and afterwards. */
export interface Provider extends TaskService, BlobService, QuoteService {
  readonly scheduler: Scheduler
  readonly tasks: TaskTable
  readonly accounts: Accounts
  readonly payments: Payments
  readonly stopping: boolean
  /** What sandboxes denied to tasks since the node started. */
  denied(): readonly DeniedTotals[]
  /** Takes up the tasks of an earlier process: queued ones run, interrupted ones are resumed, run again or settled. */
  recover(found: FoundTasks): Promise<void>
  /**
   * Takes no more tasks and gives running ones `drainMs` to end. Of those that run still, it leaves alone what the next process of
   * this node can resume, and ends the others as the provider's fault.
   */
  stop(options: { readonly drainMs: number }): Promise<void>
}

export function createProvider(options: ProviderOptions): Provider {
  const { clock, store, logger } = options
  const accounts = createAccounts({ ...options.capacity, rows: options.journal.channels() })
  const payments = createPayments({ ...options, ...options.capacity, accounts })
  const tasks = createTaskTable({
    journal: options.journal,
    isKnown: options.capacity.isKnown,
    onSettled(task, { before, after: { result } }) {
      task.dueWei = accounts.settle(before, result.kind === 'receipt' ? result.receipt.priceWei : undefined)
    },
    onFatal: options.onFatal,
  })
  const denials = createDenialTally()
  const preparation = createPreparation(options)
  const shutdown = new AbortController()
  const underWay = new Set<Promise<void>>()
  let stopping = false

  const scheduler = createScheduler({
    capacity: options.capacity,
    clock,
    onStart({ taskId, release }) {
      inBackground(execute({ task: tasks.get(taskId), release }))
    },
    onExpired({ taskId, error }) {
      inBackground(settleUnstarted(tasks.get(taskId), error))
    },
  })
  const intake = createIntake({ ...options, tasks, claim: (task) => scheduler.claim(task), preparation, payments })
  const refusedRate = createRefusedRate({ clock, isKnown: options.capacity.isKnown })
  const expectedStart = createExpectedStart({ ...options, scheduler, maxQueueWaitMs: options.policy.maxQueueWaitMs })
  const { quote } = createQuoteDesk({
    ...options,
    paymentTerms: (requester) => options.settler.terms(requester),
    expectedStart,
    isKnown: options.capacity.isKnown,
    usageFor: (peer) => ({ ...intake.usageFor(peer), stopping }),
  })
  const retention = startRetention({
    ...options,
    tasks,
    policy: options.retention,
    isKnown: options.capacity.isKnown,
  })

  function inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        logger.error({ err: error }, 'task handling failed')
      })
      .finally(() => underWay.delete(tracked))
    underWay.add(tracked)
  }

  /** Makes `stop` wait for the work, too, so that nothing is accepted after it. */
  function seenThrough<T>(work: Promise<T>): Promise<T> {
    inBackground(Promise.allSettled([work]).then(() => undefined))
    return work
  }

  async function takeIn(submission: Submission): Promise<string> {
    const { peer, task } = submission
    const bytes = task.spec.byteLength
    const { taskId, runtime, spec, begun } = await refusedRate
      .within({ peer, bytes }, () => intake.take({ ...submission, stopping }))
      .catch((error: unknown) => {
        if (isSoukError(error, 'REFUSED')) options.onMeeting(peer, 'refused')
        throw error
      })
    options.onMeeting(peer, 'accepted')
    logger.info({ taskId, requester: peer, runtime, name: spec.name }, 'task accepted')
    const accepted = tasks.get(taskId)
    if (begun === undefined) begin(accepted)
    else {
      accepted.prepared = begun.prepared
      inBackground(execute({ task: accepted, release: begun.release }))
    }
    return taskId
  }

  async function execute({
    task,
    release,
    resumes = false,
  }: {
    readonly task: TrackedTask
    readonly release: () => void
    readonly resumes?: boolean
  }): Promise<void> {
    const startedAtMs = clock.nowMs()
    try {
      const next = await runTask({ ...options, task, resumes, tasks, denials, shutdown: shutdown.signal })
      noteEnd(task)
      if (next === 'again' && !stopping) begin(task)
      // Before the slot is released, so that results cannot be added faster than they are removed.
      else {
        letGo(task)
        await retention.enforce()
      }
    } finally {
      expectedStart.ran(clock.nowMs() - startedAtMs)
      release()
    }
  }

  async function settleUnstarted(task: TrackedTask, error: SoukError): Promise<void> {
    const { taskId } = task.record
    const settled = await tasks.commit({
      taskId,
      // A cancellation and a deadline can coincide: the first one counts.
      decide: (record) =>
        isSettled(record) ? undefined : { kind: 'failed', taskId, atMs: clock.nowMs(), error: error.toJSON() },
    })
    if (!settled) return
    noteEnd(task)
    letGo(task)
    store.release({ holder: inputHolder(taskId) })
    denials.noteFailure({ runtime: task.record.runtime, error })
    logger.info({ taskId, code: error.code }, 'task failed before it started')
    await retention.enforce()
  }

  function noteEnd({ record }: TrackedTask): void {
    if (!isSettled(record)) return
    const { result } = record
    options.allowance.settle(record.taskId, result.kind === 'receipt' ? result.receipt : undefined)
    options.onMeeting(record.requester, result.kind === 'receipt' ? 'finished' : 'failed')
  }

  /** What the task needed besides its inputs may now be removed if room is needed. */
  function letGo(task: TrackedTask): void {
    task.prepared?.release()
    task.prepared = undefined
  }

  /**
   * Takes an accepted task to the queue. First its inputs and its image are fetched, so that no slot waits for a requester or a registry.
   */
  function begin(task: TrackedTask): void {
    const record = liveRecord(task)
    const missing = missingBlobs({ spec: record.spec, owner: record.requester, store })
    if (task.cancel.signal.aborted) inBackground(settleUnstarted(task, cancelledInQueue()))
    else if (missing.length > 0) inBackground(prepare(task, record))
    else {
      task.prepared ??= preparation.hold(record)
      if (task.prepared === undefined) inBackground(prepare(task, record))
      else enqueue(task, record)
    }
  }

  /**
   * Fails a task that can never run here, as one that was accepted when the machine was larger: it must not keep the node from starting.
   */
  function enqueue(task: TrackedTask, record: LiveTask): void {
    try {
      scheduler.enqueue(record)
    } catch (error) {
      inBackground(settleUnstarted(task, SoukError.from(error)))
    }
  }

  async function prepare(task: TrackedTask, record: LiveTask): Promise<void> {
    const deadline = new AbortController()
    const disarm = clock.setTimeout(
      () => deadline.abort(expiryErrorOf(record, { nowMs: clock.nowMs() })),
      expiryOf(record).atMs - clock.nowMs(),
    )
    const signal = AbortSignal.any([deadline.signal, task.cancel.signal, shutdown.signal])
    const tell = preparationTeller({ task, clock })
    // A task without inputs to fetch has nothing to tell here.
    const onProgress = (progress: FetchProgress): void => {
      if (progress.totalBytes > 0) tell({ what: 'inputs', ...progress })
    }
    const onImage = ({ what, doneBytes, totalBytes }: PrepareProgress): void =>
      tell({ what, fetchedBytes: doneBytes, totalBytes })
    const { requester: peer, spec } = record
    try {
      await options.lanes.run({
        peer,
        signal,
        async work(takeTurn, takeImageTurn) {
          await fetchInputs({ spec, peer, store, blobs: options.blobs, signal, onProgress, takeTurn })
          task.prepared ??= preparation.hold(record)
          if (task.prepared !== undefined) return
          await takeImageTurn(async () => {
            task.prepared = await broughtOrLeft({ preparation, task: record, signal, onProgress: onImage })
            // The task may have been settled meanwhile, without waiting for this.
            if (signal.aborted) letGo(task)
          })
        },
      })
      signal.throwIfAborted()
      tell(undefined)
      scheduler.enqueue(liveRecord(task))
    } catch (error) {
      tell(undefined)
      // The task stays queued in the journal, and the next process of this node takes it up.
      if (shutdown.signal.aborted) return
      await settleUnstarted(task, task.cancel.signal.aborted ? cancelledInQueue() : SoukError.from(error))
    } finally {
      disarm()
    }
  }

  /** The peer's own task. @throws SoukError NOT_FOUND, also for a task of another requester */
  function ownTask({ peer, taskId }: { readonly peer: string; readonly taskId: string }): TrackedTask {
    const task = tasks.find(taskId)
    if (task !== undefined && task.record.requester === peer) return task
    throw new SoukError({
      code: 'NOT_FOUND',
      message: `There is no task ${taskId} of this requester here`,
      details: { id: taskId },
    })
  }

  return {
    ...{ scheduler, tasks, accounts, payments },
    get stopping() {
      return stopping
    },
    denied: denials.totals,

    quote,

    async submit(request) {
      return { taskId: await seenThrough(takeIn(request)) }
    },

    async cancel({ peer, taskId }) {
      const task = ownTask({ peer, taskId })
      const noted = await tasks.commit({
        taskId,
        decide: (record) => (isSettled(record) ? undefined : { kind: 'cancelRequested', taskId, atMs: clock.nowMs() }),
      })
      if (!noted) return
      task.cancel.abort(new StopReason('cancelled'))
      if (scheduler.cancel(taskId)) await settleUnstarted(task, cancelledInQueue())
    },

    list: ({ peer }) => Promise.resolve(tasks.of(peer).map(summaryOfTracked)),

    show: async ({ peer, taskId }) => Promise.resolve(summaryOfTracked(ownTask({ peer, taskId }))),

    follow({ peer, taskId, offsets, signal }) {
      return followTask({
        task: ownTask({ peer, taskId }),
        offsets,
        outputDir: options.outputDir,
        positionOf: (id) => scheduler.positionOf(id),
        nowMs: () => clock.nowMs(),
        isReleased: ({ record, dueWei }) => accounts.isPaid({ ...record, dueWei }),
        signal,
      })
    },

    open: ({ peer, sha256 }) => openResultBlob({ peer, sha256, tasks, store, accounts }),

    pay: (request) => seenThrough(refusedRate.within({ ...request, bytes: 0 }, () => payments.pay(request))),
    account: async (request) => Promise.resolve(payments.statement(request)),
    close: (request) => seenThrough(payments.close(request)),

    async recover(found) {
      const { toResume, toRun } = await recoverTasks({ ...options, found, tasks, accounts })
      // Before anything is queued: resumed tasks use their resources already, and nothing else may get them.
      const places = toResume.map((task) => ({ task, release: scheduler.resume(liveRecord(task)) }))
      for (const place of places) inBackground(execute({ ...place, resumes: true }))
      for (const task of toRun) begin(task)
    },

    async stop({ drainMs }) {
      stopping = true
      retention.stop()
      const { promise: drained, resolve } = Promise.withResolvers<void>()
      const disarm = clock.setTimeout(resolve, drainMs)
      void scheduler.drain().then(resolve)
      await drained
      disarm()
      scheduler.close()
      shutdown.abort(new StopReason('shutdown'))
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}
