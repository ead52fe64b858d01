import type { Key } from '../../identity/key-file.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { CloseConsent, Statement, Voucher } from '../../protocol/payment.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import type { Books } from '../../settlement/channel-settler.ts'
import { channelIdOf } from '../../settlement/voucher.ts'
import type { Account, Accounts, Hold } from './accounts.ts'
import { createChannelLookups } from './channel-lookups.ts'
import type { Clock } from '../clock.ts'
import { createCloseConsents } from './close-consents.ts'
import type { PaymentUsage } from './exposure.ts'
import type { Journal } from '../journal/journal.ts'
import type { LedgerRecord } from '../journal/ledger-rows.ts'
import { channelRefusals, closingRefusals, newChannelRefusals, voucherRefusals } from './payment-refusals.ts'
import type { Settler } from './settler.ts'

/** Channels in the books: of one payer, of all whom the operator does not know, of everybody. Each has a deposit on the chain. */
const MOST_CHANNELS = { ofPayer: 16, beforeUnknownAreRefused: 18_000, all: 20_000 } as const

/** What an admission has to know of how its task is paid. */
export interface ExaminedPayment {
  /** Why the voucher cannot be taken. */
  readonly refusals: readonly Refusal[]
  /** As things stand when it is called; undefined where no channel is to be charged. */
  usage(): PaymentUsage | undefined
  /** Whether tasks are paid here at all. */
  readonly required: boolean
  /** Sets aside what an admitted task can come to, in the turn of the event loop in which it was admitted. */
  hold(maxPriceWei: bigint): Hold | undefined
}

/** What the payee's side of payment channels does when a peer asks for it. */
export interface Payments {
  /** Resolves at once where nothing has to be asked of the chain. @throws SoukError CHAIN_UNREACHABLE, REFUSED */
  examine(request: { readonly peer: string; readonly voucher?: Voucher }): Promise<ExaminedPayment>
  /** The task of a hold is durably accepted. */
  accepted(hold: Hold | undefined): void
  /** Resolves when the voucher is durable, if it is newer. @throws SoukError REFUSED with every reason, CHAIN_UNREACHABLE */
  pay(request: { readonly peer: string; readonly voucher: Voucher }): Promise<Statement>
  /** @throws SoukError NOT_FOUND for a channel that is not the peer's */
  statement(request: { readonly peer: string; readonly channelId: string }): Statement
  /**
   * Consents to closing a channel, with what was charged to it; resolves when it is durable that it takes nothing any more. The same
   * answer each time.
   * @throws SoukError NOT_FOUND for a channel that is not the peer's, REFUSED while a task of it has not ended or is not paid,
   *   CHAIN_UNREACHABLE
   */
  close(request: { readonly peer: string; readonly channelId: string }): Promise<CloseConsent>
  /** The chain has paid this much out of a channel, all told; or the channel is closed for good. */
  noteRedeemed(change: {
    readonly channelId: string
    readonly redeemedWei: bigint
    readonly closed?: boolean
  }): Promise<void>
}

