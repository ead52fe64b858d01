import type { SerialisedError } from '../../protocol/errors.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { TaskResult, TaskState, TaskSummary } from '../../protocol/events.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Rates } from '../../protocol/price.ts'
import type { Authorization, Receipt } from '../../protocol/receipt.ts'
import { taskSpecSchema, type TaskSpec } from '../../protocol/task.ts'

/** The task was admitted; everything that is needed to run it after a crash. */
export interface AcceptedEvent {
  readonly kind: 'accepted'
  readonly taskId: string
  readonly requester: string
  readonly authorization: Authorization
  readonly signature: string
  /** The exact bytes that the requester signed the digest of. */
  readonly spec: Uint8Array
  readonly runtime: RuntimeName
  /** As they will be applied. */
  readonly limits: Limits
  /** What it is charged at. */
  readonly rates: Rates
  /** The most that it can come to: what is set aside for it. */
  readonly maxPriceWei: string
  /** The payment channel that it is charged to; absent where nothing is to be charged. */
  readonly channelId?: string
  readonly atMs: number
  /** Epoch milliseconds: fails with QUEUE_TIMEOUT when it has not started by then. */
  readonly queueDeadlineMs: number
  /** Epoch milliseconds: the end of the task, wherever it is. */
  readonly totalDeadlineMs: number
  readonly retriesLeft: number
}

/**
 * What is journaled of a task.
 *
 * - `started`: attempt number `attempt` begins. Durable before the executor's `run` is called, so that a
 *   crash never makes a task run more often than it allows. Fetching inputs comes before it and is not
 *   journaled: a crash in there leaves the task queued, at no cost of a retry.
 * - `requeued`: the provider's own fault, it will run again; uses up one retry.
 * - `cancelRequested`: the requester wants it to end; what came of it is a later `finished` or `failed`.
 * - `removed`: retention is over, nothing is left of the task.
 */
export type TaskEventRecord =
  | AcceptedEvent
  | { readonly kind: 'started'; readonly taskId: string; readonly attempt: number; readonly atMs: number }
  | { readonly kind: 'requeued'; readonly taskId: string; readonly atMs: number; readonly error: SerialisedError }
  | { readonly kind: 'cancelRequested'; readonly taskId: string; readonly atMs: number }
  | {
      readonly kind: 'finished'
      readonly taskId: string
      readonly atMs: number
      readonly receipt: Receipt
      /** The acceptance's: the same write charges the channel with the receipt's price. */
      readonly channelId?: string
    }
  | { readonly kind: 'failed'; readonly taskId: string; readonly atMs: number; readonly error: SerialisedError }
  | { readonly kind: 'removed'; readonly taskId: string; readonly atMs: number }

interface TaskFacts {
  readonly taskId: string
  readonly requester: string
  readonly name: string
  readonly runtime: RuntimeName
  readonly acceptedAtMs: number
  /** How many attempts have begun. */
  readonly attempts: number
  /** When the latest attempt began. */
  readonly startedAtMs?: number
  /** When the requester first asked for cancellation. */
  readonly cancelRequestedAtMs?: number
  /** The payment channel that it is charged to. */
  readonly channelId?: string
}

/** A task that is still to come to its end. */
export interface LiveTask extends TaskFacts {
  readonly state: 'queued' | 'running'
  readonly spec: TaskSpec
  readonly specBytes: Uint8Array
  readonly authorization: Authorization
  readonly signature: string
  readonly limits: Limits
  readonly rates: Rates
  readonly maxPriceWei: string
  readonly queueDeadlineMs: number
  readonly totalDeadlineMs: number
  readonly retriesLeft: number
  /** Since when it waits, or waited before its latest attempt: its acceptance, or its latest requeueing. */
  readonly queuedAtMs: number
  /** Why the latest attempt is to be repeated. */
  readonly lastError?: SerialisedError
}

/** A task that has come to its final end. Its spec, which may be large, is no longer in memory. */
export interface SettledTask extends TaskFacts {
  readonly state: 'finished' | 'failed'
  readonly finishedAtMs: number
  readonly result: TaskResult
  /** Roughly what it takes in the journal: its spec and its result. */
  readonly journaledBytes: number
}

export type TaskRecord = LiveTask | SettledTask

export function isSettled(task: TaskRecord): task is SettledTask {
  return task.state === 'finished' || task.state === 'failed'
}

/**
 * The next state of a task; `undefined` before it is accepted and after it is removed.
 *
 * @throws SoukError INTERNAL on a transition that cannot be: a second acceptance, anything but removal after
 *   the task has settled, an attempt out of order, a result without an attempt, a retry that is not allowed.
 */
