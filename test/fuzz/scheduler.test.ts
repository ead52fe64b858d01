import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createCapacity, demandOf, RESOURCE_KEYS, type Resources } from '../../src/node/scheduler/capacity.ts'
import { createScheduler, type WaitingTask } from '../../src/node/scheduler/scheduler.ts'
import { fakeClock } from '../fixtures/fake-clock.ts'
import { LIMITS } from '../fixtures/provider-tasks.ts'

const TOTAL: Resources = { slots: 3, cpuMilliCores: 3000, memoryBytes: 300, diskBytes: 300, gpus: 2 }
const MAX_BYPASSES = 3
const REQUESTERS = ['a', 'b', 'c', 'known1', 'known2']
const isKnown = (requester: string): boolean => requester.startsWith('known')

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('enqueue' as const),
      requester: fc.constantFrom(...REQUESTERS),
      cpuCores: fc.constantFrom(0.1, 0.3, 1, 3),
      memoryBytes: fc.integer({ min: 1, max: 300 }),
      diskBytes: fc.integer({ min: 0, max: 300 }),
      gpus: fc.constantFrom(undefined, undefined, 1, 2),
      queueMs: fc.integer({ min: 0, max: 500 }),
      totalMs: fc.integer({ min: 0, max: 500 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 200 }) }) },
)

