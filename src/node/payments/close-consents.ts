import type { Key } from '../../identity/key-file.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { CloseConsent, PayoutAuthorization } from '../../protocol/payment.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { signClose } from '../../settlement/voucher.ts'
import type { Account, Accounts } from './accounts.ts'
import type { Clock } from '../clock.ts'
import type { LedgerRecord } from '../journal/ledger-rows.ts'
import type { Settler } from './settler.ts'

/** The payee's side of closing channels together with their payers. */
export interface CloseConsents {
  /**
   * Consents to closing a channel with what was charged to it, or what was redeemed where that is more: it cannot come back.
   * @throws SoukError REFUSED, CHAIN_UNREACHABLE
   */
  consent(account: Account): Promise<CloseConsent>
}

export function createCloseConsents({
  key,
  settler,
  accounts,
  clock,
  append,
}: {
  readonly key: Key
  readonly settler: Settler
  readonly accounts: Accounts
  readonly clock: Pick<Clock, 'nowMs'>
  /** Resolves when it is durable. */
  readonly append: (records: readonly LedgerRecord[]) => Promise<void>
}): CloseConsents {
  /** What is on its way to the disk: nobody is told before it is there. */
  const underWay = new Map<string, Promise<void>>()

  async function decide(account: Account): Promise<void> {
    const { channelId, channel } = account
    const state = await settler.channel(channel)
    if (state.status === 'closed' || state.status === 'none') throw refused([gone(state.status)])
    if (accounts.get(channelId) !== account) throw refused([gone('closed')])
    const busy = busyRefusals(account)
    if (busy.length > 0) throw refused(busy)
    // From here to what is noted there is no other turn: no task is admitted on it in between.
    const amountWei = [account.redeemedWei, state.redeemedWei].reduce(
      (most, each) => (each > most ? each : most),
      account.standing.chargedWei,
    )
    accounts.closing({ channelId, amountWei })
    try {
      await append([{ kind: 'closing', channelId, amountWei: String(amountWei) }])
    } catch (thrown) {
      accounts.closing({ channelId, amountWei: undefined })
      throw thrown
    }
  }

  /** What lets the node sign for the payee, where that is another address. */
  function authorizationFor({ channel: { payer, payee } }: Account): PayoutAuthorization | undefined {
    if (payee === key.address) return undefined
    const terms = settler.terms(payer)
    const authorization = terms.kind === 'channel' ? terms.authorization : undefined
    if (authorization?.payout === payee && authorization.expiryMs > clock.nowMs()) return authorization
    const message = `The node has no word of ${payee} that it may consent for it, or that word has expired`
    throw refused([{ reason: 'VOUCHER_REFUSED', message, subject: 'payee' }])
  }

  return {
    async consent(account) {
      const { channelId, channel } = account
      const authorization = authorizationFor(account)
      if (account.closingWei === undefined || underWay.has(channelId)) {
        const deciding = underWay.get(channelId) ?? decide(account).finally(() => underWay.delete(channelId))
        underWay.set(channelId, deciding)
        await deciding
      }
      const { voucher, closingWei } = account
      if (voucher === undefined || closingWei === undefined) throw refused([unknownYet()])
      const { chainId, contract } = voucher
      const amountWei = String(closingWei)
      const signature = signClose({ close: { chainId, contract, channel, amountWei }, key })
      return { channelId, amountWei, signature, ...(authorization !== undefined && { authorization }) }
    },
  }
}

function busyRefusals({ standing: { receivedWei, chargedWei, reservedWei }, voucher }: Account): Refusal[] {
  if (voucher === undefined) return [unknownYet()]
  if (reservedWei > 0n) {
    const message = `Tasks of the channel have not ended, for which ${reservedWei} wei are set aside`
    return [{ reason: 'CHANNEL_BUSY', message, subject: 'reserved', offered: String(reservedWei) }]
  }
  if (receivedWei >= chargedWei) return []
  const message = `${chargedWei} wei are charged to the channel, and its newest voucher is for ${receivedWei}`
  return [
    {
      reason: 'CHANNEL_BUSY',
      message,
      subject: 'voucher',
      asked: String(chargedWei),
      offered: String(receivedWei),
    },
  ]
}

function unknownYet(): Refusal {
  return {
    reason: 'CHANNEL_BUSY',
    message: 'The first voucher of the channel is still being written',
    subject: 'voucher',
  }
}

function gone(status: 'closed' | 'none'): Refusal {
  const message = status === 'closed' ? 'The channel is closed' : 'The chain has no such channel'
  return { reason: 'VOUCHER_REFUSED', message, subject: 'channel' }
}

function refused(reasons: readonly Refusal[]): SoukError<'REFUSED'> {
  return new SoukError({
    code: 'REFUSED',
    message: `The provider does not consent to closing the channel: ${reasons.map(({ message }) => message).join('; ')}`,
    details: { reasons },
    retryable: reasons.every(({ reason }) => reason === 'CHANNEL_BUSY'),
    hint: 'Wait until its tasks have ended and are paid, then ask again; or close it alone, with a challenge period.',
  })
}
