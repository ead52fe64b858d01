import assert from 'node:assert/strict'
import { createRefusedRate } from '../../src/node/admission/refused-rate.ts'
import { refused } from '../../src/node/task-errors.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { RefusalReason } from '../../src/protocol/refusals.ts'
import { address } from '../fixtures/provider-tasks.ts'

const KNOWN = address('known')
const BYTES_OF_ONE = 16 * 1024

describe('what is refused', () => {
  let nowMs: number
  let rate: ReturnType<typeof createRefusedRate>
  let looks: number

  beforeEach(() => {
    nowMs = 1_800_000_000_000
    looks = 0
    rate = createRefusedRate({ clock: { nowMs: () => nowMs }, isKnown: (peer) => peer === KNOWN })
  })

  /** What a peer is told whose task comes to this; `ok` where it is taken. */
  async function told(peer: string, fails?: Error, bytes = 0): Promise<RefusalReason | 'ok' | 'other'> {
    try {
      await rate.within({ peer, bytes }, () => {
        looks += 1
        return fails === undefined ? Promise.resolve() : Promise.reject(fails)
      })
      return 'ok'
    } catch (thrown) {
      if (!isSoukError(thrown, 'REFUSED')) return 'other'
      return thrown.details.reasons[0]?.reason ?? 'other'
    }
  }
  const full = refused([{ reason: 'QUEUE_FULL', message: 'full' }])
  async function refuse(peer: string, times: number, bytes = 0): Promise<void> {
    for (let time = 0; time < times; time += 1) await told(peer, full, bytes)
  }

  it('is looked at a thousand times of one peer, then a hundred times a second, and of nobody else less', async () => {
    await refuse('0xa', 5_000)
    assert.equal(looks, 1_000)
    assert.equal(await told('0xa'), 'PEER_OVER_SHARE')
    assert.equal(await told('0xb'), 'ok')
    nowMs += 1_000
    looks = 0
    await refuse('0xa', 5_000)
    assert.equal(looks, 100)
  })

  it('counts for more where it is long, and also where it is no task at all', async () => {
    await refuse('0xa', 1_000, 9 * BYTES_OF_ONE)
    assert.equal(looks, 100)
    looks = 0
    const invalid = new SoukError({ code: 'INVALID_INPUT', message: 'no task', details: { issues: [] } })
    for (let time = 0; time < 2_000; time += 1) await told('0xb', invalid)
    assert.equal(looks, 1_000)
  })

  it('does not count where it is taken, or where the provider is at fault', async () => {
    const unreachable = new SoukError({
      code: 'CHAIN_UNREACHABLE',
      message: 'away',
      details: { endpoints: [], reason: 'away' },
    })
    for (let time = 0; time < 3_000; time += 1) await told('0xa', time % 2 === 0 ? undefined : unreachable)
    assert.equal(looks, 3_000)
    assert.equal(await told('0xa'), 'ok')
  })

  it('is bounded for a crowd of keys, and keeps nobody out that has had nothing refused', async () => {
    for (let key = 0; key < 400; key += 1) await refuse(`0x${key}`, 50)
    // Of each a first one, which costs its sender a connection.
    assert.ok(looks >= 4_000 && looks <= 4_000 + 400, String(looks))
    assert.equal(await told('0x0'), 'UNKNOWN_PEERS_OVER_SHARE')
    assert.equal(await told('0xnew'), 'ok')
    assert.equal(await told('0xnew'), 'ok')
    await refuse(KNOWN, 10)
    assert.equal(await told(KNOWN), 'ok')
  })
})
