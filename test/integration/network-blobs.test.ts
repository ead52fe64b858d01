import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { ProviderConnection } from '../../src/protocol/network/task-client.ts'
import { WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { WIRE_BOUNDS } from '../../src/protocol/wire-bounds.ts'
import { patternAt, sha256Of, TestBlobService } from '../fixtures/network-services.ts'
import { startPeer, type Peer } from '../fixtures/start-peer.ts'

const MIB = 1024 * 1024
const sizes = { large: 256 * MIB, odd: 3 * MIB + 12_345, small: 5, empty: 0 }
const refOf = (name: keyof typeof sizes) => ({ sha256: sha256Of(name), bytes: sizes[name] })

describe('blob protocol between processes', function () {
  this.timeout(60_000)
  let peer: Peer
  let host: NetworkHost
  let provider: ProviderConnection
  const own = new TestBlobService(sizes)

  before(async () => {
    peer = await startPeer({ blobs: sizes })
    host = await createHost({ privateKey: new Uint8Array(32).fill(40), listen: [] })
    await host.serveBlobs(own)
    provider = await host.connect({ multiaddr: peer.multiaddr })
  })
  after(async () => {
    await host?.stop()
    await peer?.stop()
  })

  for (const [name, offset] of [
    ['odd', 0],
    ['odd', 1],
    ['odd', 2 * MIB],
    ['odd', sizes.odd - 1],
    ['odd', sizes.odd],
    ['small', 0],
    ['small', 2],
    ['empty', 0],
  ] as const) {
    it(`reads the ${name} blob from ${offset}`, async () => {
      const pieces: Uint8Array[] = []
      for await (const chunk of provider.readBlob({ blob: refOf(name), offset })) pieces.push(chunk)
      assert.deepEqual(Buffer.concat(pieces), Buffer.from(patternAt(offset, sizes[name] - offset)))
    })
  }

  it('moves 256 MiB to a requester, memory flat over there', async () => {
    const before = await peer.stats()
    let received = 0
    for await (const chunk of provider.readBlob({ blob: refOf('large') })) {
      assert.equal(Buffer.compare(chunk, patternAt(received, chunk.byteLength)), 0)
      received += chunk.byteLength
    }
    assert.equal(received, sizes.large)
    const after = await peer.stats()
    assert.ok(after.rssBytes < before.rssBytes + 96 * MIB, `${before.rssBytes} -> ${after.rssBytes} bytes`)
  })

  it('moves 256 MiB to a provider, over the connection that its requester dialled, memory flat', async () => {
    const { rssBytes } = await peer.stats()
    const pulled = await peer.ask<{ received: number; wrong: number; peakRssBytes: number }>({
      do: 'pull',
      peer: host.address,
      name: 'large',
      bytes: sizes.large,
      offset: 0,
    })
    assert.deepEqual([pulled.received, pulled.wrong], [sizes.large, 0])
    assert.ok(pulled.peakRssBytes < rssBytes + 96 * MIB, `${rssBytes} -> ${pulled.peakRssBytes} bytes`)
    const rest = await peer.ask<{ received: number; wrong: number }>({
      do: 'pull',
      peer: host.address,
      name: 'odd',
      bytes: sizes.odd,
      offset: MIB + 7,
    })
    assert.deepEqual([rest.received, rest.wrong], [sizes.odd - MIB - 7, 0])
    while (own.openBlobs > 0) await delay(5)
  })

  it('asks for three chunks ahead of who reads, and no more', async () => {
    const { servedBytes } = await peer.stats()
    const chunks = provider.readBlob({ blob: refOf('large') })[Symbol.asyncIterator]()
    await chunks.next()
    for (let count = 0; count < 200; count += 1) await provider.list()
    const ahead = (await peer.stats()).servedBytes - servedBytes
    assert.ok(
      ahead <= (1 + WIRE_LIMITS.blobChunksOutstanding) * WIRE_BOUNDS.blobChunkBytes,
      `${ahead} bytes were served`,
    )
    await chunks.return?.()
    await peer.statsUntil((stats) => stats.openBlobs === 0)
  })

  it('reads 40 blobs at once, more than one connection has streams for at a time', async () => {
    const read = async (): Promise<number> => {
      let bytes = 0
      for await (const chunk of provider.readBlob({ blob: refOf('small') })) bytes += chunk.byteLength
      return bytes
    }
    const results = await Promise.allSettled(Array.from({ length: 40 }, read))
    // Beyond the limit a stream is refused, which is an error to try again, and never a wrong answer.
    for (const result of results) {
      if (result.status === 'fulfilled') assert.equal(result.value, 5)
      else assert.ok(isSoukError(result.reason, 'CONNECTION_LOST') && result.reason.retryable, String(result.reason))
    }
    assert.ok(results.filter((result) => result.status === 'fulfilled').length >= 30)
  })

  it('says NOT_FOUND, and when the length is not as declared', async () => {
    await assert.rejects(
      drain(provider.readBlob({ blob: { sha256: sha256Of('nobody has it'), bytes: 5 } })),
      (thrown) => isSoukError(thrown, 'NOT_FOUND'),
    )
    await assert.rejects(drain(provider.readBlob({ blob: { ...refOf('small'), bytes: 4 } })), (thrown) =>
      isSoukError(thrown, 'PROTOCOL_ERROR'),
    )
    await assert.rejects(drain(provider.readBlob({ blob: refOf('small'), offset: 6 })), RangeError)
  })

  it('gives up when the signal aborts', async () => {
    const stop = new AbortController()
    const chunks = provider.readBlob({ blob: refOf('large'), signal: stop.signal })[Symbol.asyncIterator]()
    await chunks.next()
    stop.abort(new Error('that is enough'))
    await assert.rejects(async () => {
      for (;;) if ((await chunks.next()).done) return
    }, /that is enough/)
    await peer.statsUntil((stats) => stats.openBlobs === 0)
  })

  it('never dials: a peer that is not connected is CONNECTION_LOST', async () => {
    await assert.rejects(drain(host.readBlob({ peer: `0x${'1'.repeat(40)}`, blob: refOf('small') })), (thrown) =>
      isSoukError(thrown, 'CONNECTION_LOST'),
    )
  })
})

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) bytes += chunk.byteLength
  return bytes
}
