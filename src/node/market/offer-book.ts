import { checkOffer, standsAt, type CheckedOffer } from '../../identity/offer.ts'
import type { Judgement } from '../../protocol/network/discovery/discovery.ts'
import { offersWhat, type OfferFilter, type SignedOffer } from '../../protocol/offer-document.ts'
import { WIRE_BOUNDS } from '../../protocol/wire-bounds.ts'
import type { OfferPage, OffersQuery } from '../../protocol/wire-offers.ts'
import type { Clock } from '../clock.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'

export interface OfferBookOptions {
  readonly clock: Pick<Clock, 'nowMs'>
  /** Providers whose offers no stranger's push out: this node itself, those that its operator knows, those connected. */
  readonly isKept: (provider: string) => boolean
  /** Offers of so many providers: 4096 where absent. */
  readonly capacity?: number
}

/** An offer, and on whose word it came. */
export interface ReceivedOffer {
  readonly signed: SignedOffer
  /** The Ethereum address of the peer that sent it. */
  readonly from: string
  /** Whom gossip's own signature names: only a provider publishes its offer. */
  readonly publisher?: string
}

interface Entry {
  readonly checked: CheckedOffer
  readonly from: string
}

const CAPACITY = 4096
/** Of one provider: one now, some changes after it, and then one in a quarter of a minute. */
const PER_PROVIDER = { burst: 6, perSecond: 1 / 15 }
/** From one peer, its own and those that it passes on. What is beyond is not looked at. */
const PER_SENDER = { burst: 512, perSecond: 32 }
/** Senders and providers whose rates are remembered. */
const MAX_RATES = 8192
const SWEEP_INTERVAL_MS = 1_000

/**
 * The offers that a node knows, the newest of each provider. Keys cost nothing, so that whoever wants can have any number of
 * providers: of a full book the peer that brought most strangers' offers loses one of these, the one that expires first. So
 * a flood pushes out its own; what the node keeps (`isKept`) is not pushed out at all.
 */
export class OfferBook {
  readonly #options: OfferBookOptions
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  readonly #senders = new RateLimit({ ...PER_SENDER, maxKeys: MAX_RATES })
  readonly #providers = new RateLimit({ ...PER_PROVIDER, maxKeys: MAX_RATES })
  /** Providers in order, as long as none comes or goes. */
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

  /** What came by gossip: whether it is to go on to others. */
  judge(received: ReceivedOffer): Judgement {
    const nowMs = this.#options.clock.nowMs()
    if (!this.#senders.take(received.from, nowMs)) return 'ignore'
    return this.#add(received, nowMs)
  }

  /** What was asked for, or is this node's own. */
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
    // From here on it may be late, early or old by no fault of who sends it on.
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
    // What is to come in competes like all the others, unless it is kept.
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
