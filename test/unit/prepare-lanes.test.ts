import assert from 'node:assert/strict'
import { createPrepareLanes } from '../../src/node/inputs/prepare-lanes.ts'

const never = new AbortController().signal
const lanesFor = (known: boolean) => createPrepareLanes({ isKnown: () => known, unknownShare: 0.75 })

describe('prepare lanes', () => {
  it('runs one task of a requester at a time, and several requesters side by side', async () => {
    const lanes = lanesFor(true)
    const running = new Map<string, number>()
    let most = 0
    const gate = Promise.withResolvers<void>()
    const run = (peer: string): Promise<void> =>
      lanes.run({
        peer,
        signal: never,
        async work() {
          const now = (running.get(peer) ?? 0) + 1
          running.set(peer, now)
          assert.equal(now, 1, `two at once for ${peer}`)
          most = Math.max(most, [...running.values()].filter((count) => count > 0).length)
          await gate.promise
          running.set(peer, now - 1)
        },
      })
    const all = ['a', 'a', 'b', 'a', 'b', 'c'].map(run)
    await new Promise((resolve) => setImmediate(resolve))
    gate.resolve()
    await Promise.all(all)
    assert.equal(most, 3)
  })

  it('has a bound over all requesters', async () => {
    const lanes = lanesFor(true)
    let running = 0
    let most = 0
    const work = async (): Promise<void> => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
    }
    const runAll = (): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          lanes.run({ peer: `peer ${n}`, signal: never, work: (takeTurn) => takeTurn(work) }),
        ),
      )
    await runAll()
    assert.equal(most, 16)
  })

  it('leaves room for known requesters, however many unknown ones are slow', async () => {
    const lanes = createPrepareLanes({ isKnown: (peer) => peer === 'known', unknownShare: 0.75 })
    const gate = Promise.withResolvers<void>()
    let slow = 0
    const crowd = Array.from({ length: 100 }, (_, n) =>
      lanes.run({
        peer: `stranger ${n}`,
        signal: never,
        work: (takeTurn) =>
          takeTurn(() => {
            slow += 1
            return gate.promise
          }),
      }),
    )
    let done = false
    await lanes.run({ peer: 'known', signal: never, work: (takeTurn) => takeTurn(async () => void (done = true)) })
    assert.ok(done)
    assert.equal(slow, 12)
    gate.resolve()
    await Promise.all(crowd)
    assert.equal(slow, 100)
  })

  it('leaves one of the images that are brought in at once to known requesters', async () => {
    const lanes = createPrepareLanes({ isKnown: (peer) => peer === 'known', unknownShare: 0.75 })
    const gate = Promise.withResolvers<void>()
    let slow = 0
    const crowd = Array.from({ length: 10 }, (_, n) =>
      lanes.run({
        peer: `stranger ${n}`,
        signal: never,
        work: (_takeTurn, takeImageTurn) =>
          takeImageTurn(() => {
            slow += 1
            return gate.promise
          }),
      }),
    )
    let done = false
    await lanes.run({ peer: 'known', signal: never, work: (_takeTurn, take) => take(async () => void (done = true)) })
    assert.ok(done)
    assert.equal(slow, 2)
    gate.resolve()
    await Promise.all(crowd)
    assert.equal(slow, 10)
  })

  it('holds up nobody by those who wait for something else than their turn', async () => {
    const lanes = lanesFor(false)
    const gate = Promise.withResolvers<void>()
    const away = Array.from({ length: 100 }, (_, n) =>
      lanes.run({ peer: `away ${n}`, signal: never, work: () => gate.promise }),
    )
    await lanes.run({ peer: 'here', signal: never, work: (takeTurn) => takeTurn(() => Promise.resolve()) })
    gate.resolve()
    await Promise.all(away)
  })

  it('lets go of what is waiting when its signal aborts, and goes on with the rest', async () => {
    const lanes = lanesFor(true)
    const gate = Promise.withResolvers<void>()
    const first = lanes.run({ peer: 'a', signal: never, work: () => gate.promise })
    const controller = new AbortController()
    const reason = new Error('cancelled')
    const second = lanes.run({ peer: 'a', signal: controller.signal, work: () => assert.fail('it ran') })
    let third = false
    const last = lanes.run({ peer: 'a', signal: never, work: async () => void (third = true) })
    controller.abort(reason)
    await assert.rejects(second, reason)
    gate.resolve()
    await Promise.all([first, last])
    assert.ok(third)
  })

  it('hands on what the work throws', async () => {
    const lanes = lanesFor(true)
    const failure = new Error('no')
    await assert.rejects(lanes.run({ peer: 'a', signal: never, work: () => Promise.reject(failure) }), failure)
    await lanes.run({ peer: 'a', signal: never, work: () => Promise.resolve() })
  })
})
