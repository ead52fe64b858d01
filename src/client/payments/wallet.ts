import type { Key } from '../../identity/key-file.ts'
import { invalidReceipt } from '../../identity/receipt.ts'
import { SoukError } from '../../protocol/errors.ts'
import {
  NATIVE_TOKEN,
  type ChannelKey,
  type PaymentTerms,
  type Statement,
  type Voucher,
} from '../../protocol/payment.ts'
import type { Quote } from '../../protocol/quote.ts'
import { formatWei } from '../../protocol/units.ts'
import { nodeOf, noncesOf } from '../../settlement/channel-nonces.ts'
import { channelIdOf, isVoucherOf, signVoucher } from '../../settlement/voucher.ts'
import { aheadWei, mostWei, owedWei, type Spending } from './spending.ts'
import { openWalletFile } from './wallet-file.ts'
import { walletRows, type AgreedPrice, type ChannelRow, type OpenTask } from './wallet-rows.ts'

type ChannelTerms = Extract<PaymentTerms, { readonly kind: 'channel' }>

/** A channel of this requester's, and what it has signed away of it. */
export interface WalletChannel extends Spending {
  readonly channelId: string
  readonly chainId: number
  readonly contract: string
  readonly channel: ChannelKey
  /** What its payee says is charged beyond every receipt and every task under way: it is not paid. 0 where nothing is disputed. */
  readonly disputedWei: bigint
  readonly closed: boolean
}

export interface Prepayment {
  readonly taskId: string
  /** The provider's address. */
  readonly provider: string
  readonly terms: ChannelTerms
  readonly chainId: number
  /** The most that the task can come to. */
  readonly maxPriceWei: bigint
  /** What its receipt has to follow from: kept for whoever settles the task, maybe another process. */
  readonly agreed: AgreedPrice
  /** When it can no longer be accepted. */
  readonly expiryMs: number
}

/**
 * What a requester has signed, and what for. Safe for any number of processes at once; a voucher is in the file before it is
 * returned, so that none is forgotten by a process that is killed. It never signs more than receipts come to plus the most that
 * tasks under way can come to.
 */
export interface Wallet {
  readonly payer: string
  /** A channel that the chain has, or the deposit that it has now. Returns its id. */
  noteChannel(channel: {
    readonly chainId: number
    readonly contract: string
    readonly channel: ChannelKey
    readonly depositWei: bigint
    /** Nothing is paid through it any more. */
    readonly closed?: boolean
  }): string
  channels(): readonly WalletChannel[]
  /**
   * Sets the task's most aside, and returns a voucher that is within the provider's credit with it.
   * @throws SoukError PAYMENT_REQUIRED where there is no channel to the payee, or its deposit is used up.
   */
  prepay(prepayment: Prepayment): Voucher
  /**
   * A provider gives less credit than its terms said and asks for this amount. Returns the voucher, or undefined where it is more than
   * all tasks under way can come to: that is not paid.
   */
  raise(request: { readonly taskId: string; readonly askedWei: bigint }): Voucher | undefined
  /**
   * The task's receipt is here and verified. Returns a voucher that covers it where the newest one does not, to be sent.
   * @throws SoukError RECEIPT_INVALID where it is for more than was set aside
   */
  charge(charge: { readonly taskId: string; readonly priceWei: bigint }): Voucher | undefined
  /** On what terms a task was sent that is not settled; absent where it is not known here. */
  agreed(task: { readonly taskId: string }): (AgreedPrice & Pick<Quote, 'maxPriceWei'>) | undefined
  /** The newest voucher of the channel that a task is charged to, to be sent once more. */
  newest(task: { readonly taskId: string }): Voucher | undefined
  /** The newest that was signed of a channel; absent before the first. */
  voucherOf(channelId: string): Voucher | undefined
  /** The task is free: it failed, or was never accepted. */
  release(task: { readonly taskId: string }): void
  /** Tasks that processes which are no more have left at a provider, with what was set aside for them. */
  leftAt(provider: string): readonly OpenTask[]
  /** What a payee says of a channel: learns vouchers that were signed here and lost, and notes what is claimed without a receipt. */
  reconcile(statement: Statement): void
  close(): void
}

