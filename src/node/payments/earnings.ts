import type { Earned, EarningsStatus } from '../../protocol/node-status.ts'
import type { Account } from './accounts.ts'

/** More than a person reads: the sums have them all. */
const MAX_CHANNELS = 1_000

interface Amounts {
  receivedWei: bigint
  chargedWei: bigint
  redeemedWei: bigint
}

const pendingWei = ({ receivedWei, redeemedWei }: Amounts): bigint =>
  receivedWei > redeemedWei ? receivedWei - redeemedWei : 0n

/** What the channels in the books have earned: all that were not forgotten because they are over. */
export function earningsOf(accounts: Iterable<Account>): Omit<EarningsStatus, 'chainId'> {
  const sums = new Map<string, Amounts & { channels: number; pendingWei: bigint }>()
  const all: { readonly account: Account; readonly amounts: Amounts }[] = []
  for (const account of accounts) {
    const { standing, redeemedWei, channel } = account
    const amounts = { receivedWei: standing.receivedWei, chargedWei: standing.chargedWei, redeemedWei }
    const sum = sums.get(channel.token) ?? {
      ...{ receivedWei: 0n, chargedWei: 0n, redeemedWei: 0n },
      ...{ channels: 0, pendingWei: 0n },
    }
    sum.receivedWei += amounts.receivedWei
    sum.chargedWei += amounts.chargedWei
    sum.redeemedWei += amounts.redeemedWei
    sum.pendingWei += pendingWei(amounts)
    sum.channels += 1
    sums.set(channel.token, sum)
    all.push({ account, amounts })
  }
  const byPending = all.toSorted((a, b) => Number(pendingWei(b.amounts) - pendingWei(a.amounts)))
  return {
    sums: [...sums].map(([token, sum]) => ({ token, channels: sum.channels, ...textOf(sum, sum.pendingWei) })),
    channels: byPending.slice(0, MAX_CHANNELS).map(({ account: { channelId, channel }, amounts }) => ({
      ...{ channelId, payer: channel.payer, token: channel.token },
      ...textOf(amounts, pendingWei(amounts)),
    })),
  }
}

function textOf({ receivedWei, chargedWei, redeemedWei }: Amounts, pending: bigint): Earned {
  return {
    receivedWei: String(receivedWei),
    chargedWei: String(chargedWei),
    redeemedWei: String(redeemedWei),
    pendingWei: String(pending),
  }
}
