import { isOfNode, nodeOf, noncesOf } from '../../settlement/channel-nonces.ts'
import { isVoucherOf } from '../../settlement/voucher.ts'
import type { PaymentTerms, Voucher } from '../../protocol/payment.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import type { Account } from './accounts.ts'
import { missingWei, type PaymentUsage } from './exposure.ts'
import type { ChannelState } from './settler.ts'

/** Why a task that may cost `maxPriceWei` has to be paid first, if it has to: `usage` is absent where no channel is known. */
export function paymentRefusals({
  maxPriceWei,
  usage,
}: {
  readonly maxPriceWei: bigint
  readonly usage: PaymentUsage | undefined
}): Refusal[] {
  if (maxPriceWei === 0n) return []
  if (usage === undefined) {
    return [
      {
        reason: 'PAYMENT_REQUIRED',
        message: `The task may cost ${maxPriceWei} wei, and no voucher says which channel pays for it`,
        subject: 'voucher',
        asked: String(maxPriceWei),
        offered: '0',
      },
    ]
  }
  const { standing, creditWei } = usage
  const missing = missingWei({ ...usage, maxPriceWei })
  if (missing === 0n) return []
  const { receivedWei, chargedWei, reservedWei } = standing
  const askedWei = receivedWei + missing
  return [
    {
      reason: 'PAYMENT_REQUIRED',
      message:
        `The task may cost ${maxPriceWei} wei; ${chargedWei} are charged and ${reservedWei} set aside for other tasks already, ` +
        `the newest voucher is for ${receivedWei}, and the credit is ${creditWei}: one for ${askedWei} would do`,
      subject: 'voucher',
      asked: String(askedWei),
      offered: String(receivedWei),
    },
  ]
}

/** Every reason for which a voucher cannot be this provider's, whatever the chain says. */
export function voucherRefusals({
  voucher,
  peer,
  terms,
  chainId,
  checksSignature,
}: {
  readonly voucher: Voucher
  /** The address of the connection's authenticated key. */
  readonly peer: string
  readonly terms: PaymentTerms
  readonly chainId: number
  /** One that is not newer than what was checked before need not be looked at again. */
  readonly checksSignature: boolean
}): Refusal[] {
  if (terms.kind === 'none') return [{ reason: 'VOUCHER_REFUSED', message: 'This provider takes no vouchers' }]
  const { channel } = voucher
  // A peer that pays for another could not be told from one that replays the other's voucher.
  const wrong = [
    differs('payer', channel.payer, peer, 'the peer that sends the voucher pays'),
    differs('payee', channel.payee, terms.payee, 'this provider is paid at'),
    differs('token', channel.token, terms.token, 'this provider is paid in'),
    differs('contract', voucher.contract, terms.contract, "this provider's channels are at"),
    differs('chainId', String(voucher.chainId), String(chainId), 'this provider is on chain'),
  ].flat()
  if (wrong.length > 0) return wrong
  const node = nodeOf(terms)
  if (!isOfNode(channel, node)) {
    const { first, end } = noncesOf({ node, payee: terms.payee })
    const message = `The channel's nonce ${channel.nonce} binds it to another node: those of ${node} are from ${first} to ${end - 1}`
    return [
      { reason: 'VOUCHER_REFUSED', message, subject: 'nonce', asked: String(channel.nonce), offered: String(first) },
    ]
  }
  if (!checksSignature || isVoucherOf(voucher)) return []
  const message = `The voucher for ${voucher.amountWei} wei is not signed by its payer ${channel.payer}`
  return [{ reason: 'VOUCHER_REFUSED', message, subject: 'signature' }]
}

function differs(subject: string, asked: string, offered: string, what: string): Refusal[] {
  if (asked === offered) return []
  const message = `The voucher's ${subject} is ${asked}, but ${what} ${offered}`
  return [{ reason: 'VOUCHER_REFUSED', message, subject, asked, offered }]
}

/** Every reason for which a channel cannot take a voucher for `amountWei` any more, or not yet. */
export function channelRefusals({
  state,
  amountWei,
}: {
  readonly state: ChannelState
  readonly amountWei: bigint
}): Refusal[] {
  if (state.status === 'none' || (state.status === 'open' && state.depositWei === 0n)) {
    const message = 'The chain has no such channel with a deposit, or has not confirmed it yet'
    return [{ reason: 'VOUCHER_REFUSED', message, subject: 'channel' }]
  }
  if (state.status !== 'open') {
    return [{ reason: 'VOUCHER_REFUSED', message: `The channel is ${state.status}`, subject: 'channel' }]
  }
  if (amountWei <= state.depositWei) return []
  return [
    {
      reason: 'VOUCHER_REFUSED',
      message: `The voucher is for ${amountWei} wei, the channel's deposit is ${state.depositWei}`,
      subject: 'amount',
      asked: String(amountWei),
      offered: String(state.depositWei),
    },
  ]
}

/** Why a channel takes nothing any more. */
export function closingRefusals(account: Pick<Account, 'closingWei'> | undefined): Refusal[] {
  if (account?.closingWei === undefined) return []
  const message = `The provider has consented to closing the channel with ${account.closingWei} wei, and takes nothing on it any more`
  return [{ reason: 'VOUCHER_REFUSED', message, subject: 'channel' }]
}

/**
 * Why a channel that is not in the books cannot come into them. What the chain has paid out of it was earned by tasks that these
 * books know nothing of: its vouchers would pay for as much a second time.
 */
export function newChannelRefusals({ redeemedWei }: Pick<ChannelState, 'redeemedWei'>): Refusal[] {
  if (redeemedWei === 0n) return []
  return [
    {
      reason: 'VOUCHER_REFUSED',
      message: `${redeemedWei} wei of the channel are paid out already, for what this provider's books do not know: open another channel`,
      subject: 'channel',
    },
  ]
}
