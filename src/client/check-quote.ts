import { checkQuote } from '../identity/quote.ts'
import { specDigestOf } from '../identity/task.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Quote, SignedQuote } from '../protocol/quote.ts'
import { refusalHint } from '../protocol/refusal-hint.ts'
import type { Refusal } from '../protocol/refusals.ts'
import { LIMIT_KEYS } from '../protocol/limits.ts'
import { runtimesOf } from '../protocol/task.ts'
import { checkPayoutAuthorization } from '../settlement/payout.ts'
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
 * @throws SoukError PROTOCOL_ERROR saying what is wrong; REFUSED where it is for another chain
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
  if (quote.chainId !== expected.chainId) throw foreignChain({ offered: quote.chainId, asked: expected.chainId })
  for (const key of ['provider', 'requester'] as const)
    if (quote[key] !== expected[key]) throw protocolError(`the quote's ${key} is ${quote[key]}, not ${expected[key]}`)
  if (quote.specDigest !== specDigestOf(task.bytes)) throw protocolError('the quote is for another task')
  if (!runtimesOf(task.spec.runtime).includes(quote.runtime))
    throw protocolError(`the quote is for the runtime ${quote.runtime}, which the task does not allow`)
  const { limits } = task.spec
  for (const key of LIMIT_KEYS)
    if (limits[key] !== undefined && quote.limits[key] !== limits[key])
      throw protocolError(
        `the quote's limit ${key} is ${quote.limits[key] ?? 'none'}, the task asks for ${limits[key]}`,
      )
  const nowMs = Date.now()
  throwUnlessPayee(quote, nowMs)
  if (quote.issuedAtMs > nowMs + CLOCK_DIFFERENCE_MS || quote.expiryMs < nowMs - CLOCK_DIFFERENCE_MS)
    throw protocolError("the quote is not of now: the provider's clock and this one differ by more than a minute")
  return { quote, signed }
}

/** An honest provider on another chain than whoever asks signs for: nobody has broken the protocol. */
function foreignChain({ offered, asked }: { readonly offered: number; readonly asked: number }): SoukError<'REFUSED'> {
  const message = `the provider is on ${chainText(offered)}, and you sign for ${chainText(asked)}`
  const reasons: readonly Refusal[] = [
    { reason: 'FOREIGN_CHAIN', message, subject: 'chainId', asked: String(asked), offered: String(offered) },
  ]
  return new SoukError({
    code: 'REFUSED',
    message: `The task is refused: ${message}.`,
    details: { reasons },
    hint: refusalHint(reasons) ?? 'Ask a provider on your chain.',
  })
}

function chainText(chainId: number): string {
  return chainId === 0 ? 'no chain (0)' : `chain ${chainId}`
}

/** Whoever is not paid itself has the word of who is: else it could name anybody, and pass for as many providers as it likes. */
function throwUnlessPayee({ provider, payment, chainId }: Quote, nowMs: number): void {
  if (payment.kind === 'none' || payment.payee === provider) return
  const { payee, authorization, contract } = payment
  const isForThis = authorization?.node === provider && authorization.payout === payee
  if (authorization === undefined || !isForThis)
    throw protocolError(`the quote is to be paid to ${payee}, which has not authorised the provider ${provider}`)
  const fault = checkPayoutAuthorization({ authorization, at: { chainId, contract }, nowMs })
  if (fault !== undefined)
    throw protocolError(
      `the quote is to be paid to ${payee}, whose authorisation of the provider is ${fault === 'expired' ? 'expired' : 'not signed by it'}`,
    )
}
