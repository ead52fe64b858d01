import type { Refusal } from './refusals.ts'
import { formatWei } from './units.ts'

/** What would have one provider at least take the task, where that is a matter of the chain or of the price; undefined else. */
export function refusalHint(reasons: readonly Refusal[]): string | undefined {
  const hints: string[] = []
  const [chainId] = numbersOf(reasons, 'FOREIGN_CHAIN')
  if (chainId !== undefined)
    hints.push(
      chainId === 0n
        ? 'Leave --chain-id and SOUK_CHAIN_ID away for this provider, or ask one on your chain.'
        : `Say --chain-id ${chainId} or SOUK_CHAIN_ID=${chainId} where that is the chain you mean, or ask a provider on yours.`,
    )
  const [leastWei] = numbersOf(reasons, 'PRICE_TOO_LOW').toSorted((a, b) => (a < b ? -1 : 1))
  if (leastWei !== undefined)
    hints.push(`Allow the price, with --max-price ${formatWei(leastWei)} or price.max in the task file.`)
  return hints.length === 0 ? undefined : hints.join(' ')
}

function numbersOf(reasons: readonly Refusal[], reason: Refusal['reason']): readonly bigint[] {
  return reasons.flatMap((each) =>
    each.reason === reason && each.offered !== undefined && /^\d{1,78}$/.test(each.offered)
      ? [BigInt(each.offered)]
      : [],
  )
}