export function createPayments({
  key,
  settler,
  accounts,
  journal,
  clock,
  isKnown,
  onFatal,
}: {
  /** The node's: consents to closing channels that pay it. */
  readonly key: Key
  readonly settler: Settler
  readonly accounts: Accounts
  readonly journal: Pick<Journal, 'append'>
  readonly clock: Pick<Clock, 'nowMs'>
  readonly isKnown: (payer: string) => boolean
  readonly onFatal: (error: SoukError) => void
}): Payments {
  const lookups = createChannelLookups({ settler, clock, isKnown })

  const creditOf = (peer: string): bigint => {
    const terms = settler.terms(peer)
    return terms.kind === 'none' ? 0n : BigInt(terms.creditWei)
  }

  /** Whether it promises more than what was checked before; else it only says which of its payer's channels is meant. */
  const isNewer = ({ channel, amountWei }: Voucher): boolean =>
    BigInt(amountWei) > accounts.checkedWei(channelIdOf(channel))

  async function refusalsOf(
    peer: string,
    { voucher, checksSignature }: { readonly voucher: Voucher; readonly checksSignature: boolean },
  ): Promise<readonly Refusal[]> {
    const { channel } = voucher
    const terms = settler.terms(peer)
    const channelId = channelIdOf(channel)
    const checkedWei = accounts.checkedWei(channelId)
    const amountWei = BigInt(voucher.amountWei)
    const forms = voucherRefusals({ voucher, peer, terms, chainId: settler.chainId, checksSignature })
    if (forms.length > 0) return forms
    const closing = closingRefusals(accounts.get(channelId))
    if (closing.length > 0) return closing
    const atLeastWei = amountWei > checkedWei ? amountWei : checkedWei
    if (accounts.get(channelId) !== undefined)
      return channelRefusals({ state: await settler.channel(channel, { atLeastWei }), amountWei })
    const full = fullFor(peer)
    if (full.length > 0) return full
    const state = await lookups.look(channel, { atLeastWei })
    const forState = channelRefusals({ state, amountWei })
    return forState.length > 0 ? forState : newChannelRefusals(state)
  }

  function fullFor(peer: string): readonly Refusal[] {
    const { ofPayer, beforeUnknownAreRefused, all } = MOST_CHANNELS
    if (accounts.countOf(peer) >= ofPayer) {
      const message = `This requester has ${ofPayer} channels here, as many as it may`
      return [{ reason: 'PEER_OVER_SHARE', message, subject: 'channels' }]
    }
    if (accounts.count() < (isKnown(peer) ? all : beforeUnknownAreRefused)) return []
    const message = 'The provider has as many channels in its books as it keeps'
    return [{ reason: isKnown(peer) ? 'STORAGE_FULL' : 'UNKNOWN_PEERS_OVER_SHARE', message, subject: 'channels' }]
  }

  function statementOf(peer: string, { channelId, standing, voucher }: Account): Statement {
    return {
      channelId,
      receivedWei: String(standing.receivedWei),
      chargedWei: String(standing.chargedWei),
      reservedWei: String(standing.reservedWei),
      creditWei: String(creditOf(peer)),
      ...(voucher !== undefined && { voucher }),
    }
  }

  function accountOf({ peer, channelId }: { readonly peer: string; readonly channelId: string }): Account {
    const account = accounts.get(channelId)
    if (account !== undefined && account.channel.payer === peer) return account
    throw new SoukError({
      code: 'NOT_FOUND',
      message: `There is no channel ${channelId} of this requester here`,
      details: { id: channelId },
    })
  }

  const statement = (asked: { readonly peer: string; readonly channelId: string }): Statement =>
    statementOf(asked.peer, accountOf(asked))

  async function append(records: readonly LedgerRecord[]): Promise<void> {
    try {
      await journal.append(records)
    } catch (thrown) {
      const error = SoukError.from(thrown)
      if (error.code === 'INTERNAL') onFatal(error)
      throw error
    }
  }

  const consents = createCloseConsents({ key, settler, accounts, clock, append })

  function accepted(hold: Hold | undefined): void {
    const voucher = hold?.keep()
    if (voucher !== undefined) settler.received(voucher)
  }

  async function pay({ peer, voucher }: { readonly peer: string; readonly voucher: Voucher }): Promise<Statement> {
    const checksSignature = isNewer(voucher)
    const refusals = await refusalsOf(peer, { voucher, checksSignature })
    if (refusals.length > 0) throw refusedVoucher(refusals)
    // Asked for while the chain was looked at.
    const closing = closingRefusals(accounts.get(channelIdOf(voucher.channel)))
    if (closing.length > 0) throw refusedVoucher(closing)
    // What it was older than was not accepted after all, and is forgotten: now its signature counts.
    if (!checksSignature && isNewer(voucher)) return pay({ peer, voucher })
    // It may be older than one that was checked and is not on the disk yet: that one counts, and this one's signature was not looked at.
    const hold = accounts.hold({ voucher, maxPriceWei: 0n })
    try {
      if (hold.records.length > 0) await append(hold.records)
    } catch (thrown) {
      hold.release()
      throw thrown
    }
    accepted(hold)
    return statement({ peer, channelId: hold.channelId })
  }

  return {
    async examine({ peer, voucher }) {
      const required = settler.terms(peer).kind !== 'none'
      if (voucher === undefined) return { refusals: [], usage: () => undefined, required, hold: () => undefined }
      const checksSignature = isNewer(voucher)
      const refusals = await refusalsOf(peer, { voucher, checksSignature })
      return {
        refusals,
        required,
        usage() {
          // What it was older than may be forgotten by now: then nobody has looked at its signature.
          const isUnchecked = !checksSignature && isNewer(voucher)
          const isClosing = closingRefusals(accounts.get(channelIdOf(voucher.channel))).length > 0
          return refusals.length > 0 || isUnchecked || isClosing
            ? undefined
            : accounts.usage({ voucher, creditWei: creditOf(peer) })
        },
        // A free task is charged to nobody: its channel may be forgotten while it runs.
        hold: (maxPriceWei) => (maxPriceWei === 0n ? undefined : accounts.hold({ voucher, maxPriceWei })),
      }
    },
    accepted,
    pay,
    statement,
    close: async (asked) => consents.consent(accountOf(asked)),
    async noteRedeemed({ channelId, redeemedWei, closed = false }) {
      const account = accounts.get(channelId)
      if (account === undefined) return
      if (redeemedWei > account.redeemedWei) {
        await append([{ kind: 'redeemed', channelId, redeemedWei: String(redeemedWei) }])
        accounts.redeemed({ channelId, redeemedWei })
      }
      if (closed && accounts.forget(channelId)) await append([{ kind: 'forgotten', channelId }])
    },
  }
}

function refusedVoucher(reasons: readonly Refusal[]): SoukError<'REFUSED'> {
  return new SoukError({
    code: 'REFUSED',
    message: `The provider refuses the voucher: ${reasons.map(({ message }) => message).join('; ')}`,
    details: { reasons },
    hint: 'Correct what the reasons name: the terms of payment are in a quote.',
  })
}

/** The books as who redeems reads and writes them. */
export function booksOf(
  { accounts, payments }: { readonly accounts: Accounts; readonly payments: Pick<Payments, 'noteRedeemed'> },
  onError: (error: unknown) => void,
): Books {
  return {
    *vouchers() {
      for (const { voucher, redeemedWei, closingWei } of accounts.all())
        if (voucher !== undefined) yield { voucher, redeemedWei, isClosing: closingWei !== undefined }
    },
    redeemed({ channelId, redeemedWei, isOver }) {
      payments.noteRedeemed({ channelId, redeemedWei, closed: isOver }).catch(onError)
    },
  }
}
