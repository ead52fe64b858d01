import assert from 'node:assert/strict'
import { isSoukError, serialisedErrorSchema } from '../../src/protocol/errors.ts'
import {
  expiryErrorOf,
  expiryOf,
  isSettled,
  recoveryOf,
  reduce,
  summaryOf,
  type LiveTask,
  type TaskEventRecord,
  type TaskRecord,
} from '../../src/node/journal/task-state.ts'
import { ACCEPTED_AT_MS, acceptedEvent, bytes32, providerFault, receiptOf } from '../fixtures/provider-tasks.ts'

const accepted = acceptedEvent(1, { retriesLeft: 1 })
const { taskId } = accepted
const at = (ms: number): number => ACCEPTED_AT_MS + ms

const started = (attempt: number, atMs = at(10)): TaskEventRecord => ({ kind: 'started', taskId, attempt, atMs })
const requeued: TaskEventRecord = { kind: 'requeued', taskId, atMs: at(40_000), error: providerFault() }
const cancelRequested: TaskEventRecord = { kind: 'cancelRequested', taskId, atMs: at(20) }
const finished: TaskEventRecord = { kind: 'finished', taskId, atMs: at(30), receipt: receiptOf(accepted) }
const failed: TaskEventRecord = { kind: 'failed', taskId, atMs: at(30), error: providerFault() }
const removed: TaskEventRecord = { kind: 'removed', taskId, atMs: at(90_000) }

function after(...events: readonly TaskEventRecord[]): TaskRecord {
  const task = events.reduce<TaskRecord | undefined>(reduce, undefined)
  assert(task !== undefined)
  return task
}

function live(...events: readonly TaskEventRecord[]): LiveTask {
  const task = after(...events)
  assert(!isSettled(task))
  return task
}

const impossible = (...events: readonly TaskEventRecord[]): void => {
  const last = events.at(-1)
  assert(last !== undefined)
  const before = events.slice(0, -1).reduce<TaskRecord | undefined>(reduce, undefined)
  assert.throws(
    () => reduce(before, last),
    (thrown) => isSoukError(thrown, 'INTERNAL') && thrown.details.reason.includes(last.kind),
  )
}

describe('task state', () => {
  it('goes from accepted through an attempt to its receipt', () => {
    assert.equal(after(accepted).state, 'queued')
    const running = after(accepted, started(1))
    assert.deepEqual([running.state, running.attempts, running.startedAtMs], ['running', 1, at(10)])
    const end = after(accepted, started(1), finished)
    assert.equal(end.state, 'finished')
    assert(isSettled(end))
    assert.deepEqual(end.result, { kind: 'receipt', receipt: receiptOf(accepted) })
    assert.equal(end.finishedAtMs, at(30))
    assert.equal(reduce(end, removed), undefined)
  })

  it('keeps the exact bytes of the spec while the task lives, and lets them go when it has settled', () => {
    const task = live(accepted)
    assert.equal(task.specBytes, accepted.spec)
    assert.equal(task.spec.name, 'task 1')
    assert(!('spec' in after(accepted, failed)))
    assert(!('specBytes' in after(accepted, failed)))
    assert.equal(after(accepted, failed).name, 'task 1')
  })

  it('runs again while it may: one retry less, a new wait in the queue, the same total deadline', () => {
    const task = live(accepted, started(1), requeued)
    assert.deepEqual([task.state, task.attempts, task.retriesLeft], ['queued', 1, 0])
    assert.deepEqual([task.queuedAtMs, task.queueDeadlineMs], [at(40_000), at(70_000)])
    assert.equal(task.totalDeadlineMs, at(120_000))
    assert.deepEqual(task.lastError, providerFault())
    assert.equal(live(accepted, started(1), requeued, started(2)).attempts, 2)
    impossible(accepted, started(1), requeued, started(2), requeued)
    assert.equal(live(accepted, requeued).retriesLeft, 0, 'a fault while inputs are prepared uses up a retry too')
  })

  it('refuses every transition that cannot be', () => {
    impossible(accepted, accepted)
    impossible(started(1))
    impossible(accepted, finished)
    impossible(accepted, removed)
    impossible(accepted, started(2))
    impossible(accepted, started(1), started(2))
    impossible(accepted, started(1), removed)
    for (const end of [failed, finished]) {
      for (const next of [accepted, started(2), requeued, failed, finished]) impossible(accepted, started(1), end, next)
    }
    impossible(accepted, { ...failed, taskId: bytes32('another') })
    impossible(accepted, started(1), { ...finished, receipt: { ...receiptOf(accepted), taskId: bytes32('another') } })
  })

  it('takes a cancellation at any time, and remembers the first while it matters', () => {
    assert.equal(after(accepted, cancelRequested).cancelRequestedAtMs, at(20))
    assert.equal(after(accepted, cancelRequested, { ...cancelRequested, atMs: at(25) }).cancelRequestedAtMs, at(20))
    const end = after(accepted, failed)
    assert.equal(reduce(end, cancelRequested), end)
  })

  it('names a journaled spec that cannot be read', () => {
    assert.throws(
      () => reduce(undefined, { ...accepted, spec: new Uint8Array([0x7b]) }),
      (thrown) => isSoukError(thrown, 'INTERNAL') && thrown.cause !== undefined,
    )
  })
})

