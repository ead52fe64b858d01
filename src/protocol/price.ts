import { z } from 'zod'
import type { Usage } from './execution.ts'
import { weiSchema } from './task.ts'

/**
 * What a provider charges, in whole wei, as decimal digits. The start of a task; a second of CPU time (which its provider measures);
 * a MiB of memory for a second (the limit that was applied, times wall time); a MiB of output (stdout, stderr and result
 * files); a million units of fuel (which anyone can count again). `minimumWei` is the least that a task costs.
 */
export const ratesSchema = z.strictObject({
  startWei: weiSchema,
  cpuSecondWei: weiSchema,
  mibSecondWei: weiSchema,
  outputMibWei: weiSchema,
  millionFuelWei: weiSchema,
  minimumWei: weiSchema,
})
export type Rates = z.infer<typeof ratesSchema>

export const RATE_KEYS = [
  'startWei',
  'cpuSecondWei',
  'mibSecondWei',
  'outputMibWei',
  'millionFuelWei',
  'minimumWei',
] as const satisfies readonly (keyof Rates)[]

export const FREE_RATES: Rates = {
  startWei: '0',
  cpuSecondWei: '0',
  mibSecondWei: '0',
  outputMibWei: '0',
  millionFuelWei: '0',
  minimumWei: '0',
}

export function isFree(rates: Rates): boolean {
  return RATE_KEYS.every((key) => rates[key] === '0')
}

/** One line of a price: how much of what is charged, in the unit of `per`, and what it comes to. */
export interface PriceItem {
  readonly rate: Exclude<keyof Rates, 'minimumWei'>
  /** In thousandths of a second of CPU, of MiB-milliseconds times 2^20, of bytes, of units of fuel; 1 for the start. */
  readonly quantity: bigint
  readonly priceWei: bigint
}

export interface Price {
  readonly items: readonly PriceItem[]
  /** The sum of the items, or the minimum where that is more. */
  readonly totalWei: bigint
}

/** What is charged for: of a task that ran, or the most that one within its limits can come to. */
export interface ChargedUsage {
  readonly cpuTimeMs: number
  readonly wallTimeMs: number
  readonly memoryLimitBytes: number
  /** stdout, stderr and every result file that was handed over. */
  readonly outputBytes: number
  readonly fuelUsed: number
}

const MIB = 2n ** 20n

/** Each item is rounded down to a whole wei, so that two who have the same usage and rates come to the same sum. */
export function priceOf({ rates, usage }: { readonly rates: Rates; readonly usage: ChargedUsage }): Price {
  const memoryMs = BigInt(usage.memoryLimitBytes) * BigInt(usage.wallTimeMs)
  const items: readonly PriceItem[] = [
    item({ rates, rate: 'startWei', quantity: 1n, unit: 1n }),
    item({ rates, rate: 'cpuSecondWei', quantity: BigInt(usage.cpuTimeMs), unit: 1000n }),
    item({ rates, rate: 'mibSecondWei', quantity: memoryMs, unit: MIB * 1000n }),
    item({ rates, rate: 'outputMibWei', quantity: BigInt(usage.outputBytes), unit: MIB }),
    item({ rates, rate: 'millionFuelWei', quantity: BigInt(usage.fuelUsed), unit: 1_000_000n }),
  ]
  const sumWei = items.reduce((sum, { priceWei }) => sum + priceWei, 0n)
  const minimumWei = BigInt(rates.minimumWei)
  return { items, totalWei: sumWei > minimumWei ? sumWei : minimumWei }
}

function item({
  rates,
  rate,
  quantity,
  unit,
}: {
  readonly rates: Rates
  readonly rate: PriceItem['rate']
  readonly quantity: bigint
  readonly unit: bigint
}): PriceItem {
  return { rate, quantity, priceWei: (BigInt(rates[rate]) * quantity) / unit }
}

/** What a finished task is charged for. */
export function chargedUsageOf({
  usage,
  limits,
  outputs,
}: {
  readonly usage: Usage
  readonly limits: { readonly memoryBytes?: number | undefined }
  readonly outputs: readonly ({ readonly bytes: number } | { readonly error: unknown })[]
}): ChargedUsage {
  const resultBytes = outputs.reduce((sum, output) => sum + ('bytes' in output ? output.bytes : 0), 0)
  return {
    cpuTimeMs: usage.cpuTimeMs,
    wallTimeMs: usage.wallTimeMs,
    memoryLimitBytes: limits.memoryBytes ?? 0,
    outputBytes: usage.outputBytes + resultBytes,
    fuelUsed: usage.fuelUsed ?? 0,
  }
}
