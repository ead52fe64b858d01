import assert from 'node:assert/strict'
import fc from 'fast-check'
import { exposureOf, isPaid, missingWei, moved, NOTHING_YET, type Standing } from '../../src/node/payments/exposure.ts'

const wei = fc.bigInt({ min: 0n, max: 10n ** 30n })
const standing = fc.record({ receivedWei: wei, chargedWei: wei, reservedWei: wei })

describe('exposure, fuzzed', () => {
  it('is what is charged or set aside and not received, and never below 0', () => {
    fc.assert(
      fc.property(standing, (one) => {
        const owed = one.chargedWei + one.reservedWei - one.receivedWei
        assert.equal(exposureOf(one), owed > 0n ? owed : 0n)
        assert.equal(isPaid(one), one.chargedWei <= one.receivedWei)
      }),
    )
  })

  it('names the least amount of a voucher that would do: with it the task is taken, with a wei less it is not', () => {
    fc.assert(
      fc.property(standing, wei, wei, wei, (one, maxPriceWei, creditWei, othersWei) => {
        const terms = { maxPriceWei, creditWei, othersWei }
        const missing = missingWei({ standing: one, ...terms })
        const paid = (moreWei: bigint): Standing => ({ ...one, receivedWei: one.receivedWei + moreWei })
        assert.equal(missingWei({ standing: paid(missing), ...terms }), 0n)
        if (missing > 0n) assert.equal(missingWei({ standing: paid(missing - 1n), ...terms }), 1n)
        const after = exposureOf(moved(paid(missing), { kind: 'reserved', maxPriceWei }))
        assert(after === 0n || after + othersWei <= creditWei)
      }),
    )
  })

  it('is never raised by a task that settles, whatever it came to', () => {
    fc.assert(
      fc.property(standing, wei, wei, (one, maxPriceWei, some) => {
        const priceWei = maxPriceWei === 0n ? 0n : some % (maxPriceWei + 1n)
        const reserved = moved(one, { kind: 'reserved', maxPriceWei })
        assert.deepEqual(moved(reserved, { kind: 'released', maxPriceWei }), { ...one })
        const charged = moved(reserved, { kind: 'charged', maxPriceWei, priceWei })
        assert(exposureOf(charged) <= exposureOf(reserved))
        assert.equal(charged.chargedWei, one.chargedWei + priceWei)
      }),
    )
  })

  it('refuses to charge more than was set aside, and to give back what was not', () => {
    assert.throws(() => moved(NOTHING_YET, { kind: 'released', maxPriceWei: 1n }), RangeError)
    const reserved = moved(NOTHING_YET, { kind: 'reserved', maxPriceWei: 5n })
    assert.throws(() => moved(reserved, { kind: 'charged', maxPriceWei: 5n, priceWei: 6n }), RangeError)
  })

  it('takes no older voucher for a newer one', () => {
    const paid = moved(NOTHING_YET, { kind: 'received', amountWei: 7n })
    assert.equal(moved(paid, { kind: 'received', amountWei: 6n }).receivedWei, 7n)
  })
})
