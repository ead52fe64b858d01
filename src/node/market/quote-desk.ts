import type { Key } from '../../identity/key-file.ts'
import { specDigestOf } from '../../identity/task.ts'
import type { QuoteService } from '../../protocol/network/task-service.ts'
import type { PaymentTerms } from '../../protocol/payment.ts'
import { QUOTE_LIFETIME_MS } from '../../protocol/quote.ts'
import { assess, type AdmissionPolicy, type AdmissionUsage } from '../admission/admission.ts'
import type { Clock } from '../clock.ts'
import type { ExpectedStart } from './expected-start.ts'
import type { OwnQuotes } from '../admission/own-quotes.ts'
import { createQuoteRate } from './quote-rate.ts'
import type { ResultCache } from '../results/result-cache.ts'
import { parseSpec } from '../admission/spec-bytes.ts'
import { invalidSpec, refused } from '../task-errors.ts'

export interface QuoteDeskOptions {
  readonly key: Pick<Key, 'address'>
  readonly quotes: Pick<OwnQuotes, 'sign'>
  readonly policy: AdmissionPolicy
  readonly clock: Clock
  readonly isKnown: (peer: string) => boolean
  readonly usageFor: (peer: string) => AdmissionUsage
  readonly expectedStart: ExpectedStart
  /** Results that need not be computed again; none where absent. */
  readonly cache?: Pick<ResultCache, 'percentFor'>
  /** How this provider is paid by a requester. */
  readonly paymentTerms: (requester: string) => PaymentTerms
}

/**
 * Quotes tasks. The decision is admission's own, so that a refusal has every reason. Nothing is reserved for a quote, and a quote holds
 * whether this provider remembers it or not, as the requester brings it back.
 */
export function createQuoteDesk(options: QuoteDeskOptions): QuoteService {
  const { key, quotes, policy, clock, isKnown } = options
  const rate = createQuoteRate({ clock, isKnown })
  return {
    async quote({ peer, spec: bytes }) {
      const tooMany = rate.take({ peer, bytes: bytes.byteLength })
      if (tooMany !== undefined) throw refused([tooMany])
      const parsed = parseSpec(bytes)
      if (!parsed.ok) throw invalidSpec(parsed.issues)
      const { refusals, agreed } = assess({ spec: parsed.spec, policy, usage: options.usageFor(peer) })
      if (agreed === undefined || refusals.length > 0) throw refused(refusals)
      const { runtime, engine, limits, rates, maxPriceWei, allowance } = agreed
      const nowMs = clock.nowMs()
      const specDigest = specDigestOf(bytes)
      const cachedPercent = options.cache?.percentFor({ specDigest, engine, limits })
      return quotes.sign({
        version: 1,
        specDigest,
        requester: peer,
        provider: key.address,
        chainId: policy.chainId,
        runtime,
        engine,
        limits,
        rates,
        maxPriceWei: String(maxPriceWei),
        ...(allowance !== undefined && { allowance: true as const }),
        ...(cachedPercent !== undefined && { cachedPercent }),
        expectedStartMs: options.expectedStart.ofNext({ requester: peer, limits }),
        payment: options.paymentTerms(peer),
        issuedAtMs: nowMs,
        expiryMs: nowMs + QUOTE_LIFETIME_MS,
      })
    },
  }
}
