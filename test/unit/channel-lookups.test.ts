import assert from 'node:assert/strict'
import { createChannelLookups } from '../../src/node/payments/channel-lookups.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { channelOf, MapSettler } from '../fixtures/payments.ts'
import { keyOf } from '../fixtures/receipts.ts'

const known = keyOf(1)
const wanted = { atLeastWei: 1n }

describe('looking up channels that nobody has heard of', () => {
  let settler: MapSettler
  let nowMs: number
  let lookups: ReturnType<typeof createChannelLookups>

  beforeEach(() => {
    settler = new MapSettler()
    nowMs = 1_800_000_000_000
    const clock = { nowMs: () => nowMs }
    lookups = createChannelLookups({ settler, clock, isKnown: (payer) => payer === known.address })
  })
  /** How many of so many questions, one after the other, the chain was asked. */
  async function asked(count: number, channel: (index: number) => ReturnType<typeof channelOf>): Promise<number> {
    const before = settler.asked
    for (let index = 0; index < count; index += 1) {
      await lookups.look(channel(index), wanted).catch((thrown: unknown) => {
        assert(isSoukError(thrown, 'REFUSED') && thrown.retryable, String(thrown))
        assert.deepEqual(
          thrown.details.reasons.map(({ subject }) => subject),
          ['channels'],
        )
      })
    }
    return settler.asked - before
  }

  it('asks the chain about few channels of one payer, however many it names', async () => {
    assert.equal(await asked(1_000, (nonce) => channelOf(keyOf(2), nonce)), 8)
    nowMs += 20_000
    assert.equal(await asked(1_000, (nonce) => channelOf(keyOf(2), nonce)), 2)
  })

  it('asks about few of all payers that are not known, however many keys they have', async () => {
    assert.equal(await asked(1_000, (index) => channelOf(keyOf(100 + index))), 64)
    assert.equal(await asked(10, (nonce) => channelOf(known, nonce)), 8, 'who is known does not wait for them')
    nowMs += 10_000
    assert.equal(await asked(100, (index) => channelOf(keyOf(2000 + index))), 10)
  })

  it('lets a payer that names too many take nothing of the others', async () => {
    await asked(1_000, (nonce) => channelOf(keyOf(2), nonce))
    assert.equal(await asked(50, (index) => channelOf(keyOf(100 + index))), 50)
  })
})
