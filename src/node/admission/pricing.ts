import type { Output, Usage } from '../../protocol/execution.ts'
import type { Limits } from '../../protocol/limits.ts'
import { chargedUsageOf, isFree, priceOf, type Rates } from '../../protocol/price.ts'
import type { UnsignedReceipt } from '../../protocol/receipt.ts'

/** What bounds the price of a task that has not run. */
export interface PriceBounds {
  /** As they will be applied. */
  readonly limits: Limits
  /** Whether any file that it writes is handed over. */
  readonly hasResultFiles: boolean
  /** Of the machine: what a task has that nothing holds to fewer. */
  readonly cpuCores: number
}

/**
 * The most that a task within its limits can come to: all of its wall time with all of its cores, or its CPU time where that is
 * less; its memory for as long; all the output that it may write, and its disk where files are results; all of its fuel.
 * Undefined where fuel is charged for and nothing limits it.
 */
export function mostOf({
  rates,
  limits,
  hasResultFiles,
  cpuCores,
}: PriceBounds & { readonly rates: Rates }): bigint | undefined {
  if (rates.millionFuelWei !== '0' && limits.fuel === undefined) return undefined
  const busyMs = Math.ceil(limits.wallTimeMs * (limits.cpuCores ?? cpuCores))
  const usage = {
    cpuTimeMs: Math.min(busyMs, limits.cpuTimeMs ?? Infinity),
    wallTimeMs: limits.wallTimeMs,
    memoryLimitBytes: limits.memoryBytes ?? 0,
    outputBytes: limits.outputBytes + (hasResultFiles ? limits.diskBytes : 0),
    fuelUsed: limits.fuel ?? 0,
  }
  return priceOf({ rates, usage }).totalWei
}

interface Used {
  readonly usage: Usage
  readonly limits: Limits
  readonly outputs: readonly Output[]
}

/** What a receipt says of money: what the task came to at its rates, and never more than was set aside for it. */
export function chargeOf({
  rates,
  maxPriceWei,
  cachedPercent,
  ...used
}: Used & {
  readonly rates: Rates
  readonly maxPriceWei: string
  /** Where the answer is out of the cache: what it costs, in percent of what its rates come to. */
  readonly cachedPercent?: number | undefined
}): Pick<UnsignedReceipt, 'priceWei' | 'terms'> {
  const { totalWei } = priceOf({ rates, usage: chargedUsageOf(used) })
  const askedWei = cachedPercent === undefined ? totalWei : (totalWei * BigInt(cachedPercent)) / 100n
  const mostWei = BigInt(maxPriceWei)
  const priceWei = String(askedWei < mostWei ? askedWei : mostWei)
  if (cachedPercent !== undefined) return { priceWei, terms: { rates, cached: true } }
  return isFree(rates) ? { priceWei } : { priceWei, terms: { rates } }
}
