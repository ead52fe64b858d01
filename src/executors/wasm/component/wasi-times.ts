import { fail } from '../host/errno.ts'

/** `datetime` of wasi:clocks. */
export interface DateTime {
  readonly seconds: bigint
  readonly nanoseconds: number
}

/** `new-timestamp` of wasi:filesystem. */
export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: DateTime }

const NS_PER_S = 1_000_000_000n
const LAST_NS = 2n ** 64n - 1n

export const dateTime = (ns: bigint): DateTime => ({ seconds: ns / NS_PER_S, nanoseconds: Number(ns % NS_PER_S) })

/** A time to set, in nanoseconds; undefined to leave it as it is. EINVAL beyond what 64 bits of nanoseconds hold. */
export function timestamp(asked: NewTimestamp): bigint | 'now' | undefined {
  if (asked.tag === 'no-change') return undefined
  if (asked.tag === 'now') return 'now'
  const { seconds, nanoseconds } = asked.val
  const ns = seconds * NS_PER_S + BigInt(nanoseconds)
  return nanoseconds >= Number(NS_PER_S) || ns > LAST_NS ? fail('inval') : ns
}
