import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  COMPARED_PARTS,
  differencesOf,
  resultKeyOf,
  termsKeyOfReceipt,
  whyNotCounted,
} from '../../src/identity/comparison.ts'
import { OUTPUT_ERROR_CODES, TRAP_NAMES, type Outcome, type Output } from '../../src/protocol/execution.ts'
import { LIMIT_KEYS, LIMIT_NAMES } from '../../src/protocol/limits.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { receiptSaying } from '../fixtures/provider-says.ts'

const sha256 = fc.constantFrom('aa'.repeat(32), 'bb'.repeat(32), 'cc'.repeat(32))
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant('exited' as const), code: fc.constantFrom(0, 1) }),
  fc.record({ kind: fc.constant('killed' as const), signal: fc.constantFrom('SIGKILL', 'SIGSEGV') }),
  fc.record({ kind: fc.constant('trapped' as const), trap: fc.constantFrom(...TRAP_NAMES) }),
  fc.record({ kind: fc.constant('limit' as const), limit: fc.constantFrom(...LIMIT_NAMES) }),
  fc.constant({ kind: 'cancelled' as const }),
)
const output: fc.Arbitrary<Output> = fc.oneof(
  fc.record({ path: fc.constantFrom('/out/a', '/out/b'), sha256, bytes: fc.constantFrom(1, 2) }),
  fc.record({
    path: fc.constantFrom('/out/a', '/out/b'),
    error: fc.record({ code: fc.constantFrom(...OUTPUT_ERROR_CODES), message: fc.string({ maxLength: 5 }) }),
  }),
)
const base = receiptSaying({ number: 11 })
/** Of results of which many are the same, with what is not compared drawn freely. */
const receipt: fc.Arbitrary<Receipt> = fc
  .record({
    outcome,
    stdout: fc.record({ sha256, bytes: fc.constantFrom(1, 2) }),
    stderr: fc.record({ sha256, bytes: fc.constantFrom(1, 2) }),
    outputs: fc.array(output, { maxLength: 3 }),
    fuelUsed: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
    times: fc.nat(),
  })
  .map(({ fuelUsed, times, ...rest }) => ({
    ...base,
    ...rest,
    usage: {
      ...base.usage,
      wallTimeMs: times,
      cpuTimeMs: times,
      memoryPeakBytes: times,
      ...(fuelUsed === undefined ? {} : { fuelUsed }),
    },
  }))

describe('comparing results', () => {
  it('finds no difference exactly where the keys are the same, whichever is first', () => {
    fc.assert(
      fc.property(receipt, receipt, (one, other) => {
        assert.deepEqual(differencesOf(one, other), differencesOf(other, one))
        assert.deepEqual(differencesOf(one, one), [])
        assert.equal(differencesOf(one, other).length === 0, resultKeyOf(one) === resultKeyOf(other))
      }),
      { numRuns: 2000 },
    )
  })

  it('sees nothing of times, memory, stderr, the words of an error and the order of files', () => {
    fc.assert(
      fc.property(receipt, receipt, (one, other) => {
        const { usage, stderr, timings, attempts, priceWei, provider } = other
        const changed: Receipt = {
          ...one,
          ...{ stderr, timings, attempts, priceWei, provider },
          usage: { ...usage, ...(one.usage.fuelUsed !== undefined && { fuelUsed: one.usage.fuelUsed }) },
          outputs: one.outputs
            .toReversed()
            .map((file) => ('error' in file ? { path: file.path, error: { ...file.error, message: 'else' } } : file)),
        }
        if (one.usage.fuelUsed === undefined) delete changed.usage.fuelUsed
        assert.deepEqual(differencesOf(one, changed), [])
      }),
    )
  })

  it('names the part that differs, and that alone', () => {
    const changes: Readonly<Record<(typeof COMPARED_PARTS)[number], Partial<Receipt>>> = {
      outcome: { outcome: { kind: 'exited', code: 1 } },
      stdout: { stdout: { ...base.stdout, sha256: '00'.repeat(32) } },
      outputs: { outputs: [] },
      fuelUsed: { usage: { ...base.usage, fuelUsed: 1 } },
    }
    for (const part of COMPARED_PARTS) assert.deepEqual(differencesOf(base, { ...base, ...changes[part] }), [part])
    // An empty stream has a digest of its own, and a length is not taken from it.
    assert.deepEqual(differencesOf(base, { ...base, stdout: { ...base.stdout, bytes: 0 } }), ['stdout'])
  })

  it('counts what a program comes to by itself, and nothing that its machine or its requester does', () => {
    const counted = (changed: Partial<Receipt>): boolean => whyNotCounted({ ...base, ...changed }) === undefined
    assert.ok(counted({}))
    for (const trap of TRAP_NAMES) assert.ok(counted({ outcome: { kind: 'trapped', trap } }), trap)
    for (const limit of LIMIT_NAMES)
      assert.equal(counted({ outcome: { kind: 'limit', limit } }), limit === 'fuel', limit)
    assert.ok(!counted({ outcome: { kind: 'cancelled' } }))
    assert.ok(!counted({ outcome: { kind: 'killed', signal: 'SIGKILL' } }))
    for (const code of OUTPUT_ERROR_CODES)
      assert.equal(
        counted({ outputs: [{ path: '/out/a', error: { code, message: '' } }] }),
        !['TOO_LARGE', 'TOO_MANY', 'UNREADABLE'].includes(code),
        code,
      )
  })

  it('compares on the same terms only: every limit and the version of the engine', () => {
    const key = termsKeyOfReceipt(base)
    assert.equal(termsKeyOfReceipt({ ...base, limits: { ...base.limits } }), key)
    for (const limit of LIMIT_KEYS)
      assert.notEqual(termsKeyOfReceipt({ ...base, limits: { ...base.limits, [limit]: 77 } }), key, limit)
    assert.notEqual(termsKeyOfReceipt({ ...base, isolation: { ...base.isolation, engine: 'V8 14' } }), key)
    assert.equal(termsKeyOfReceipt({ ...base, isolation: { ...base.isolation, reuse: 'same-requester' } }), key)
  })
})
