import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import { decodeBlobAnswer, encodeBlobRequest } from '../../src/protocol/blob-codec.ts'
import { decodeAnswer, encodeRequest } from '../../src/protocol/codec.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import { BLOB_PROTOCOL, TASK_PROTOCOL, WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { WIRE_BOUNDS } from '../../src/protocol/wire-bounds.ts'
import { sha256Of, taskOf } from '../fixtures/network-services.ts'
import { framed, openRaw, readToEnd, startRawPeer } from '../fixtures/raw-peer.ts'
import { startPeer, type Peer } from '../fixtures/start-peer.ts'

const MIB = 1024 * 1024
const taskId = `0x${'5a'.repeat(32)}`
const list = (id: number): Uint8Array => framed(encodeRequest({ id, kind: 'list' }))
const from = { offsets: { stdout: 0, stderr: 0 }, creditBytes: 1000 }

/** What breaks the protocol on a task stream, and what is said about it. */
const violations: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['a frame of noise', framed(randomBytes(100)), /./],
  ['an empty frame', Uint8Array.of(0), /id 0/],
  ['a frame announced too large', Uint8Array.of(0xff, 0xff, 0xff, 0x7f), /frame of 268435455 bytes/],
  ['a length of five bytes', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x01), /more than 4 bytes/],
  ['a request without a kind', framed(Uint8Array.of(8, 1)), /none of/],
  ['an id used twice', Buffer.concat([list(1), list(1)]), /has id 1 after one with id 1/],
  ['an id lower than the last', Buffer.concat([list(5), list(4)]), /has id 4 after/],
  ['credit for a follow that never was', framed(encodeRequest({ id: 1, kind: 'credit', bytes: 5 })), /no request had/],
  ['an end to a follow that never was', framed(encodeRequest({ id: 9, kind: 'unfollow' })), /no request had/],
  [
    'more credit than is allowed',
    Buffer.concat([
      framed(encodeRequest({ id: 1, kind: 'submit', task: taskOf({ kind: 'hang' }, 1), follow: from })),
      ...[1, 2].map(() => framed(encodeRequest({ id: 1, kind: 'credit', bytes: WIRE_BOUNDS.followCreditBytes }))),
    ]),
    /bytes of credit/,
  ],
]

