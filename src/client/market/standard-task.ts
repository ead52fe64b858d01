import { priceOf, type ChargedUsage, type Rates } from '../../protocol/price.ts'

/**
 * What rates are compared by before there is a task: a second of one core in a second of time, with 256 MiB of memory, 1 MiB of
 * output and 100 million units of fuel.
 */
export const STANDARD_USAGE: ChargedUsage = {
  cpuTimeMs: 1000,
  wallTimeMs: 1000,
  memoryLimitBytes: 2 ** 28,
  outputBytes: 2 ** 20,
  fuelUsed: 100_000_000,
}

/** The price of the standard task, in wei. */
export function standardPriceWei(rates: Rates): bigint {
  return priceOf({ rates, usage: STANDARD_USAGE }).totalWei
}
