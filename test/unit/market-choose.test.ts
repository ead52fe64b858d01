import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isUnreliable, ranked, type Candidate } from '../../src/client/market/choose.ts'
import type { ProviderRecord } from '../../src/client/market/record.ts'

const count = fc.nat(6)
const candidate: fc.Arbitrary<Candidate> = fc
  .record({
    quote: fc.record({
      provider: fc.nat(50).map((number) => `0x${number}`),
      maxPriceWei: fc.nat(4).map(String),
      expectedStartMs: fc.constantFrom(0, 10, 900, 1000, 5000),
      expiryMs: fc.constantFrom(50, 100, 101, 5000),
    }),
    counts: fc.option(
      fc.record({
        ...{ accepted: count, refused: count, finished: count, late: count, faults: count, disagreements: count },
        unpaid: count,
      }),
      { nil: undefined },
    ),
  })
  .map(({ quote, counts }) => ({
    quote,
    record: counts === undefined ? undefined : { ...counts, provider: quote.provider, lastSeenMs: 1 },
  }))
const candidates = fc.uniqueArray(candidate, { selector: ({ quote }) => quote.provider, maxLength: 12 })
const terms = { maxPriceWei: 2n, nowMs: 100 }

const record = (changes: Partial<ProviderRecord>): ProviderRecord => ({
  ...{ provider: '0x1', accepted: 9, refused: 0, finished: 0, late: 0, faults: 0, disagreements: 0, unpaid: 0 },
  lastSeenMs: 1,
  ...changes,
})
const offer = (provider: string, changes: Partial<Candidate['quote']> = {}, seen?: ProviderRecord): Candidate => ({
  quote: { provider, maxPriceWei: '1', expectedStartMs: 0, expiryMs: 1000, ...changes },
  record: seen,
})
const order = (...offers: Candidate[]): string =>
  ranked({ candidates: offers, ...terms })
    .map(({ quote }) => quote.provider)
    .join(' ')

describe('choosing a provider', () => {
  it('goes by price, then by start, then by what was seen of them', () => {
    assert.equal(order(offer('dear', { maxPriceWei: '2' }), offer('cheap', { expectedStartMs: 9000 })), 'cheap dear')
    assert.equal(
      order(offer('later', { expectedStartMs: 3000 }, record({ finished: 9 })), offer('sooner')),
      'sooner later',
    )
    // Within a second both start at once.
    assert.equal(
      order(offer('new', {}), offer('proven', { expectedStartMs: 800 }, record({ finished: 9 }))),
      'proven new',
    )
    assert.equal(order(offer('failed', {}, record({ faults: 1 })), offer('new', {})), 'new failed')
  })

  it('puts who fails more often than not after everybody, whatever the price', () => {
    const bad = offer('bad', { maxPriceWei: '0' }, record({ finished: 2, late: 1, faults: 1, disagreements: 1 }))
    assert.equal(order(bad, offer('dear', { maxPriceWei: '2' })), 'dear bad')
    assert.equal(
      order({ ...bad, record: record({ finished: 3, faults: 3 }) }, offer('dear', { maxPriceWei: '2' })),
      'bad dear',
    )
  })

  it('leaves out what may cost too much, and what has expired', () => {
    assert.equal(
      order(offer('a', { maxPriceWei: '3' }), offer('b', { expiryMs: 100 }), offer('c', { expiryMs: 101 })),
      'c',
    )
  })

  it('has one order for the same candidates, however they come, and each before is no worse than each after', () => {
    fc.assert(
      fc.property(candidates, fc.infiniteStream(fc.nat()), (some, shuffle) => {
        const best = ranked({ candidates: some, ...terms })
        const shuffled = some
          .map((one) => ({ one, at: shuffle.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ one }) => one)
        assert.deepEqual(ranked({ candidates: shuffled, ...terms }), best)
        assert.equal(
          best.length,
          some.filter(({ quote }) => Number(quote.maxPriceWei) <= 2 && quote.expiryMs > 100).length,
        )
        for (const [index, after] of best.entries()) {
          const before = best[index - 1]
          if (before === undefined || isUnreliable(before.record) !== isUnreliable(after.record)) {
            assert(before === undefined || isUnreliable(after.record))
            continue
          }
          const [one, other] = [before.quote, after.quote]
          assert(BigInt(one.maxPriceWei) <= BigInt(other.maxPriceWei))
          if (one.maxPriceWei === other.maxPriceWei)
            assert(Math.floor(one.expectedStartMs / 1000) <= Math.floor(other.expectedStartMs / 1000))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('takes a lower price before the same at a higher one', () => {
    fc.assert(
      fc.property(candidate, (one) => {
        const cheaper = { ...one, quote: { ...one.quote, provider: 'z', maxPriceWei: '0', expiryMs: 1000 } }
        const dearer = { ...one, quote: { ...one.quote, provider: 'a', maxPriceWei: '1', expiryMs: 1000 } }
        assert.deepEqual(ranked({ candidates: [dearer, cheaper], ...terms }), [cheaper, dearer])
      }),
    )
  })
})
