import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { encodeBlobAnswer } from '../../src/protocol/blob-codec.ts'
import { encodeAnswer } from '../../src/protocol/codec.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { ProviderConnection } from '../../src/protocol/network/task-client.ts'
import { BLOB_PROTOCOL, TASK_PROTOCOL } from '../../src/protocol/network/wire-limits.ts'
import { patternAt, sha256Of, summaryOf, TestBlobService } from '../fixtures/network-services.ts'
import { framed, readToEnd, startRawPeer } from '../fixtures/raw-peer.ts'
import { startTcpProxy, type TcpProxy } from '../fixtures/tcp-proxy.ts'

const MIB = 1024 * 1024
const blob = { sha256: sha256Of('blob'), bytes: 4 * MIB }

describe('a connection that breaks within a frame', function () {
  this.timeout(60_000)
  let raw: Awaited<ReturnType<typeof startRawPeer>>
  let proxy: TcpProxy
  let host: NetworkHost
  let provider: ProviderConnection

  beforeEach(async () => {
    raw = await startRawPeer({ seed: 61, listen: ['/ip4/127.0.0.1/tcp/0'] })
    proxy = await startTcpProxy({ to: String(raw.getMultiaddrs()[0]) })
    host = await createHost({ privateKey: new Uint8Array(32).fill(62), listen: [] })
    provider = await host.connect({ multiaddr: proxy.multiaddr })
  })
  afterEach(async () => {
    await host?.stop()
    await proxy?.close()
    await raw?.stop()
  })

  const chunk = framed(
    encodeBlobAnswer({ kind: 'chunk', offset: 0, totalBytes: blob.bytes, data: new Uint8Array(MIB) }),
  )
  const task = framed(encodeAnswer({ id: 1, kind: 'task', task: summaryOf(`0x${'5a'.repeat(32)}`) }))
  const asked: readonly (readonly [string, string, Uint8Array, () => Promise<unknown>])[] = [
    ['an answer', TASK_PROTOCOL, task, () => provider.show(`0x${'5a'.repeat(32)}`)],
    ['a chunk', BLOB_PROTOCOL, chunk, () => drain(provider.readBlob({ blob }))],
  ]
  for (const [what, protocol, frame, ask] of asked) {
    it(`is CONNECTION_LOST, to be tried again: within ${what}`, async () => {
      await host.serveBlobs(new TestBlobService({}))
      await raw.handle(protocol, (stream, connection) => {
        const onMessage = async (): Promise<void> => {
          stream.send(frame.subarray(0, frame.byteLength - 1))
          // Once the requester has answered something that was sent later, it has this too.
          const later = await connection.newStream(BLOB_PROTOCOL)
          later.send(framed(Uint8Array.of(0)))
          await readToEnd(later)
          proxy.cut()
        }
        stream.addEventListener('message', () => void onMessage(), { once: true })
      })
      await assert.rejects(ask(), (thrown) => isSoukError(thrown, 'CONNECTION_LOST') && thrown.retryable)
    })

    it(`is PROTOCOL_ERROR where the peer itself ends its half: within ${what}`, async () => {
      await raw.handle(protocol, (stream) => {
        const onMessage = (): void => {
          stream.send(frame.subarray(0, frame.byteLength - 1))
          void stream.close()
        }
        stream.addEventListener('message', onMessage, { once: true })
      })
      await assert.rejects(ask(), (thrown) => isSoukError(thrown, 'PROTOCOL_ERROR'))
    })
  }
})

describe('a peer with several connections', function () {
  this.timeout(60_000)
  const key = new Uint8Array(32).fill(64)
  const others: NetworkHost[] = []
  let provider: NetworkHost

  beforeEach(async () => {
    provider = await createHost({ privateKey: new Uint8Array(32).fill(63), listen: ['/ip4/127.0.0.1/tcp/0'] })
    await provider.start()
  })
  afterEach(async () => {
    await Promise.all(others.splice(0).map((other) => other.stop()))
    await provider?.stop()
  })

  /** Another process of the same peer, as the provider sees it. */
  const join = async ({
    blobs,
    via,
  }: {
    readonly blobs?: TestBlobService
    readonly via?: string
  }): Promise<NetworkHost> => {
    const known = provider.connections()
    const host = await createHost({ privateKey: key, listen: [] })
    others.push(host)
    if (blobs !== undefined) await host.serveBlobs(blobs)
    await host.connect({ multiaddr: via ?? provider.multiaddrs()[0] ?? '' })
    while (provider.connections() === known) await delay(5)
    return host
  }
  const read = async (peer: string, onBytes?: (received: number) => void): Promise<void> => {
    const expected = patternAt(0, blob.bytes)
    let received = 0
    for await (const piece of provider.readBlob({ peer, blob })) {
      assert.equal(Buffer.compare(piece, expected.subarray(received, received + piece.byteLength)), 0)
      received += piece.byteLength
      onBytes?.(received)
    }
    assert.equal(received, blob.bytes)
  }
  const serving = (): TestBlobService => new TestBlobService({ blob: blob.bytes })

  it('is asked over each, where the newest has no such blob or no blobs at all', async () => {
    const { address } = await join({ blobs: serving() })
    await join({ blobs: new TestBlobService({}) })
    await read(address)
    await join({})
    await read(address)
  })

  it('is asked for the rest over another, where one breaks in the middle', async () => {
    const proxy = await startTcpProxy({ to: provider.multiaddrs()[0] ?? '' })
    const [older, newer] = [serving(), serving()]
    const { address } = await join({ blobs: older })
    await join({ blobs: newer, via: proxy.multiaddr })
    await read(address, (received) => {
      if (received >= MIB) proxy.cut()
    })
    await proxy.close()
    assert.ok(newer.servedBytes > 0 && older.servedBytes > 0)
    assert.ok(older.servedBytes < blob.bytes, 'what had come was asked for again')
  })

  it('is NOT_FOUND where it serves the blob over none, CONNECTION_LOST where one may have had it', async () => {
    const { address } = await join({ blobs: new TestBlobService({}) })
    await join({ blobs: new TestBlobService({}) })
    await assert.rejects(drain(provider.readBlob({ peer: address, blob })), (thrown) =>
      isSoukError(thrown, 'NOT_FOUND'),
    )
    const proxy = await startTcpProxy({ to: provider.multiaddrs()[0] ?? '' })
    await join({ blobs: serving(), via: proxy.multiaddr })
    const pieces = provider.readBlob({ peer: address, blob })[Symbol.asyncIterator]()
    await pieces.next()
    proxy.cut()
    const rest = async (): Promise<void> => {
      while ((await pieces.next()).done !== true);
    }
    await assert.rejects(rest(), (thrown) => isSoukError(thrown, 'CONNECTION_LOST'))
    await proxy.close()
  })

  it('is not asked again over another where it breaks the protocol', async () => {
    const { address } = await join({ blobs: serving() })
    await join({ blobs: new TestBlobService({ blob: blob.bytes + 1 }) })
    await assert.rejects(drain(provider.readBlob({ peer: address, blob })), (thrown) =>
      isSoukError(thrown, 'PROTOCOL_ERROR'),
    )
  })
})

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) bytes += chunk.byteLength
  return bytes
}
