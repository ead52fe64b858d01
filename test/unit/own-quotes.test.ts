import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { checkQuote, signQuote } from '../../src/identity/quote.ts'
import { createOwnQuotes } from '../../src/node/admission/own-quotes.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import type { Quote } from '../../src/protocol/quote.ts'
import { keyOf, requesterKey } from '../fixtures/receipts.ts'

const key = keyOf(11)
const quoteOf = (changes: Partial<Quote> = {}): Quote => ({
  version: 1,
  specDigest: 'ab'.repeat(32),
  requester: requesterKey.address,
  provider: key.address,
  chainId: 0,
  runtime: 'wasm',
  engine: 'wasmtime',
  limits: { wallTimeMs: 1000, outputBytes: 1000, diskBytes: 1000, memoryBytes: 1000 },
  rates: FREE_RATES,
  maxPriceWei: '0',
  expectedStartMs: 0,
  payment: { kind: 'none' },
  issuedAtMs: 1,
  expiryMs: 60_000,
  ...changes,
})

describe('quotes of this provider', () => {
  it('are read as anybody reads them', () => {
    const quotes = createOwnQuotes({ key })
    for (const quote of [quoteOf(), quoteOf({ allowance: true, cachedPercent: 10 })]) {
      const signed = quotes.sign(quote)
      assert.deepEqual(signed, signQuote({ quote, key }))
      assert.deepEqual(quotes.read(signed), checkQuote(signed))
      assert.deepEqual(quotes.read({ ...signed, bytes: Uint8Array.from(signed.bytes) }), { quote })
    }
  })

  it('are not what somebody makes of them, or others sign', () => {
    const quotes = createOwnQuotes({ key })
    const signed = quotes.sign(quoteOf({ maxPriceWei: '9' }))
    const cheaper = Buffer.from(Buffer.from(signed.bytes).toString().replace('"maxPriceWei":"9"', '"maxPriceWei":"1"'))
    assert.match(quotes.read({ bytes: cheaper, signature: signed.signature }).why ?? '', /signature/)
    const dearer = quotes.sign(quoteOf({ maxPriceWei: '10' }))
    assert.match(quotes.read({ ...signed, signature: dearer.signature }).why ?? '', /signature/)
    assert.match(quotes.read(signQuote({ quote: quoteOf(), key: requesterKey })).why ?? '', /signature/)
  })

  it('hold when they are not remembered any more, or were given by an earlier process', () => {
    const signed = createOwnQuotes({ key }).sign(quoteOf())
    const quotes = createOwnQuotes({ key })
    assert.deepEqual(quotes.read(signed), { quote: quoteOf() })
    const first = quotes.sign(quoteOf({ issuedAtMs: 2 }))
    for (let number = 0; number < 300; number++) quotes.sign(quoteOf({ issuedAtMs: number + 3 }))
    assert.deepEqual(quotes.read(first), { quote: quoteOf({ issuedAtMs: 2 }) })
  })
})
