import type { Logger } from 'pino'
import { StopReason, type PrepareProgress } from '../executors/executor.ts'
import { SoukError } from '../protocol/errors.ts'
import type { FreeAllowance } from './admission/free-allowance.ts'
import { runTask, type RunTaskOptions } from './attempt/run-task.ts'
import { fetchInputs, missingBlobs, type BlobSource, type FetchProgress } from './inputs/inputs.ts'
import { broughtOrLeft, type Preparation } from './inputs/preparation.ts'
import type { PrepareLanes } from './inputs/prepare-lanes.ts'
import { preparationTeller } from './inputs/preparing-progress.ts'
import { inputHolder } from './journal/holders.ts'
import { expiryErrorOf, expiryOf, isSettled, type LiveTask } from './journal/task-state.ts'
import { liveRecord, type TrackedTask } from './journal/tracked-task.ts'
import type { Meeting } from './market/peer-record.ts'
import type { Retention } from './results/retention.ts'
import type { Capacity } from './scheduler/capacity.ts'
import { createScheduler, type Scheduler } from './scheduler/scheduler.ts'
import { cancelledInQueue } from './task-errors.ts'

export interface TaskLifecycleOptions extends Omit<RunTaskOptions, 'task' | 'shutdown' | 'resumes'> {
  readonly capacity: Capacity
  readonly preparation: Preparation
  readonly blobs: BlobSource
  readonly lanes: PrepareLanes
  readonly allowance: Pick<FreeAllowance, 'settle'>
  readonly retention: Pick<Retention, 'enforce'>
  /** Called for each event with a requester that is counted. */
  readonly onMeeting: (requester: string, what: Meeting) => void
  /** Called when a task gives its slot back, which it has held for this long. */
  readonly onRan: (durationMs: number) => void
  readonly logger: Logger
}

/** Takes each accepted task through preparation, queue and attempts to its end. */
export interface TaskLifecycle {
  readonly scheduler: Scheduler
  /** Whether `stop` was called. */
  readonly stopping: boolean
  /** Queues an accepted task, once its inputs and its image are here. */
  begin(task: TrackedTask): void
  /** Runs a task that has its slot already. */
  run(start: RunStart): void
  /** Ends a task whose cancellation is journaled: at once if it is queued, else by the signal that its attempt listens to. */
  cancel(task: TrackedTask): Promise<void>
  /** Makes `stop` wait for the work, too, so that nothing is accepted after it. */
  seenThrough<T>(work: Promise<T>): Promise<T>
  /** Lets running tasks end for `drainMs`, then ends them, or leaves them to the next process of this node if they can be resumed. */
  stop(options: { readonly drainMs: number }): Promise<void>
}

export interface RunStart {
  readonly task: TrackedTask
  /** Gives the slot back. */
  readonly release: () => void
  /** Whether an earlier process of this node began the attempt; false where absent. */
  readonly resumes?: boolean
}

export function createTaskLifecycle(options: TaskLifecycleOptions): TaskLifecycle {
  const { tasks, store, preparation, denials, retention, clock, logger } = options
  const shutdown = new AbortController()
  const underWay = new Set<Promise<void>>()
  let stopping = false

  const scheduler = createScheduler({
    capacity: options.capacity,
    clock,
    onStart({ taskId, release }) {
      run({ task: tasks.get(taskId), release })
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

  function seenThrough<T>(work: Promise<T>): Promise<T> {
    inBackground(Promise.allSettled([work]).then(() => undefined))
    return work
  }

  function run(start: RunStart): void {
    inBackground(execute(start))
  }

  async function execute({ task, release, resumes = false }: RunStart): Promise<void> {
    const startedAtMs = clock.nowMs()
    try {
      const next = await runTask({ ...options, task, resumes, shutdown: shutdown.signal })
      noteEnd(task)
      if (next === 'again' && !stopping) begin(task)
      // Before the slot is released, so that results cannot be added faster than they are removed.
      else {
        letGo(task)
        await retention.enforce()
      }
    } finally {
      options.onRan(clock.nowMs() - startedAtMs)
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

  return {
    scheduler,
    get stopping() {
      return stopping
    },
    begin,
    run,
    async cancel(task) {
      task.cancel.abort(new StopReason('cancelled'))
      if (scheduler.cancel(task.record.taskId)) await settleUnstarted(task, cancelledInQueue())
    },
    seenThrough,
    async stop({ drainMs }) {
      stopping = true
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
