import type { OfferDocument } from '../../protocol/offer-document.ts'

/**
 * The newest offer of each provider, of so many providers at most. Keys cost nothing, and so do providers: where there is no place left
 * the source that brought most gives one up for a source that brought fewer, so that none crowds out what others bring.
 */
export class FoundOffers {
  readonly #most: number
  readonly #offers = new Map<string, { readonly offer: OfferDocument; readonly source: string }>()
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

  all(): readonly OfferDocument[] {
    return [...this.#offers.values()].map(({ offer }) => offer)
  }

  /** @param source who said it */
  add({ offer, source }: { readonly offer: OfferDocument; readonly source: string }): boolean {
    const { provider } = offer
    const known = this.#offers.get(provider)
    if (known !== undefined) {
      if (known.offer.sequence >= offer.sequence) return false
      this.#offers.set(provider, { offer, source: known.source })
      return true
    }
    const brought = this.#broughtBy.get(source) ?? new Set<string>()
    if (this.#offers.size >= this.#most && !this.#makeRoom(brought.size)) return false
    this.#broughtBy.set(source, brought.add(provider))
    this.#offers.set(provider, { offer, source })
    return true
  }

  /** For a source that brought so many. */
  #makeRoom(brought: number): boolean {
    let most = new Set<string>()
    for (const each of this.#broughtBy.values()) if (each.size > most.size) most = each
    const [first] = most
    // With one fewer for the other they would only take turns.
    if (first === undefined || most.size <= brought + 1) return false
    most.delete(first)
    this.#offers.delete(first)
    return true
  }
}
