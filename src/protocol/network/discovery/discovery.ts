import { createHash } from 'node:crypto'
import type { TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { multiaddr as parseMultiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import { create as multihash } from 'multiformats/hashes/digest'
import type { SignedOffer } from '../../offer-document.ts'
import { decodeSignedOffer, encodeSignedOffer, type OffersQuery } from '../../wire-offers.ts'
import { FramedStream } from '../framed-stream.ts'
import { connectionLost, unreachable } from '../network-errors.ts'
import { addressOfPeer, hostOf } from '../peer-address.ts'
import type { InternalErrorListener } from '../stranger-error.ts'
import { WIRE_BOUNDS } from '../../wire-bounds.ts'
import { KeepConnected } from './keep-connected.ts'
import {
  OFFER_STREAMS_PER_CONNECTION,
  OFFERS_PROTOCOL,
  readOffersOver,
  serveOffersStream,
  type OffersService,
} from './offers-protocol.ts'
import { DISCOVERY_TUNING, OFFERS_TOPIC, type DiscoveryOptions } from './options.ts'
import type { DiscoveryServices } from './services.ts'
import { Turns } from './turns.ts'

/** A peer that was found: it says nothing of what it offers, nor whether it is up. */
export interface FoundPeer {
  readonly peerId: string
  /** The Ethereum address of its key. */
  readonly address: string
  /** Each with `/p2p/PEERID`. */
  readonly multiaddrs: readonly string[]
}

/** What becomes of an offer that came: it goes on to others, it ends here, or it counts against who sent it on. */
export type Judgement = 'accept' | 'ignore' | 'reject'

/**
 * Judges an offer that a provider published.
 * @param publisher the Ethereum address of who published it, as gossip's own signature proves
 * @param from the Ethereum address of who sent it on
 */
export type OfferJudge = (gossip: {
  readonly offer: SignedOffer
  readonly publisher: string
  readonly from: string
}) => Judgement

export interface ReadOffers {
  /** Multiaddrs of one peer, with `/p2p/PEERID`. */
  readonly multiaddrs: readonly string[]
  readonly query: OffersQuery
  readonly signal: AbortSignal
}

/** How a host finds others, and is found. Everything here is off, and nothing of it loaded, where it was not asked for. */
export interface Discovery {
  /** Takes part in gossip of offers, each judged before it goes on. */
  listen(judge: OfferJudge): void
  /** How many peers take part in it that there are connections with. */
  listeners(): number
  /** Called when one more takes part. */
  onListener(callback: () => void): void
  /** Called with the address of a bootstrap peer whenever a connection with it was made. */
  onBootstrap(callback: (multiaddrs: readonly string[]) => void): void
  /** @throws where gossip is off */
  publish(offer: SignedOffer): Promise<void>
  /** Says in the DHT that this peer has that capability; resolves to how many peers keep it in mind. */
  provide(options: { readonly capability: string; readonly signal: AbortSignal }): Promise<number>
  /** Says so no longer. Records that others keep expire. */
  withdraw(capability: string): Promise<void>
  /** Who says in the DHT that it has that capability; ends by itself. @throws the signal's reason */
  findProviders(options: { readonly capability: string; readonly signal: AbortSignal }): AsyncIterable<FoundPeer>
  serveOffers(service: OffersService): Promise<void>
  /** What a peer knows of offers, over a connection that is kept. @throws SoukError UNREACHABLE, PROTOCOL_ERROR, CONNECTION_LOST; the signal's reason */
  readOffers(options: ReadOffers): AsyncIterable<SignedOffer>
}

interface Parts {
  readonly node: Libp2p
  readonly options: DiscoveryOptions
  readonly dialTimeoutMs: number
  readonly onInternalError: InternalErrorListener
}

export type StartedDiscovery = Discovery & { start(): void; stop(): Promise<void> }

/** What is looked up in the DHT: the SHA-256 of `souk/1/` and the capability's name. */
function keyOf(capability: string): CID {
  return CID.createV1(0x55, multihash(0x12, createHash('sha256').update(`souk/1/${capability}`).digest()))
}

/** @param node made with the parts that `discoveryParts` gave for the same options */
export function createDiscovery({ node, options, dialTimeoutMs, onInternalError }: Parts): StartedDiscovery {
  const { dht, pubsub } = node.services as DiscoveryServices
  const bootstrapListeners = new Set<(multiaddrs: readonly string[]) => void>()
  const serving = new Map<FramedStream, Promise<void>>()
  let judging = false
  const keeper = new KeepConnected({
    node,
    bootstrap: options.bootstrap,
    tuning: { ...DISCOVERY_TUNING, ...options.tuning },
    onBootstrap(peer) {
      const addresses = options.bootstrap.filter((address) => address.endsWith(`/p2p/${peer.toString()}`))
      for (const listener of bootstrapListeners) listener(addresses)
    },
  })
  return {
    start() {
      if (judging) pubsub?.subscribe(OFFERS_TOPIC)
      keeper.start()
    },
    async stop() {
      await keeper.stop()
      // A peer that asks for one page after the other would never let it end.
      for (const stream of serving.keys()) stream.abort(connectionLost('this side has stopped'))
      await Promise.all(serving.values())
    },
    listen(judge) {
      pubsub?.topicValidators.set(OFFERS_TOPIC, (from, message) => {
        const sender = addressOfPeer(from)
        const publisher = message.type === 'signed' ? addressOfPeer(message.from) : undefined
        return resultOf(
          sender === undefined || publisher === undefined
            ? 'reject'
            : judged(message.data, (offer) => judge({ offer, publisher, from: sender })),
        )
      })
      judging = true
      if (node.status === 'started') pubsub?.subscribe(OFFERS_TOPIC)
    },
    listeners: () => pubsub?.getSubscribers(OFFERS_TOPIC).length ?? 0,
    onListener(callback) {
      pubsub?.addEventListener('subscription-change', ({ detail }) => {
        if (detail.subscriptions.some(({ topic, subscribe }) => subscribe && topic === OFFERS_TOPIC)) callback()
      })
    },
    onBootstrap: (callback) => void bootstrapListeners.add(callback),
    async publish(offer) {
      await pubsub?.publish(OFFERS_TOPIC, encodeSignedOffer(offer))
    },
    async provide({ capability, signal }) {
      let keepers = 0
      if (dht === undefined) return keepers
      for await (const event of dht.provide(keyOf(capability), { signal }))
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') keepers += 1
      return keepers
    },
    async withdraw(capability) {
      await dht?.cancelReprovide(keyOf(capability))
    },
    async *findProviders({ capability, signal }) {
      if (dht === undefined) return
      const found = new Set<string>()
      for await (const event of dht.findProviders(keyOf(capability), { signal })) {
        if (event.name !== 'PROVIDER') continue
        for (const { id, multiaddrs } of event.providers) {
          const address = addressOfPeer(id)
          if (address === undefined || found.has(address) || id.equals(node.peerId)) continue
          found.add(address)
          yield { peerId: id.toString(), address, multiaddrs: withPeerId(multiaddrs.map(String), id) }
        }
      }
    },
    async serveOffers(service) {
      const turns = new Turns()
      const onStream = (raw: Stream, { remoteAddr }: Connection): void => {
        const stream = new FramedStream(raw, { maxFrameBytes: WIRE_BOUNDS.offersRequestFrameBytes })
        const served = serveOffersStream({ stream, host: hostOf(remoteAddr), turns, service, onInternalError })
        serving.set(stream, served)
        void served.finally(() => serving.delete(stream))
      }
      await node.handle(OFFERS_PROTOCOL, onStream, {
        maxInboundStreams: OFFER_STREAMS_PER_CONNECTION,
        runOnLimitedConnection: true,
      })
    },
    async *readOffers({ multiaddrs, query, signal }) {
      const timeout = AbortSignal.timeout(dialTimeoutMs)
      const connection = await node
        .dial(
          multiaddrs.map((address) => parseMultiaddr(address)),
          { signal: AbortSignal.any([signal, timeout]) },
        )
        .catch((cause: unknown) => {
          signal.throwIfAborted()
          throw unreachable({ address: multiaddrs.join(', '), cause, timeoutMs: dialTimeoutMs })
        })
      yield* readOffersOver(connection, { query, signal })
    },
  }
}

function judged(data: Uint8Array, judge: (offer: SignedOffer) => Judgement): Judgement {
  try {
    return judge(decodeSignedOffer(data))
  } catch {
    return 'reject'
  }
}

const RESULTS = { accept: 'accept', ignore: 'ignore', reject: 'reject' } as const

function resultOf(judgement: Judgement): TopicValidatorResult {
  // libp2p's enumeration is these texts.
  return RESULTS[judgement] as TopicValidatorResult
}

function withPeerId(multiaddrs: readonly string[], peer: PeerId): readonly string[] {
  const end = `/p2p/${peer.toString()}`
  return [...new Set(multiaddrs.map((address) => (address.endsWith(end) ? address : `${address}${end}`)))]
}
