import assert from 'node:assert/strict'
import { nextUsage, runningTasksOf } from '../../src/node/attempt/running-tasks.ts'
import { acceptedTask, reduce } from '../../src/node/journal/task-state.ts'
import { trackTask } from '../../src/node/journal/tracked-task.ts'
import { acceptedEvent, LIMITS, taskSpec } from '../fixtures/provider-tasks.ts'

describe('running tasks', () => {
  it('have the cores of the time since they were last looked at, whatever the clock of the host does', () => {
    const first = nextUsage({ before: undefined, usage: { cpuTimeMs: 900, memoryBytes: 5 }, atMs: 1000 })
    assert.deepEqual(first, { cpuTimeMs: 900, memoryBytes: 5, atMs: 1000 })
    const second = nextUsage({ before: first, usage: { cpuTimeMs: 1400, memoryBytes: 7, pids: 2 }, atMs: 2000 })
    assert.deepEqual(second, { cpuTimeMs: 1400, memoryBytes: 7, pids: 2, atMs: 2000, cpuCores: 0.5 })
    const back = nextUsage({ before: second, usage: { cpuTimeMs: 1400, memoryBytes: 7 }, atMs: 500 })
    assert.equal(back.cpuCores, 0)
  })

  it('are told of with what they may use, and with what they use where that is known; others are not', () => {
    const accepted = acceptedEvent(1)
    const { taskId, requester, runtime } = accepted
    const waiting = trackTask(acceptedTask(accepted, taskSpec()))
    const started = reduce(waiting.record, { kind: 'started', taskId, attempt: 1, atMs: 5 })
    assert(started !== undefined)
    const running = trackTask(started)
    const told = { taskId, requester, runtime, name: 'word-count', startedAtMs: 5, limits: LIMITS }
    assert.deepEqual(runningTasksOf([waiting, running]), [told])
    running.usage = { atMs: 9, cpuTimeMs: 3, memoryBytes: 4 }
    assert.deepEqual(runningTasksOf([running]), [{ ...told, usage: running.usage }])
  })
})
