import { checkQuote } from '../identity/quote.ts'
import { specDigestOf } from '../identity/task.ts'
import type { Quote, SignedQuote } from '../protocol/quote.ts'
import { runtimesOf } from '../protocol/task.ts'
import { protocolError } from '../protocol/wire-fields.ts'
import type { LoadedTask } from './load-task.ts'

/** What a provider would run a task for, as it signed it. */
export interface ProviderQuote {
  readonly quote: Quote
  readonly signed: SignedQuote
}

/** Clocks differ: a quote is taken for expired, or not yet made, only beyond this. */
const CLOCK_DIFFERENCE_MS = 60_000

/**
 * The quote, where it is signed by the provider that was asked, and about what it was asked.
 * @throws SoukError PROTOCOL_ERROR saying what is wrong
 */
export function checkedQuote({
  signed,
  task,
  expected,
}: {
  readonly signed: SignedQuote
  readonly task: Pick<LoadedTask, 'spec' | 'bytes'>
  readonly expected: { readonly provider: string; readonly requester: string; readonly chainId: number }
}): ProviderQuote {
  const { quote, why } = checkQuote(signed)
  if (quote === undefined) throw protocolError(`the quote is none: ${why}`)
  for (const key of ['provider', 'requester', 'chainId'] as const)
    if (quote[key] !== expected[key]) throw protocolError(`the quote's ${key} is ${quote[key]}, not ${expected[key]}`)
  if (quote.specDigest !== specDigestOf(task.bytes)) throw protocolError('the quote is for another task')
  if (!runtimesOf(task.spec.runtime).includes(quote.runtime))
    throw protocolError(`the quote is for the runtime ${quote.runtime}, which the task does not allow`)
  const nowMs = Date.now()
  if (quote.issuedAtMs > nowMs + CLOCK_DIFFERENCE_MS || quote.expiryMs < nowMs - CLOCK_DIFFERENCE_MS)
    throw protocolError("the quote is not of now: the provider's clock and this one differ by more than a minute")
  return { quote, signed }
}
