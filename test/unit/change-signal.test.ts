import assert from 'node:assert/strict'
import { createChangeSignal } from '../../src/node/journal/change-signal.ts'

describe('change signal', () => {
  const never = new AbortController().signal

  it('does not miss a change between looking and waiting', async () => {
    const changes = createChangeSignal()
    const seen = changes.version
    changes.notify()
    await changes.after(seen, { signal: never })
    assert.equal(changes.version, seen + 1)
  })

  it('wakes every waiter, once', async () => {
    const changes = createChangeSignal()
    let woken = 0
    const waits = [1, 2, 3].map(() => changes.after(changes.version, { signal: never }).then(() => (woken += 1)))
    await Promise.resolve()
    assert.equal(woken, 0)
    changes.notify()
    changes.notify()
    await Promise.all(waits)
    assert.equal(woken, 3)
  })

  it('gives up when the signal aborts, before or after', async () => {
    const changes = createChangeSignal()
    await changes.after(changes.version, { signal: AbortSignal.abort() })
    const controller = new AbortController()
    const wait = changes.after(changes.version, { signal: controller.signal })
    controller.abort()
    await wait
  })
})
