import { setTimeout as delay } from 'node:timers/promises'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { addressOfPeer, addressOfRemote } from './peer-address.ts'
import { encodeBlobAnswer } from '../blob-codec.ts'
import { encodeAnswer, encodeQuoteAnswer } from '../codec.ts'
import type { SoukError } from '../errors.ts'
import { WIRE_BOUNDS } from '../wire-bounds.ts'
import { protocolError } from '../wire-fields.ts'
import type { BlobRead } from './blob-client.ts'
import { serveBlobStream } from './blob-server.ts'
import { Connections, type PeerListener } from './connections.ts'
import type { Discovery, StartedDiscovery } from './discovery/discovery.ts'
import type { DiscoveryOptions } from './discovery/options.ts'
import { Dialer } from './dialer.ts'
import { FramedStream } from './framed-stream.ts'
import type { PeerStatus } from '../node-status.ts'
import { punchesHoles, type ReachOptions } from './reach-options.ts'
import { createLibp2pNode } from './libp2p-node.ts'
import { isLimited } from './network-errors.ts'
import { serveQuoteStream } from './quote-server.ts'
import { peerStatusOf } from './peer-status.ts'
import { readFromPeer } from './read-from-peer.ts'
import type { InternalErrorListener } from './stranger-error.ts'
import { startFailed } from './start-failure.ts'
import { TaskClient, type ProviderConnection } from './task-client.ts'
import { TaskServer } from './task-server.ts'
import type { BlobService, QuoteService, TaskService } from './task-service.ts'
import { BLOB_PROTOCOL, QUOTE_PROTOCOL, TASK_PROTOCOL, WIRE_LIMITS } from './wire-limits.ts'

export interface HostOptions {
  /** 32 bytes, secp256k1: the peer's identity, and its Ethereum account. */
  readonly privateKey: Uint8Array
  /** Multiaddrs to listen on, `/ip4/127.0.0.1/tcp/0` for example; none for who only dials. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead of those listened on. */
  readonly announce?: readonly string[]
  readonly maxConnections?: number
  /** Peers for whom there is a place where strangers have taken all others; nobody where absent. */
  readonly isExpected?: (address: string) => boolean
  readonly connectionsPerPeer?: number
  /** From one remote host. */
  readonly inboundConnectionsPerSecond?: number
  readonly followsPerPeer?: number
  readonly dialTimeoutMs?: number
  /** How others are found, and find this host; it knows only whom it dials, or is dialled by, where absent. */
  readonly discovery?: DiscoveryOptions
  /** How it is reached where it cannot be dialled, and dials such; not at all where absent. */
  readonly reach?: ReachOptions
  /** A private network's key file, whole (`/key/swarm/psk/1.0.0/`): with others there are no connections. */
  readonly preSharedKey?: Uint8Array
  /** Told of bugs on this side, of which peers learn only that there was one. */
  readonly onInternalError?: InternalErrorListener
}

export interface ConnectOptions {
  /** With or without `/p2p/PEERID`; with it, nobody else is talked to. */
  readonly multiaddr: string
  readonly signal?: AbortSignal
}

/** This process's place on the network. It listens after `start`, so that services can be put in place before. */
export interface NetworkHost {
  readonly peerId: string
  /** The Ethereum address of its key, in lower case. */
  readonly address: string
  /** Where the options asked for it. */
  readonly discovery: Discovery | undefined
  /** Where it can be dialled, each with `/p2p/PEERID`; none before `start`. */
  multiaddrs(): readonly string[]
  /** How many connections are open. */
  connections(): number
  /** Whom they are with, in the order in which they came. */
  peers(): readonly PeerStatus[]
  /** @throws SoukError START_FAILED where an address cannot be listened on */
  start(): Promise<void>
  serveTasks(service: TaskService): Promise<void>
  serveBlobs(service: BlobService): Promise<void>
  serveQuotes(service: QuoteService): Promise<void>
  /** Where one peer may be, each address with `/p2p/PEERID`: `connect` to one of them tries the others too, the direct ones first. */
  learn(multiaddrs: readonly string[]): void
  /** A new connection; starts the host where that has not been done. @throws SoukError UNREACHABLE saying why; the signal's reason */
  connect(options: ConnectOptions): Promise<ProviderConnection>
  /** Reads over the connections with that peer, the newest first; never dials. @throws SoukError as {@link readFromPeer} */
  readBlob(options: BlobRead & { readonly peer: string }): AsyncIterable<Uint8Array>
  /** Resolves once there is a connection with the peer, at once where there is one. @throws the signal's reason */
  connected(options: { readonly peer: string; readonly signal: AbortSignal }): Promise<void>
  /** Calls back when a peer's first connection opens, or its last one closes; returns how to end that. */
  onPeerConnected(listener: PeerListener): () => void
  onPeerDisconnected(listener: PeerListener): () => void
  /** Closes every connection and stops listening. */
  stop(): Promise<void>
}

