import assert from 'node:assert/strict'
import { expiredTasks } from '../../src/node/retention.ts'
import type { SettledTask } from '../../src/node/task-state.ts'

const settledAt = (finishedAtMs: number): SettledTask => ({
  state: 'failed',
  taskId: `0x${finishedAtMs.toString(16).padStart(64, '0')}`,
  requester: `0x${'11'.repeat(20)}`,
  name: 'task',
  runtime: 'wasm',
  acceptedAtMs: 0,
  attempts: 1,
  finishedAtMs,
  result: {
    kind: 'failed',
    error: { code: 'CANCELLED', message: '', fault: 'requester', phase: 'queue', retryable: false, hint: '', details: {} },
  },
})
const timesOf = (tasks: readonly SettledTask[]): number[] => tasks.map((task) => task.finishedAtMs)

describe('retention', () => {
  it('lets go of what is past its time, and not before', () => {
    const settled = [settledAt(100), settledAt(200), settledAt(300)]
    const policy = { resultsMs: 50, maxResults: 10 }
    assert.deepEqual(timesOf(expiredTasks({ settled, policy, nowMs: 149 })), [])
    assert.deepEqual(timesOf(expiredTasks({ settled, policy, nowMs: 150 })), [100])
    assert.deepEqual(timesOf(expiredTasks({ settled, policy, nowMs: 1_000 })), [100, 200, 300])
  })

  it('keeps the newest when there are too many', () => {
    const settled = [settledAt(300), settledAt(100), settledAt(200)]
    const policy = { resultsMs: 1_000_000, maxResults: 2 }
    assert.deepEqual(timesOf(expiredTasks({ settled, policy, nowMs: 400 })), [100])
    assert.deepEqual(timesOf(expiredTasks({ settled, policy: { ...policy, maxResults: 0 }, nowMs: 400 })), [100, 200, 300])
  })
})
