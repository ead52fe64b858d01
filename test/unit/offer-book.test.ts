import assert from 'node:assert/strict'
import type { Key } from '../../src/identity/key-file.ts'
import { OfferBook } from '../../src/node/market/offer-book.ts'
import { RateLimit } from '../../src/protocol/rate-limit.ts'
import { fakeClock } from '../fixtures/fake-clock.ts'
import { signedOffer } from '../fixtures/offers.ts'
import { keyOf } from '../fixtures/receipts.ts'

const START_MS = 1_800_000_000_000
const from = keyOf(1).address

function place({ capacity, kept = [] }: { readonly capacity?: number; readonly kept?: readonly Key[] } = {}) {
  const clock = fakeClock(START_MS)
  const isKept = (provider: string): boolean => kept.some(({ address }) => address === provider)
  const book = new OfferBook({ clock, isKept, ...(capacity !== undefined && { capacity }) })
  const providers = (): string[] => book.offers({}).map(({ offer }) => offer.provider)
  return { clock, book, providers }
}

describe('the book of offers', () => {
  const key = keyOf(10)

  it('keeps the newest offer of each provider, as its provider signed it', () => {
    const { clock, book } = place()
    const first = signedOffer({ key, nowMs: START_MS })
    assert.equal(book.judge({ signed: first, from, publisher: key.address }), 'accept')
    assert.equal(book.judge({ signed: first, from, publisher: key.address }), 'ignore', 'the same again')
    assert.equal(book.judge({ signed: signedOffer({ key, nowMs: START_MS, sequence: START_MS - 1 }), from }), 'ignore')
    clock.advance(1000)
    const second = signedOffer({ key, nowMs: START_MS + 1000 })
    assert.equal(book.judge({ signed: second, from }), 'accept')
    assert.deepEqual(book.page({}), { offers: [second], more: false })
  })

  it('holds against who sends it on what never was an offer, and not what came late', () => {
    const { book } = place()
    const signed = signedOffer({ key, nowMs: START_MS })
    assert.equal(
      book.judge({
        signed: { ...signed, signature: signedOffer({ key: keyOf(11), nowMs: START_MS }).signature },
        from,
      }),
      'reject',
    )
    assert.equal(book.judge({ signed, from, publisher: keyOf(11).address }), 'reject', "another's offer")
    assert.equal(book.judge({ signed: signedOffer({ key, nowMs: START_MS - 600_000 }), from }), 'ignore', 'expired')
    assert.equal(
      book.judge({ signed: signedOffer({ key, nowMs: START_MS + 120_000 }), from }),
      'ignore',
      'from a clock that is ahead',
    )
    assert.equal(book.size, 0)
  })

  it('forgets an offer when it expires, and one that is taken back', () => {
    const { clock, book, providers } = place()
    book.add({ signed: signedOffer({ key, nowMs: START_MS }), from })
    book.add({ signed: signedOffer({ key: keyOf(11), nowMs: START_MS, expiryMs: START_MS + 5_000 }), from })
    clock.advance(5_000)
    assert.deepEqual(providers(), [key.address])
    book.remove(key.address)
    assert.equal(book.size, 0)
  })

  it('takes only so many changes of one provider', () => {
    const { clock, book } = place()
    const judgements = Array.from({ length: 20 }, (_, index) =>
      book.judge({ signed: signedOffer({ key, nowMs: START_MS, sequence: index }), from }),
    )
    assert.deepEqual(judgements.filter((judgement) => judgement === 'accept').length, 6)
    clock.advance(15_000)
    assert.equal(book.judge({ signed: signedOffer({ key, nowMs: START_MS, sequence: 100 }), from }), 'accept')
  })

  it('gives pages in the order of addresses, each offer once, of what is asked for', () => {
    const { book } = place()
    const keys = Array.from({ length: 40 }, (_, index) => keyOf(100 + index))
    for (const each of keys) book.add({ signed: signedOffer({ key: each, nowMs: START_MS }), from })
    const sorted = keys.map(({ address }) => address).toSorted()
    const seen: Uint8Array[] = []
    let after: string | undefined
    for (let more = true; more;) {
      const page = book.page({ runtime: 'wasm', features: ['deterministic'], ...(after !== undefined && { after }) })
      assert(page.offers.length <= 16)
      seen.push(...page.offers.map(({ bytes }) => bytes))
      after = sorted[seen.length - 1]
      more = page.more
    }
    assert.deepEqual(
      seen.map((bytes) => (JSON.parse(new TextDecoder().decode(bytes)) as { provider: string }).provider),
      sorted,
    )
    assert.deepEqual(book.page({ runtime: 'docker' }), { offers: [], more: false })
    assert.equal(book.page({ provider: keys[7]?.address ?? '' }).offers.length, 1)
  })

  it('is bounded, and a flood from one peer pushes out its own', () => {
    const kept = [keyOf(500), keyOf(501)]
    const { clock, book, providers } = place({ capacity: 50, kept })
    const honest = Array.from({ length: 20 }, (_, index) => keyOf(600 + index))
    for (const each of kept)
      book.add({ signed: signedOffer({ key: each, nowMs: START_MS, expiryMs: START_MS + 60_000 }), from: each.address })
    // They expire first of all, and two brought them.
    for (const [index, each] of honest.entries())
      book.add({
        signed: signedOffer({ key: each, nowMs: START_MS, expiryMs: START_MS + 60_000 }),
        from: keyOf(2 + (index % 2)).address,
      })
    const flooder = keyOf(9).address
    for (let number = 0; number < 300; number += 1) {
      clock.advance(50)
      book.judge({ signed: signedOffer({ key: keyOf(10_000 + number), nowMs: clock.nowMs() }), from: flooder })
    }
    assert.equal(book.size, 50)
    const present = new Set(providers())
    assert.deepEqual(
      [...kept, ...honest].filter(({ address }) => !present.has(address)),
      [],
    )
    const late = keyOf(700)
    assert.equal(
      book.judge({ signed: signedOffer({ key: late, nowMs: clock.nowMs() }), from: keyOf(2).address }),
      'accept',
    )
    assert(providers().includes(late.address))
  })

  it('looks at only so much from one peer', () => {
    const { book, clock } = place()
    const noOffer = { bytes: new Uint8Array(8), signature: `0x${'00'.repeat(64)}1b` }
    const judgements = Array.from({ length: 600 }, () => book.judge({ signed: noOffer, from }))
    assert.equal(judgements.filter((judgement) => judgement === 'reject').length, 512)
    assert.equal(book.judge({ signed: signedOffer({ key, nowMs: START_MS }), from: keyOf(2).address }), 'accept')
    clock.advance(1000)
    assert.equal(book.judge({ signed: signedOffer({ key: keyOf(12), nowMs: START_MS }), from }), 'accept')
  })
})

describe('a rate limit', () => {
  it('lets a burst through, then so much as time goes on, for each key', () => {
    const limit = new RateLimit({ burst: 2, perSecond: 1, maxKeys: 2 })
    assert.deepEqual(
      [0, 0, 0, 1000, 1000].map((nowMs) => limit.take('a', nowMs)),
      [true, true, false, true, false],
    )
    assert.equal(limit.take('b', 1000), true)
    assert.equal(limit.take('a', 500), false, 'a clock that is set back gives nothing')
  })

  it('remembers only so many keys', () => {
    const limit = new RateLimit({ burst: 1, perSecond: 0, maxKeys: 2 })
    for (const key of ['a', 'b', 'c']) assert.equal(limit.take(key, 0), true)
    assert.equal(limit.take('c', 0), false)
    assert.equal(limit.take('a', 0), true, 'forgotten')
  })
})