const DEFAULTS = {
  announce: [],
  maxConnections: 1024,
  isExpected: (): boolean => false,
  connectionsPerPeer: 8,
  inboundConnectionsPerSecond: 100,
  followsPerPeer: 512,
  dialTimeoutMs: 10_000,
  onInternalError: (): void => undefined,
} as const

/** @throws SoukError KEY_UNUSABLE, START_FAILED */
export async function createHost(options: HostOptions): Promise<NetworkHost> {
  const settings = { ...DEFAULTS, ...options }
  const connections = new Connections()
  const mayConnect: Parameters<typeof createLibp2pNode>[0]['mayConnect'] = (peer) => {
    const address = addressOfPeer(peer)
    const hasPlace = node.getConnections().length < settings.maxConnections
    // Whoever has no address is told so on the first stream that it uses.
    if (address === undefined) return hasPlace
    return (hasPlace || settings.isExpected(address)) && connections.count(address) < settings.connectionsPerPeer
  }
  const maxConnections = settings.maxConnections + WIRE_LIMITS.connectionsForExpected
  const node = await createLibp2pNode({ ...settings, maxConnections, mayConnect }).catch((cause: unknown) => {
    throw startFailed(cause)
  })
  node.addEventListener('connection:open', ({ detail }) => connections.opened(detail))
  node.addEventListener('connection:close', ({ detail }) => {
    connections.closed(detail)
    // What is known of a peer serves dialling it again, which without discovery only happens by address.
    if (options.discovery === undefined && node.getConnections(detail.remotePeer).length === 0)
      void node.peerStore.delete(detail.remotePeer).catch(() => undefined)
  })
  const { discovery: wanted, dialTimeoutMs, onInternalError } = settings
  const discovery =
    wanted === undefined
      ? undefined
      : (await import('./discovery/discovery.ts')).createDiscovery({
          node,
          options: wanted,
          dialTimeoutMs,
          onInternalError,
        })
  const awaitsDirect = options.reach !== undefined && punchesHoles(options.reach)
  return new Libp2pHost({ node, connections, settings, discovery, awaitsDirect })
}

type Optional = 'discovery' | 'reach' | 'preSharedKey'
type Settings = Required<Omit<HostOptions, Optional>>

class Libp2pHost implements NetworkHost {
  readonly peerId: string
  readonly address: string
  readonly discovery: StartedDiscovery | undefined
  readonly #node: Libp2p
  readonly #connections: Connections
  readonly #settings: Settings
  #starting: Promise<void> | undefined
  /** Streams being served. */
  readonly #serving = new Set<Promise<void>>()
  readonly #dialer: Dialer

  constructor({
    node,
    connections,
    settings,
    discovery,
    awaitsDirect,
  }: {
    readonly node: Libp2p
    readonly connections: Connections
    readonly settings: Settings
    readonly discovery: StartedDiscovery | undefined
    readonly awaitsDirect: boolean
  }) {
    this.discovery = discovery
    this.#node = node
    this.#connections = connections
    this.#settings = settings
    this.#dialer = new Dialer({ node, timeoutMs: settings.dialTimeoutMs, awaitsDirect })
    this.peerId = node.peerId.toString()
    this.address = addressOfPeer(node.peerId) ?? ''
  }

  multiaddrs(): readonly string[] {
    return this.#node.getMultiaddrs().map(String)
  }

  connections(): number {
    return this.#node.getConnections().length
  }

  peers(): readonly PeerStatus[] {
    return this.#node.getConnections().map(peerStatusOf)
  }

