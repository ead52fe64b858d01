import assert from 'node:assert/strict'
import { expiredTasks, type KeptTask, type RetentionPolicy } from '../../src/node/results/retention.ts'
import { address } from '../fixtures/provider-tasks.ts'

const settledAt = (finishedAtMs: number, changes: Partial<KeptTask> = {}): KeptTask => ({
  taskId: `0x${finishedAtMs.toString(16).padStart(64, '0')}`,
  requester: address('somebody'),
  finishedAtMs,
  journaledBytes: 1,
  outputBytes: 1,
  ...changes,
})
const policyOf = (changes: Partial<RetentionPolicy['most']> = {}): RetentionPolicy => ({
  resultsMs: 1_000_000,
  most: { results: 100, journaledBytes: 1_000, outputBytes: 1_000, ...changes },
})
const expiredAt = (
  settled: readonly KeptTask[],
  { policy = policyOf(), nowMs = 400 }: { readonly policy?: RetentionPolicy; readonly nowMs?: number } = {},
): number[] =>
  expiredTasks({ settled, policy, nowMs, isKnown: (peer) => peer === address('known') }).map(
    (task) => task.finishedAtMs,
  )

describe('retention', () => {
  it('lets go of what is past its time, and not before', () => {
    const settled = [settledAt(100), settledAt(200), settledAt(300)]
    const policy = { ...policyOf(), resultsMs: 50 }
    assert.deepEqual(expiredAt(settled, { policy, nowMs: 149 }), [])
    assert.deepEqual(expiredAt(settled, { policy, nowMs: 150 }), [100])
    assert.deepEqual(expiredAt(settled, { policy, nowMs: 1_000 }), [100, 200, 300])
  })

  it('keeps the newest when there are too many', () => {
    const settled = [settledAt(300), settledAt(100), settledAt(200)]
    assert.deepEqual(expiredAt(settled, { policy: policyOf({ results: 2 }) }), [100])
    assert.deepEqual(expiredAt(settled, { policy: policyOf({ results: 0 }) }), [100, 200, 300])
  })

  it('counts what results take in the journal, and what was written to stdout and stderr', () => {
    const settled = [settledAt(1), settledAt(2, { journaledBytes: 999, outputBytes: 999 }), settledAt(3)]
    assert.deepEqual(expiredAt(settled, { policy: policyOf({ journaledBytes: 1_000 }) }), [1])
    assert.deepEqual(expiredAt(settled, { policy: policyOf({ journaledBytes: 999 }) }), [1, 2])
    assert.deepEqual(expiredAt(settled, { policy: policyOf({ outputBytes: 10 }) }), [1, 2])
  })

  it('takes from the requester who has most, however old the results of others are', () => {
    const many = [10, 20, 30, 40].map((at) => settledAt(at, { requester: address('greedy') }))
    const settled = [settledAt(1, { requester: address('modest') }), ...many]
    assert.deepEqual(expiredAt(settled, { policy: policyOf({ results: 3 }) }), [10, 20])
  })

  it('counts all unknown requesters as one against those that the operator knows', () => {
    const known = [1, 2].map((at) => settledAt(at, { requester: address('known') }))
    const crowd = [10, 20, 30].map((at) => settledAt(at, { requester: address(`stranger ${at}`) }))
    assert.deepEqual(expiredAt([...known, ...crowd], { policy: policyOf({ results: 4 }) }), [10])
    assert.deepEqual(expiredAt([...known, ...crowd], { policy: policyOf({ results: 3 }) }).length, 2)
  })
})
