import assert from 'node:assert/strict'
import fc from 'fast-check'
import { chooseRedemptions, redeemGasOf, worthOf, type Redeemable } from '../../src/settlement/redeem.ts'

const MILLION = 1_000_000n
const ETHER = 10n ** 18n

const wei = fc.oneof(fc.bigInt({ min: 0n, max: 1000n }), fc.bigInt({ min: 0n, max: 10n * ETHER }))
const channel = fc.record({
  receivedWei: wei,
  depositWei: wei,
  redeemedWei: wei,
  status: fc.constantFrom('none' as const, 'open' as const, 'closing' as const, 'closed' as const),
})
const channelsOf = fc
  .array(channel, { maxLength: 200 })
  .map((all): readonly Redeemable[] => all.map((one, index) => ({ ...one, channelId: `channel ${index}` })))
const price = fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 1_000_000_000_000n }))
const costsOf = fc
  .record({
    gasPriceWei: price,
    lessWei: price,
    gasSharePpm: fc.bigInt({ min: 0n, max: MILLION }),
    isToken: fc.boolean(),
  })
  .map(({ lessWei, ...costs }) => ({
    ...costs,
    leastGasPriceWei: lessWei < costs.gasPriceWei ? costs.gasPriceWei - lessWei : 0n,
  }))

describe('choice of what to redeem', () => {
  it('takes each channel once, and only what brings something', () => {
    fc.assert(
      fc.property(channelsOf, costsOf, (channels, costs) => {
        const ids = chooseRedemptions({ channels, costs }).flat()
        assert.equal(new Set(ids).size, ids.length)
        const byId = new Map(channels.map((one) => [one.channelId, one]))
        for (const id of ids) {
          const one = byId.get(id)
          assert.ok(one !== undefined && worthOf(one) > 0n)
          assert.ok(one.status === 'open' || one.status === 'closing')
        }
      }),
    )
  })

  it('leaves out nothing that is being closed and worth more than its gas', () => {
    fc.assert(
      fc.property(channelsOf, costsOf, (channels, costs) => {
        const ids = new Set(chooseRedemptions({ channels, costs }).flat())
        for (const one of channels) {
          const isWorthIt = costs.isToken ? worthOf(one) > 0n : worthOf(one) > redeemGasOf(1) * costs.leastGasPriceWei
          if (one.status === 'closing' && isWorthIt) assert.ok(ids.has(one.channelId))
        }
      }),
    )
  })

  it('pays no more than the stated share for gas while nothing is being closed', () => {
    fc.assert(
      fc.property(channelsOf, costsOf, (all, costs) => {
        const channels = all.filter(({ status }) => status !== 'closing')
        if (costs.isToken) return
        const batches = chooseRedemptions({ channels, costs })
        const sum = (ids: readonly string[]): bigint =>
          channels.filter(({ channelId }) => ids.includes(channelId)).reduce((total, one) => total + worthOf(one), 0n)
        const gas = batches.reduce((total, batch) => total + redeemGasOf(batch.length), 0n)
        assert.ok(gas * costs.gasPriceWei * MILLION <= sum(batches.flat()) * costs.gasSharePpm)
        for (const batch of batches) assert.ok(batch.length >= 1 && batch.length <= 64)
      }),
    )
  })

  it('redeems an open channel sooner or later as what is received grows', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        fc.bigInt({ min: 1n, max: MILLION }),
        (gasPriceWei, gasSharePpm) => {
          const enough = (redeemGasOf(1) * gasPriceWei * MILLION) / gasSharePpm + 1n
          const choose = (receivedWei: bigint) =>
            chooseRedemptions({
              channels: [{ channelId: 'a', receivedWei, depositWei: enough * 2n, redeemedWei: 0n, status: 'open' }],
              costs: { gasPriceWei, leastGasPriceWei: gasPriceWei, gasSharePpm, isToken: false },
            })
          assert.deepEqual(choose(enough), [['a']])
          assert.deepEqual(choose(enough / 2n), [])
        },
      ),
    )
  })

  it('redeems of a token what can become no more', () => {
    const costs = { gasPriceWei: ETHER, leastGasPriceWei: ETHER, gasSharePpm: 0n, isToken: true }
    const of = (receivedWei: bigint, status: Redeemable['status']) =>
      chooseRedemptions({
        channels: [{ channelId: 'a', receivedWei, depositWei: 100n, redeemedWei: 0n, status }],
        costs,
      })
    assert.deepEqual(of(99n, 'open'), [])
    assert.deepEqual(of(100n, 'open'), [['a']])
    assert.deepEqual(of(1n, 'closing'), [['a']])
    assert.deepEqual(of(1n, 'closed'), [])
  })
})
