import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { bootstrap } from '@libp2p/bootstrap'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { kadDHT, passthroughMapper, type KadDHT, type KadDHTComponents } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { isPeerId, type Connection, type PeerId } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import { WIRE_BOUNDS } from '../../wire-bounds.ts'
import { BoundedDatastore } from './bounded-datastore.ts'
import { withRates } from './gossip-rate.ts'
import {
  DHT_PROTOCOL,
  DISCOVERY_TUNING,
  OFFERS_TOPIC,
  PROVIDER_RECORDS,
  PROVIDER_RECORD_MS,
  PROVIDERS_PER_KEY,
  type DiscoveryOptions,
  type DiscoveryTuning,
} from './options.ts'

/** The services of libp2p that discovery adds, those that are on. */
export interface DiscoveryServices {
  readonly dht?: KadDHT
  readonly pubsub?: GossipSub
}

/** What is added to a node's libp2p for discovery. */
export type DiscoveryParts = Pick<Libp2pOptions, 'datastore' | 'peerDiscovery' | 'peerStore'> & {
  readonly services: NonNullable<Libp2pOptions['services']>
}

/** @param connections those that are open; whom they are with is not pushed out of what is remembered */
export function discoveryParts({
  options,
  connections,
}: {
  readonly options: DiscoveryOptions
  readonly connections: () => readonly Connection[]
}): DiscoveryParts {
  const tuning = { ...DISCOVERY_TUNING, ...options.tuning }
  const datastore = new BoundedDatastore({
    peers: tuning.rememberedPeers,
    providerRecords: PROVIDER_RECORDS,
    providersPerKey: PROVIDERS_PER_KEY,
    isKept: (name) => connections().some((connection) => namesOf(connection).includes(name)),
  })
  const { dht, gossip = false } = options
  return {
    datastore,
    peerStore: { maxAddressAge: 2 * PROVIDER_RECORD_MS, maxPeerAge: 2 * PROVIDER_RECORD_MS },
    peerDiscovery: [
      ...(options.bootstrap.length > 0
        ? [bootstrap({ list: [...options.bootstrap], timeout: 1, tagTTL: Infinity })]
        : []),
      ...(options.mdns === true ? [mdns({ serviceTag: 'souk.local' })] : []),
    ],
    services: {
      ...(dht !== undefined && { dht: distributedTable({ mode: dht, tuning, connections }) }),
      ...(gossip && { pubsub: offersGossip() }),
      // They need services of libp2p that every souk node has (ping, identify), which this type cannot know.
    } as DiscoveryParts['services'],
  }
}

const names = new WeakMap<Connection, readonly string[]>()

/** What the stores of peers and of provider records call who is at the other end. */
function namesOf(connection: Connection): readonly string[] {
  const known = names.get(connection)
  if (known !== undefined) return known
  const { remotePeer } = connection
  const found = [remotePeer.toString(), remotePeer.toCID().toString()]
  names.set(connection, found)
  return found
}

interface TableOptions {
  readonly mode: 'client' | 'server'
  readonly tuning: DiscoveryTuning
  readonly connections: () => readonly Connection[]
}

function distributedTable({ mode, tuning, connections }: TableOptions) {
  const isConnected = (peer: PeerId): boolean => connections().some(({ remotePeer }) => remotePeer.equals(peer))
  // Whoever is put into the table is dialled first, which for all that a client hears of in a lookup costs it, and them, many
  // times what the lookup does. Who has no address is not put into it.
  const onlyConnected: typeof passthroughMapper = (peer) => (isConnected(peer.id) ? peer : { ...peer, multiaddrs: [] })
  const create = kadDHT({
    protocol: DHT_PROTOCOL,
    clientMode: mode === 'client',
    // A market of one's own may be in one's own network: addresses that are private count.
    peerInfoMapper: mode === 'client' ? onlyConnected : passthroughMapper,
    kBucketSize: tuning.bucketSize,
    alpha: tuning.concurrency,
    networkDialTimeout: { minTimeout: tuning.requestTimeoutMs },
    // Where a query ends early nobody hears what comes of its other paths, and an error that nobody hears ends the process.
    disjointPaths: 1,
    // A client has no neighbours who have to know it: whom it asks, it comes to know by asking.
    initialQuerySelfInterval: mode === 'client' ? tuning.selfQueryIntervalMs : tuning.firstSelfQueryMs,
    querySelfInterval: tuning.selfQueryIntervalMs,
    allowQueryWithZeroPeers: true,
    // No value record is accepted: libp2p's own kind is known unless it is said otherwise.
    validators: {
      pk: () => {
        throw new Error('there are no value records')
      },
    },
    maxInboundStreams: 8,
    incomingMessageTimeout: 10_000,
    reprovide: {
      validity: PROVIDER_RECORD_MS,
      threshold: PROVIDER_RECORD_MS / 2,
      interval: PROVIDER_RECORD_MS / 6,
      concurrency: 2,
      maxQueueSize: 64,
    },
  })
  return (components: KadDHTComponents): KadDHT => {
    const { ping } = components
    // Nobody is put into the table who does not answer. Connections are looked after, so that one which is there is answer enough:
    // a ping that a busy peer, or this one, is late with would leave a table empty for as long as the connection lasts.
    const pingUnlessConnected: typeof ping.ping = async (target, options) =>
      isPeerId(target) && isConnected(target) ? 0 : ping.ping(target, options)
    const connectionManager = dialingOnceAddressIsKnown(components, isConnected)
    return create(
      Object.create(components, {
        ping: { value: { ping: pingUnlessConnected } },
        connectionManager: { value: connectionManager },
      }) as KadDHTComponents,
    )
  }
}

