import type { OfferDocument } from '../../protocol/offer-document.ts'

/** An offer, and everybody who brought it. */
export interface BroughtOffer {
  readonly offer: OfferDocument
  readonly sources: ReadonlySet<string>
}

/**
 * The newest offer of each provider, of so many providers at most. Keys cost nothing, and so do providers: where there is no place left
 * the source that brought most gives one up for a source that brought fewer, so that none crowds out what others bring; nor by bringing it
 * as well, as what several bring counts as of the one that brought least.
 */
export class FoundOffers {
  readonly #most: number
  readonly #offers = new Map<string, { readonly offer: OfferDocument; readonly sources: Set<string> }>()
  readonly #broughtBy = new Map<string, Set<string>>()

  constructor({ most }: { readonly most: number }) {
    this.#most = most
  }

  get size(): number {
    return this.#offers.size
  }

  has(provider: string): boolean {
    return this.#offers.has(provider)
  }

  all(): readonly BroughtOffer[] {
    return [...this.#offers.values()]
  }

  /** @param source who said it @returns whether it is news */
  add({ offer, source }: { readonly offer: OfferDocument; readonly source: string }): boolean {
    const { provider } = offer
    const known = this.#offers.get(provider)
    const brought = this.#broughtBy.get(source) ?? new Set<string>()
    if (known === undefined && this.#offers.size >= this.#most && !this.#makeRoom(brought.size)) return false
    this.#broughtBy.set(source, brought.add(provider))
    const sources = (known?.sources ?? new Set<string>()).add(source)
    if (known !== undefined && known.offer.sequence >= offer.sequence) return false
    this.#offers.set(provider, { offer, sources })
    return true
  }

  /** For a source that brought so many. */
  #makeRoom(brought: number): boolean {
    let victim: string | undefined
    // With one fewer for the other they would only take turns.
    let most = brought + 1
    for (const [provider, { sources }] of this.#offers) {
      const least = Math.min(...[...sources].map((source) => this.#broughtBy.get(source)?.size ?? 0))
      if (least > most) [victim, most] = [provider, least]
    }
    if (victim === undefined) return false
    for (const source of this.#offers.get(victim)?.sources ?? []) this.#broughtBy.get(source)?.delete(victim)
    this.#offers.delete(victim)
    return true
  }
}
