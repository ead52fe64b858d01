import type { Logger } from 'pino'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { Executor } from '../executors/executor.ts'
import type { Key } from '../identity/key-file.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { RuntimeName } from '../protocol/execution.ts'
import type { BlobService, QuoteService, Submission, TaskService } from '../protocol/network/task-service.ts'
import type { DeniedTotals } from '../protocol/node-status.ts'
import { createIntake, type IntakeOptions } from './admission/intake.ts'
import { createRefusedRate } from './admission/refused-rate.ts'
import { createDenialTally } from './attempt/denials.ts'
import type { BlobSource } from './inputs/inputs.ts'
import { createPreparation } from './inputs/preparation.ts'
import type { PrepareLanes } from './inputs/prepare-lanes.ts'
import { isSettled } from './journal/task-state.ts'
import { createTaskTable, type TaskTable } from './journal/task-table.ts'
import { liveRecord, summaryOfTracked, type TrackedTask } from './journal/tracked-task.ts'
import { createExpectedStart } from './market/expected-start.ts'
import type { Meeting } from './market/peer-record.ts'
import { createQuoteDesk } from './market/quote-desk.ts'
import { createAccounts, type Accounts } from './payments/accounts.ts'
import { createPayments, type Payments } from './payments/payments.ts'
import type { Settler } from './payments/settler.ts'
import { recoverTasks, type FoundTasks } from './recover.ts'
import { followTask } from './results/follow.ts'
import { openResultBlob } from './results/result-blobs.ts'
import type { ResultCache } from './results/result-cache.ts'
import { startRetention, type RetentionPolicy } from './results/retention.ts'
import type { Scheduler } from './scheduler/scheduler.ts'
import { createTaskLifecycle } from './task-lifecycle.ts'

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
  const retention = startRetention({
    ...options,
    tasks,
    policy: options.retention,
    isKnown: options.capacity.isKnown,
  })
  const lifecycle = createTaskLifecycle({
    ...options,
    ...{ tasks, denials, preparation, retention },
    onRan: (durationMs) => expectedStart.ran(durationMs),
  })
  const { scheduler, seenThrough } = lifecycle
  const refusedRate = createRefusedRate({ ...options, ...options.capacity })
  const claim: Scheduler['claim'] = (task) => scheduler.claim(task)
  const intake = createIntake({ ...options, tasks, claim, preparation, payments, refusedRate })
  const expectedStart = createExpectedStart({ ...options, scheduler, maxQueueWaitMs: options.policy.maxQueueWaitMs })
  const { quote } = createQuoteDesk({
    ...options,
    paymentTerms: (requester) => options.settler.terms(requester),
    expectedStart,
    isKnown: options.capacity.isKnown,
    usageFor: (peer) => ({ ...intake.usageFor(peer), stopping: lifecycle.stopping }),
  })

  async function takeIn(submission: Submission): Promise<string> {
    const { peer } = submission
    const { taskId, runtime, spec, begun } = await intake
      .take({ ...submission, stopping: lifecycle.stopping })
      .catch((error: unknown) => {
        if (isSoukError(error, 'REFUSED')) options.onMeeting(peer, 'refused')
        throw error
      })
    options.onMeeting(peer, 'accepted')
    logger.info({ taskId, requester: peer, runtime, name: spec.name }, 'task accepted')
    const accepted = tasks.get(taskId)
    if (begun === undefined) lifecycle.begin(accepted)
    else {
      accepted.prepared = begun.prepared
      lifecycle.run({ task: accepted, release: begun.release })
    }
    return taskId
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
      return lifecycle.stopping
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
      if (noted) await lifecycle.cancel(task)
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
      for (const place of places) lifecycle.run({ ...place, resumes: true })
      for (const task of toRun) lifecycle.begin(task)
    },

    stop(end) {
      retention.stop()
      return lifecycle.stop(end)
    },
  }
}