describe('scheduler, whatever comes in whatever order', () => {
  it('starts, cancels or expires each task exactly once, within capacity and shares, nothing startable left waiting', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const clock = fakeClock()
        const tasks = new Map<string, WaitingTask>()
        const ends = new Map<string, string>()
        const running = new Map<string, () => void>()
        const end = (taskId: string, how: string): void => {
          assert(!ends.has(taskId), `${taskId}: ${how} after ${ends.get(taskId)}`)
          ends.set(taskId, how)
        }
        const capacity = createCapacity({ total: TOTAL, shares: { peer: 0.67, unknownPeers: 0.67 }, isKnown })
        const scheduler = createScheduler({
          capacity,
          clock,
          maxBypasses: MAX_BYPASSES,
          onStart({ taskId, release }) {
            end(taskId, 'started')
            const task = tasks.get(taskId)
            assert(task !== undefined && clock.nowMs() < Math.min(task.queueDeadlineMs, task.totalDeadlineMs))
            running.set(taskId, release)
          },
          onExpired({ taskId, error }) {
            end(taskId, error.code)
            const task = tasks.get(taskId)
            assert(task !== undefined && clock.nowMs() >= Math.min(task.queueDeadlineMs, task.totalDeadlineMs))
          },
        })
        const finish = (taskId: string): void => {
          const release = running.get(taskId)
          running.delete(taskId)
          release?.()
        }
        const check = (): void => {
          const { queued, running: count } = scheduler.snapshot()
          const used = capacity.snapshot().used
          assert.equal(count, running.size)
          const ran = [...running.keys()].map((id) => tasks.get(id))
          for (const key of RESOURCE_KEYS) {
            const sum = ran.reduce((all, task) => all + (task === undefined ? 0 : demandOf(task.limits, TOTAL)[key]), 0)
            assert.equal(used[key], sum)
            assert(sum <= TOTAL[key])
          }
          assert(ran.filter((task) => task !== undefined && !isKnown(task.requester)).length <= 2)
          const waiting = [...tasks.values()].filter((task) => !ends.has(task.taskId))
          assert.equal(queued, waiting.length)
          assert.equal(clock.timers, waiting.length === 0 ? 0 : 1)
          assert(waiting.length === 0 || running.size > 0, 'the machine is idle, and somebody waits')
          const positions = waiting.map((task) => scheduler.positionOf(task.taskId))
          assert.equal(new Set(positions).size, waiting.length)
          assert(positions.every((position) => position !== undefined && position < waiting.length))
        }
        for (const one of steps) {
          if (one.do === 'enqueue') {
            const taskId = `${one.requester}-${tasks.size}`
            const nowMs = clock.nowMs()
            const { cpuCores, memoryBytes, diskBytes, gpus, requester } = one
            const task = {
              taskId,
              requester,
              limits: { ...LIMITS, cpuCores, memoryBytes, diskBytes, ...(gpus !== undefined && { gpus }) },
              acceptedAtMs: nowMs,
              queuedAtMs: nowMs,
              queueDeadlineMs: nowMs + one.queueMs,
              totalDeadlineMs: nowMs + one.totalMs,
            }
            tasks.set(taskId, task)
            scheduler.enqueue(task)
          } else if (one.do === 'finish') {
            const id = [...running.keys()][one.which % Math.max(1, running.size)]
            if (id !== undefined) finish(id)
          } else if (one.do === 'cancel') {
            const id = [...tasks.keys()][one.which % Math.max(1, tasks.size)]
            if (id !== undefined) {
              const was = ends.has(id)
              assert.equal(scheduler.cancel(id), !was)
              if (!was) end(id, 'cancelled')
            }
          } else clock.advance(one.ms)
          check()
        }
        while (running.size > 0) {
          for (const id of running.keys()) finish(id)
          check()
        }
        assert.equal(ends.size, tasks.size)
      }),
      { numRuns: 300 },
    )
  })

  it('starts one requester’s tasks in their order, and nobody waits for more than a bounded number of others', () => {
    const arrivals = fc.array(
      fc.record({ requester: fc.constantFrom(...REQUESTERS), memoryBytes: fc.integer({ min: 1, max: 300 }) }),
      { minLength: 1, maxLength: 80 },
    )
    fc.assert(
      fc.property(arrivals, fc.array(fc.nat(2), { minLength: 200, maxLength: 200 }), (tasks, choices) => {
        const clock = fakeClock()
        const started: string[] = []
        const running: (() => void)[] = []
        const requesterOf = (id: string): string => id.split('-')[0] ?? ''
        /** For each head of a line: how many of others have started since it became one. */
        const passed = new Map<string, number>()
        const lines = new Map<string, string[]>()
        const scheduler = createScheduler({
          capacity: createCapacity({ total: TOTAL, shares: { peer: 1, unknownPeers: 1 }, isKnown }),
          clock,
          maxBypasses: MAX_BYPASSES,
          onStart({ taskId, release }) {
            started.push(taskId)
            const line = lines.get(requesterOf(taskId))
            assert.equal(line?.shift(), taskId, 'first come, first served')
            for (const requester of REQUESTERS) {
              const own = requester === requesterOf(taskId)
              const count = own || (lines.get(requester)?.length ?? 0) === 0 ? 0 : (passed.get(requester) ?? 0) + 1
              passed.set(requester, count)
              // Each of the other heads may be passed so often, and then start; plus one round of turns.
              assert(count <= (MAX_BYPASSES + 1) * REQUESTERS.length, `${requester} was passed ${count} times`)
            }
            running.push(release)
          },
          onExpired: () => assert.fail('nothing expires here'),
        })
        for (const [number, { requester, memoryBytes }] of tasks.entries()) {
          const taskId = `${requester}-${number}`
          lines.set(requester, [...(lines.get(requester) ?? []), taskId])
          scheduler.enqueue({
            taskId,
            requester,
            limits: { ...LIMITS, cpuCores: 0.1, memoryBytes, diskBytes: 0 },
            acceptedAtMs: 0,
            queuedAtMs: 0,
            queueDeadlineMs: 1e6,
            totalDeadlineMs: 1e6,
          })
        }
        for (let turn = 0; running.length > 0; turn++) {
          const [release] = running.splice((choices[turn % choices.length] ?? 0) % running.length, 1)
          release?.()
        }
        assert.equal(started.length, tasks.length)
      }),
      { numRuns: 300 },
    )
  })
})
