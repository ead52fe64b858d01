import assert from 'node:assert/strict'
import { checkedQuote } from '../../src/client/check-quote.ts'
import { signQuote } from '../../src/identity/quote.ts'
import { specDigestOf } from '../../src/identity/task.ts'
import type { PaymentTerms } from '../../src/protocol/payment.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import type { Quote } from '../../src/protocol/quote.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { CHAIN_ID, CONTRACT, MapSettler, payoutAuthorizationOf } from '../fixtures/payments.ts'
import { deterministicTask as task } from '../fixtures/provider-says.ts'
import { keyOf, requesterKey } from '../fixtures/receipts.ts'

const provider = keyOf(11)
const settler = new MapSettler()
settler.node = provider.address
const terms = settler.terms(requesterKey.address)

const limits = { wallTimeMs: 1000, outputBytes: 1000, diskBytes: 1000, memoryBytes: 1000 }

const quoted = (changes: Partial<Quote> = {}) => {
  const nowMs = Date.now()
  const quote: Quote = {
    version: 1,
    specDigest: specDigestOf(task.bytes),
    requester: requesterKey.address,
    provider: provider.address,
    chainId: CHAIN_ID,
    runtime: 'wasm',
    engine: 'wasmtime',
    limits,
    rates: FREE_RATES,
    maxPriceWei: '0',
    expectedStartMs: 0,
    payment: terms,
    issuedAtMs: nowMs,
    expiryMs: nowMs + 60_000,
    ...changes,
  }
  const expected = { provider: provider.address, requester: requesterKey.address, chainId: CHAIN_ID }
  return checkedQuote({ signed: signQuote({ quote, key: provider }), task, expected })
}
const refused = (changes: Partial<Quote>, said: RegExp): void =>
  assert.throws(
    () => quoted(changes),
    (thrown) => isSoukError(thrown, 'PROTOCOL_ERROR') && said.test(thrown.message),
  )

describe('a quote that is checked', () => {
  it('is taken with the limits that the task asks for, and those that it does not', () => {
    assert.deepEqual(quoted().quote.limits, limits)
  })

  it('is refused where it is for another limit than the task asks for: who runs it would end it early and be paid', () => {
    refused({ limits: { ...limits, wallTimeMs: 1 } }, /limit wallTimeMs is 1, the task asks for 1000/)
    refused({ limits: { ...limits, wallTimeMs: 2000 } }, /wallTimeMs/)
  })

  it('is refused, by no fault of the protocol, where it is for another chain, and says which to name', () => {
    assert.throws(
      () => quoted({ chainId: 5 }),
      (thrown) =>
        isSoukError(thrown, 'REFUSED') &&
        thrown.details.reasons.map(({ reason, offered }) => `${reason} ${offered}`).join() === 'FOREIGN_CHAIN 5' &&
        thrown.message.includes(`on chain 5, and you sign for chain ${CHAIN_ID}`) &&
        thrown.hint.includes('--chain-id 5'),
    )
  })

  it('is refused where whoever is to be paid has not authorised the provider', () => {
    const paid = (changes: Partial<typeof terms>): { payment: PaymentTerms } => ({ payment: { ...terms, ...changes } })
    const { authorization, ...unauthorised } = terms
    assert(authorization !== undefined)
    quoted({ payment: { ...unauthorised, payee: provider.address } })
    refused({ payment: unauthorised }, /has not authorised/)
    refused(paid({ authorization: payoutAuthorizationOf(keyOf(12).address) }), /has not authorised/)
    refused(paid({ payee: keyOf(12).address }), /has not authorised/)
    refused(paid({ authorization: { ...authorization, expiryMs: authorization.expiryMs + 1 } }), /not signed by it/)
    refused(paid({ contract: `${CONTRACT.slice(0, -1)}e` }), /not signed by it/)
    refused(paid({ authorization: payoutAuthorizationOf(provider.address, 1000) }), /expired/)
  })
})