export function reduce(task: TaskRecord | undefined, event: TaskEventRecord): TaskRecord | undefined {
  if (event.kind === 'accepted') {
    if (task !== undefined) throw impossible(task, event)
    return acceptedTask(event, specOf(event.spec))
  }
  if (task === undefined || task.taskId !== event.taskId) throw impossible(task, event)
  if (isSettled(task)) {
    if (event.kind === 'removed') return undefined
    // A cancellation may arrive just after the task's end: it changes nothing then.
    if (event.kind === 'cancelRequested') return task
    throw impossible(task, event)
  }
  switch (event.kind) {
    case 'started':
      if (task.state !== 'queued' || event.attempt !== task.attempts + 1) throw impossible(task, event)
      return { ...task, state: 'running', attempts: event.attempt, startedAtMs: event.atMs }
    case 'requeued':
      if (task.retriesLeft < 1) throw impossible(task, event)
      return {
        ...task,
        state: 'queued',
        retriesLeft: task.retriesLeft - 1,
        queuedAtMs: event.atMs,
        // It may wait as long as the first time. The total deadline stays.
        queueDeadlineMs: event.atMs + (task.queueDeadlineMs - task.queuedAtMs),
        lastError: event.error,
      }
    case 'cancelRequested':
      return task.cancelRequestedAtMs === undefined ? { ...task, cancelRequestedAtMs: event.atMs } : task
    case 'finished':
      if (task.state !== 'running' || event.receipt.taskId !== task.taskId) throw impossible(task, event)
      if (event.channelId !== task.channelId) throw impossible(task, event)
      return settled(task, event.atMs, { kind: 'receipt', receipt: event.receipt })
    case 'failed':
      return settled(task, event.atMs, { kind: 'failed', error: event.error })
    case 'removed':
      throw impossible(task, event)
  }
}

/** The task that an acceptance makes, for a caller who has parsed the event's spec already. */
export function acceptedTask(event: AcceptedEvent, spec: TaskSpec): LiveTask {
  return {
    state: 'queued',
    taskId: event.taskId,
    requester: event.requester,
    name: spec.name,
    runtime: event.runtime,
    spec,
    specBytes: event.spec,
    authorization: event.authorization,
    signature: event.signature,
    limits: event.limits,
    rates: event.rates,
    maxPriceWei: event.maxPriceWei,
    ...(event.channelId !== undefined && { channelId: event.channelId }),
    acceptedAtMs: event.atMs,
    queuedAtMs: event.atMs,
    queueDeadlineMs: event.queueDeadlineMs,
    totalDeadlineMs: event.totalDeadlineMs,
    retriesLeft: event.retriesLeft,
    attempts: 0,
  }
}

