import assert from 'node:assert/strict'
import { SharedWork, Turns, type Waiter } from '../../src/executors/docker/images/shared-work.ts'

const never = new AbortController().signal
const waiter = (more: Partial<Waiter<number>> = {}): Waiter<number> => ({
  signal: never,
  onProgress: () => {},
  ...more,
})

describe('work that is shared', () => {
  it('is done once for all who wait, who are all told how far it is', async () => {
    const work = new SharedWork<string, number>()
    const told: number[][] = [[], [], []]
    const gate = Promise.withResolvers<string>()
    let begun = 0
    const join = (index: number): Promise<string> =>
      work.join('key', waiter({ onProgress: (step) => told[index]?.push(step) }), async ({ onProgress }) => {
        begun += 1
        onProgress(1)
        const result = await gate.promise
        onProgress(2)
        return result
      })
    const early = [join(0), join(1)]
    await Promise.resolve()
    // Who comes later is told where it stands.
    const late = join(2)
    gate.resolve('done')
    assert.deepEqual(await Promise.all([...early, late]), ['done', 'done', 'done'])
    assert.equal(begun, 1)
    assert.deepEqual(told, [
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    await work.join('key', waiter(), async () => String((begun += 1)))
    assert.equal(begun, 2)
  })

  it('fails for all who wait, and begins anew for who comes then', async () => {
    const work = new SharedWork<string, number>()
    const fail = (): Promise<string> => Promise.reject(new Error('no'))
    const all = await Promise.allSettled([work.join('key', waiter(), fail), work.join('key', waiter(), fail)])
    assert.ok(all.every((each) => each.status === 'rejected' && /no/.test(String(each.reason))))
    assert.equal(await work.join('key', waiter(), async () => 'yes'), 'yes')
  })

  it('goes on when one goes, and is aborted when the last one does: who comes then begins anew', async () => {
    const work = new SharedWork<string, number>()
    const stops = [new AbortController(), new AbortController()]
    const ended = Promise.withResolvers<void>()
    let signal = never
    const first = stops.map((stop) =>
      work.join('key', waiter({ signal: stop.signal }), async (all) => {
        signal = all.signal
        await ended.promise
        return 'too late'
      }),
    )
    await Promise.resolve()
    stops[0]?.abort(new Error('one'))
    await assert.rejects(first[0] ?? Promise.resolve(), /one/)
    assert.equal(signal.aborted, false)
    stops[1]?.abort(new Error('two'))
    await assert.rejects(first[1] ?? Promise.resolve(), /two/)
    assert.match(String(signal.reason), /two/)
    assert.equal(await work.join('key', waiter(), async () => 'anew'), 'anew')
    let closed = false
    const closing = work.close(new Error('closed')).then(() => {
      closed = true
    })
    await Promise.resolve()
    assert.equal(closed, false)
    ended.resolve()
    await closing
  })

  it('is not begun for who has gone already', async () => {
    const work = new SharedWork<string, number>()
    const signal = AbortSignal.abort(new Error('gone'))
    await assert.rejects(
      work.join('key', waiter({ signal }), () => assert.fail('begun')),
      /gone/,
    )
  })
})

describe('turns', () => {
  it('are so many at once, in the order of asking, and given up with the signal', async () => {
    const turns = new Turns(2)
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
    const began: number[] = []
    const stop = new AbortController()
    const taken = gates.map((gate, at) =>
      turns.take(at === 2 ? stop.signal : never, () => {
        began.push(at)
        return gate.promise
      }),
    )
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(began, [0, 1])
    stop.abort(new Error('gone'))
    await assert.rejects(taken[2] ?? Promise.resolve(), /gone/)
    gates[0]?.reject(new Error('failed'))
    await assert.rejects(taken[0] ?? Promise.resolve(), /failed/)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(began, [0, 1, 3])
    for (const gate of gates) gate.resolve()
    await Promise.all([taken[1], taken[3]])
  })
})
