import { invalidReceipt } from '../../identity/receipt.ts'
import { isSoukError, SoukError } from '../../protocol/errors.ts'
import type { TaskResult } from '../../protocol/events.ts'
import type { Voucher } from '../../protocol/payment.ts'
import type { Quote } from '../../protocol/quote.ts'
import { channelIdOf } from '../../settlement/voucher.ts'
import { expectedReceipt, type ExpectedResult } from '../check-result.ts'
import type { Link } from '../link.ts'
import type { Prepayment, Wallet } from './wallet.ts'

/** How one task on its way to a provider is paid for. */
export interface TaskPayment {
  readonly wallet: Wallet
  /** What goes with the task; absent where nothing has to be paid. */
  readonly voucher: Voucher | undefined
  /**
   * Sets aside what the task can come to, after settling what processes that are no more have left at this provider.
   * @throws SoukError PAYMENT_REQUIRED; as {@link settleTask}
   */
  begin(task: { readonly taskId: string; readonly expiryMs: number; readonly signal?: AbortSignal }): Promise<void>
  /**
   * Whether a refusal was only about a higher voucher, and there is one now: the provider gives less credit than it said, or has vouchers
   * of this wallet's that the wallet has lost (a backup, a machine that lost its power).
   */
  goesHigher(refusal: unknown, options: { readonly signal: AbortSignal | undefined }): Promise<boolean>
}

/** Other tasks of the same channel may be accepted meanwhile, each of which needs a higher voucher. */
const MOST_RAISES = 16

export function taskPayment({
  wallet,
  quote,
  authorizedWei,
  link,
  requester,
}: {
  readonly wallet: Wallet
  readonly quote: Pick<Quote, 'payment' | 'chainId' | 'maxPriceWei' | 'rates' | 'limits'>
  /** The most that the task pays, whatever is quoted. */
  readonly authorizedWei: bigint
  readonly link: Link
  readonly requester: string
}): TaskPayment {
  const { payment: terms, chainId, rates, limits } = quote
  const maxPriceWei = BigInt(quote.maxPriceWei)
  let prepayment: Prepayment | undefined
  let voucher: Voucher | undefined
  let raises = 0
  let caughtUp = false

  /**
   * Learns what this wallet has signed and lost. The provider's word counts only as far as it shows our own signature. Asked once, of a
   * task that was refused: nothing of what is charged can be for it.
   */
  async function caughtUpVoucher({ channel }: Voucher, signal: AbortSignal | undefined): Promise<Voucher | undefined> {
    if (prepayment === undefined || caughtUp) return undefined
    caughtUp = true
    const options = signal === undefined ? {} : { signal }
    const channelId = channelIdOf(channel)
    const asked = link.again((connection) => connection.account(channelId, options), signal)
    const statement = await asked.catch(() => undefined)
    if (statement?.channelId !== channelId) return undefined
    wallet.release(prepayment)
    wallet.reconcile(statement)
    return wallet.prepay(prepayment)
  }

  return {
    wallet,
    get voucher() {
      return voucher
    },
    async begin({ taskId, expiryMs, signal }) {
      if (maxPriceWei > authorizedWei) throw tooDear({ maxPriceWei, authorizedWei })
      if (terms.kind === 'none' || maxPriceWei === 0n) return
      await settleLeft({ wallet, link, requester, signal })
      prepayment = {
        ...{ taskId, expiryMs, provider: link.provider },
        ...{ terms, chainId, maxPriceWei, agreed: { rates, limits } },
      }
      voucher = wallet.prepay(prepayment)
    },
    async goesHigher(refusal, { signal }) {
      if (prepayment === undefined || voucher === undefined || !isSoukError(refusal, 'REFUSED')) return false
      const { reasons } = refusal.details
      const asked = reasons.find(({ reason }) => reason === 'PAYMENT_REQUIRED')?.asked
      if (asked === undefined || !/^\d{1,78}$/.test(asked) || reasons.length > 1) return false
      const before = BigInt(voucher.amountWei)
      // What is asked again is not given again; nor is it asked for wei by wei.
      if (BigInt(asked) <= before || raises >= MOST_RAISES) return false
      raises += 1
      const higher = wallet.raise({ taskId: prepayment.taskId, askedWei: BigInt(asked) })
      voucher = higher ?? (await caughtUpVoucher(voucher, signal)) ?? voucher
      return BigInt(voucher.amountWei) > before
    },
  }
}

