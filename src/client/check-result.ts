import { hash } from 'node:crypto'
import { checkReceipt, invalidReceipt } from '../identity/receipt.ts'
import { specDigestOf } from '../identity/task.ts'
import { LIMIT_KEYS } from '../protocol/limits.ts'
import { FREE_RATES, RATE_KEYS } from '../protocol/price.ts'
import type { Quote } from '../protocol/quote.ts'
import type { Receipt } from '../protocol/receipt.ts'
import type { Streams } from '../protocol/run-document.ts'
import { runtimesOf } from '../protocol/task.ts'
import type { LoadedTask } from './load-task.ts'

/** What a receipt has to be about. */
export interface ExpectedResult {
  readonly taskId: string
  /** Ethereum addresses. */
  readonly provider: string
  readonly requester: string
  /** What was submitted, where that is known. */
  readonly task?: Pick<LoadedTask, 'spec' | 'bytes'>
  /** What was promised of it, where something was. */
  readonly quote?: Pick<Quote, 'rates' | 'limits' | 'maxPriceWei'>
  /** What was claimed and found to be so, for who asks twice: a task is paid for by its receipt before its result is handed over. */
  readonly found?: WeakMap<Receipt, Receipt>
}

/**
 * The receipt, where it is whole, signed by the expected provider and about the expected task.
 * @throws SoukError RECEIPT_INVALID with every reason
 */
export function expectedReceipt(claimed: Receipt, expected: ExpectedResult): Receipt {
  const { receipt, reasons } = checked(claimed, expected)
  if (receipt === undefined || reasons.length > 0) throw invalidReceipt(reasons)
  return receipt
}

/**
 * The receipt, where it is whole, signed by the expected provider, about the expected task, and has the digests of
 * the output that really came.
 * @throws SoukError RECEIPT_INVALID with every reason
 */
export function checkResult({
  receipt: claimed,
  streams,
  expected,
}: {
  readonly receipt: Receipt
  readonly streams: Streams
  readonly expected: ExpectedResult
}): Receipt {
  const { receipt, reasons } = checked(claimed, expected)
  if (receipt === undefined) throw invalidReceipt(reasons)
  const all = [...reasons, ...otherOutput(receipt, streams)]
  if (all.length > 0) throw invalidReceipt(all)
  return receipt
}

/** All that can be said of a receipt by itself. What is kept of it is a copy that nobody has to change. */
function checked(claimed: Receipt, expected: ExpectedResult): ReturnType<typeof checkReceipt> {
  const before = expected.found?.get(claimed)
  if (before !== undefined) return { receipt: before, reasons: [] }
  const { receipt, reasons } = checkReceipt(claimed)
  if (receipt === undefined) return { reasons }
  const all = [...reasons, ...foreign(receipt, expected), ...unlikeQuote(receipt, expected.quote)]
  if (all.length === 0) expected.found?.set(claimed, receipt)
  return { receipt, reasons: all }
}

function foreign(receipt: Receipt, { taskId, provider, requester, task }: ExpectedResult): string[] {
  const reasons: string[] = []
  if (receipt.taskId !== taskId) reasons.push(`it is about another task, ${receipt.taskId}`)
  if (receipt.provider !== provider) reasons.push(`it is by another provider, ${receipt.provider}`)
  if (receipt.authorization.requester !== requester)
    reasons.push(`it is for another requester, ${receipt.authorization.requester}`)
  if (receipt.terms === undefined && receipt.priceWei !== '0')
    reasons.push(`it charges ${receipt.priceWei} wei and does not say at which rates`)
  if (task === undefined) return reasons
  if (receipt.authorization.specDigest !== specDigestOf(task.bytes))
    reasons.push('it is about another spec than the one submitted')
  if (!runtimesOf(task.spec.runtime).includes(receipt.isolation.runtime))
    reasons.push(`the task does not allow the runtime ${receipt.isolation.runtime}`)
  return reasons
}

/** A receipt that is free says no rates. */
function unlikeQuote(receipt: Receipt, quote: ExpectedResult['quote']): string[] {
  if (quote === undefined) return []
  const reasons: string[] = []
  const rates = receipt.terms?.rates ?? FREE_RATES
  if (RATE_KEYS.some((key) => rates[key] !== quote.rates[key]))
    reasons.push('it charges at other rates than were quoted')
  if (BigInt(receipt.priceWei) > BigInt(quote.maxPriceWei)) reasons.push('it charges more than was quoted at most')
  if (LIMIT_KEYS.some((key) => receipt.limits[key] !== quote.limits[key]))
    reasons.push('the task ran under other limits than were quoted')
  return reasons
}

function otherOutput(receipt: Receipt, streams: Streams): string[] {
  return (['stdout', 'stderr'] as const)
    .filter((name) => {
      const { sha256, bytes } = receipt[name]
      return streams[name].byteLength !== bytes || hash('sha256', streams[name], 'hex') !== sha256
    })
    .map((name) => `${name} does not have the digest and length in the receipt`)
}
