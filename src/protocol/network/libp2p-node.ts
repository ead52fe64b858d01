import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { DiscoveryOptions } from './discovery/options.ts'
import type { DiscoveryParts } from './discovery/services.ts'
import type { Components } from './libp2p-components.ts'
import { noiseInOneWrite } from './noise-in-one-write.ts'
import type { ReachParts } from './reach.ts'
import type { ReachOptions } from './reach-options.ts'
import { WIRE_LIMITS } from './wire-limits.ts'
import { yamuxWithFewUpdates } from './yamux-with-few-updates.ts'

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
  /** How others are found; nobody is where absent. */
  readonly discovery?: DiscoveryOptions | undefined
  /** How it is reached where it cannot be dialled; not at all where absent. */
  readonly reach?: ReachOptions | undefined
  /** A private network's key file, whole: nobody without it gets as far as a handshake. */
  readonly preSharedKey?: Uint8Array | undefined
}

/** The transports and the protocols that every souk peer has: TCP, noise, yamux, identify, ping; and those that were asked for. Not started. */
export async function createLibp2pNode(options: Libp2pNodeOptions): Promise<Libp2p> {
  const connections = (): readonly Connection[] => node.getConnections()
  const { services, ...discovery } = await discoveryOf(options, connections)
  const reach = await reachOf(options.reach)
  const protector = await protectorOf(options.preSharedKey)
  const node: Libp2p = await createLibp2p({
    ...discovery,
    ...protector,
    start: false,
    privateKey: privateKeyFromRaw(options.privateKey),
    nodeInfo: { name: 'souk', version: '0.1.0', userAgent: 'souk/0.1.0' },
    addresses: { listen: [...options.listen, ...reach.listen], announce: [...options.announce] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } }), ...reach.transports],
    connectionEncrypters: [noiseInOneWrite()],
    streamMuxers: [yamuxWithFewUpdates({ streamOptions: { maxStreamWindowSize: WIRE_LIMITS.streamWindowBytes } })],
    services: {
      ...{ identify: identify(), ping: ping() },
      ...(options.reach?.autonat !== true && { listening: tellingWhereItListens }),
      ...reach.services,
      ...services,
    },
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
  return node
}

/** Longer than any node runs, and short of what a date can be. */
const FOR_EVER_MS = 2 ** 42

/**
 * libp2p tells nobody an address that is public before AutoNAT has found that it can be dialled. Where nobody is asked, what the operator
 * has it listen on counts.
 */
function tellingWhereItListens({ events, addressManager }: Components): object {
  events.addEventListener('transport:listening', ({ detail }) => {
    for (const address of detail.getAddrs())
      addressManager.confirmObservedAddr(address, { type: 'transport', ttl: FOR_EVER_MS })
  })
  return {}
}

/** What discovery adds. It is much code: who has no use for it does not load it. */
async function discoveryOf(
  { discovery }: Libp2pNodeOptions,
  connections: () => readonly Connection[],
): Promise<Partial<DiscoveryParts>> {
  if (discovery === undefined) return {}
  const { discoveryParts } = await import('./discovery/services.ts')
  return discoveryParts({ options: discovery, connections })
}

async function reachOf(options: ReachOptions | undefined): Promise<ReachParts> {
  if (options === undefined) return { transports: [], services: {}, listen: [] }
  const { reachParts } = await import('./reach.ts')
  return reachParts(options)
}

async function protectorOf(psk: Uint8Array | undefined): Promise<Pick<Libp2pOptions, 'connectionProtector'>> {
  if (psk === undefined) return {}
  const { preSharedKey } = await import('@libp2p/pnet')
  return { connectionProtector: preSharedKey({ psk }) }
}
