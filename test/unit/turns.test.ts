import assert from 'node:assert/strict'
import { Turns } from '../../src/protocol/network/discovery/turns.ts'

const spin = (ms: number): void => {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

describe('turns', () => {
  it('give each who waits one in turn, however much one of them asks for', async () => {
    const turns = new Turns()
    const order: string[] = []
    const asked = [...Array.from({ length: 30 }, () => 'many'), 'one', 'another', 'one'].map((who) =>
      turns.take(who, () => {
        spin(1)
        order.push(who)
      }),
    )
    await Promise.all(asked)
    assert.equal(order.length, 33)
    assert(order.indexOf('one') < 3 && order.indexOf('another') < 4, order.join(' '))
    assert(order.lastIndexOf('one') < 7, order.join(' '))
  })

  it('leave most of the time to everything else, and go on after a pause', async () => {
    const turns = new Turns()
    for (let round = 0; round < 2; round += 1) {
      const startMs = performance.now()
      const workMs: number[] = []
      const asked = Array.from({ length: 20 }, async () =>
        turns.take('one', () => {
          const fromMs = performance.now()
          spin(2)
          workMs.push(performance.now() - fromMs)
        }),
      )
      await Promise.all(asked)
      const tookMs = performance.now() - startMs
      // The last piece's rest is nobody's to wait for; and a timer may come a little early.
      const before = workMs.slice(0, -1).reduce((sum, each) => sum + Math.min(each, 25), 0)
      assert(tookMs >= 3.9 * before, `${before} of ${tookMs} ms`)
    }
  })

  it('hand on what the work throws', async () => {
    const turns = new Turns()
    const failing = turns.take('one', () => {
      throw new TypeError('no')
    })
    await assert.rejects(failing, TypeError)
    assert.equal(await turns.take('one', () => 5), 5)
  })
})
