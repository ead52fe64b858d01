import type { ChannelOnChain } from './channel-answers.ts'

/** A channel in the newest block, and in the newest that counts as final. */
export interface ChannelView {
  readonly latest: ChannelOnChain
  readonly confirmed: ChannelOnChain
}

export const NO_CHANNEL: ChannelOnChain = { status: 'none', depositWei: 0n, redeemedWei: 0n }

const RANKS = { none: 0, open: 1, closing: 2, closed: 3 } as const

/**
 * What a payee may count on: a deposit as it is confirmed; and that a channel is being closed, or is closed, from the first block that
 * says so. Where endpoints differ, what all of them say: the lowest deposit, and the state that is nearest to its end.
 */
export function countedView(views: readonly ChannelView[]): ChannelOnChain {
  const cautious = views.map(cautiousView)
  const [first = NO_CHANNEL, ...others] = cautious
  if (cautious.some(({ status }) => status === 'none')) return NO_CHANNEL
  return others.reduce((worst, each) => {
    const { status, closesAtMs } = RANKS[each.status] > RANKS[worst.status] ? each : worst
    const depositWei = least(worst.depositWei, each.depositWei)
    const redeemedWei = most(worst.redeemedWei, each.redeemedWei)
    return { status, depositWei, redeemedWei, ...(closesAtMs !== undefined && { closesAtMs }) }
  }, first)
}

function cautiousView({ latest, confirmed }: ChannelView): ChannelOnChain {
  if (confirmed.status === 'none') return confirmed
  const { status, closesAtMs } = RANKS[latest.status] > RANKS[confirmed.status] ? latest : confirmed
  const { depositWei, redeemedWei } = confirmed
  return { status, depositWei, redeemedWei, ...(closesAtMs !== undefined && { closesAtMs }) }
}

/**
 * What is decided by whether to redeem. Where endpoints differ, the most alarming of what they say: that it is being closed, and that
 * there is something left to redeem. To be wrong costs the gas of one transaction at most; not to redeem in time, all that was earned.
 */
export function alarmingView(views: readonly ChannelView[]): ChannelOnChain {
  const each = views
    .map((view) => ({ ...cautiousView(view), redeemedWei: view.latest.redeemedWei }))
    .filter(({ status }) => status !== 'none')
  const [first = NO_CHANNEL, ...others] = each
  const statuses = new Set(each.map(({ status }) => status))
  return {
    // Closed for one and not for another is closing at least.
    status: statuses.size > 1 ? 'closing' : first.status,
    depositWei: others.reduce((wei, { depositWei }) => most(wei, depositWei), first.depositWei),
    redeemedWei: others.reduce((wei, { redeemedWei }) => least(wei, redeemedWei), first.redeemedWei),
  }
}

/** What is final, as far as all endpoints say so: books are changed by it, and cannot be changed back. */
export function settledView(views: readonly ChannelView[]): {
  readonly redeemedWei: bigint
  readonly isOver: boolean
} {
  const [first, ...others] = views.map(({ confirmed }) => confirmed)
  if (first === undefined) return { redeemedWei: 0n, isOver: false }
  return {
    redeemedWei: others.reduce((wei, { redeemedWei }) => least(wei, redeemedWei), first.redeemedWei),
    isOver: [first, ...others].every(({ status }) => status === 'closed'),
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
