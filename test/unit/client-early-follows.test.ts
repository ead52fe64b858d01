import assert from 'node:assert/strict'
import { EarlyFollows, type EarlyFollow } from '../../src/client/early-follows.ts'
import type { TaskEvent } from '../../src/protocol/events.ts'

const started: TaskEvent = { kind: 'started', atMs: 1, attempt: 1 }

/** A follow that, as the real one, notices its signal once it is asked for an event. */
function followOf(early: EarlyFollow) {
  const follow = { ended: false }
  const events = (async function* (): AsyncGenerator<TaskEvent> {
    try {
      early.signal.throwIfAborted()
      yield started
      early.signal.throwIfAborted()
      await new Promise((_, reject) =>
        early.signal.addEventListener('abort', () => reject(early.signal.reason as Error)),
      )
    } finally {
      follow.ended = true
    }
  })()
  early.keep(events)
  return follow
}

function begun(follows: EarlyFollows): EarlyFollow {
  const early = follows.begin()
  assert(early !== undefined)
  return early
}

/** Begins follows until there is no room; ends them all again. */
function roomOf(follows: EarlyFollows): number {
  const all: EarlyFollow[] = []
  for (let early = follows.begin(); early !== undefined; early = follows.begin()) all.push(early)
  for (const early of all) early.end(new Error('over'))
  return all.length
}

describe('a follow that was asked for along with its task', () => {
  it('is for the first who wants the events', async () => {
    const early = begun(new EarlyFollows())
    followOf(early)
    const events = early.take()
    assert(events !== undefined)
    for await (const event of events) {
      assert.deepEqual(event, started)
      break
    }
    assert.equal(early.take(), undefined)
  })

  it('is not there before the task is accepted', () => {
    assert.equal(begun(new EarlyFollows()).take(), undefined)
  })

  it('is one of a bounded number, and gives its place back', () => {
    const follows = new EarlyFollows()
    const room = roomOf(follows)
    assert(room > 0 && room < 512)
    const taken = begun(follows)
    const ended = begun(follows)
    assert.equal(roomOf(follows), room - 2)
    followOf(taken)
    taken.take()
    ended.end(new Error('refused'))
    ended.end(new Error('again'))
    assert.equal(roomOf(follows), room)
  })

  it('ends over there when nobody wants it', async () => {
    const early = begun(new EarlyFollows())
    const follow = followOf(early)
    early.end(new Error('nobody asked'))
    await new Promise(setImmediate)
    assert(follow.ended)
    assert.equal(early.take(), undefined)
  })

  for (const when of ['before', 'after'] as const) {
    it(`ends with the signal’s reason, where it aborts ${when} the first event`, async () => {
      const early = begun(new EarlyFollows())
      const follow = followOf(early)
      const abort = new AbortController()
      const events = early.take(abort.signal)
      assert(events !== undefined)
      if (when === 'before') abort.abort(new Error('enough'))
      await assert.rejects(async () => {
        for await (const event of events) {
          assert.deepEqual(event, started)
          abort.abort(new Error('enough'))
        }
      }, /enough/)
      assert(follow.ended)
    })
  }
})
