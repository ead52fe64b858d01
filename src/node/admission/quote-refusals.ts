import type { CheckedQuote } from '../../identity/quote.ts'
import type { Quote, SignedQuote } from '../../protocol/quote.ts'
import type { Authorization } from '../../protocol/receipt.ts'
import type { Refusal } from '../../protocol/refusals.ts'

export interface QuoteRequest {
  readonly authorization: Authorization
  readonly nowMs: number
  /** This provider's address and chain. */
  readonly provider: string
  readonly chainId: number
  readonly signed: SignedQuote
  /** Reads a quote, and checks that this provider signed it. Must not throw. */
  readonly readQuote: (signed: SignedQuote) => CheckedQuote
}

/** The quote that a task came with, where it binds this provider to this task now; else every reason why not. */
export function quoteOf(request: QuoteRequest): { readonly quote?: Quote; readonly refusals: readonly Refusal[] } {
  const read = request.readQuote(request.signed)
  if (read.quote === undefined) return { refusals: [invalid(read.why)] }
  const { quote } = read
  const { authorization, provider, chainId, nowMs } = request
  const refusals = [
    ...(quote.provider === provider ? [] : [invalid(`it is of ${quote.provider}, this is ${provider}`)]),
    ...(quote.requester === authorization.requester ? [] : [invalid(`it was given to ${quote.requester}`)]),
    ...(quote.specDigest === authorization.specDigest ? [] : [invalid('it is for another task')]),
    ...(quote.chainId === chainId ? [] : [invalid(`it is for chain ${quote.chainId}, this is chain ${chainId}`)]),
  ]
  if (quote.expiryMs <= nowMs) refusals.push(expired({ quote, nowMs }))
  return refusals.length > 0 ? { refusals } : { quote, refusals }
}

function invalid(why: string): Refusal {
  return { reason: 'QUOTE_INVALID', message: `The quote does not bind this provider to this task: ${why}` }
}

function expired({ quote, nowMs }: { readonly quote: Quote; readonly nowMs: number }): Refusal {
  return {
    reason: 'QUOTE_EXPIRED',
    message: `The quote expired ${nowMs - quote.expiryMs} ms ago`,
    subject: 'expiryMs',
    asked: String(quote.expiryMs),
    offered: String(nowMs),
  }
}