  async start(): Promise<void> {
    // Whoever dials while another one starts it waits for that, too.
    await (this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    }))
  }

  async #start(): Promise<void> {
    if (this.#node.status !== 'stopped') return
    try {
      await this.#node.start()
    } catch (cause) {
      throw startFailed(cause)
    }
    this.discovery?.start()
  }

  async serveTasks(service: TaskService): Promise<void> {
    const { followsPerPeer, onInternalError } = this.#settings
    const server = new TaskServer({ service, followsPerPeer, onInternalError })
    await this.#handle({
      protocol: TASK_PROTOCOL,
      maxFrameBytes: WIRE_BOUNDS.requesterFrameBytes,
      maxInboundStreams: WIRE_LIMITS.taskStreamsPerConnection,
      serve: (context) => server.serve(context),
      refusal: (error) => encodeAnswer({ id: 0, kind: 'error', error: error.toJSON() }),
    })
  }

  async serveBlobs(service: BlobService): Promise<void> {
    const { onInternalError } = this.#settings
    await this.#handle({
      protocol: BLOB_PROTOCOL,
      maxFrameBytes: WIRE_BOUNDS.blobRequestFrameBytes,
      maxInboundStreams: WIRE_LIMITS.blobStreamsPerConnection,
      serve: (context) => serveBlobStream({ service, onInternalError }, context),
      refusal: (error) => encodeBlobAnswer({ kind: 'error', error: error.toJSON() }),
    })
  }

  async serveQuotes(service: QuoteService): Promise<void> {
    const { onInternalError } = this.#settings
    await this.#handle({
      protocol: QUOTE_PROTOCOL,
      maxFrameBytes: WIRE_BOUNDS.quoteRequestFrameBytes,
      maxInboundStreams: WIRE_LIMITS.quoteStreamsPerConnection,
      serve: (context) => serveQuoteStream({ service, onInternalError }, context),
      refusal: (error) => encodeQuoteAnswer({ kind: 'error', error: error.toJSON() }),
    })
  }

  async connect({ multiaddr, signal }: ConnectOptions): Promise<ProviderConnection> {
    signal?.throwIfAborted()
    await this.start()
    const connection = await this.#dialer.dial({ multiaddr, signal })
    const provider = addressOfRemote(connection)
    if (provider !== undefined) return new TaskClient({ connection, provider })
    await connection.close().catch(() => undefined)
    throw notSecp256k1()
  }

  learn(multiaddrs: readonly string[]): void {
    this.#dialer.learn(multiaddrs)
  }

  readBlob({ peer, ...read }: BlobRead & { readonly peer: string }): AsyncIterable<Uint8Array> {
    return readFromPeer({ connections: this.#connections, peer }, read)
  }

  connected(options: { readonly peer: string; readonly signal: AbortSignal }): Promise<void> {
    return this.#connections.connected(options)
  }

  onPeerConnected(listener: PeerListener): () => void {
    return this.#connections.onConnected(listener)
  }

  onPeerDisconnected(listener: PeerListener): () => void {
    return this.#connections.onDisconnected(listener)
  }

  async stop(): Promise<void> {
    await this.discovery?.stop()
    await this.#node.stop()
    // Of what is still being worked on nobody hears any more: who has it in hand may not hold this up for ever.
    const ended = new AbortController()
    const givenUp = delay(WIRE_LIMITS.closeTimeoutMs, undefined, { signal: ended.signal }).catch(() => undefined)
    await Promise.race([Promise.all(this.#serving), givenUp])
    ended.abort()
  }

  async #handle(options: {
    readonly protocol: string
    readonly maxFrameBytes: number
    readonly maxInboundStreams: number
    readonly serve: (context: {
      readonly stream: FramedStream
      readonly peer: string
      readonly limited: boolean
    }) => Promise<void>
    readonly refusal: (error: SoukError) => Uint8Array
  }): Promise<void> {
    const onStream = (rawStream: Stream, connection: Connection): void => {
      const stream = new FramedStream(rawStream, options)
      const peer = addressOfRemote(connection)
      const limited = isLimited(connection)
      const served =
        peer === undefined ? refuseStranger(stream, options.refusal) : options.serve({ stream, peer, limited })
      this.#serving.add(served)
      void served.finally(() => this.#serving.delete(served))
    }
    await this.#node.handle(options.protocol, onStream, {
      maxInboundStreams: options.maxInboundStreams,
      runOnLimitedConnection: true,
    })
  }
}

/**
 * Says why once the peer has said something: libp2p at the other end fails to open a stream that is reset while it
 * still negotiates. Never rejects.
 */
async function refuseStranger(stream: FramedStream, refusal: (error: SoukError) => Uint8Array): Promise<void> {
  const error = notSecp256k1()
  await stream.read({ idleTimeoutMs: WIRE_LIMITS.inactivityTimeoutMs }).catch(() => undefined)
  await stream.reject(refusal(error), error)
}

function notSecp256k1(): SoukError<'PROTOCOL_ERROR'> {
  return protocolError('a peer needs a secp256k1 identity, as its key is its account')
}
