import assert from 'node:assert/strict'
import { FoundOffers } from '../../src/client/market/found-offers.ts'
import { checkOffer } from '../../src/identity/offer.ts'
import { signedOffer } from '../fixtures/offers.ts'
import { keyOf } from '../fixtures/receipts.ts'

const offerOf = (number: number, sequence = 1) =>
  checkOffer(signedOffer({ key: keyOf(number), nowMs: Date.now(), sequence })).offer

describe('offers that were found', () => {
  it('are not crowded out by a source that brings more than there is room for', () => {
    const found = new FoundOffers({ most: 8 })
    for (let number = 1; number <= 20; number += 1) found.add({ offer: offerOf(number), source: 'hostile' })
    assert.equal(found.size, 8)
    for (let number = 21; number <= 30; number += 1) found.add({ offer: offerOf(number), source: 'honest' })
    for (let number = 31; number <= 50; number += 1) found.add({ offer: offerOf(number), source: 'hostile' })
    assert.equal(found.size, 8)
    const honest = found.all().filter(({ offer: { provider } }) => {
      const number = Array.from({ length: 10 }, (_, index) => index + 21).find(
        (each) => keyOf(each).address === provider,
      )
      return number !== undefined
    })
    assert.equal(honest.length, 4)
    assert(found.add({ offer: offerOf(60), source: 'another' }))
    assert(found.has(keyOf(60).address))
  })

  it('are not crowded out by a source that brings them as well', () => {
    for (const first of ['honest', 'hostile']) {
      const found = new FoundOffers({ most: 8 })
      const bring = (source: string, from: number, to: number): void => {
        for (let number = from; number <= to; number += 1) found.add({ offer: offerOf(number), source })
      }
      bring(first, 1, 3)
      bring(first === 'honest' ? 'hostile' : 'honest', 1, 3)
      bring('hostile', 11, 30)
      bring('accomplice', 11, 30)
      bring('another', 40, 40)
      for (const number of [1, 2, 3, 40]) assert(found.has(keyOf(number).address), `${number}, ${first} first`)
      const both = found.all().find(({ offer }) => offer.provider === keyOf(1).address)
      assert.deepEqual([...(both?.sources ?? [])].toSorted(), ['honest', 'hostile'])
    }
  })

  it('are the newest of each, whoever brings it', () => {
    const found = new FoundOffers({ most: 1 })
    assert(found.add({ offer: offerOf(1, 2), source: 'a' }))
    assert(!found.add({ offer: offerOf(1, 1), source: 'b' }))
    assert(found.add({ offer: offerOf(1, 3), source: 'b' }))
    assert.deepEqual(
      found.all().map(({ offer }) => offer.sequence),
      [3],
    )
  })
})
