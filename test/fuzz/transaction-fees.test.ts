import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bumpedFees, cappedFees } from '../../src/settlement/transaction-signing.ts'

const gas = fc.oneof(fc.bigInt({ min: 0n, max: 100n }), fc.bigInt({ min: 0n, max: 10n ** 13n }))
const fees = fc.record({ maxFeePerGas: gas, maxPriorityFeePerGas: gas })

describe('fees of transactions', () => {
  it('never offers more than the caps, nor a tip above the fee', () => {
    fc.assert(
      fc.property(fees, fees, fees, (before, now, caps) => {
        for (const offered of [cappedFees({ fees: now, caps }), bumpedFees({ before, now, caps })]) {
          if (offered === undefined) continue
          assert.ok(offered.maxFeePerGas <= caps.maxFeePerGas)
          assert.ok(offered.maxPriorityFeePerGas <= caps.maxPriorityFeePerGas)
          assert.ok(offered.maxPriorityFeePerGas <= offered.maxFeePerGas)
        }
      }),
    )
  })

  it('replaces with a tenth more in both fees, and at least what is usual, or not at all', () => {
    fc.assert(
      fc.property(fees, fees, fees, (before, now, caps) => {
        const offered = bumpedFees({ before, now, caps })
        if (offered === undefined) return
        assert.ok(offered.maxFeePerGas * 10n > before.maxFeePerGas * 11n)
        assert.ok(offered.maxPriorityFeePerGas * 10n > before.maxPriorityFeePerGas * 11n)
        assert.ok(offered.maxFeePerGas >= now.maxFeePerGas || offered.maxFeePerGas === caps.maxFeePerGas)
      }),
    )
    const plenty = { maxFeePerGas: 10n ** 15n, maxPriorityFeePerGas: 10n ** 15n }
    const before = { maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }
    assert.deepEqual(bumpedFees({ before, now: before, caps: plenty }), {
      maxFeePerGas: 114n,
      maxPriorityFeePerGas: 13n,
    })
  })
})
