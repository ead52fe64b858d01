import type { Rates } from '../../protocol/price.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import { chargedUsageOf, priceOf } from '../../protocol/price.ts'
import type { Clock } from '../clock.ts'

/** What was spent is kept for as long as the day lasts, whatever becomes of the process. */
export interface AllowanceStore {
  /** Wei, of one holder on one day (days since the epoch, UTC). */
  spentWei(key: { readonly day: number; readonly holder: string }): bigint
  /** Days before this one may be forgotten. */
  setSpentWei(spent: { readonly day: number; readonly holder: string; readonly wei: bigint }): void
}

/** What this provider runs for nothing per day: a known peer has that much for itself, all others have it together. */
export interface FreeAllowance {
  leftWei(peer: string): bigint
  /** Takes the most that a task can come to. Whoever asks has seen that it is left. */
  take(task: { readonly taskId: string; readonly peer: string; readonly mostWei: bigint; readonly rates: Rates }): void
  /** The task was not accepted after all, or has failed: it gives back everything; one with a receipt what it did not come to. */
  settle(taskId: string, receipt?: Receipt): void
}

interface Taken {
  readonly day: number
  readonly holder: string
  readonly mostWei: bigint
  readonly rates: Rates
}

const DAY_MS = 86_400_000
/** Who holds the share of all that the operator does not know; no address is written like this. */
const UNKNOWN_PEERS = 'unknown'

export function createFreeAllowance(options: {
  readonly perDayWei: bigint
  readonly isKnown: (peer: string) => boolean
  readonly store: AllowanceStore
  readonly clock: Pick<Clock, 'nowMs'>
}): FreeAllowance {
  const { perDayWei, isKnown, store, clock } = options
  /** Of tasks that have not ended. What those of an earlier process took stays spent: it cannot be told any more what they were. */
  const taken = new Map<string, Taken>()
  const holderOf = (peer: string): string => (isKnown(peer) ? peer : UNKNOWN_PEERS)
  const today = (): number => Math.floor(clock.nowMs() / DAY_MS)
  return {
    leftWei(peer) {
      if (perDayWei === 0n) return 0n
      const spentWei = store.spentWei({ day: today(), holder: holderOf(peer) })
      return spentWei >= perDayWei ? 0n : perDayWei - spentWei
    },
    take({ taskId, peer, mostWei, rates }) {
      const key = { day: today(), holder: holderOf(peer) }
      store.setSpentWei({ ...key, wei: store.spentWei(key) + mostWei })
      taken.set(taskId, { ...key, mostWei, rates })
    },
    settle(taskId, receipt) {
      const found = taken.get(taskId)
      if (found === undefined) return
      taken.delete(taskId)
      const { day, holder, mostWei, rates } = found
      // The day is over, and with it what was left of it.
      if (day !== today()) return
      const cameToWei = receipt === undefined ? 0n : priceOf({ rates, usage: chargedUsageOf(receipt) }).totalWei
      const backWei = cameToWei < mostWei ? mostWei - cameToWei : 0n
      const spentWei = store.spentWei({ day, holder })
      store.setSpentWei({ day, holder, wei: spentWei > backWei ? spentWei - backWei : 0n })
    },
  }
}

/** For a node that charges nothing, or nobody. */
export const NO_ALLOWANCE: FreeAllowance = { leftWei: () => 0n, take: () => undefined, settle: () => undefined }
