import type { Quote } from '../../protocol/quote.ts'
import type { ProviderRecord } from './record.ts'

export interface Candidate {
  readonly quote: Pick<Quote, 'provider' | 'maxPriceWei' | 'expectedStartMs' | 'expiryMs'>
  /** What was seen of its provider before, where anything was. */
  readonly record?: ProviderRecord | undefined
}

/** Starts that differ by less are the same: it is a guess. */
const START_STEP_MS = 1000
/** So many bad ends at least, and more than good ones, and a provider comes after all others. */
const BAD_ENDS = 3

const badEnds = ({ faults, late, disagreements }: ProviderRecord): number => faults + late + disagreements

/** Whether a provider has failed more often than not. */
export function isUnreliable(record: ProviderRecord | undefined): boolean {
  return record !== undefined && badEnds(record) >= BAD_ENDS && badEnds(record) > record.finished
}

/** From 0, the best, to 1: how many of the tasks that it took ended badly; somebody new is in the middle. */
function riskOf(record: ProviderRecord | undefined): number {
  const [bad, all] = record === undefined ? [0, 0] : [badEnds(record), badEnds(record) + record.finished]
  return (bad + 1) / (all + 2)
}

/**
 * The candidates that a task may be given to, the best one first. Those whose price may be above `maxPriceWei`, or whose quote
 * has expired, are none. First come providers that have not failed more often than not; then the lower price, the most that it
 * can come to; then the earlier start, by whole seconds; then the better record; then the lower address, so that the
 * same candidates always have the same order.
 */
export function ranked<C extends Candidate>({
  candidates,
  maxPriceWei,
  nowMs,
}: {
  readonly candidates: readonly C[]
  readonly maxPriceWei: bigint
  readonly nowMs: number
}): readonly C[] {
  return candidates
    .filter(({ quote }) => BigInt(quote.maxPriceWei) <= maxPriceWei && quote.expiryMs > nowMs)
    .toSorted(
      (a, b) =>
        Number(isUnreliable(a.record)) - Number(isUnreliable(b.record)) ||
        order(BigInt(a.quote.maxPriceWei), BigInt(b.quote.maxPriceWei)) ||
        startOf(a) - startOf(b) ||
        riskOf(a.record) - riskOf(b.record) ||
        order(a.quote.provider, b.quote.provider),
    )
}

const startOf = ({ quote }: Candidate): number => Math.floor(quote.expectedStartMs / START_STEP_MS)

function order<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