/**
 * Pays what a task came to, as far as it is not paid ahead: by its receipt, once that is verified, at the rates that were agreed.
 * @throws SoukError RECEIPT_INVALID, and nothing is paid then; REFUSED where the provider does not take the voucher; CONNECTION_LOST
 */
export async function settleTask({
  wallet,
  link,
  expected,
  result,
  withheld,
  signal,
}: {
  readonly wallet: Wallet
  readonly link: Link
  readonly expected: ExpectedResult
  readonly result: TaskResult
  /** Output is kept back: the provider may not have heard of a voucher that was signed before. */
  readonly withheld: boolean
  readonly signal: AbortSignal | undefined
}): Promise<void> {
  const { taskId } = expected
  if (result.kind === 'failed') {
    wallet.release({ taskId })
    return
  }
  // Who settles the task need not be who sent it: what was agreed is in the wallet.
  const quote = expected.quote ?? wallet.agreed({ taskId })
  const receipt = expectedReceipt(result.receipt, { ...expected, ...(quote !== undefined && { quote }) })
  const priceWei = BigInt(receipt.priceWei)
  const voucher = charged({ wallet, taskId, priceWei }) ?? (withheld ? wallet.newest({ taskId }) : undefined)
  if (voucher === undefined) return
  const options = signal === undefined ? {} : { signal }
  const statement = await link.again((connection) => connection.pay(voucher, options), signal)
  // Of another channel this provider may be nobody's payee: what it says of that is worth nothing.
  if (statement.channelId === channelIdOf(voucher.channel)) wallet.reconcile(statement)
}

/** Where its quote is not known any more, what was set aside for the task still is. */
function charged({
  wallet,
  ...charge
}: {
  readonly wallet: Wallet
  readonly taskId: string
  readonly priceWei: bigint
}): Voucher | undefined {
  try {
    return wallet.charge(charge)
  } catch (thrown) {
    if (thrown instanceof RangeError) throw invalidReceipt([thrown.message])
    throw thrown
  }
}

function tooDear({
  maxPriceWei,
  authorizedWei,
}: {
  readonly maxPriceWei: bigint
  readonly authorizedWei: bigint
}): SoukError<'PAYMENT_REQUIRED'> {
  return new SoukError({
    code: 'PAYMENT_REQUIRED',
    phase: 'admission',
    retryable: false,
    message: `The task may cost ${maxPriceWei} wei there, and pays at most ${authorizedWei}: nothing was sent.`,
    details: { channelId: '', askedWei: String(maxPriceWei), receivedWei: '0' },
    hint: 'Ask another provider, or raise price.max in the task.',
  })
}

/** Tasks of processes that are no more: what is set aside for them is charged or free once it is known what became of them. */
export async function settleLeft({
  wallet,
  link,
  requester,
  signal,
}: {
  readonly wallet: Wallet
  readonly link: Link
  readonly requester: string
  readonly signal: AbortSignal | undefined
}): Promise<void> {
  const { provider } = link
  for (const { taskId, expiryMs } of wallet.leftAt(provider)) {
    const result = await link.again((connection) => resultOf({ connection, taskId, signal }), signal)
    if (result === 'unknown') {
      // It may be on its way until it has expired.
      if (expiryMs < Date.now()) wallet.release({ taskId })
    } else if (result !== 'running') {
      const expected = { taskId, provider, requester }
      await settleTask({ wallet, link, expected, result, withheld: false, signal })
    }
  }
}

/** No output has an end beyond this. */
const BEYOND = { stdout: Number.MAX_SAFE_INTEGER, stderr: Number.MAX_SAFE_INTEGER }

async function resultOf({
  connection,
  taskId,
  signal,
}: {
  readonly connection: Awaited<ReturnType<Link['connection']>>
  readonly taskId: string
  readonly signal: AbortSignal | undefined
}): Promise<TaskResult | 'running' | 'unknown'> {
  const options = signal === undefined ? {} : { signal }
  try {
    const { state } = await connection.show(taskId, options)
    if (state !== 'finished' && state !== 'failed') return 'running'
    for await (const event of connection.follow({ taskId, offsets: BEYOND, ...options }))
      if (event.kind === 'finished') return event.result
    return 'running'
  } catch (thrown) {
    if (isSoukError(thrown, 'NOT_FOUND')) return 'unknown'
    throw thrown
  }
}
