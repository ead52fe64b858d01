import type { ContractCall } from './channel-calls.ts'
import { channelsInterface } from './channel-calls.ts'

const STATUSES = ['none', 'open', 'closing', 'closed'] as const

/** A channel as the contract has it. */
export interface ChannelOnChain {
  readonly status: (typeof STATUSES)[number]
  /** All that was ever paid in; of a closed channel, all that was ever paid to the payee. */
  readonly depositWei: bigint
  /** All that was ever paid to the payee. */
  readonly redeemedWei: bigint
  /** Where it is closing: when its payer may take the rest, epoch milliseconds. */
  readonly closesAtMs?: number
}

/** What to ask the contract for a channel. */
export function channelQuery(channelId: string): ContractCall {
  return { data: channelsInterface.encodeFunctionData('channelOf', [channelId]), valueWei: 0n }
}

/**
 * Reads the answer to {@link channelQuery}.
 * @throws Error of ethers where it is none: the endpoint lies, or there is no such contract.
 */
export function channelOf(answer: string): ChannelOnChain {
  const [status, depositWei, redeemedWei, closesAt] = channelsInterface
    .decodeFunctionResult('channelOf', answer)
    .toArray() as [bigint, bigint, bigint, bigint]
  const name = STATUSES[Number(status)]
  if (name === undefined) throw new RangeError(`the contract knows no status ${status}`)
  return { status: name, depositWei, redeemedWei, ...(name === 'closing' && { closesAtMs: Number(closesAt) * 1000 }) }
}

/** What happened to a channel, as the contract's log tells it. Addresses are lower-case. */
export type ChannelEvent = { readonly channelId: string; readonly payee: string } & (
  | {
      readonly kind: 'opened'
      readonly payer: string
      readonly token: string
      readonly nonce: bigint
      readonly depositWei: bigint
    }
  /** `depositWei` is all that was ever paid in. */
  | { readonly kind: 'topped-up'; readonly depositWei: bigint }
  /** `redeemedWei` is all that was ever paid to the payee. */
  | { readonly kind: 'redeemed'; readonly redeemedWei: bigint }
  | { readonly kind: 'close-started'; readonly closesAtMs: number }
  | { readonly kind: 'closed'; readonly redeemedWei: bigint; readonly refundedWei: bigint }
)

/** The first topics of the logs that {@link channelEvent} reads; the next are the channel's id, and the payee. */
export const CHANNEL_EVENT_TOPICS: readonly string[] = ['Opened', 'ToppedUp', 'Redeemed', 'CloseStarted', 'Closed'].map(
  (name) => channelsInterface.getEvent(name)?.topicHash ?? '',
)

/**
 * Reads one log of the contract; undefined where it is none that is known. That the log is the contract's is for the
 * caller to compare.
 */
export function channelEvent(log: {
  readonly topics: readonly string[]
  readonly data: string
}): ChannelEvent | undefined {
  const parsed = channelsInterface.parseLog(log)
  if (parsed === null) return undefined
  const text = (name: string): string => String(parsed.args.getValue(name)).toLowerCase()
  const wei = (name: string): bigint => BigInt(text(name))
  const of = { channelId: text('channelId'), payee: text('payee') }
  switch (parsed.name) {
    case 'Opened': {
      const parties = { payer: text('payer'), token: text('token'), nonce: wei('nonce') }
      return { ...of, kind: 'opened', ...parties, depositWei: wei('deposit') }
    }
    case 'ToppedUp':
      return { ...of, kind: 'topped-up', depositWei: wei('deposit') }
    case 'Redeemed':
      return { ...of, kind: 'redeemed', redeemedWei: wei('redeemed') }
    case 'CloseStarted':
      return { ...of, kind: 'close-started', closesAtMs: Number(wei('closesAt')) * 1000 }
    case 'Closed':
      return { ...of, kind: 'closed', redeemedWei: wei('redeemed'), refundedWei: wei('refunded') }
    default:
      return undefined
  }
}

/** The contract's own name of why it refused, or undefined where the data (of a reverted call) says none. */
export function channelRevert(data: string): string | undefined {
  try {
    return channelsInterface.parseError(data)?.name
  } catch {
    return undefined
  }
}
