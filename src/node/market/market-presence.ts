import type { Logger } from 'pino'
import type { Key } from '../../identity/key-file.ts'
import { addressOfPeerId } from '../../identity/peer-id.ts'
import type { NetworkHost } from '../../protocol/network/host.ts'
import type { OfferDocument } from '../../protocol/offer-document.ts'
import type { PaymentTerms } from '../../protocol/payment.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { OfferBook } from './offer-book.ts'
import type { Settler } from '../payments/settler.ts'
import { OfferPublisher } from './offer-publisher.ts'
import { offeredRuntimes } from './offered-runtimes.ts'
import type { Offer } from '../admission/offers.ts'

export interface MarketPresenceOptions {
  readonly config: PresenceConfig
  readonly host: NetworkHost
  readonly key: Key
  /** Whether the operator has named that address as one that he knows. */
  readonly isKnown: (address: string) => boolean
  readonly logger: Logger
  /** Says how this node is paid. */
  readonly settler: Pick<Settler, 'terms'>
  /** Called for the current offers. */
  readonly offers: () => readonly Offer[]
}

type PresenceConfig = Pick<Config, 'chain' | 'pricing'> & { readonly network: Pick<Config['network'], 'bootstrap'> }

/** A node's part in the market: it publishes its own offer, keeps the offers of others, and serves them to whoever asks. */
export interface MarketPresence {
  /** Those that this node knows, its own included. */
  offers(): readonly OfferDocument[]
  /** After the host has started. */
  start(): void
  stop(): Promise<void>
}

const ANY_REQUESTER = `0x${'0'.repeat(40)}`
/** For reading all offers that a bootstrap peer knows. */
const READ_TIMEOUT_MS = 60_000

/** Undefined where the host has no discovery. To be called before the host starts. */
export async function createMarketPresence(options: MarketPresenceOptions): Promise<MarketPresence | undefined> {
  const { config, host, key, isKnown, logger } = options
  const { discovery } = host
  if (discovery === undefined) return undefined
  const first = new Set(config.network.bootstrap.map((multiaddr) => addressOfPeerId(peerIdIn(multiaddr))))
  const connected = new Set<string>()
  host.onPeerConnected((peer) => connected.add(peer))
  host.onPeerDisconnected((peer) => connected.delete(peer))
  const book = new OfferBook({
    clock: systemClock,
    isKept: (address) => address === key.address || isKnown(address) || first.has(address) || connected.has(address),
  })
  const publisher = new OfferPublisher({
    ...{ discovery, book, key, logger },
    peerId: host.peerId,
    chainId: config.chain.id,
    clock: systemClock,
    multiaddrs: () => host.multiaddrs(),
    runtimes: () => offeredRuntimes({ offers: options.offers(), prices: config.pricing.rates }),
    payment: () => paymentFor(options.settler),
  })
  const stopped = new AbortController()
  const reading = new Map<string, Promise<void>>()
  const read = async (multiaddrs: readonly string[], from: string): Promise<void> => {
    const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(READ_TIMEOUT_MS)])
    try {
      for await (const signed of discovery.readOffers({ multiaddrs, query: {}, signal })) book.add({ signed, from })
    } catch (error) {
      if (!stopped.signal.aborted) logger.info({ err: error, from }, 'the offers of a bootstrap peer could not be read')
    }
  }
  discovery.listen(({ offer, publisher: by, from }) => book.judge({ signed: offer, publisher: by, from }))
  // Gossip only brings what is published from now on: older offers are read from the bootstrap peers.
  discovery.onBootstrap((multiaddrs) => {
    const from = addressOfPeerId(peerIdIn(multiaddrs[0] ?? ''))
    if (from === undefined || reading.has(from)) return
    reading.set(
      from,
      read(multiaddrs, from).finally(() => reading.delete(from)),
    )
  })
  await discovery.serveOffers({ offers: (query) => book.page(query) })
  return {
    offers: () => book.offers({}).map(({ offer }) => offer),
    start: () => publisher.start(),
    async stop() {
      stopped.abort()
      await publisher.stop()
      await Promise.all(reading.values())
    },
  }
}

/** The terms for an unknown requester, without credit: who gets how much credit is said in quotes alone. */
function paymentFor(settler: Pick<Settler, 'terms'>): PaymentTerms {
  const terms = settler.terms(ANY_REQUESTER)
  return terms.kind === 'channel' ? { ...terms, creditWei: '0' } : terms
}

function peerIdIn(multiaddr: string): string {
  return multiaddr.slice(multiaddr.lastIndexOf('/') + 1)
}
