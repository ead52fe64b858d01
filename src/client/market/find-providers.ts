import { checkOffer, standsAt } from '../../identity/offer.ts'
import { SoukError } from '../../protocol/errors.ts'
import { addressOfPeerId } from '../../identity/peer-id.ts'
import type { Key } from '../../identity/key-file.ts'
import type { Discovery, FoundPeer } from '../../protocol/network/discovery/discovery.ts'
import { createHost, type NetworkHost } from '../../protocol/network/host.ts'
import {
  capabilityToSearch,
  offersWhat,
  type OfferDocument,
  type OfferFilter,
  type SignedOffer,
} from '../../protocol/offer-document.ts'
import { dialableOf } from './dialable.ts'
import type { OffersQuery } from '../../protocol/wire-offers.ts'
import { FoundOffers } from './found-offers.ts'

export interface MarketHostOptions {
  /** Who asks. */
  readonly key: Key
  /** Multiaddrs of peers of the market, with `/p2p/PEERID`: one that answers is enough. */
  readonly bootstrap: readonly string[]
  /** The key of a private network, whole. */
  readonly preSharedKey?: Uint8Array
  readonly dialTimeoutMs?: number
}

/** A requester's host that can find providers, and quote and submit over the same connections. To be stopped. */
export function createMarketHost({ key, bootstrap, ...options }: MarketHostOptions): Promise<NetworkHost> {
  const discovery = { bootstrap, dht: 'client', gossip: true } as const
  return createHost({ privateKey: key.privateKey, listen: [], discovery, reach: { relay: 'dialer' }, ...options })
}

