import { rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { ArtifactStore } from '../artifacts/store.ts'
import { StopReason, type Executor } from '../executors/executor.ts'
import type { Key } from '../identity/key-file.ts'
import { checkSignedTask } from '../identity/task.ts'
import { taskIdOf } from '../identity/typed-data.ts'
import { SoukError, type Refusal } from '../protocol/errors.ts'
import type { RuntimeName } from '../protocol/execution.ts'
import type { BlobService, TaskService } from '../protocol/network/task-service.ts'
import type { SignedTask } from '../protocol/receipt.ts'
import { blobsOf } from '../protocol/task.ts'
import { admit, type Admitted, type AdmissionPolicy, type AdmissionUsage } from './admission.ts'
import type { Capacity } from './capacity.ts'
import type { Clock } from './clock.ts'
import { followTask } from './follow.ts'
import { inputHolder, outputHolder } from './holders.ts'
import { fetchInputs, missingBlobs, type BlobSource } from './inputs.ts'
import type { Journal } from './journal.ts'
import { outputSizes } from './output-log.ts'
import { startRetention, type RetentionPolicy } from './retention.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import { runTask } from './run-task.ts'
import { openResultBlob } from './result-blobs.ts'
import { createTaskTable, type TaskTable } from './task-table.ts'
import { expiryErrorOf, expiryOf, isSettled, recoveryOf, reduce, summaryOf, type LiveTask, type TaskRecord } from './task-state.ts'
import { trackTask, type TrackedTask } from './tracked-task.ts'
import type { PrepareLanes } from './prepare-lanes.ts'

export interface ProviderOptions {
  readonly key: Key
  readonly policy: AdmissionPolicy
  readonly retention: RetentionPolicy
  readonly executors: ReadonlyMap<RuntimeName, Executor>
  readonly journal: Journal
  readonly store: ArtifactStore
  readonly capacity: Capacity
  /** All unknown peers together may hold this much of the store. */
  readonly unknownPeersStorageBytes: number
  readonly blobs: BlobSource
  readonly lanes: PrepareLanes
  readonly clock: Clock
  readonly logger: Logger
  /** Scratch of running tasks, and what they wrote to stdout and stderr. */
  readonly workDir: string
  readonly outputDir: string
  /** The journal can take no more: nothing that happens from now on can be promised to anybody. */
  readonly onFatal: (error: SoukError) => void
}

/** The provider's side of the house: takes tasks in, sees them through, and answers for them. */
export interface Provider extends TaskService, BlobService {
  readonly scheduler: Scheduler
  readonly tasks: TaskTable
  readonly stopping: boolean
  /** Takes up what an earlier process of this node left: queued tasks run, interrupted ones are settled or run again. */
  recover(): Promise<void>
  /** Takes no more tasks, lets running ones end for `drainMs`, then ends them as the provider's fault. */
  stop(options: { readonly drainMs: number }): Promise<void>
}

export function createProvider(options: ProviderOptions): Provider {
  const { clock, journal, store, policy, logger } = options
  const tasks = createTaskTable({ journal, isKnown: options.capacity.isKnown, onFatal: options.onFatal })
  const shutdown = new AbortController()
  const underWay = new Set<Promise<void>>()
  const submitting = new Set<string>()
  let stopping = false

  const scheduler = createScheduler({
    capacity: options.capacity,
    clock,
    onStart({ taskId, release }) {
      inBackground(execute(tasks.get(taskId), release))
    },
    onExpired({ taskId, error }) {
      inBackground(settleUnstarted(tasks.get(taskId), error))
    },
  })

  function inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        logger.error({ err: error }, 'task handling failed')
      })
      .finally(() => underWay.delete(tracked))
    underWay.add(tracked)
  }

  async function execute(task: TrackedTask, release: () => void): Promise<void> {
    try {
      const next = await runTask({ ...options, task, tasks, shutdown: shutdown.signal })
      if (next === 'again' && !stopping) begin(task)
    } finally {
      release()
    }
  }

  async function settleUnstarted(task: TrackedTask, error: SoukError): Promise<void> {
    const { taskId } = task.record
    const settled = await tasks.commit({
      taskId,
      // Cancellation and a deadline can meet; the first one counts.
      decide: (record) =>
        isSettled(record) ? undefined : { kind: 'failed', taskId, atMs: clock.nowMs(), error: error.toJSON() },
    })
    if (!settled) return
    store.release({ holder: inputHolder(taskId) })
    logger.info({ taskId, code: error.code }, 'task failed before it started')
  }

  /** From the journal's `accepted` or `requeued` to the queue: inputs first, so that no slot waits for a requester. */
  function begin(task: TrackedTask): void {
    const record = liveRecord(task)
    if (missingBlobs({ spec: record.spec, owner: record.requester, store }).length === 0) scheduler.enqueue(record)
    else inBackground(prepare(task, record))
  }

  async function prepare(task: TrackedTask, record: LiveTask): Promise<void> {
    const deadline = new AbortController()
    const disarm = clock.setTimeout(
      () => deadline.abort(expiryErrorOf(record, { nowMs: clock.nowMs() })),
      expiryOf(record).atMs - clock.nowMs(),
    )
    const signal = AbortSignal.any([deadline.signal, task.cancel.signal, shutdown.signal])
    try {
      await options.lanes.run({
        peer: record.requester,
        signal,
        work: () =>
          fetchInputs({
            spec: record.spec,
            peer: record.requester,
            store,
            blobs: options.blobs,
            signal,
            onProgress(progress) {
              task.preparing = progress
              task.changes.notify()
            },
          }),
      })
      delete task.preparing
      signal.throwIfAborted()
      scheduler.enqueue(liveRecord(task))
      task.changes.notify()
    } catch (error) {
      delete task.preparing
      // Stays queued in the journal: the next process of this node takes it up again.
      if (shutdown.signal.aborted) return
      await settleUnstarted(task, task.cancel.signal.aborted ? cancelledInQueue() : SoukError.from(error))
    } finally {
      disarm()
    }
  }

  function usageFor(peer: string): AdmissionUsage {
    const storage = store.usage()
    const known = options.capacity.isKnown(peer)
    return {
      stopping,
      peerIsKnown: known,
      queued: tasks.waiting(),
      queuedOfPeer: tasks.waitingOf(peer),
      queuedOfUnknownPeers: tasks.waitingOfUnknown(),
      storage: {
        freeBytes: storage.quotaBytes - storage.heldBytes,
        peerFreeBytes: storage.ownerQuotaBytes - store.heldBy(peer),
        unknownPeersFreeBytes: options.unknownPeersStorageBytes - store.heldByMatching((owner) => !options.capacity.isKnown(owner)),
      },
    }
  }

  async function accept(admitted: Admitted, task: SignedTask): Promise<void> {
    const { taskId, spec } = admitted
    const requester = task.authorization.requester
    const holder = inputHolder(taskId)
    submitting.add(taskId)
    const leaveQueue = tasks.join(requester)
    try {
      await store.reserve({ holder, owner: requester, blobs: blobsOf(spec) })
      const appended = await tasks.accept({
        kind: 'accepted',
        taskId,
        requester,
        authorization: task.authorization,
        signature: task.signature,
        spec: task.spec,
        runtime: admitted.runtime,
        limits: admitted.limits,
        priceWei: admitted.priceWei.toString(),
        atMs: clock.nowMs(),
        queueDeadlineMs: admitted.queueDeadlineMs,
        totalDeadlineMs: admitted.totalDeadlineMs,
        retriesLeft: admitted.retriesLeft,
      })
      if (!appended) throw refused([replayed()])
    } catch (error) {
      store.release({ holder })
      throw error
    } finally {
      leaveQueue()
      submitting.delete(taskId)
    }
  }

  /** The task, for its requester; for anybody else there is no such task. */
  function ownTask({ peer, taskId }: { readonly peer: string; readonly taskId: string }): TrackedTask {
    const task = tasks.find(taskId)
    if (task === undefined || task.record.requester !== peer) {
      throw new SoukError({
        code: 'NOT_FOUND',
        message: `There is no task ${taskId} of this requester here`,
        details: { id: taskId },
      })
    }
    return task
  }

  const summary = (task: TrackedTask) =>
    summaryOf(task.record, {
      stdoutBytes: task.sizes.stdout,
      stderrBytes: task.sizes.stderr,
      preparing: task.preparing !== undefined,
    })

  const stopRetention = startRetention({ tasks, store, policy: options.retention, clock, outputDir: options.outputDir, logger })

  return {
    scheduler,
    tasks,
    get stopping() {
      return stopping
    },

    async submit({ peer, task }) {
      const admission = admit({
        task,
        peer,
        nowMs: clock.nowMs(),
        policy,
        usage: usageFor(peer),
        verifySignature: (signed) => checkSignedTask({ task: signed }) === undefined,
        taskIdOf,
        isNonceUsed: (key) => journal.isNonceUsed(key),
      })
      if (admission.kind === 'invalid') {
        const [first] = admission.issues
        throw new SoukError({
          code: 'INVALID_INPUT',
          message: `The task is not valid: ${first?.path ?? ''} ${first?.message ?? ''}`.trim(),
          phase: 'admission',
          details: { issues: admission.issues },
        })
      }
      if (admission.kind === 'refused') throw refused(admission.reasons)
      if (submitting.has(admission.taskId)) throw refused([replayed()])
      await accept(admission, task)
      logger.info({ taskId: admission.taskId, requester: peer, runtime: admission.runtime, name: admission.spec.name }, 'task accepted')
      begin(tasks.get(admission.taskId))
      return { taskId: admission.taskId }
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

    async list({ peer }) {
      return tasks.of(peer).map(summary)
    },

    async show({ peer, taskId }) {
      return summary(ownTask({ peer, taskId }))
    },

    follow({ peer, taskId, offsets, signal }) {
      const task = ownTask({ peer, taskId })
      return followTask({
        task,
        offsets,
        outputDir: options.outputDir,
        positionOf: (id) => scheduler.positionOf(id),
        nowMs: () => clock.nowMs(),
        signal,
      })
    },

    open: ({ peer, sha256 }) => openResultBlob({ peer, sha256, tasks, store }),

    async recover() {
      await rm(options.workDir, { recursive: true, force: true })
      const records = new Map<string, TaskRecord>()
      for (const event of journal.load()) {
        const next = reduce(records.get(event.taskId), event)
        if (next === undefined) records.delete(event.taskId)
        else records.set(event.taskId, next)
      }
      const toRun: TrackedTask[] = []
      for (const record of records.values()) {
        const { taskId, requester } = record
        const sizes = await outputSizes({ dir: options.outputDir, taskId })
        const task = trackTask(record, sizes)
        tasks.restore(task)
        const recovery = recoveryOf(record, { atMs: clock.nowMs() })
        if ('event' in recovery) await tasks.commit({ taskId, decide: () => recovery.event })
        const { record: now } = task
        if (isSettled(now)) {
          if (now.result.kind !== 'receipt') continue
          const blobs = now.result.receipt.outputs.flatMap((output) => ('sha256' in output ? [output] : []))
          store.restore({ holder: outputHolder(taskId), owner: requester, blobs })
        } else {
          store.restore({ holder: inputHolder(taskId), owner: requester, blobs: blobsOf(now.spec) })
          toRun.push(task)
        }
        if (recovery.action !== 'keep') logger.info({ taskId, action: recovery.action }, 'task taken up again')
      }
      for (const task of toRun) begin(task)
    },

    async stop({ drainMs }) {
      stopping = true
      stopRetention()
      const giveUp = new Promise<void>((resolve) => {
        const disarm = clock.setTimeout(resolve, drainMs)
        void scheduler.drain().then(() => {
          disarm()
          resolve()
        })
      })
      await giveUp
      scheduler.close()
      shutdown.abort(new StopReason('shutdown'))
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}

function liveRecord(task: TrackedTask): LiveTask {
  const { record } = task
  if (!isSettled(record)) return record
  throw new SoukError({ code: 'INTERNAL', message: `Task ${record.taskId} is settled`, details: { reason: 'a settled task cannot be queued' } })
}

function refused(reasons: readonly Refusal[]): SoukError<'REFUSED'> {
  return new SoukError({
    code: 'REFUSED',
    message: `The provider refuses the task: ${reasons.map((reason) => reason.message).join('; ')}`,
    details: { reasons },
  })
}

function replayed(): Refusal {
  return { reason: 'REPLAYED', message: 'a task with this nonce was accepted before' }
}

function cancelledInQueue(): SoukError {
  return new SoukError({ code: 'CANCELLED', message: 'The task was cancelled before it started', details: {} })
}
