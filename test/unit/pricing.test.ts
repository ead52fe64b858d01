import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { createFreeAllowance, type FreeAllowance } from '../../src/node/admission/free-allowance.ts'
import { openPeerRecord, type PeerRecord } from '../../src/node/market/peer-record.ts'
import { chargeOf, mostOf } from '../../src/node/admission/pricing.ts'
import { FREE_RATES, priceOf, RATE_KEYS, type Rates } from '../../src/protocol/price.ts'
import { formatWei, parseWei } from '../../src/protocol/units.ts'
import { acceptedEvent, address, bytes32, LIMITS, receiptOf } from '../fixtures/provider-tasks.ts'

const rates = (changes: Partial<Rates>): Rates => ({ ...FREE_RATES, ...changes })
const bounds = { limits: LIMITS, hasResultFiles: true, cpuCores: 4 }

describe('the most that a task can come to', () => {
  it('counts each limit at its rate', () => {
    const most = (changes: Partial<Rates>, limits: object = {}): bigint | undefined =>
      mostOf({ ...bounds, limits: { ...LIMITS, ...limits }, rates: rates(changes) })
    assert.equal(most({ startWei: '7' }), 7n)
    // 10 s of wall time with one core.
    assert.equal(most({ cpuSecondWei: '100' }), 1000n)
    assert.equal(most({ cpuSecondWei: '100' }, { cpuTimeMs: 1500 }), 150n)
    assert.equal(most({ cpuSecondWei: '100' }, { cpuCores: 2.5 }), 2500n)
    // Nothing holds it to fewer cores than there are.
    assert.equal(
      mostOf({ ...bounds, limits: { ...LIMITS, cpuCores: undefined } as never, rates: rates({ cpuSecondWei: '100' }) }),
      4000n,
    )
    assert.equal(most({ mibSecondWei: '3' }, { memoryBytes: 2 ** 20 }), 30n)
    assert.equal(most({ outputMibWei: '1000' }, { outputBytes: 2 ** 20, diskBytes: 2 ** 20 }), 2000n)
    assert.equal(
      mostOf({
        limits: { ...LIMITS, outputBytes: 2 ** 20 },
        hasResultFiles: false,
        cpuCores: 4,
        rates: rates({ outputMibWei: '1000' }),
      }),
      1000n,
    )
    assert.equal(most({ millionFuelWei: '5' }, { fuel: 3_000_000 }), 15n)
    assert.equal(most({ startWei: '7', minimumWei: '9' }), 9n)
  })

  it('is nothing that can be said where fuel is charged for and nothing limits it', () => {
    assert.equal(mostOf({ ...bounds, rates: rates({ millionFuelWei: '1' }) }), undefined)
  })

  it('is never less than what a run within the limits comes to', () => {
    const wei = fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String)
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(RATE_KEYS.map((key) => [key, wei])) as Record<keyof Rates, typeof wei>),
        fc.record({
          cpuCores: fc.constantFrom(0.1, 0.5, 1, 1.5, 8),
          wallTimeMs: fc.integer({ min: 1, max: 1e7 }),
          cpuTimeMs: fc.integer({ min: 1, max: 1e8 }),
          memoryBytes: fc.integer({ min: 1, max: 2 ** 40 }),
          outputBytes: fc.integer({ min: 0, max: 2 ** 40 }),
          diskBytes: fc.integer({ min: 0, max: 2 ** 40 }),
          fuel: fc.maxSafeNat().map((fuel) => Math.max(1, fuel)),
        }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
        (some, limits, [a = 1, b = 1, c = 1, d = 1, e = 1]) => {
          const all = { ...LIMITS, ...limits }
          const most = mostOf({ rates: some, limits: all, hasResultFiles: true, cpuCores: 8 })
          assert(most !== undefined)
          const wallTimeMs = Math.floor(all.wallTimeMs * a)
          const used = {
            cpuTimeMs: Math.floor(Math.min(all.cpuTimeMs, wallTimeMs * all.cpuCores) * b),
            wallTimeMs,
            memoryLimitBytes: all.memoryBytes,
            outputBytes: Math.floor(all.outputBytes * c) + Math.floor(all.diskBytes * d),
            fuelUsed: Math.floor(all.fuel * e),
          }
          assert(priceOf({ rates: some, usage: used }).totalWei <= most)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('what a task is charged', () => {
  const { usage, outputs } = receiptOf(acceptedEvent(1))

  it('is what it came to, and no more than was set aside', () => {
    const paid = rates({ startWei: '100' })
    const charge = (maxPriceWei: string) => chargeOf({ rates: paid, maxPriceWei, usage, limits: LIMITS, outputs })
    assert.deepEqual(charge('1000'), { priceWei: '100', terms: { rates: paid } })
    assert.deepEqual(charge('60'), { priceWei: '60', terms: { rates: paid } })
    assert.deepEqual(chargeOf({ rates: FREE_RATES, maxPriceWei: '0', usage, limits: LIMITS, outputs }), {
      priceWei: '0',
    })
  })
})

describe('amounts', () => {
  it('are read exactly, with a unit or as wei', () => {
    for (const [text, wei] of [
      ['0', 0n],
      ['20gwei', 20_000_000_000n],
      ['0.001eth', 10n ** 15n],
      ['1.000000000000000001 ETH', 10n ** 18n + 1n],
      ['0.000000001gwei', 1n],
      ['5wei', 5n],
      [7, 7n],
      [String((1n << 256n) - 1n), (1n << 256n) - 1n],
    ] as const)
      assert.equal(parseWei(text), wei, String(text))
    for (const text of [
      '',
      '-1',
      '1.5',
      '0.5wei',
      '0.0000000001gwei',
      '01',
      '1e18',
      '0x10',
      '1 btc',
      String(1n << 256n),
      '9'.repeat(200),
      1.5,
      -1,
      2 ** 60,
    ])
      assert.throws(() => parseWei(text), /must be/, String(text))
  })

  it('are shown so that they read back', () => {
    assert.deepEqual([10n ** 15n, 2n * 10n ** 18n, 20_000_000_000n, 1500n, 0n, 10n ** 18n + 1n].map(formatWei), [
      '0.001eth',
      '2eth',
      '20gwei',
      '1500',
      '0',
      '1000000000000000001',
    ])
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), fc.nat(30), (amount, zeros) => {
        const rounded = (amount >> 100n) * 10n ** BigInt(zeros)
        assert.equal(parseWei(formatWei(rounded)), rounded)
      }),
    )
  })
})

describe('what is run for nothing', () => {
  let dir: string
  let record: PeerRecord
  let nowMs = 1_700_000_000_000
  const [friend, one, other] = [address('friend'), address(1), address(2)]
  const listed = rates({ startWei: '100' })
  const open = (): FreeAllowance => {
    record = openPeerRecord({ dir })
    return createFreeAllowance({
      perDayWei: 1000n,
      isKnown: (peer) => peer === friend,
      store: record,
      clock: { nowMs: () => nowMs },
    })
  }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-record-'))
  })
  afterEach(() => {
    record.close()
    rmSync(dir, { recursive: true })
  })

  it('is bounded for all strangers together, and for each peer that is known', () => {
    const allowance = open()
    allowance.take({ taskId: bytes32(1), peer: one, mostWei: 700n, rates: listed })
    assert.deepEqual(
      [one, other, friend].map((peer) => allowance.leftWei(peer)),
      [300n, 300n, 1000n],
    )
    allowance.take({ taskId: bytes32(2), peer: friend, mostWei: 1000n, rates: listed })
    assert.deepEqual(
      [other, friend].map((peer) => allowance.leftWei(peer)),
      [300n, 0n],
    )
  })

  it('takes back what a task did not come to, and all of one that failed', () => {
    const allowance = open()
    const event = acceptedEvent(1)
    allowance.take({ taskId: event.taskId, peer: one, mostWei: 700n, rates: listed })
    allowance.settle(event.taskId, receiptOf(event))
    assert.equal(allowance.leftWei(other), 900n)
    allowance.settle(event.taskId, receiptOf(event))
    allowance.take({ taskId: bytes32('x'), peer: other, mostWei: 900n, rates: listed })
    allowance.settle(bytes32('x'))
    assert.equal(allowance.leftWei(one), 900n)
  })

  it('is spent after a restart as before it, and whole again the next day', () => {
    open().take({ taskId: bytes32(1), peer: one, mostWei: 700n, rates: listed })
    record.close()
    const later = open()
    assert.equal(later.leftWei(one), 300n)
    later.settle(bytes32(1))
    assert.equal(later.leftWei(one), 300n)
    later.take({ taskId: bytes32(2), peer: one, mostWei: 200n, rates: listed })
    nowMs += 86_400_000
    later.settle(bytes32(2))
    assert.equal(later.leftWei(one), 1000n)
  })
})