/** @throws SoukError START_FAILED */
export function openWallet({ dir, key }: { readonly dir: string; readonly key: Key }): Wallet {
  const file = openWalletFile({ dir })
  const rows = walletRows(file.db)

  function spendingOf(row: ChannelRow): Spending {
    return { ...row, reservedWei: rows.reservedOf(row.channelId) }
  }

  function voucherFor(row: ChannelRow, amountWei: bigint): Voucher {
    const { chainId, contract, channel, channelId, signedWei, signature } = row
    if (amountWei === signedWei && signature !== undefined)
      return { chainId, contract, channel, amountWei: String(signedWei), signature }
    const voucher = signVoucher({ voucher: { chainId, contract, channel, amountWei: String(amountWei) }, key })
    rows.sign({ channelId, signedWei: amountWei, signature: voucher.signature })
    return voucher
  }

  /** The newest channel that the terms allow, that is bound to their node, and whose deposit suffices. */
  function channelFor({ terms, chainId, maxPriceWei }: Prepayment): ChannelRow {
    const { contract, payee, token } = terms
    const nonces = noncesOf({ node: nodeOf(terms), payee })
    const open = rows.open({ payer: key.address, chainId, contract, payee, token, nonces })
    const creditWei = BigInt(terms.creditWei)
    const enough = open.find((row) => {
      const spending = spendingOf(row)
      // What is not paid ahead has to be there when it is owed.
      const afterWei = mostWei(spending) + maxPriceWei
      return row.depositWei >= afterWei && row.depositWei >= aheadWei(spending, { creditWei })
    })
    if (enough !== undefined) return enough
    const [newest] = open
    throw newest === undefined
      ? noChannel(terms, maxPriceWei)
      : usedUp(newest, mostWei(spendingOf(newest)) + maxPriceWei)
  }

  return {
    payer: key.address,
    noteChannel({ chainId, contract, channel, depositWei, closed = false }) {
      const channelId = channelIdOf(channel)
      file.write(() => rows.note({ channelId, chainId, contract, channel, depositWei, closed }))
      return channelId
    },
    channels: () =>
      rows.all(key.address).map((row) => {
        const spending = spendingOf(row)
        const beyondWei = row.claimedWei - mostWei(spending)
        const { channelId, chainId, contract, channel, closed } = row
        return {
          ...spendingFacts(spending),
          channelId,
          chainId,
          contract,
          channel,
          closed,
          disputedWei: beyondWei > 0n ? beyondWei : 0n,
        }
      }),
    prepay(prepayment) {
      const { terms, maxPriceWei, taskId, provider, expiryMs, agreed } = prepayment
      return file.write(() => {
        const row = channelFor(prepayment)
        const pid = process.pid
        rows.begin({ taskId, channelId: row.channelId, provider, maxPriceWei, expiryMs, pid, agreed })
        return voucherFor(row, aheadWei(spendingOf(row), { creditWei: BigInt(terms.creditWei) }))
      })
    },
    raise({ taskId, askedWei }) {
      return file.write(() => {
        const task = rows.task(taskId)
        const row = task && rows.find(task.channelId)
        if (row === undefined || askedWei > mostWei(spendingOf(row)) || askedWei > row.depositWei) return undefined
        return voucherFor(row, askedWei > row.signedWei ? askedWei : row.signedWei)
      })
    },
    charge({ taskId, priceWei }) {
      return file.write(() => {
        const task = rows.task(taskId)
        const before = task && rows.find(task.channelId)
        // Settled before, by this process or another.
        if (task === undefined || task.settled || before === undefined) return undefined
        if (priceWei > task.maxPriceWei)
          throw invalidReceipt([`it is for ${priceWei} wei, and the task may cost ${task.maxPriceWei} wei`])
        rows.settle(taskId)
        const row = { ...before, chargedWei: before.chargedWei + priceWei }
        rows.charge(row)
        const amountWei = owedWei(spendingOf(row))
        return amountWei > row.signedWei ? voucherFor(row, amountWei) : undefined
      })
    },
    agreed: ({ taskId }) =>
      file.write(() => {
        const [agreed, task] = [rows.agreed(taskId), rows.task(taskId)]
        return agreed && task && { ...agreed, maxPriceWei: String(task.maxPriceWei) }
      }),
    newest({ taskId }) {
      return file.write(() => {
        const task = rows.task(taskId)
        const row = task && rows.find(task.channelId)
        return row?.signature === undefined ? undefined : voucherFor(row, row.signedWei)
      })
    },
    voucherOf: (channelId) =>
      file.write(() => {
        const row = rows.find(channelId)
        return row?.signature === undefined ? undefined : voucherFor(row, row.signedWei)
      }),
    release: ({ taskId }) => file.write(() => rows.end(taskId)),
    leftAt: (provider) => rows.tasksAt(provider).filter(({ pid }) => pid !== process.pid && !isAlive(pid)),
    reconcile({ channelId, chargedWei: claimed, voucher }) {
      file.write(() => {
        const row = rows.find(channelId)
        if (row === undefined) return
        const claimedWei = BigInt(claimed)
        if (claimedWei > row.claimedWei) rows.claim({ channelId, claimedWei })
        const heldWei = voucher === undefined ? 0n : BigInt(voucher.amountWei)
        if (voucher === undefined || heldWei <= row.signedWei || !isOwn(row, voucher)) return
        // Signed here and lost: what of it is used up is known to the payee alone, and it was signed for that.
        rows.sign({ channelId, signedWei: heldWei, signature: voucher.signature })
        // Of what it says is charged, tasks under way here may be a part: those are charged by their receipts, and not twice.
        const usedWei = (claimedWei < heldWei ? claimedWei : heldWei) - rows.reservedOf(channelId)
        if (usedWei > row.chargedWei) rows.charge({ channelId, chargedWei: usedWei })
      })
    },
    close: () => file.close(),
  }
}

