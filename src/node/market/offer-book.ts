import { checkOffer, standsAt, type CheckedOffer } from '../../identity/offer.ts'
import type { Judgement } from '../../protocol/network/discovery/discovery.ts'
import { offersWhat, type OfferFilter, type SignedOffer } from '../../protocol/offer-document.ts'
import { WIRE_BOUNDS } from '../../protocol/wire-bounds.ts'
import type { OfferPage, OffersQuery } from '../../protocol/wire-offers.ts'
import type { Clock } from '../clock.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'

export interface OfferBookOptions {
  readonly clock: Pick<Clock, 'nowMs'>
  /** Whether a provider's offer may never be evicted: this node's own, those of known providers, and of connected ones. */
  readonly isKept: (provider: string) => boolean
  /** The most providers whose offers are kept: 4096 where absent. */
  readonly capacity?: number
}

/** An offer, and where it came from. */
export interface ReceivedOffer {
  readonly signed: SignedOffer
  /** The Ethereum address of the peer that sent it. */
  readonly from: string
  /** The author that gossipsub's own signature names, where it came by gossip. Only a provider may publish its offer. */
  readonly publisher?: string
}

interface Entry {
  readonly checked: CheckedOffer
  readonly from: string
}

const CAPACITY = 4096
/** New offers of one provider: a few changes in a row, then four a minute. */
const PER_PROVIDER = { burst: 6, perSecond: 1 / 15 }
/** Offers from one sending peer, its own and those that it relays. Those beyond are dropped unread. */
const PER_SENDER = { burst: 512, perSecond: 32 }
/** Senders, and providers, whose rates are tracked at once. */
const MAX_RATES = 8192
const SWEEP_INTERVAL_MS = 1_000

/**
 * The offers that a node knows, the newest of each provider. Keys cost nothing, so an attacker can appear as any number of providers.
 * When the book is full, the peer that brought the most evictable offers therefore loses one of them, the one that expires first: a
 * flood evicts its own offers. Offers that are kept (`isKept`) are never evicted.
 */
export class OfferBook {
  readonly #options: OfferBookOptions
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  readonly #senders = new RateLimit({ ...PER_SENDER, maxKeys: MAX_RATES })
  readonly #providers = new RateLimit({ ...PER_PROVIDER, maxKeys: MAX_RATES })
  /** The providers in order, cached until one is added or removed. */
  #sorted: readonly string[] | undefined
  #sweptAtMs = 0

  constructor(options: OfferBookOptions) {
    this.#options = options
    this.#capacity = options.capacity ?? CAPACITY
  }

  get size(): number {
    this.#sweep()
    return this.#entries.size
  }

  /** Takes an offer that came by gossip; returns whether gossip is to relay it. */
  judge(received: ReceivedOffer): Judgement {
    const nowMs = this.#options.clock.nowMs()
    if (!this.#senders.take(received.from, nowMs)) return 'ignore'
    return this.#add(received, nowMs)
  }

  /** Takes an offer that this node asked for, or its own: the sender's rate does not count. */
  add(received: ReceivedOffer): Judgement {
    return this.#add(received, this.#options.clock.nowMs())
  }

  remove(provider: string): void {
    if (this.#entries.delete(provider)) this.#sorted = undefined
  }

  /** At most a page of the offers that stand, in the order of their providers' addresses. */
  page(query: OffersQuery): OfferPage {
    const found: SignedOffer[] = []
    for (const { signed } of this.#matching(query)) {
      if (found.length === WIRE_BOUNDS.offersPerPage) return { offers: found, more: true }
      found.push(signed)
    }
    return { offers: found, more: false }
  }

  /** All offers that stand and fit. */
  offers(filter: OfferFilter): readonly CheckedOffer[] {
    return [...this.#matching(filter)]
  }

  *#matching({ provider, after, ...filter }: OffersQuery): Generator<CheckedOffer> {
    this.#sweep()
    const sorted = this.#sorted ?? [...this.#entries.keys()].toSorted()
    this.#sorted = sorted
    const nowMs = this.#options.clock.nowMs()
    for (const name of provider === undefined ? sorted : [provider]) {
      const entry = this.#entries.get(name)
      if (entry === undefined || (after !== undefined && name <= after)) continue
      const { offer } = entry.checked
      if (standsAt(offer, nowMs) && offersWhat(offer, filter)) yield entry.checked
    }
  }

  #add({ signed, from, publisher }: ReceivedOffer, nowMs: number): Judgement {
    let checked: CheckedOffer
    try {
      checked = checkOffer(signed)
    } catch {
      return 'reject'
    }
    const { provider, sequence } = checked.offer
    if (publisher !== undefined && publisher !== provider) return 'reject'
    // From here on it may be refused through no fault of the sender, so it is ignored instead of rejected.
    if (!standsAt(checked.offer, nowMs)) return 'ignore'
    const known = this.#entries.get(provider)
    if (known !== undefined && known.checked.offer.sequence >= sequence) return 'ignore'
    if (!this.#providers.take(provider, nowMs)) return 'ignore'
    if (known === undefined && !this.#hasRoom({ checked, from })) return 'ignore'
    this.#entries.set(provider, { checked, from: known?.from ?? from })
    if (known === undefined) this.#sorted = undefined
    return 'accept'
  }

  /** Makes room for one more where it has to be made. */
  #hasRoom(entry: Entry): boolean {
    if (this.#entries.size < this.#capacity) return true
    this.#sweep({ force: true })
    if (this.#entries.size < this.#capacity) return true
    const { isKept } = this.#options
    const broughtBy = new Map<string, Entry[]>()
    for (const each of this.#entries.values()) if (!isKept(each.checked.offer.provider)) append(broughtBy, each)
    // The new offer may itself be the one to evict, unless it is kept.
    if (!isKept(entry.checked.offer.provider)) append(broughtBy, entry)
    const most = [...broughtBy.values()].reduce<readonly Entry[]>((a, b) => (b.length > a.length ? b : a), [])
    const victim = most.reduce<Entry | undefined>(
      (a, b) => (a === undefined || b.checked.offer.expiryMs < a.checked.offer.expiryMs ? b : a),
      undefined,
    )
    if (victim === undefined || victim === entry) return false
    this.remove(victim.checked.offer.provider)
    return true
  }

  #sweep({ force = false }: { readonly force?: boolean } = {}): void {
    const nowMs = this.#options.clock.nowMs()
    if (!force && nowMs - this.#sweptAtMs < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = nowMs
    for (const [provider, { checked }] of this.#entries) if (checked.offer.expiryMs <= nowMs) this.remove(provider)
  }
}

function append(broughtBy: Map<string, Entry[]>, entry: Entry): void {
  const entries = broughtBy.get(entry.from)
  if (entries === undefined) broughtBy.set(entry.from, [entry])
  else entries.push(entry)
}
