import { randomInt } from 'node:crypto'

/** Where a provider is. */
export interface FoundAddress {
  /** With `/p2p/PEERID`. */
  readonly multiaddr: string
  /** Who said so, by whatever name. */
  readonly sources: readonly string[]
}

/** @param address of a provider, said by somebody or by nobody in particular */
export function multiaddrOf(address: string | FoundAddress): string {
  return typeof address === 'string' ? address : address.multiaddr
}

/**
 * The order in which providers are asked. First those that `comesFirst` names; of the others one of each source in turn, and in no order that they could
 * have chosen: providers cost nothing to make up, and who brings thousands at which nobody answers must not have used up the time before those are
 * asked that somebody else brought. What several bring counts as of the one where its turn is first. An address by itself is a source of its own.
 */
export function askingOrder({
  addresses,
  comesFirst,
}: {
  readonly addresses: readonly (string | FoundAddress)[]
  readonly comesFirst: (multiaddr: string) => boolean
}): readonly string[] {
  const turns = new Map<string, number>()
  const shuffled = addresses.map((address) => ({ address, at: randomInt(2 ** 32) })).toSorted((a, b) => a.at - b.at)
  const ranked = shuffled.map(({ address }) => {
    if (typeof address === 'string') return { multiaddr: address, first: comesFirst(address), turn: 0 }
    const { multiaddr, sources } = address
    const turn = sources.map((source) => {
      const next = turns.get(source) ?? 0
      turns.set(source, next + 1)
      return next
    })
    return { multiaddr, first: comesFirst(multiaddr), turn: Math.min(...turn) }
  })
  return ranked
    .toSorted((a, b) => Number(b.first) - Number(a.first) || a.turn - b.turn)
    .map(({ multiaddr }) => multiaddr)
}
