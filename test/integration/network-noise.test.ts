import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Libp2p, Stream } from '@libp2p/interface'
import { createLibp2pNode } from '../../src/protocol/network/libp2p-node.ts'

const PROTOCOL = '/souk-test/echo/1.0.0'
const SIZES = [1, 2, 300, 511, 512, 1_460, 65_519, 65_520, 70_000, 1_048_576]

function createPeer(listen: readonly string[]): Promise<Libp2p> {
  return createLibp2pNode({
    privateKey: randomBytes(32),
    listen,
    announce: [],
    maxConnections: 10,
    inboundConnectionsPerSecond: 10,
    dialTimeoutMs: 30_000,
    mayConnect: () => true,
  })
}

/** Sends bytes, and resolves to as many that came back. */
function echoed(stream: Stream, bytes: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>()
  const pieces: Uint8Array[] = []
  let length = 0
  const onMessage = ({ data }: { readonly data: { readonly byteLength: number; subarray(): Uint8Array } }): void => {
    pieces.push(data.subarray())
    length += data.byteLength
    if (length < bytes.byteLength) return
    stream.removeEventListener('message', onMessage)
    resolve(Buffer.concat(pieces))
  }
  stream.addEventListener('message', onMessage)
  stream.send(bytes)
  return promise
}

describe('a connection that noise secured', function () {
  this.timeout(120_000)
  let peers: readonly [Libp2p, Libp2p]
  let stream: Stream

  before(async () => {
    peers = [await createPeer(['/ip4/127.0.0.1/tcp/0']), await createPeer([])]
    for (const peer of peers) await peer.start()
    await peers[0].handle(PROTOCOL, (inbound) =>
      inbound.addEventListener('message', ({ data }) => void inbound.send(data.subarray())),
    )
    stream = await (await peers[1].dial(peers[0].getMultiaddrs())).newStream(PROTOCOL)
  })

  after(async () => {
    for (const peer of peers) await peer.stop()
  })

  it('carries messages of every length whole, whatever pieces they come in', async () => {
    for (const size of SIZES) {
      const bytes = randomBytes(size)
      assert(Buffer.from(await echoed(stream, bytes)).equals(bytes), `${size} bytes`)
    }
  })

  it('makes no error for each message that it reads', async () => {
    const Original = globalThis.RangeError
    let made = 0
    globalThis.RangeError = new Proxy(Original, {
      apply: (target, self, args) => {
        made += 1
        return Reflect.apply(target, self, args) as RangeError
      },
      construct: (target, args) => {
        made += 1
        return Reflect.construct(target, args) as RangeError
      },
    })
    try {
      for (let turn = 0; turn < 50; turn++) await echoed(stream, randomBytes(100))
    } finally {
      globalThis.RangeError = Original
    }
    assert.equal(made, 0)
  })
})
