import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSoukError } from '../../src/protocol/errors.ts'
import {
  isSettled,
  recoveryOf,
  reduce,
  type TaskEventRecord,
  type TaskRecord,
} from '../../src/node/journal/task-state.ts'
import { ACCEPTED_AT_MS, acceptedEvent, providerFault, receiptOf } from '../fixtures/provider-tasks.ts'

const RETRIES = 2
const accepted = acceptedEvent(1, { retriesLeft: RETRIES })
const { taskId } = accepted

const events: fc.Arbitrary<TaskEventRecord> = fc
  .tuple(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 1, max: 4 }))
  .chain(([ms, attempt]) => {
    const atMs = ACCEPTED_AT_MS + ms
    return fc.constantFrom<TaskEventRecord[]>(
      accepted,
      { kind: 'started', taskId, attempt, atMs },
      { kind: 'requeued', taskId, atMs, error: providerFault() },
      { kind: 'cancelRequested', taskId, atMs },
      { kind: 'finished', taskId, atMs, receipt: receiptOf(accepted) },
      { kind: 'failed', taskId, atMs, error: providerFault() },
      { kind: 'removed', taskId, atMs },
    )
  })

/** Applies what can be, as the node does: an event that cannot follow is refused and changes nothing. */
function history(
  from: TaskRecord | undefined,
  list: readonly TaskEventRecord[],
): { task: TaskRecord | undefined; applied: TaskEventRecord[] } {
  let task = from
  const applied: TaskEventRecord[] = []
  for (const event of list) {
    try {
      task = reduce(task, event)
      applied.push(event)
    } catch (thrown) {
      assert(isSoukError(thrown, 'INTERNAL'), `${event.kind}: ${String(thrown)}`)
    }
  }
  return { task, applied }
}

describe('task state, whatever is said to have happened', () => {
  it('settles a task at most once, and never runs it more often than it allows', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 40 }), (list) => {
        const { applied } = history(reduce(undefined, accepted), list)
        const life = applied.slice(
          0,
          [...applied, { kind: 'removed' }].findIndex((event) => event.kind === 'removed'),
        )
        const count = (...kinds: string[]): number => life.filter((event) => kinds.includes(event.kind)).length
        assert(count('finished', 'failed') <= 1)
        assert(count('started') <= RETRIES + 1)
        assert(count('requeued') <= RETRIES)
        assert.equal(count('accepted'), 0)
        const end = life.findIndex((event) => event.kind === 'finished' || event.kind === 'failed')
        if (end !== -1) assert(life.slice(end + 1).every((event) => event.kind === 'cancelRequested'))
      }),
      { numRuns: 2000 },
    )
  })

  it('is brought by recovery, at any time, to a state from which it goes on or has ended', () => {
    fc.assert(
      fc.property(
        fc.array(events, { maxLength: 20 }),
        fc.integer({ min: 0, max: 300_000 }),
        fc.boolean(),
        (list, ms, resumable) => {
          const { task } = history(reduce(undefined, accepted), list)
          if (task === undefined) return
          const recovery = recoveryOf(task, { atMs: ACCEPTED_AT_MS + ms, resumable })
          const after = 'event' in recovery ? reduce(task, recovery.event) : task
          assert(after !== undefined)
          assert.equal(after.state === 'running', recovery.action === 'resume')
          assert.equal(recovery.action === 'resume', resumable && task.state === 'running')
          assert.equal(recovery.action === 'keep', isSettled(task))
          assert.equal(['run', 'requeue', 'resume'].includes(recovery.action), !isSettled(after))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
