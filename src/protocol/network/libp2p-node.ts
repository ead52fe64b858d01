import { yamux } from '@libp2p/yamux'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { noiseInOneWrite } from './noise-in-one-write.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

export interface Libp2pNodeOptions {
  /** 32 bytes, secp256k1. */
  readonly privateKey: Uint8Array
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly maxConnections: number
  readonly inboundConnectionsPerSecond: number
  readonly dialTimeoutMs: number
  /** Whether a peer, authenticated by the handshake, may have another inbound connection. */
  readonly mayConnect: (peer: PeerId) => boolean
}

/** The transports and the protocols that every souk peer has: TCP, noise, yamux, identify, ping. Not started. */
export async function createLibp2pNode(options: Libp2pNodeOptions): Promise<Libp2p> {
  return createLibp2p({
    start: false,
    privateKey: privateKeyFromRaw(options.privateKey),
    nodeInfo: { name: 'souk', version: '0.1.0', userAgent: 'souk/0.1.0' },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noiseInOneWrite()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: WIRE_LIMITS.streamWindowBytes } })],
    services: { identify: identify(), ping: ping() },
    connectionManager: {
      maxConnections: options.maxConnections,
      // Counted per remote host: everybody behind one address shares it.
      inboundConnectionThreshold: options.inboundConnectionsPerSecond,
      maxIncomingPendingConnections: 64,
      dialTimeout: options.dialTimeoutMs,
      addressDialTimeout: options.dialTimeoutMs,
    },
    // A busy peer answers late; only one that is gone is cut off.
    connectionMonitor: { pingInterval: 15_000, pingTimeout: { minTimeout: 15_000, maxTimeout: 60_000 } },
    connectionGater: { denyInboundEncryptedConnection: (peer) => !options.mayConnect(peer) },
  })
}
