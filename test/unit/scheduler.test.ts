import assert from 'node:assert/strict'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createCapacity, type Shares } from '../../src/node/scheduler/capacity.ts'
import { createScheduler, type Scheduler, type WaitingTask } from '../../src/node/scheduler/scheduler.ts'
import { fakeClock, type FakeClock } from '../fixtures/fake-clock.ts'
import { LIMITS } from '../fixtures/provider-tasks.ts'

interface Bench {
  readonly scheduler: Scheduler
  readonly clock: FakeClock
  /** Ids in the order in which they started. */
  readonly started: string[]
  readonly expired: { readonly taskId: string; readonly code: string; readonly details: unknown }[]
  readonly release: Map<string, () => void>
  /** Ends the task that has run longest. */
  readonly finishOldest: () => void
}

function bench(options: { slots?: number; shares?: Partial<Shares>; maxBypasses?: number; gpus?: number } = {}): Bench {
  const clock = fakeClock()
  const started: string[] = []
  const expired: { taskId: string; code: string; details: unknown }[] = []
  const release = new Map<string, () => void>()
  const slots = options.slots ?? 1
  const scheduler = createScheduler({
    capacity: createCapacity({
      total: {
        slots,
        cpuMilliCores: slots * 1000,
        memoryBytes: slots * 1000,
        diskBytes: slots * 1000,
        gpus: options.gpus ?? 1,
      },
      shares: { peer: 1, unknownPeers: 1, ...options.shares },
      isKnown: (requester) => requester.startsWith('known'),
    }),
    clock,
    onStart(start) {
      started.push(start.taskId)
      release.set(start.taskId, start.release)
    },
    onExpired: ({ taskId, error }) => expired.push({ taskId, code: error.code, details: error.details }),
    ...(options.maxBypasses !== undefined && { maxBypasses: options.maxBypasses }),
  })
  return {
    scheduler,
    clock,
    started,
    expired,
    release,
    finishOldest() {
      const [oldest] = release
      assert(oldest !== undefined)
      release.delete(oldest[0])
      oldest[1]()
    },
  }
}

/** `a3` is a task of requester `a`. */
function waiting(
  taskId: string,
  changes: Partial<WaitingTask> & { memoryBytes?: number; gpus?: number } = {},
): WaitingTask {
  const { memoryBytes = 100, gpus, ...rest } = changes
  return {
    taskId,
    requester: taskId.replace(/\d+$/, ''),
    limits: { ...LIMITS, cpuCores: 0.1, memoryBytes, diskBytes: 0, ...(gpus !== undefined && { gpus }) },
    acceptedAtMs: 0,
    queuedAtMs: 0,
    queueDeadlineMs: 1000,
    totalDeadlineMs: 5000,
    ...rest,
  }
}

