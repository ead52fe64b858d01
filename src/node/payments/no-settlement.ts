import type { Settler } from './settler.ts'

/** A provider that is not paid through souk: prices are in its receipts, and whoever owes them is between the two. */
export function noSettlement(chainId: number): Settler {
  return {
    chainId,
    terms: () => ({ kind: 'none' }),
    channel: () => Promise.resolve({ status: 'none', depositWei: 0n, redeemedWei: 0n }),
    received: () => {},
  }
}