export interface FindProvidersOptions extends OfferFilter {
  /** Made with discovery, as {@link createMarketHost} does. */
  readonly host: NetworkHost
  readonly bootstrap: readonly string[]
  /** Only offers on that chain, where given. */
  readonly chainId?: number
  /** After that long what was found by then is the answer: 5 s where absent. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A provider that says it offers what was looked for. */
export interface FoundProvider {
  /** Its Ethereum address. */
  readonly provider: string
  /** Those of the offer that are dialled (dialable.ts says which): maybe none. */
  readonly multiaddrs: readonly string[]
  /** Checked: it is that provider's, and stands. */
  readonly offer: OfferDocument
  /** Who brought it, in names that say only which are the same: for the order of asking (asking-order.ts). */
  readonly sources: readonly string[]
}

const DEFAULT_TIMEOUT_MS = 5_000
/** The most providers that are told apart. */
const MAX_PROVIDERS = 4096
/** Peers from the DHT that are asked for their offers, and how many at once. */
const MAX_PEERS_ASKED = 256
const ASKED_AT_ONCE = 16
const ASK_TIMEOUT_MS = 3_000
/** What peers are counted as together that the DHT named: each is asked for its own offer alone. */
const TABLE = 'table'
/** A DHT that was joined just now knows nobody at first: it is asked again where the books of others had nobody either. */
const SEARCHES = 5
const SEARCH_AGAIN_MS = 150

/**
 * Who offers that, of all that the bootstrap peers know, that say so in the DHT, and that publish their offers meanwhile; the
 * newest offer of each, in the order of their addresses. Nobody is asked for a price.
 * @throws SoukError UNREACHABLE, PROTOCOL_ERROR or CONNECTION_LOST where no bootstrap peer answered and nobody was found; the
 *   signal's reason
 */
export async function findProviders(options: FindProvidersOptions): Promise<readonly FoundProvider[]> {
  const { host, bootstrap, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
  const { discovery } = host
  if (discovery === undefined) throw new TypeError('the host was made without discovery')
  const ended = new AbortController()
  const timeout = AbortSignal.timeout(timeoutMs)
  const search = new Search({
    discovery,
    options,
    signal: AbortSignal.any([ended.signal, timeout, ...(signal === undefined ? [] : [signal])]),
  })
  try {
    await host.start()
    discovery.listen(({ offer, from }) => (search.take(offer, from) ? 'accept' : 'ignore'))
    const failures = await search.readBooks(bootstrap, timeoutMs / 2)
    await search.searchTable()
    signal?.throwIfAborted()
    const [failure] = failures
    if (search.found.size === 0 && failure !== undefined && failures.length === bootstrap.length) throw failure
    return search.found
      .all()
      .map(({ offer, sources }) => ({
        provider: offer.provider,
        multiaddrs: dialableOf(offer.multiaddrs, { bootstrap }),
        offer,
        sources: [...sources],
      }))
      .toSorted((a, b) => (a.provider < b.provider ? -1 : 1))
  } finally {
    ended.abort()
    discovery.listen(() => 'ignore')
  }
}

class Search {
  readonly found = new FoundOffers({ most: MAX_PROVIDERS })
  readonly #discovery: Discovery
  readonly #options: FindProvidersOptions
  readonly #signal: AbortSignal

  constructor({
    discovery,
    options,
    signal,
  }: {
    readonly discovery: Discovery
    readonly options: FindProvidersOptions
    readonly signal: AbortSignal
  }) {
    this.#discovery = discovery
    this.#options = options
    this.#signal = signal
  }

  /** Keeps an offer that is one, stands and fits, and is newer than what is there. */
  take(signed: SignedOffer, source: string): boolean {
    let offer: OfferDocument
    try {
      offer = checkOffer(signed).offer
    } catch {
      return false
    }
    const { chainId } = this.#options
    if (!standsAt(offer, Date.now()) || !offersWhat(offer, this.#options)) return false
    if (chainId !== undefined && offer.chainId !== chainId) return false
    return this.found.add({ offer, source })
  }

  /**
   * For so long at most: one that never ends leaves time for the table.
   * @returns why those did not answer that did not
   */
  async readBooks(bootstrap: readonly string[], timeoutMs: number): Promise<readonly SoukError[]> {
    const { runtime, features } = this.#options
    const query = { ...(runtime !== undefined && { runtime }), ...(features !== undefined && { features }) }
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)])
    const read = bootstrap.map((multiaddr) => {
      const source = addressOfPeerId(multiaddr.slice(multiaddr.lastIndexOf('/') + 1)) ?? multiaddr
      return this.#read({ multiaddrs: [multiaddr], query, signal, source })
    })
    return (await Promise.all(read)).flatMap((failure) => failure ?? [])
  }

  async searchTable(): Promise<void> {
    const capability = capabilityToSearch(this.#options)
    if (capability === undefined) return
    const asking = new Set<Promise<unknown>>()
    try {
      let peers = 0
      for (let round = 0; round < SEARCHES && peers === 0; round += 1) {
        if (round > 0 && this.found.size > 0) break
        if (round > 0) await pause(SEARCH_AGAIN_MS, this.#signal)
        for await (const peer of this.#discovery.findProviders({ capability, signal: this.#signal })) {
          peers += 1
          if (peers > MAX_PEERS_ASKED) break
          const multiaddrs = dialableOf(peer.multiaddrs, this.#options)
          if (this.found.has(peer.address) || multiaddrs.length === 0) continue
          while (asking.size >= ASKED_AT_ONCE) await Promise.race(asking)
          const asked: Promise<unknown> = this.#ask({ ...peer, multiaddrs }).finally(() => asking.delete(asked))
          asking.add(asked)
        }
      }
    } catch {
      // The time is over, or nobody in the table answers: what was found counts.
    }
    await Promise.all(asking)
  }

  #ask({ address, multiaddrs }: FoundPeer): Promise<SoukError | undefined> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(ASK_TIMEOUT_MS)])
    return this.#read({ multiaddrs, query: { provider: address }, signal, source: TABLE })
  }

  async #read({
    multiaddrs,
    query,
    signal,
    source,
  }: {
    readonly multiaddrs: readonly string[]
    readonly query: OffersQuery
    readonly signal: AbortSignal
    readonly source: string
  }): Promise<SoukError | undefined> {
    try {
      for await (const signed of this.#discovery.readOffers({ multiaddrs, query, signal })) this.take(signed, source)
      return undefined
    } catch (thrown) {
      return signal.aborted ? outOfTime(multiaddrs) : SoukError.from(thrown)
    }
  }
}

function outOfTime(multiaddrs: readonly string[]): SoukError<'UNREACHABLE'> {
  const address = multiaddrs.join(', ')
  return new SoukError({
    code: 'UNREACHABLE',
    message: `No offers came from ${address} in time.`,
    details: { address },
  })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}