describe('scheduler', () => {
  it('counts what runs already, and starts nothing in its place', async () => {
    const { scheduler, started } = bench({ slots: 2 })
    const places = ['a1', 'a2', 'b1'].map((taskId) => scheduler.resume(waiting(taskId)))
    scheduler.enqueue(waiting('c1'))
    assert.equal(scheduler.claim(waiting('d1')), undefined)
    assert.equal(scheduler.snapshot().running, 3)
    places[0]?.()
    assert.deepEqual(started, [])
    places[1]?.()
    assert.deepEqual(started, ['c1'])
    const drained = scheduler.drain()
    places[2]?.()
    assert.equal(await Promise.race([drained.then(() => 'drained'), Promise.resolve('running')]), 'running')
  })

  it('gives a task its place at once where nobody waits, and to nobody else until it is given back', async () => {
    const { scheduler, started } = bench()
    const release = scheduler.claim(waiting('a1'))
    assert(release !== undefined)
    assert.equal(scheduler.snapshot().running, 1)
    assert.equal(scheduler.claim(waiting('b1')), undefined)
    scheduler.enqueue(waiting('c1'))
    assert.deepEqual(started, [])
    const drained = scheduler.drain()
    release()
    release()
    await drained
    assert.deepEqual([scheduler.snapshot().running, scheduler.snapshot().capacity.used.slots], [0, 0])
    assert.equal(scheduler.claim(waiting('d1')), undefined, 'a draining node begins nothing')
  })

  it('lets no claim pass those that wait', () => {
    const { scheduler, started } = bench({ slots: 2 })
    const release = scheduler.claim(waiting('a1', { memoryBytes: 1500 }))
    scheduler.enqueue(waiting('b1', { memoryBytes: 1000 }))
    assert.equal(scheduler.claim(waiting('c1')), undefined)
    release?.()
    assert.deepEqual(started, ['b1'])
  })

  it('starts what fits at once, the rest in the order of arrival', () => {
    const { scheduler, started, finishOldest } = bench({ slots: 2 })
    for (const id of ['a1', 'a2', 'a3', 'a4']) scheduler.enqueue(waiting(id))
    assert.deepEqual(started, ['a1', 'a2'])
    assert.deepEqual([scheduler.snapshot().queued, scheduler.snapshot().running], [2, 2])
    finishOldest()
    finishOldest()
    assert.deepEqual(started, ['a1', 'a2', 'a3', 'a4'])
    finishOldest()
    finishOldest()
    assert.equal(scheduler.snapshot().running, 0)
  })

  it('takes turns between requesters: a thousand tasks of one do not delay the first of another', () => {
    const { scheduler, started, finishOldest } = bench()
    for (let number = 1; number <= 1000; number++) scheduler.enqueue(waiting(`a${number}`))
    scheduler.enqueue(waiting('b1'))
    scheduler.enqueue(waiting('b2'))
    scheduler.enqueue(waiting('c1'))
    for (let ends = 0; ends < 6; ends++) finishOldest()
    assert.deepEqual(started, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })

  it('goes past those who have their share, who lose nothing by it', () => {
    const { scheduler, started, release } = bench({
      slots: 4,
      shares: { peer: 0.25, unknownPeers: 0.5 },
      maxBypasses: 1,
    })
    for (const id of ['a1', 'a2', 'b1', 'c1', 'known1', 'known2', 'kn1']) scheduler.enqueue(waiting(id))
    assert.deepEqual(started, ['a1', 'b1', 'known1'], 'one each, two of unknown requesters')
    release.get('a1')?.()
    assert.deepEqual(started.slice(3), ['a2'])
    release.get('b1')?.()
    assert.deepEqual(started.slice(4), ['c1'])
    assert.equal(scheduler.snapshot().queued, 2)
  })

  it('lets a bounded number of small tasks pass one that is too big for what is free', () => {
    const { scheduler, started, finishOldest } = bench({ slots: 2, maxBypasses: 3 })
    scheduler.enqueue(waiting('a1', { memoryBytes: 1500 }))
    scheduler.enqueue(waiting('big1', { memoryBytes: 2000 }))
    for (let number = 1; number <= 10; number++) scheduler.enqueue(waiting(`s${number}`))
    assert.deepEqual(started, ['a1', 's1'])
    finishOldest()
    assert.deepEqual(started, ['a1', 's1', 's2'])
    finishOldest()
    assert.deepEqual(started.slice(3), ['s3'], 'that was the third')
    finishOldest()
    assert.deepEqual(started.slice(4), [], 'now the machine is kept free for it')
    finishOldest()
    assert.deepEqual(started.slice(4), ['big1'])
    finishOldest()
    assert.deepEqual(started.slice(5), ['s4', 's5'])
  })

  it('keeps only the share of unknown requesters free for one of theirs', () => {
    const { scheduler, started, release, finishOldest } = bench({
      slots: 4,
      shares: { unknownPeers: 0.5 },
      maxBypasses: 1,
    })
    scheduler.enqueue(waiting('a1', { memoryBytes: 1000 }))
    scheduler.enqueue(waiting('big1', { memoryBytes: 2000 }))
    scheduler.enqueue(waiting('s1'))
    scheduler.enqueue(waiting('s2'))
    assert.deepEqual(started, ['a1', 's1'])
    release.get('s1')?.()
    assert.deepEqual(started, ['a1', 's1'], 's2 would take what big1 waits for')
    scheduler.enqueue(waiting('known1', { memoryBytes: 2000 }))
    assert.deepEqual(started, ['a1', 's1', 'known1'], 'others are not held up')
    finishOldest()
    assert.deepEqual(started.slice(3), ['big1'])
  })

  it('does not hold others up for one who waits for his own tasks', () => {
    const { scheduler, started, finishOldest } = bench({ slots: 4, shares: { peer: 0.5 }, maxBypasses: 1 })
    scheduler.enqueue(waiting('a1', { memoryBytes: 1000 }))
    scheduler.enqueue(waiting('a2', { memoryBytes: 1500 }))
    for (let number = 1; number <= 8; number++) scheduler.enqueue(waiting(`b${number}`))
    for (let ends = 0; ends < 3; ends++) finishOldest()
    assert.deepEqual(started, ['a1', 'b1', 'b2', 'a2', 'b3', 'b4'])
  })

  it('expires by whichever deadline is first, with one timer for all', () => {
    const { scheduler, clock, started, expired, finishOldest } = bench()
    scheduler.enqueue(waiting('a1', { queueDeadlineMs: 1 }))
    assert.equal(clock.timers, 0, 'what runs is not watched')
    scheduler.enqueue(waiting('a2', { queueDeadlineMs: 300 }))
    scheduler.enqueue(waiting('a3', { queueDeadlineMs: 100 }))
    scheduler.enqueue(waiting('b1', { totalDeadlineMs: 200 }))
    scheduler.enqueue(waiting('b2'))
    assert.equal(clock.timers, 1)
    clock.advance(99)
    assert.deepEqual(expired, [])
    clock.advance(1)
    assert.deepEqual(expired, [{ taskId: 'a3', code: 'QUEUE_TIMEOUT', details: { waitedMs: 100 } }])
    clock.advance(150)
    assert.deepEqual(expired.slice(1), [{ taskId: 'b1', code: 'TOTAL_TIMEOUT', details: { limitMs: 200 } }])
    finishOldest()
    assert.deepEqual(started, ['a1', 'a2'])
    clock.advance(10_000)
    assert.deepEqual(
      expired.slice(2).map(({ taskId }) => taskId),
      ['b2'],
    )
    assert.equal(clock.timers, 0)
    assert.equal(scheduler.snapshot().queued, 0)
  })

  it('expires at once what comes too late', () => {
    const { scheduler, clock, started, expired } = bench()
    clock.advance(2000)
    scheduler.enqueue(waiting('a1'))
    assert.deepEqual([started, expired.map(({ code }) => code)], [[], ['QUEUE_TIMEOUT']])
  })

  it('never starts a task whose deadline has passed, even when the timer is late', () => {
    const started: string[] = []
    const expired: string[] = []
    const releases: (() => void)[] = []
    let nowMs = 0
    const scheduler = createScheduler({
      capacity: createCapacity({
        total: { slots: 1, cpuMilliCores: 1000, memoryBytes: 1000, diskBytes: 0, gpus: 0 },
        shares: { peer: 1, unknownPeers: 1 },
        isKnown: () => true,
      }),
      clock: { nowMs: () => nowMs, setTimeout: () => () => {} },
      onStart({ taskId, release }) {
        started.push(taskId)
        releases.push(release)
      },
      onExpired: ({ taskId }) => expired.push(taskId),
    })
    for (const id of ['a1', 'a2', 'a3']) scheduler.enqueue(waiting(id, { queueDeadlineMs: id === 'a2' ? 100 : 200 }))
    nowMs = 100
    releases[0]?.()
    assert.deepEqual([started, expired], [['a1', 'a3'], ['a2']])
  })

  it('lets others go when the one they were held up for leaves', () => {
    for (const leave of ['cancel', 'expire']) {
      const { scheduler, clock, started } = bench({ slots: 3, maxBypasses: 1 })
      scheduler.enqueue(waiting('a1'))
      scheduler.enqueue(waiting('big1', { memoryBytes: 3000, queueDeadlineMs: 10 }))
      scheduler.enqueue(waiting('b1'))
      scheduler.enqueue(waiting('c1'))
      assert.deepEqual(started, ['a1', 'b1'], 'a slot is free, but kept')
      if (leave === 'cancel') assert.equal(scheduler.cancel('big1'), true)
      else clock.advance(10)
      assert.deepEqual(started, ['a1', 'b1', 'c1'])
    }
  })

  it('lets a GPU serve one task at a time, and who takes none go on meanwhile, however long that is', () => {
    const { scheduler, started, release } = bench({ slots: 4, maxBypasses: 1 })
    scheduler.enqueue(waiting('a1', { gpus: 1 }))
    scheduler.enqueue(waiting('b1', { gpus: 1 }))
    for (let index = 1; index <= 5; index += 1) {
      scheduler.enqueue(waiting(`c${index}`))
      release.get(`c${index}`)?.()
    }
    assert.deepEqual(started, ['a1', 'c1', 'c2', 'c3', 'c4', 'c5'])
    release.get('a1')?.()
    assert.equal(started.at(-1), 'b1')
  })

  it('keeps a GPU for the task that others with GPUs were let past', () => {
    const { scheduler, started, release } = bench({ slots: 4, maxBypasses: 1, gpus: 2 })
    scheduler.enqueue(waiting('a1', { gpus: 1 }))
    scheduler.enqueue(waiting('two1', { gpus: 2 }))
    scheduler.enqueue(waiting('b1', { gpus: 1 }))
    scheduler.enqueue(waiting('c1', { gpus: 1 }))
    release.get('a1')?.()
    assert.deepEqual(started, ['a1', 'b1'], 'a GPU is free, but kept')
    scheduler.enqueue(waiting('d1'))
    assert.deepEqual(started, ['a1', 'b1', 'd1'])
    release.get('b1')?.()
    assert.deepEqual(started, ['a1', 'b1', 'd1', 'two1'])
  })

  it('cancels what is queued, once, and nothing else', () => {
    const { scheduler, clock, started, finishOldest } = bench()
    for (const id of ['a1', 'a2', 'a3']) scheduler.enqueue(waiting(id))
    assert.deepEqual(
      [scheduler.cancel('a2'), scheduler.cancel('a2'), scheduler.cancel('a1'), scheduler.cancel('x')],
      [true, false, false, false],
    )
    finishOldest()
    assert.deepEqual(started, ['a1', 'a3'])
    assert.equal(clock.timers, 0)
  })

  it('tells each task how many are likely to start before it', () => {
    const { scheduler, started, finishOldest } = bench()
    for (const id of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2', 'c3']) scheduler.enqueue(waiting(id))
    const expected = ['a2', 'b1', 'c1', 'a3', 'c2', 'a4', 'c3']
    assert.deepEqual(
      expected.map((id) => scheduler.positionOf(id)),
      [0, 1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual([scheduler.positionOf('a1'), scheduler.positionOf('x')], [undefined, undefined])
    for (let ends = 0; ends < 7; ends++) finishOldest()
    assert.deepEqual(started.slice(1), expected)
  })

  it('refuses a task twice, and one that could never run', () => {
    const { scheduler } = bench()
    scheduler.enqueue(waiting('a1'))
    scheduler.enqueue(waiting('a2'))
    for (const task of [waiting('a2'), waiting('a3', { memoryBytes: 1001 })]) {
      assert.throws(
        () => scheduler.enqueue(task),
        (thrown) => isSoukError(thrown, 'INTERNAL'),
      )
    }
    assert.equal(scheduler.snapshot().queued, 1)
  })

  it('drains: starts nothing more, goes on to expire, ends when nothing runs', async () => {
    const { scheduler, clock, started, expired, finishOldest } = bench()
    scheduler.enqueue(waiting('a1'))
    scheduler.enqueue(waiting('a2'))
    let drained = false
    const drain = scheduler.drain().then(() => (drained = true))
    scheduler.enqueue(waiting('a3', { queueDeadlineMs: 9000, totalDeadlineMs: 9000 }))
    clock.advance(1000)
    assert.deepEqual(
      expired.map(({ taskId }) => taskId),
      ['a2'],
    )
    await Promise.resolve()
    assert.equal(drained, false)
    finishOldest()
    await drain
    assert.deepEqual(started, ['a1'])
    await scheduler.drain()
    scheduler.close()
    assert.equal(clock.timers, 0)
    assert.equal(scheduler.snapshot().queued, 1)
  })

  it('survives callbacks that come back in: tasks that end as they start, tasks queued by the end of others', () => {
    const order: string[] = []
    const scheduler: Scheduler = createScheduler({
      capacity: createCapacity({
        total: { slots: 1, cpuMilliCores: 1000, memoryBytes: 1000, diskBytes: 0, gpus: 0 },
        shares: { peer: 1, unknownPeers: 1 },
        isKnown: () => true,
      }),
      clock: fakeClock(),
      onStart({ taskId, release }) {
        order.push(taskId)
        if (order.length < 20_000) scheduler.enqueue(waiting(`a${order.length + 1}`))
        release()
        release()
      },
      onExpired: () => assert.fail(),
    })
    scheduler.enqueue(waiting('a1'))
    assert.equal(order.length, 20_000)
    assert.deepEqual([scheduler.snapshot().running, scheduler.snapshot().queued], [0, 0])
  })
})
