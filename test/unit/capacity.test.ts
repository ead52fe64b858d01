import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  createCapacity,
  demandOf,
  milliCoresOf,
  RESOURCE_KEYS,
  shareOf,
  shortagesOf,
  type Resources,
} from '../../src/node/scheduler/capacity.ts'
import { LIMITS } from '../fixtures/provider-tasks.ts'

const total: Resources = { slots: 4, cpuMilliCores: 4000, memoryBytes: 1000, diskBytes: 1000, gpus: 2 }
const demand = (changes: Partial<Resources> = {}): Resources => ({
  slots: 1,
  cpuMilliCores: 500,
  memoryBytes: 100,
  diskBytes: 0,
  gpus: 0,
  ...changes,
})
const isKnown = (requester: string): boolean => requester.startsWith('known')

describe('capacity', () => {
  it('counts cores so that ten times a tenth is one', () => {
    assert.equal(milliCoresOf(0.1), 100)
    assert.equal(milliCoresOf(1.1), 1100)
    assert.equal(milliCoresOf(0.0001), 1)
    assert.equal(milliCoresOf(1 / 3), 334)
    const capacity = createCapacity({
      total: { ...total, slots: 20, cpuMilliCores: 1000 },
      shares: { peer: 1, unknownPeers: 1 },
      isKnown,
    })
    const start = (): boolean =>
      capacity.reserve({ requester: 'known', demand: demand({ cpuMilliCores: milliCoresOf(0.1), memoryBytes: 1 }) })
        .reserved
    assert.deepEqual(Array.from({ length: 11 }, start), [...Array<boolean>(10).fill(true), false])
  })

  it('takes from a task’s limits what it may use', () => {
    assert.deepEqual(demandOf({ ...LIMITS, cpuCores: 0.25, memoryBytes: 5, diskBytes: 0 }, total), {
      slots: 1,
      cpuMilliCores: 250,
      memoryBytes: 5,
      diskBytes: 0,
      gpus: 0,
    })
  })

  it('takes GPUs only for a task that asks for some, and says when they alone are missing', () => {
    assert.equal(demandOf({ ...LIMITS, gpus: 2 }, total).gpus, 2)
    const capacity = createCapacity({ total, shares: { peer: 1, unknownPeers: 1 }, isKnown })
    const reserve = (changes: Partial<Resources>, requester = 'known') =>
      capacity.reserve({ requester, demand: demand(changes) })
    const first = reserve({ gpus: 2 })
    assert(first.reserved)
    const blocked = (by: string, gpusAlone: boolean): object => ({ reserved: false, blocker: { by, gpusAlone } })
    assert.deepEqual(reserve({ gpus: 1 }, 'known-too'), blocked('total', true))
    assert.deepEqual(reserve({ gpus: 1, memoryBytes: 1000 }, 'known-too'), blocked('total', false))
    assert.deepEqual(reserve({ gpus: 1 }), blocked('peer', true))
    assert(reserve({}).reserved)
    first.release()
    first.release()
    assert(reserve({ gpus: 1 }).reserved)
    assert.equal(capacity.snapshot().used.gpus, 1)
  })

  it('takes all there is for a task that nothing bounds', () => {
    const { cpuCores: _cores, memoryBytes: _memory, ...unbounded } = LIMITS
    assert.deepEqual(demandOf({ ...unbounded, diskBytes: 7 }, total), { ...total, slots: 1, diskBytes: 7, gpus: 0 })
  })

  it('names what a task needs more of than there is', () => {
    assert.deepEqual(shortagesOf(demand({ memoryBytes: 1000 }), total), [])
    assert.deepEqual(shortagesOf(demand({ memoryBytes: 1001, cpuMilliCores: 4001 }), total), [
      'cpuMilliCores',
      'memoryBytes',
    ])
  })

  it('reserves all or nothing, and gives back once', () => {
    const capacity = createCapacity({ total, shares: { peer: 1, unknownPeers: 1 }, isKnown })
    const first = capacity.reserve({ requester: 'known-a', demand: demand({ memoryBytes: 900 }) })
    assert.deepEqual(capacity.reserve({ requester: 'known-b', demand: demand({ memoryBytes: 101 }) }), {
      reserved: false,
      blocker: { by: 'total', gpusAlone: false },
    })
    assert.deepEqual(capacity.snapshot().used, demand({ memoryBytes: 900 }))
    assert(first.reserved)
    first.release()
    first.release()
    assert.deepEqual(capacity.snapshot().used, { slots: 0, cpuMilliCores: 0, memoryBytes: 0, diskBytes: 0, gpus: 0 })
  })

  it('counts what is in use in fact, room or not, and gives nothing more until there is room again', () => {
    const capacity = createCapacity({ total, shares: { peer: 0.5, unknownPeers: 0.5 }, isKnown })
    const start = (requester: string): boolean =>
      capacity.reserve({ requester, demand: demand({ memoryBytes: 1 }) }).reserved
    const releases = [1, 2, 3, 4, 5].map(() => capacity.take({ requester: 'x', demand: demand({ memoryBytes: 900 }) }))
    assert.deepEqual(capacity.snapshot().used, demand({ slots: 5, cpuMilliCores: 2500, memoryBytes: 4500 }))
    assert.deepEqual(['x', 'y', 'known'].map(start), [false, false, false])
    for (const release of releases.slice(1)) {
      release()
      release()
    }
    assert.deepEqual(['x', 'y', 'known'].map(start), [false, false, true])
    releases[0]?.()
    assert.deepEqual(['x', 'y'].map(start), [true, true])
  })

  it('holds one requester, and all unknown ones together, to their share; each may have one task', () => {
    const capacity = createCapacity({ total, shares: { peer: 0.5, unknownPeers: 0.75 }, isKnown })
    const start = (requester: string, changes: Partial<Resources> = {}) =>
      capacity.reserve({ requester, demand: demand(changes) })
    assert(start('x').reserved)
    assert(start('x').reserved)
    assert.deepEqual(start('x'), { reserved: false, blocker: { by: 'peer', gpusAlone: false } })
    const third = start('y')
    assert(third.reserved)
    assert.deepEqual(start('z'), { reserved: false, blocker: { by: 'unknownPeers', gpusAlone: false } })
    assert(start('known').reserved)
    assert.deepEqual(start('known-too'), { reserved: false, blocker: { by: 'total', gpusAlone: false } })
    third.release()
    assert(start('z').reserved)
  })

  it('holds the shares of memory too, but never keeps somebody from his first task', () => {
    const capacity = createCapacity({ total, shares: { peer: 0.25, unknownPeers: 0.5 }, isKnown })
    const start = (requester: string, memoryBytes: number) =>
      capacity.reserve({ requester, demand: demand({ memoryBytes }) })
    assert(start('x', 400).reserved, 'more than the share of 250, but the only one')
    assert.deepEqual(start('x', 1), { reserved: false, blocker: { by: 'peer', gpusAlone: false } })
    assert.deepEqual(start('y', 101), { reserved: false, blocker: { by: 'unknownPeers', gpusAlone: false } })
    assert(start('y', 100).reserved)
  })

  it('gives every share at least one slot and one place', () => {
    assert.equal(shareOf(4, 0.01), 1)
    assert.equal(shareOf(10, 0.25), 2)
  })

  it('never gives more than there is, nor keeps anything, whatever is asked in whatever order', () => {
    const request = fc.record({
      requester: fc.constantFrom('known-a', 'known-b', 'x', 'y'),
      demand: fc.record({
        slots: fc.constant(1),
        cpuMilliCores: fc.integer({ min: 1, max: 4000 }),
        memoryBytes: fc.integer({ min: 1, max: 1000 }),
        diskBytes: fc.integer({ min: 0, max: 1000 }),
        gpus: fc.integer({ min: 0, max: 2 }),
      }),
      releaseFirst: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const capacity = createCapacity({ total, shares: { peer: 0.5, unknownPeers: 0.5 }, isKnown })
        const held: { requester: string; release: () => void }[] = []
        for (const { requester, demand: wanted, releaseFirst } of requests) {
          if (releaseFirst) held.shift()?.release()
          const reservation = capacity.reserve({ requester, demand: wanted })
          if (reservation.reserved) held.push({ requester, release: reservation.release })
          const { used } = capacity.snapshot()
          assert(RESOURCE_KEYS.every((key) => used[key] >= 0 && used[key] <= total[key]))
          assert.equal(used.slots, held.length)
          assert(held.filter((one) => one.requester === requester).length <= 2)
          assert(held.filter((one) => !isKnown(one.requester)).length <= 2)
        }
        for (const { release } of held) release()
        assert(RESOURCE_KEYS.every((key) => capacity.snapshot().used[key] === 0))
      }),
    )
  })
})
