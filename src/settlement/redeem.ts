/** A channel of ours, as it is decided whether to redeem what we have of it. */
export interface Redeemable {
  readonly channelId: string
  /** What its newest voucher is for, all told. */
  readonly receivedWei: bigint
  readonly depositWei: bigint
  /** What was paid out, and what a transaction under way pays out. */
  readonly redeemedWei: bigint
  readonly status: 'none' | 'open' | 'closing' | 'closed'
}

export interface RedeemCosts {
  /** What a unit of gas costs now, in wei of the chain's own coin; where endpoints differ, the most that one says. */
  readonly gasPriceWei: bigint
  /** The least that one says: no price that is made up must keep back what would be lost. */
  readonly leastGasPriceWei: bigint
  /** The most of a sum that redeeming it may cost, in millionths; for channels in the chain's own coin. */
  readonly gasSharePpm: bigint
  /** Whether the channels are in a token: what that is worth in gas is not known here. */
  readonly isToken: boolean
}

/** Gas of a transaction that redeems, and of each voucher in it; rounded up from what docs/MARKET.md measures. */
const GAS_OF_TRANSACTION = 35_000n
const GAS_OF_VOUCHER = 25_000n
/** A sixteenth of a block of Ethereum. */
const MAX_VOUCHERS = 64
const MILLION = 1_000_000n

/** What redeeming would bring. */
export function worthOf({ receivedWei, depositWei, redeemedWei, status }: Redeemable): bigint {
  if (status !== 'open' && status !== 'closing') return 0n
  const payableWei = receivedWei < depositWei ? receivedWei : depositWei
  return payableWei > redeemedWei ? payableWei - redeemedWei : 0n
}

export function redeemGasOf(vouchers: number): bigint {
  return GAS_OF_TRANSACTION + GAS_OF_VOUCHER * BigInt(vouchers)
}

/**
 * Which channels to redeem now, in batches of one transaction each. What its payer has begun to close is redeemed at once, where it is
 * worth more than its gas; the rest when the gas of all is no more than the stated share of the sum. In a token, whose worth is not
 * known, what can become no more: of closing channels, and of those that are used up.
 */
export function chooseRedemptions({
  channels,
  costs,
}: {
  readonly channels: readonly Redeemable[]
  readonly costs: RedeemCosts
}): readonly (readonly string[])[] {
  const worthwhile = channels
    .map((channel) => ({ ...channel, worthWei: worthOf(channel) }))
    .filter(({ worthWei }) => worthWei > 0n)
    .sort((a, b) => (a.worthWei > b.worthWei ? -1 : Number(a.worthWei < b.worthWei)))
  const chosen = costs.isToken
    ? worthwhile.filter(({ status, receivedWei, depositWei }) => status === 'closing' || receivedWei >= depositWei)
    : chosenByWorth(worthwhile, costs)
  const ids = chosen.map(({ channelId }) => channelId)
  return Array.from({ length: Math.ceil(ids.length / MAX_VOUCHERS) }, (_, index) =>
    ids.slice(index * MAX_VOUCHERS, (index + 1) * MAX_VOUCHERS),
  )
}

type Worthy = Redeemable & { readonly worthWei: bigint }

function chosenByWorth(
  channels: readonly Worthy[],
  { gasPriceWei, leastGasPriceWei, gasSharePpm }: RedeemCosts,
): readonly Worthy[] {
  const isWithinShare = (gas: bigint, sumWei: bigint): boolean => gas * gasPriceWei * MILLION <= sumWei * gasSharePpm
  const aloneWei = redeemGasOf(1) * leastGasPriceWei
  const urgent = channels.filter(({ status, worthWei }) => status === 'closing' && worthWei > aloneWei)
  // Each has to bear its own gas: a large one beside it must not pay for what is worth nothing.
  const ripe = channels.filter(
    (channel) => !urgent.includes(channel) && isWithinShare(GAS_OF_VOUCHER, channel.worthWei),
  )
  // What is sent anyway costs the others only their own.
  if (urgent.length > 0) return [...urgent, ...ripe]
  const sumWei = ripe.reduce((sum, { worthWei }) => sum + worthWei, 0n)
  const transactions = Math.ceil(ripe.length / MAX_VOUCHERS)
  const gas = GAS_OF_TRANSACTION * BigInt(transactions) + GAS_OF_VOUCHER * BigInt(ripe.length)
  return isWithinShare(gas, sumWei) ? ripe : []
}