const ADDRESS_TIMEOUT_MS = 1_000
const ADDRESS_INTERVAL_MS = 20

/**
 * Whom an answer names is asked before its address, which is in the answer, has been put down. libp2p then looks for the peer in the
 * DHT, whose first step is to ask that very peer: the two wait for each other until the time of both is over.
 */
function dialingOnceAddressIsKnown(
  { connectionManager, peerStore }: KadDHTComponents,
  isConnected: (peer: PeerId) => boolean,
): Pick<KadDHTComponents['connectionManager'], 'openStream' | 'isDialable'> {
  const hasAddress = async (peer: PeerId): Promise<boolean> =>
    ((await peerStore.get(peer).catch(() => undefined))?.addresses.length ?? 0) > 0
  return {
    isDialable: (...parameters) => connectionManager.isDialable(...parameters),
    async openStream(target, ...parameters) {
      const deadlineMs = performance.now() + ADDRESS_TIMEOUT_MS
      const signal = parameters[1]?.signal
      while (isPeerId(target) && !isConnected(target) && !(await hasAddress(target)) && performance.now() < deadlineMs)
        await delay(ADDRESS_INTERVAL_MS, undefined, { signal })
      return connectionManager.openStream(target, ...parameters)
    },
  }
}

function offersGossip() {
  const create = gossipsub({
    globalSignaturePolicy: 'StrictSign',
    allowedTopics: [OFFERS_TOPIC],
    // One's own offers go to everybody there is: with few peers a mesh is not made yet.
    floodPublish: true,
    allowPublishToZeroTopicPeers: true,
    fallbackToFloodsub: false,
    emitSelf: false,
    doPX: false,
    // An offer is the same whoever sends it again.
    msgIdFn: ({ data }) => createHash('sha256').update(data).digest(),
    // Signatures are checked for each: what comes in one frame is bounded, and so is what may wait to be sent.
    maxInboundDataLength: 16 * WIRE_BOUNDS.signedOfferBytes,
    maxOutboundBufferSize: 128 * WIRE_BOUNDS.signedOfferBytes,
    maxInboundStreams: 1,
    maxOutboundStreams: 1,
    decodeRpcLimits: {
      maxSubscriptions: 16,
      maxMessages: 64,
      maxIhaveMessageIDs: 1024,
      maxIwantMessageIDs: 1024,
      maxIdontwantMessageIDs: 256,
      maxControlMessages: 64,
      maxPeerInfos: 0,
    },
    scoreParams: {
      // Many keys behind one address may be one office's, or a relay's: they share a rate (gossip-rate.ts), and nobody is deaf to all of them for
      // what some did.
      IPColocationFactorWeight: 0,
      // Whoever comes again starts anew whatever is remembered, and new keys cost nothing: to remember all who have gone only takes memory.
      retainScore: 1_000,
      behaviourPenaltyDecay: 0.9,
      topics: {
        [OFFERS_TOPIC]: {
          topicWeight: 1,
          timeInMeshWeight: 0.01,
          timeInMeshQuantum: 1000,
          timeInMeshCap: 300,
          firstMessageDeliveriesWeight: 0.1,
          firstMessageDeliveriesDecay: 0.9,
          firstMessageDeliveriesCap: 50,
          // Offers are few: who delivers none is no worse for it.
          meshMessageDeliveriesWeight: 0,
          meshFailurePenaltyWeight: 0,
          // Three that were never offers, and nothing more is heard of that peer for minutes.
          invalidMessageDeliveriesWeight: -10,
          invalidMessageDeliveriesDecay: 0.98,
          meshMessageDeliveriesDecay: 0.5,
          meshFailurePenaltyDecay: 0.5,
          meshMessageDeliveriesCap: 10,
          meshMessageDeliveriesThreshold: 1,
          meshMessageDeliveriesWindow: 10,
          meshMessageDeliveriesActivation: 5000,
        },
      },
    },
  })
  return withRates(create)
}