describe('task summary', () => {
  const sizes = { stdoutBytes: 5, stderrBytes: 6 }

  it('tells a list what it needs', () => {
    assert.deepEqual(summaryOf(after(accepted), sizes), {
      taskId,
      name: 'task 1',
      runtime: 'wasm',
      state: 'queued',
      attempts: 0,
      acceptedAtMs: at(0),
      ...sizes,
    })
    const end = summaryOf(after(accepted, started(1), finished), sizes)
    assert.deepEqual(
      [end.state, end.startedAtMs, end.finishedAtMs, end.outcome],
      ['finished', at(10), at(30), { kind: 'exited', code: 0 }],
    )
    assert.equal(summaryOf(after(accepted, failed), sizes).errorCode, 'EXECUTOR_FAILED')
  })

  it('shows preparation, which is not journaled, of queued tasks only', () => {
    assert.equal(summaryOf(after(accepted), { ...sizes, preparing: true }).state, 'preparing')
    assert.equal(summaryOf(after(accepted, started(1)), { ...sizes, preparing: true }).state, 'running')
  })
})

describe('task recovery', () => {
  const recover = (task: TaskRecord, atMs = at(1000)): { action: string; code?: string } => {
    const recovery = recoveryOf(task, { atMs, resumable: false })
    if (!('event' in recovery)) return recovery
    assert.equal(recovery.event.atMs, atMs)
    assert(serialisedErrorSchema.safeParse(recovery.event.error).success)
    // What recovery says must be a transition that the reducer allows.
    assert.equal(reduce(task, recovery.event)?.state, recovery.action === 'fail' ? 'failed' : 'queued')
    return { action: recovery.action, code: recovery.event.error.code }
  }

  it('runs what was queued and keeps what had settled', () => {
    assert.deepEqual(recover(after(accepted)), { action: 'run' })
    assert.deepEqual(recover(after(accepted, failed)), { action: 'keep' })
    assert.deepEqual(recover(after(accepted, started(1), finished)), { action: 'keep' })
  })

  it('repeats a task that was running while it has retries, and settles it as the provider’s fault when not', () => {
    assert.deepEqual(recover(after(accepted, started(1))), { action: 'requeue', code: 'PROVIDER_STOPPED' })
    assert.deepEqual(recover(after(accepted, started(1), requeued, started(2))), {
      action: 'fail',
      code: 'PROVIDER_STOPPED',
    })
    const recovery = recoveryOf(after(accepted, started(1), requeued, started(2)), { atMs: at(1000), resumable: false })
    assert(recovery.action === 'fail')
    assert.deepEqual(
      [recovery.event.error.fault, recovery.event.error.retryable, recovery.event.error.details],
      ['provider', true, { attempts: 2 }],
    )
  })

  it('goes on with what may still run, whatever became of it meanwhile: it is ended as ever', () => {
    const resumable = { atMs: at(1000), resumable: true }
    for (const events of [[], [cancelRequested]])
      assert.deepEqual(recoveryOf(after(accepted, started(1), ...events), resumable), { action: 'resume' })
    assert.deepEqual(recoveryOf(after(accepted, started(1)), { ...resumable, atMs: at(120_000) }), { action: 'resume' })
    assert.deepEqual(recoveryOf(after(accepted), resumable), { action: 'run' })
    assert.deepEqual(recoveryOf(after(accepted, started(1), finished), resumable), { action: 'keep' })
  })

  it('does not run what was cancelled or came too late', () => {
    assert.deepEqual(recover(after(accepted, cancelRequested)), { action: 'fail', code: 'CANCELLED' })
    assert.deepEqual(recover(after(accepted, started(1), cancelRequested)), {
      action: 'fail',
      code: 'PROVIDER_STOPPED',
    })
    assert.deepEqual(recover(after(accepted), at(30_000)), { action: 'fail', code: 'QUEUE_TIMEOUT' })
    assert.deepEqual(recover(after(accepted), at(29_999)), { action: 'run' })
    assert.deepEqual(recover(after(accepted, started(1)), at(120_000)), { action: 'fail', code: 'PROVIDER_STOPPED' })
    assert.deepEqual(recover(after({ ...accepted, totalDeadlineMs: at(500) })), {
      action: 'fail',
      code: 'TOTAL_TIMEOUT',
    })
  })

  it('says how long a task waited, and which limit ran out', () => {
    const task = live(accepted)
    assert.deepEqual(expiryOf(task), { atMs: at(30_000), code: 'QUEUE_TIMEOUT' })
    assert.deepEqual(expiryErrorOf(task, { nowMs: at(30_001) }).details, { waitedMs: 30_001 })
    assert.deepEqual(expiryErrorOf({ ...task, totalDeadlineMs: at(20) }, { nowMs: at(21) }).details, { limitMs: 20 })
  })
})
