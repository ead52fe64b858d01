import { randomBytes } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { startChild } from './child.ts'

export const BARE_PROTOCOL = '/souk-bench/bare/1.0.0'
const CHUNK_BYTES = 64 * 1024

/** What souk's own peers have, and nothing of souk. */
export function createBareNode({ listen }: { readonly listen: readonly string[] }): Promise<Libp2p> {
  return createLibp2p({
    privateKey: privateKeyFromRaw(randomBytes(32)),
    addresses: { listen: [...listen] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 2 * 1024 * 1024 } })],
  })
}

/** The yardstick for blobs: bytes over one libp2p stream to another process, checked and kept by nobody. */
export interface BareStream {
  /** Milliseconds from opening a stream to the other side's word that it has read so many bytes. */
  copy(bytes: number): Promise<number>
  stop(): Promise<void>
}

export async function startBareStream(): Promise<BareStream> {
  const child = await startChild<{ readonly multiaddr: string }>({ file: 'bare-stream-child.ts' })
  const node = await createBareNode({ listen: [] })
  const connection = await node.dial(multiaddr(child.greeting.multiaddr))
  const chunk = randomBytes(CHUNK_BYTES)
  return {
    async copy(bytes) {
      const startMs = performance.now()
      const stream = await connection.newStream(BARE_PROTOCOL)
      const answer = firstMessage(stream)
      for (let sent = 0; sent < bytes; sent += CHUNK_BYTES) {
        if (!stream.send(chunk.subarray(0, Math.min(CHUNK_BYTES, bytes - sent)))) await stream.onDrain()
      }
      await stream.close()
      const read = await answer
      if (read !== String(bytes)) throw new Error(`the other side read ${read} of ${bytes} bytes`)
      return performance.now() - startMs
    },
    async stop() {
      await node.stop()
      await child.stop()
    },
  }
}

function firstMessage(stream: Stream): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  stream.addEventListener('message', ({ data }) => resolve(new TextDecoder().decode(data.subarray())), { once: true })
  stream.addEventListener('close', () => reject(new Error('the stream was closed')), { once: true })
  return promise
}