describe('a peer that breaks the protocol', function () {
  this.timeout(60_000)
  let peer: Peer
  let host: NetworkHost
  let raw: Awaited<ReturnType<typeof startRawPeer>>

  before(async () => {
    peer = await startPeer({ blobs: { small: 5 } })
    host = await createHost({ privateKey: new Uint8Array(32).fill(20), listen: [] })
    raw = await startRawPeer({ seed: 21 })
  })
  after(async () => {
    await raw?.stop()
    await host?.stop()
    await peer?.stop()
  })

  const exchange = async (
    protocol: string,
    bytes: Uint8Array,
    { end = false } = {},
  ): Promise<Awaited<ReturnType<typeof readToEnd>>> => {
    const stream = await openRaw(raw, peer.multiaddr, protocol)
    const read = readToEnd(stream)
    stream.send(bytes)
    if (end) await stream.close()
    return read
  }
  const lastError = (frames: readonly Uint8Array[]): { readonly code: string; readonly reason: string } => {
    const answer = decodeAnswer(frames.at(-1) ?? new Uint8Array())
    assert.ok(answer.kind === 'error' && answer.id === 0, JSON.stringify(answer))
    return { code: answer.error.code, reason: String(answer.error.details['reason']) }
  }
  const works = async (): Promise<void> => {
    const provider = await host.connect({ multiaddr: peer.multiaddr })
    const { events } = await provider.submitAndFollow(taskOf({ kind: 'noop' }, Math.floor(Math.random() * 2 ** 40)))
    const kinds: string[] = []
    for await (const event of events) kinds.push(event.kind)
    assert.deepEqual(kinds, ['started', 'finished'])
    await provider.close()
  }

  for (const [what, bytes, reason] of violations) {
    it(`is told so and loses the stream: ${what}`, async () => {
      const { frames, status } = await exchange(TASK_PROTOCOL, bytes)
      assert.deepEqual(lastError(frames).code, 'PROTOCOL_ERROR')
      assert.match(lastError(frames).reason, reason)
      assert.equal(status, 'reset')
      await works()
    })
  }

  it('is told so when it ends within a frame', async () => {
    const { frames } = await exchange(TASK_PROTOCOL, Uint8Array.of(100, 1, 2), { end: true })
    assert.match(lastError(frames).reason, /ended within a frame/)
  })

  it('gets its answers and a proper end when it ends its half', async () => {
    const { frames, status } = await exchange(TASK_PROTOCOL, Buffer.concat([list(1), list(2)]), { end: true })
    assert.deepEqual(
      frames.map((frame) => decodeAnswer(frame).id).toSorted((a, b) => a - b),
      [1, 2],
    )
    assert.notEqual(status, 'reset')
  })

  it('is told so on a blob stream', async () => {
    for (const bytes of [
      framed(randomBytes(60)),
      Uint8Array.of(0xff, 0x7f),
      framed(encodeBlobRequest({ sha256: sha256Of('small'), offset: 6, length: 1 })),
    ]) {
      const { frames, status } = await exchange(BLOB_PROTOCOL, bytes)
      const answer = decodeBlobAnswer(frames.at(-1) ?? new Uint8Array())
      assert.equal(answer.kind === 'error' && answer.error.code, 'PROTOCOL_ERROR')
      assert.equal(status, 'reset')
    }
  })

  it('leaves the node as it was, after a thousand malformed frames', async () => {
    const noise = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round += 1) {
        const { status } = await exchange(
          round % 2 === 0 ? TASK_PROTOCOL : BLOB_PROTOCOL,
          framed(randomBytes(1 + (round % 60))),
        )
        assert.equal(status, 'reset')
      }
    }
    await noise(300)
    await works()
    const before = await peer.stats()
    await noise(1000)
    await works()
    const after = await peer.stats()
    assert.ok(after.rssBytes < before.rssBytes + 16 * MIB, `${before.rssBytes} -> ${after.rssBytes} bytes`)
    assert.equal(after.openFollows, 0)
    assert.equal(after.openBlobs, 0)
  })

  it('cannot make answers pile up by not reading them', async () => {
    const hoarder = await startRawPeer({ seed: 22 })
    const before = await peer.stats()
    const stream = await openRaw(hoarder, peer.multiaddr, TASK_PROTOCOL)
    stream.addEventListener('message', () => undefined)
    stream.pause()
    // Each follow is of a flood, with all the credit there is: 400 MiB that nobody reads.
    for (let id = 1; id <= 100; id += 1) {
      const follow = { ...from, creditBytes: WIRE_BOUNDS.followCreditBytes }
      stream.send(framed(encodeRequest({ id, kind: 'submit', task: taskOf({ kind: 'flood' }, id), follow })))
    }
    await peer.statsUntil((stats) => stats.openFollows === 100)
    for (let count = 0; count < 20; count += 1) await works()
    const after = await peer.stats()
    const made = after.floodedBytes - before.floodedBytes
    assert.ok(made < 100 * 100_000 + 4 * WIRE_LIMITS.streamWindowBytes, `${made} bytes were made`)
    assert.ok(after.rssBytes < before.rssBytes + 64 * MIB, `${before.rssBytes} -> ${after.rssBytes} bytes`)
    await hoarder.stop()
    await peer.statsUntil((stats) => stats.openFollows === 0)
  })

  it('cannot lock others out with streams that it opens and leaves', async () => {
    const streams = await Promise.all(
      Array.from({ length: 10 }, () => openRaw(raw, peer.multiaddr, TASK_PROTOCOL).catch(() => undefined)),
    )
    await works()
    for (const stream of streams) stream?.abort(new Error('enough'))
    // Its own streams are limited, and come free again.
    const tryList = async (): Promise<readonly Uint8Array[]> => {
      const { frames } = await exchange(TASK_PROTOCOL, list(1), { end: true }).catch(() => ({ frames: [] }))
      return frames
    }
    let frames = await tryList()
    while (frames.length === 0) {
      await delay(20)
      frames = await tryList()
    }
    assert.equal(decodeAnswer(frames[0]!).kind, 'list')
  })

  it('asks for the task of another, and learns nothing', async () => {
    const provider = await host.connect({ multiaddr: peer.multiaddr })
    const { taskId: others } = await provider.submit(taskOf({ kind: 'noop' }, 0x7777))
    const show = (id: string): Uint8Array => framed(encodeRequest({ id: 1, kind: 'show', taskId: id }))
    const [theirs, nobodys] = await Promise.all(
      [others, taskId].map((id) => exchange(TASK_PROTOCOL, show(id), { end: true })),
    )
    const error = (frame: Uint8Array | undefined): object => {
      const answer = decodeAnswer(frame ?? new Uint8Array())
      assert.ok(answer.kind === 'error', answer.kind)
      return { ...answer.error, details: Object.keys(answer.error.details) }
    }
    assert.deepEqual(error(theirs?.frames[0]), error(nobodys?.frames[0]))
  })
})