describe('the record of requesters', () => {
  it('counts what each did, and outlives the process', () => {
    const dir = mkdtempSync(join(tmpdir(), 'souk-record-'))
    try {
      const record = openPeerRecord({ dir })
      for (const what of ['accepted', 'accepted', 'finished', 'unpaid'] as const)
        record.note({ requester: address(1), what, atMs: 7 })
      record.note({ requester: address(1), what: 'refused', atMs: 5 })
      record.close()
      const again = openPeerRecord({ dir })
      assert.deepEqual(
        { ...again.of(address(1)) },
        { address: address(1), accepted: 2, refused: 1, finished: 1, failed: 0, unpaid: 1, lastSeenMs: 7 },
      )
      assert.equal(again.of(address(2)), undefined)
      again.close()
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('forgets those that owe nothing and were away for longest, where there are too many', () => {
    const dir = mkdtempSync(join(tmpdir(), 'souk-record-'))
    const record = openPeerRecord({ dir })
    try {
      record.note({ requester: address('debtor'), what: 'unpaid', atMs: 1 })
      for (let number = 0; number < 10_050; number += 1)
        record.note({ requester: address(number), what: 'refused', atMs: 10 + number })
      assert.deepEqual(
        [address('debtor'), address(0), address(50), address(51), address(10_049)].map(
          (requester) => record.of(requester) !== undefined,
        ),
        [true, false, false, true, true],
      )
    } finally {
      record.close()
      rmSync(dir, { recursive: true })
    }
  }).timeout(60_000)
})
