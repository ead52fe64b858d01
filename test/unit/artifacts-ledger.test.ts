import assert from 'node:assert/strict'
import { chargeOf, Ledger } from '../../src/artifacts/ledger.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { BlobRef } from '../../src/protocol/task.ts'

const KiB = 1024
const alice = `0x${'a1'.repeat(20)}`
const bob = `0x${'b0'.repeat(20)}`
const carol = `0x${'ca'.repeat(20)}`
const blob = (digit: string, bytes = 4 * KiB): BlobRef => ({ sha256: digit.repeat(64), bytes })
const full = (neededBytes: number, quotaBytes: number) => (thrown: unknown) => {
  assert(isSoukError(thrown, 'STORAGE_FULL'), String(thrown))
  assert.deepEqual(thrown.details, { neededBytes, quotaBytes })
  return true
}
const wrongLength = (thrown: unknown): boolean => isSoukError(thrown, 'INVALID_INPUT')

describe('ledger of blobs', () => {
  let ledger: Ledger
  beforeEach(() => {
    ledger = new Ledger({ quotaBytes: 20 * KiB, ownerQuotaBytes: 12 * KiB })
  })
  const digests = (entries: readonly { readonly sha256: string }[]): string =>
    entries.map(({ sha256 }) => sha256.charAt(0)).join('')
  const complete = (holder: string, owner: string, ...blobs: BlobRef[]): void => {
    ledger.reserve({ holder, owner, blobs })
    for (const { sha256 } of blobs) ledger.setState({ owner, sha256 }, 'complete')
  }

  it('counts blocks, at least one', () => {
    assert.deepEqual([0, 1, 4096, 4097, 2 ** 40].map(chargeOf), [4096, 4096, 4096, 8192, 2 ** 40])
  })

  it('counts a blob once, however often and by however many it is held', () => {
    ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1'), blob('1'), blob('2')] })
    ledger.reserve({ holder: 't2', owner: alice, blobs: [blob('1')] })
    assert.deepEqual(ledger.usage(), { bytes: 8 * KiB, heldBytes: 8 * KiB, blobs: 2 })
    ledger.release({ holder: 't1' })
    assert.deepEqual(ledger.usage(), { bytes: 4 * KiB, heldBytes: 4 * KiB, blobs: 1 })
    ledger.release({ holder: 't2' })
    ledger.release({ holder: 't2' })
    assert.deepEqual(ledger.usage(), { bytes: 0, heldBytes: 0, blobs: 0 })
  })

  it('counts what two peers have of the same content for each', () => {
    ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1')] })
    ledger.reserve({ holder: 't2', owner: bob, blobs: [blob('1'), blob('2')] })
    assert.equal(ledger.heldBytesOf(alice), 4 * KiB)
    assert.equal(ledger.heldBytesOf(bob), 8 * KiB)
    assert.equal(
      ledger.heldBytes((owner) => owner !== alice),
      8 * KiB,
    )
    assert.equal(ledger.usage().bytes, 12 * KiB)
  })

  it('holds all or nothing, within the quota of the peer and of the whole', () => {
    ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1'), blob('2')] })
    const before = ledger.usage()
    assert.throws(
      () => ledger.reserve({ holder: 't2', owner: alice, blobs: [blob('1'), blob('3'), blob('4')] }),
      full(8 * KiB, 12 * KiB),
    )
    assert.deepEqual(ledger.usage(), before)
    ledger.reserve({ holder: 't3', owner: bob, blobs: [blob('1'), blob('2'), blob('3')] })
    assert.throws(() => ledger.reserve({ holder: 't4', owner: alice, blobs: [blob('3')] }), full(4 * KiB, 20 * KiB))
    ledger.reserve({ holder: 't4', owner: alice, blobs: [blob('2')] })
    assert.equal(ledger.usage().heldBytes, 20 * KiB)
  })

  it('lets those go that nobody holds, idle for longest first', () => {
    complete('t1', alice, blob('1'))
    complete('t2', alice, blob('2'))
    complete('t3', bob, blob('3'), blob('4'))
    for (const holder of ['t2', 't1', 't3']) ledger.release({ holder })
    assert.deepEqual(ledger.usage(), { bytes: 16 * KiB, heldBytes: 0, blobs: 4 })
    ledger.touch({ owner: alice, sha256: blob('2').sha256 })
    assert.equal(digests(ledger.reserve({ holder: 't4', owner: carol, blobs: [blob('5', 12 * KiB)] })), '13')
  })

  it('makes room within the share of a peer with what is its own', () => {
    complete('t1', bob, blob('1'))
    complete('t2', alice, blob('2'), blob('3'))
    for (const holder of ['t1', 't2']) ledger.release({ holder })
    assert.equal(digests(ledger.reserve({ holder: 't3', owner: alice, blobs: [blob('4', 8 * KiB)] })), '2')
    assert.equal(ledger.find({ owner: bob, sha256: blob('1').sha256 })?.state, 'complete')
  })

  it('does not let go what is asked for, held or in use', () => {
    complete('t1', alice, blob('1'), blob('2'), blob('3'))
    const endUse = ledger.use({ owner: alice, sha256: blob('1').sha256 })
    ledger.release({ holder: 't1' })
    assert.equal(digests(ledger.reserve({ holder: 't2', owner: alice, blobs: [blob('2'), blob('4')] })), '3')
    assert.throws(() => ledger.reserve({ holder: 't3', owner: alice, blobs: [blob('5')] }), full(4 * KiB, 12 * KiB))
    endUse()
    endUse()
    assert.equal(digests(ledger.reserve({ holder: 't3', owner: alice, blobs: [blob('5')] })), '1')
  })

  it('forgets what was never there as soon as nobody holds it, and keeps a part for the next time', () => {
    ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1'), blob('2')] })
    ledger.setState({ owner: alice, sha256: blob('2').sha256 }, 'partial')
    ledger.release({ holder: 't1' })
    assert.equal(ledger.find({ owner: alice, sha256: blob('1').sha256 }), undefined)
    assert.equal(ledger.find({ owner: alice, sha256: blob('2').sha256 })?.state, 'partial')
  })

  it('takes a length at its word only where nothing contradicts it', () => {
    assert.throws(
      () => ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1', 1), blob('1', 2)] }),
      wrongLength,
    )
    ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1', 1)] })
    assert.throws(() => ledger.reserve({ holder: 't2', owner: alice, blobs: [blob('1', 2)] }), wrongLength)
    ledger.reserve({ holder: 't2', owner: bob, blobs: [blob('1', 2)] })
    ledger.add({ owner: alice, ...blob('2', 100), state: 'partial' })
    ledger.reserve({ holder: 't3', owner: alice, blobs: [blob('2', 5000)] })
    assert.equal(ledger.heldBytesOf(alice), 12 * KiB)
    ledger.add({ owner: bob, ...blob('3', 100), state: 'complete' })
    assert.throws(() => ledger.reserve({ holder: 't4', owner: bob, blobs: [blob('3', 99)] }), wrongLength)
  })

  it('holds again what the journal says, whatever the quotas, and says what is missing', () => {
    ledger.add({ owner: alice, ...blob('1', 40 * KiB), state: 'complete' })
    ledger.add({ owner: alice, ...blob('2', 10), state: 'partial' })
    ledger.add({ owner: alice, ...blob('3', 10), state: 'complete' })
    const restored = ledger.restore({
      holder: 't1',
      owner: alice,
      blobs: [blob('1', 40 * KiB), blob('2', 20), blob('3', 20), blob('4')],
    })
    assert.equal(digests(restored.missing), '234')
    assert.equal(digests(restored.damaged), '3')
    assert.equal(ledger.heldBytesOf(alice), 52 * KiB)
    assert.throws(() => ledger.reserve({ holder: 't2', owner: bob, blobs: [blob('1')] }), full(4 * KiB, 20 * KiB))
    ledger.reserve({ holder: 't2', owner: alice, blobs: [blob('1', 40 * KiB)] })
    ledger.release({ holder: 't1' })
    assert.equal(ledger.heldBytesOf(alice), 40 * KiB)
  })

  it('does not hold for one holder what two peers have', () => {
    ledger.reserve({ holder: 't1', owner: alice, blobs: [blob('1')] })
    assert.throws(
      () => ledger.reserve({ holder: 't1', owner: bob, blobs: [blob('1')] }),
      (thrown) => isSoukError(thrown, 'INTERNAL'),
    )
  })
})
