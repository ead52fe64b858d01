import type { Output, Usage } from '../protocol/execution.ts'
import type { Limits } from '../protocol/limits.ts'
import { chargedUsageOf, isFree, priceOf, type Rates } from '../protocol/price.ts'
import type { UnsignedReceipt } from '../protocol/receipt.ts'

/** What a receipt says of money: what the task came to at its rates, and never more than was set aside for it. */
export function chargeOf({
  rates,
  maxPriceWei,
  ...used
}: {
  readonly rates: Rates
  readonly maxPriceWei: string
  readonly usage: Usage
  readonly limits: Limits
  readonly outputs: readonly Output[]
}): Pick<UnsignedReceipt, 'priceWei' | 'terms'> {
  const { totalWei } = priceOf({ rates, usage: chargedUsageOf(used) })
  const mostWei = BigInt(maxPriceWei)
  const priceWei = String(totalWei < mostWei ? totalWei : mostWei)
  return isFree(rates) ? { priceWei } : { priceWei, terms: { rates } }
}
