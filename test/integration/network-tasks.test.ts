import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { TaskEvent } from '../../src/protocol/events.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { ProviderConnection } from '../../src/protocol/network/task-client.ts'
import { WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { patternAt, receiptOf, taskOf, type Behaviour } from '../fixtures/network-services.ts'
import { startPeer, type Peer } from '../fixtures/start-peer.ts'

/** What a flood may have made beyond what was read: a window, the event that overdraws it, and the one being made. */
const FLOOD_SLACK_BYTES = WIRE_LIMITS.followWindowBytes + 3 * 100_000

describe('task protocol between processes', function () {
  this.timeout(60_000)
  let peer: Peer
  let host: NetworkHost
  let provider: ProviderConnection
  let serial = 0
  const submit = async (behaviour: Behaviour): Promise<string> =>
    (await provider.submit(taskOf(behaviour, (serial += 1)))).taskId

  before(async () => {
    peer = await startPeer()
    host = await createHost({ privateKey: new Uint8Array(32).fill(9), listen: [] })
    provider = await host.connect({ multiaddr: peer.multiaddr })
  })
  after(async () => {
    await host?.stop()
    await peer?.stop()
  })

  it('knows the provider by its address', () => {
    assert.equal(provider.provider, peer.address)
    assert.equal(provider.peerId, peer.peerId)
  })

  it('submits, follows to the receipt, shows, lists and cancels', async () => {
    const taskId = await submit({ kind: 'noop' })
    const events = await all(provider.follow({ taskId }))
    assert.deepEqual(events, [
      { kind: 'started', atMs: 1, attempt: 1 },
      { kind: 'finished', atMs: 3, result: { kind: 'receipt', receipt: receiptOf(taskId) } },
    ])
    assert.equal((await provider.show(taskId)).taskId, taskId)
    assert.ok((await provider.list()).some((task) => task.taskId === taskId))
    const { cancels } = await peer.stats()
    await provider.cancel(taskId)
    assert.equal((await peer.stats()).cancels, cancels + 1)
  })

  it('submits and follows in one round trip', async () => {
    const { taskId, events } = await provider.submitAndFollow(taskOf({ kind: 'output', size: 300_000 }, (serial += 1)))
    const seen = await all(events)
    assert.equal(seen.at(-1)?.kind, 'finished')
    assert.deepEqual(outputOf(seen), Buffer.from(patternAt(0, 300_000)))
    assert.match(taskId, /^0x/)
  })

  it('goes on at an offset, in chunks no larger than the wire allows', async () => {
    const taskId = await submit({ kind: 'output', size: 1_000_003 })
    const events = await all(provider.follow({ taskId, offsets: { stdout: 123_457, stderr: 0 } }))
    assert.deepEqual(outputOf(events), Buffer.from(patternAt(123_457, 1_000_003 - 123_457)))
    assert.ok(events.every((event) => event.kind !== 'output' || event.data.byteLength <= 65_536))
  })

  it('passes errors on as they are, and nothing of a bug', async () => {
    await rejects(submit({ kind: 'refuse' }), 'REFUSED', (error) => {
      assert.deepEqual(error.details, { reasons: [{ reason: 'QUEUE_FULL', message: 'the queue is full' }] })
      assert.equal(error.retryable, true)
    })
    await rejects(submit({ kind: 'bug' }), 'INTERNAL', (error) =>
      assert.doesNotMatch(JSON.stringify(error), /secret|\.souk/),
    )
    const unknown = `0x${'f'.repeat(64)}`
    await rejects(provider.show(unknown), 'NOT_FOUND')
    await rejects(provider.cancel(unknown), 'NOT_FOUND')
    await rejects(all(provider.follow({ taskId: unknown })), 'NOT_FOUND')
    await rejects(provider.submitAndFollow(taskOf({ kind: 'refuse' }, (serial += 1))), 'REFUSED')
  })

  it('lists more tasks than one frame holds', async () => {
    const other = await createHost({ privateKey: new Uint8Array(32).fill(10), listen: [] })
    const connection = await other.connect({ multiaddr: peer.multiaddr })
    assert.deepEqual(await connection.list(), [])
    const ids = await Promise.all(
      Array.from(
        { length: 2300 },
        async () => (await connection.submit(taskOf({ kind: 'noop' }, (serial += 1)))).taskId,
      ),
    )
    assert.deepEqual((await connection.list()).map((task) => task.taskId).sort(), ids.sort())
    await other.stop()
  })

  it('lets a follower that does not read hold back nobody, and nothing grow', async () => {
    const taskId = await submit({ kind: 'flood' })
    const { floodedBytes } = await peer.stats()
    const follow = provider.follow({ taskId })[Symbol.asyncIterator]()
    await follow.next()
    let read = 0
    for (let round = 0; round < 3; round += 1) {
      // Enough round trips that a provider which sends without credit would have sent far more.
      for (let count = 0; count < 300; count += 1) await provider.show(taskId)
      const made = (await peer.stats()).floodedBytes - floodedBytes
      assert.ok(made <= read + FLOOD_SLACK_BYTES, `${made} bytes were made where ${read} were read`)
      while (read < (round + 1) * 8_000_000) read += byteLength((await follow.next()).value)
    }
    await follow.return?.()
    await peer.statsUntil((stats) => stats.openFollows === 0)
  })

  it('serves 200 follows at once, and requests among them', async () => {
    const ids = await Promise.all(Array.from({ length: 200 }, () => submit({ kind: 'output', size: 200_000 })))
    const expected = Buffer.from(patternAt(0, 200_000))
    const follows = ids.map(async (taskId) =>
      assert.deepEqual(outputOf(await all(provider.follow({ taskId }))), expected),
    )
    const shown = await Promise.all(ids.map((taskId) => provider.show(taskId)))
    assert.deepEqual(
      shown.map((task) => task.taskId),
      ids,
    )
    await Promise.all(follows)
  })

  it('answers a request while floods are read', async () => {
    const floods = await Promise.all(Array.from({ length: 8 }, () => submit({ kind: 'flood' })))
    const stop = new AbortController()
    const follows = floods.map((taskId) =>
      all(provider.follow({ taskId, signal: stop.signal })).catch((reason: unknown) => reason),
    )
    for (let count = 0; count < 50; count += 1) await provider.show(floods[0]!)
    const reason = new Error('enough')
    stop.abort(reason)
    assert.deepEqual(
      await Promise.all(follows),
      floods.map(() => reason),
    )
    await peer.statsUntil((stats) => stats.openFollows === 0)
  })

  it('gives up when the signal aborts, here and over there', async () => {
    const taskId = await submit({ kind: 'hang' })
    const stop = new AbortController()
    const follow = all(provider.follow({ taskId, signal: stop.signal }))
    await peer.statsUntil((stats) => stats.openFollows === 1)
    stop.abort(new Error('that is enough'))
    await assert.rejects(follow, /that is enough/)
    await peer.statsUntil((stats) => stats.openFollows === 0)
    const slow = provider.submit(taskOf({ kind: 'slow', size: 200 }, (serial += 1)), {
      signal: AbortSignal.timeout(20),
    })
    await assert.rejects(slow, { name: 'TimeoutError' })
    // Its late answer finds nobody, and does no harm.
    await delay(300)
    assert.ok(await submit({ kind: 'noop' }))
    await assert.rejects(provider.show(taskId, { signal: AbortSignal.abort(new Error('never asked')) }), /never asked/)
  })

  it('refuses more follows than a peer may have, and lives', async () => {
    const strict = await startPeer({ limits: { followsPerPeer: 2 }, seed: 8 })
    try {
      const connection = await host.connect({ multiaddr: strict.multiaddr })
      const { taskId } = await connection.submit(taskOf({ kind: 'hang' }, 1))
      const open = [1, 2].map(() => connection.follow({ taskId })[Symbol.asyncIterator]())
      for (const follow of open) assert.equal((await follow.next()).value?.kind, 'started')
      await rejects(all(connection.follow({ taskId })), 'REFUSED')
      await rejects(connection.submitAndFollow(taskOf({ kind: 'noop' }, 2)), 'REFUSED')
      await open[0]!.return?.()
      await strict.statsUntil((stats) => stats.openFollows <= 1)
      assert.equal((await all((await connection.submitAndFollow(taskOf({ kind: 'noop' }, 3))).events)).length, 2)
    } finally {
      await strict.stop()
    }
  })

  it('ends the follows of a requester that goes', async () => {
    const other = await createHost({ privateKey: new Uint8Array(32).fill(11), listen: [] })
    const connection = await other.connect({ multiaddr: peer.multiaddr })
    const { events } = await connection.submitAndFollow(taskOf({ kind: 'hang' }, (serial += 1)))
    const lost = rejects(all(events), 'CONNECTION_LOST')
    await peer.statsUntil((stats) => stats.openFollows === 1)
    await connection.close()
    await lost
    await connection.closed
    await peer.statsUntil((stats) => stats.openFollows === 0)
    await rejects(connection.list(), 'CONNECTION_LOST')
    await other.stop()
  })

  it('says CONNECTION_LOST when the provider is killed', async () => {
    const victim = await startPeer({ seed: 12 })
    const connection = await host.connect({ multiaddr: victim.multiaddr })
    const { events } = await connection.submitAndFollow(taskOf({ kind: 'hang' }, 1))
    const iterator = events[Symbol.asyncIterator]()
    assert.equal((await iterator.next()).value?.kind, 'started')
    await victim.stop()
    await rejects(iterator.next(), 'CONNECTION_LOST', (error) => assert.equal(error.retryable, true))
    await connection.closed
    await rejects(connection.list(), 'CONNECTION_LOST')
  })
})

async function all(events: AsyncIterable<TaskEvent>): Promise<TaskEvent[]> {
  const seen: TaskEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}

/** The stdout that the events carry, each piece where the one before ended. */
function outputOf(events: readonly TaskEvent[]): Buffer {
  let at: number | undefined
  const pieces: Uint8Array[] = []
  for (const event of events) {
    if (event.kind !== 'output') continue
    assert.equal(event.offset, at ?? event.offset)
    at = event.offset + event.data.byteLength
    pieces.push(event.data)
  }
  return Buffer.concat(pieces)
}

function byteLength(event: TaskEvent | undefined | void): number {
  return event?.kind === 'output' ? event.data.byteLength : 0
}

async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
  check?: (error: { details: unknown; retryable: boolean }) => void,
): Promise<void> {
  await assert.rejects(promise, (thrown) => {
    assert.ok(isSoukError(thrown, code), String(thrown))
    check?.(thrown)
    return true
  })
}