const spendingFacts = ({ depositWei, signedWei, chargedWei, reservedWei }: Spending): Spending => ({
  depositWei,
  signedWei,
  chargedWei,
  reservedWei,
})

function isOwn(row: ChannelRow, voucher: Voucher): boolean {
  const { chainId, contract } = row
  const same =
    voucher.chainId === chainId && voucher.contract === contract && channelIdOf(voucher.channel) === row.channelId
  return same && isVoucherOf(voucher)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}

function noChannel(terms: ChannelTerms, maxPriceWei: bigint): SoukError<'PAYMENT_REQUIRED'> {
  const { payee, token } = terms
  const node = nodeOf(terms)
  const inToken = token === NATIVE_TOKEN ? '' : ` --token ${token}`
  const forNode = node === payee ? '' : ` --node ${node}`
  return new SoukError({
    code: 'PAYMENT_REQUIRED',
    phase: 'admission',
    retryable: false,
    message: `The task may cost ${formatWei(maxPriceWei)}, and there is no payment channel to ${payee}${node === payee ? '' : ` for its node ${node}`}.`,
    details: { channelId: '', askedWei: String(maxPriceWei), receivedWei: '0' },
    hint: `Open one that suffices: souk channel open ${payee}${forNode} --deposit ${formatWei(maxPriceWei)}${inToken}`,
  })
}

function usedUp({ channelId, depositWei }: ChannelRow, neededWei: bigint): SoukError<'PAYMENT_REQUIRED'> {
  return new SoukError({
    code: 'PAYMENT_REQUIRED',
    phase: 'admission',
    retryable: false,
    message: `Channel ${channelId} holds ${formatWei(depositWei)}, and its tasks may come to ${formatWei(neededWei)} with this one.`,
    details: { channelId, askedWei: String(neededWei), receivedWei: String(depositWei) },
    hint: `Top it up by as much as is missing, or more: souk channel top-up ${channelId} --amount ${formatWei(neededWei - depositWei)}`,
  })
}