/** Admission has parsed these bytes before they were journaled, so an invalid spec is the provider's fault. */
function specOf(bytes: Uint8Array): TaskSpec {
  try {
    return taskSpecSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (cause) {
    throw new SoukError({
      code: 'INTERNAL',
      message: 'A journaled task cannot be read: it was written by another version, or the journal is damaged',
      details: { reason: 'the spec of a journaled task is not valid' },
      cause,
    })
  }
}

function settled(task: LiveTask, atMs: number, result: TaskResult): SettledTask {
  const { taskId, requester, name, runtime, acceptedAtMs, attempts, startedAtMs, cancelRequestedAtMs, channelId } = task
  return {
    state: result.kind === 'receipt' ? 'finished' : 'failed',
    taskId,
    requester,
    name,
    runtime,
    acceptedAtMs,
    attempts,
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(cancelRequestedAtMs !== undefined && { cancelRequestedAtMs }),
    ...(channelId !== undefined && { channelId }),
    finishedAtMs: atMs,
    result,
    journaledBytes: task.specBytes.byteLength + bytesOfResult(result),
  }
}

/** An estimate, which saves serialising the receipt again: only the output entries can be large. */
function bytesOfResult(result: TaskResult): number {
  const fixed = 4096
  if (result.kind === 'failed') return fixed + JSON.stringify(result.error).length
  return result.receipt.outputs.reduce((sum, { path }) => sum + path.length * 2 + 256, fixed)
}

function impossible(task: TaskRecord | undefined, event: TaskEventRecord): SoukError {
  const from = task === undefined ? 'no task' : `a task that is ${task.state}`
  const reason = `${event.kind} cannot follow for ${from} (task ${event.taskId})`
  return new SoukError({ code: 'INTERNAL', message: `Impossible transition: ${reason}`, details: { reason } })
}

/** One line of a task list. Whether the inputs of a queued task are being fetched (`preparing`) is not journaled: the caller says it. */
export function summaryOf(
  task: TaskRecord,
  live: { readonly stdoutBytes: number; readonly stderrBytes: number; readonly preparing?: boolean },
): TaskSummary {
  const state: TaskState = task.state === 'queued' && live.preparing === true ? 'preparing' : task.state
  const result = isSettled(task) ? task.result : undefined
  return {
    taskId: task.taskId,
    name: task.name,
    runtime: task.runtime,
    state,
    attempts: task.attempts,
    acceptedAtMs: task.acceptedAtMs,
    ...(task.startedAtMs !== undefined && { startedAtMs: task.startedAtMs }),
    ...(isSettled(task) && { finishedAtMs: task.finishedAtMs }),
    ...(result?.kind === 'receipt' && { outcome: result.receipt.outcome }),
    ...(result?.kind === 'failed' && { errorCode: result.error.code }),
    stdoutBytes: live.stdoutBytes,
    stderrBytes: live.stderrBytes,
  }
}

/** What a node that starts does with a task that it finds in the journal, and the event that it journals before. */
export type Recovery =
  | { readonly action: 'run' }
  | { readonly action: 'resume' }
  | { readonly action: 'requeue'; readonly event: Extract<TaskEventRecord, { kind: 'requeued' }> }
  | { readonly action: 'fail'; readonly event: Extract<TaskEventRecord, { kind: 'failed' }> }
  | { readonly action: 'keep' }

/** The error of an attempt that ended together with the process that made it. */
export function interruptedError({ attempts }: Pick<TaskRecord, 'attempts'>): SoukError<'PROVIDER_STOPPED'> {
  return new SoukError({
    code: 'PROVIDER_STOPPED',
    message: `The provider stopped during attempt ${attempts} of the task`,
    details: { attempts },
  })
}

/**
 * What is done with a task after a crash:
 *
 * - settled: it is kept;
 * - running: it is resumed if its run is still there, else it runs again if it has retries left, else it fails as the provider's fault;
 * - queued: it runs.
 *
 * A task that was cancelled, or whose deadline has passed, is not run or retried. One whose run may still be going on is resumed all
 * the same, and ended by the attempt.
 */
export function recoveryOf(
  task: TaskRecord,
  { atMs, resumable }: { readonly atMs: number; readonly resumable: boolean },
): Recovery {
  if (isSettled(task)) return { action: 'keep' }
  const { taskId } = task
  const fail = (error: SoukError): Recovery => ({
    action: 'fail',
    event: { kind: 'failed', taskId, atMs, error: error.toJSON() },
  })
  if (task.state === 'running') {
    if (resumable) return { action: 'resume' }
    const stopped = interruptedError(task)
    const again = task.retriesLeft > 0 && task.cancelRequestedAtMs === undefined && atMs < task.totalDeadlineMs
    if (!again) return fail(stopped)
    return { action: 'requeue', event: { kind: 'requeued', taskId, atMs, error: stopped.toJSON() } }
  }
  if (task.cancelRequestedAtMs !== undefined) {
    return fail(new SoukError({ code: 'CANCELLED', message: 'The task was cancelled before it started', details: {} }))
  }
  const expiry = expiryOf(task)
  return atMs >= expiry.atMs ? fail(expiryErrorOf(task, { nowMs: atMs })) : { action: 'run' }
}

/** The times of a waiting task, in epoch milliseconds. */
export type WaitingTimes = Pick<LiveTask, 'acceptedAtMs' | 'queuedAtMs' | 'queueDeadlineMs' | 'totalDeadlineMs'>

/** When a task that has not started expires, and as what: the earlier of its two deadlines. */
export function expiryOf(times: WaitingTimes): {
  readonly atMs: number
  readonly code: 'QUEUE_TIMEOUT' | 'TOTAL_TIMEOUT'
} {
  return times.totalDeadlineMs < times.queueDeadlineMs
    ? { atMs: times.totalDeadlineMs, code: 'TOTAL_TIMEOUT' }
    : { atMs: times.queueDeadlineMs, code: 'QUEUE_TIMEOUT' }
}

/** The error of a task that expired in the queue; such a task is free. */
export function expiryErrorOf(times: WaitingTimes, { nowMs }: { readonly nowMs: number }): SoukError {
  const { code } = expiryOf(times)
  if (code === 'TOTAL_TIMEOUT') {
    const limitMs = Math.max(0, times.totalDeadlineMs - times.acceptedAtMs)
    return new SoukError({
      code,
      message: `The task's total timeout of ${limitMs} ms ran out before it started`,
      details: { limitMs },
    })
  }
  const waitedMs = Math.max(0, nowMs - times.queuedAtMs)
  return new SoukError({
    code,
    message: `The task waited ${waitedMs} ms in the queue, longer than it allows`,
    details: { waitedMs },
  })
}
