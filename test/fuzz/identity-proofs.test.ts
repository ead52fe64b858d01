import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checkProof } from '../../src/identity/check-proof.ts'
import { disagreementOf, equivocationOf } from '../../src/identity/proofs.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { deterministicTask as task, receiptSaying } from '../fixtures/provider-says.ts'

const equivocation = equivocationOf([
  receiptSaying({ number: 11, nonce: 1 }),
  receiptSaying({ number: 11, nonce: 1, stdout: 'a lie' }),
])
const disagreement = disagreementOf({
  task,
  receipts: [receiptSaying({ number: 11 }), receiptSaying({ number: 12, stdout: 'a lie' })],
})

/** Refused with a reason; a bug would throw something else. */
function isRefused(value: unknown): boolean {
  try {
    checkProof(value)
    return false
  } catch (thrown) {
    assert.ok(isSoukError(thrown, 'RECEIPT_INVALID'), String(thrown))
    assert.ok(thrown.details.reasons.length > 0)
    return true
  }
}

type Path = readonly (string | number)[]
function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  yield path
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value))
    yield* pathsOf(member, [...path, Array.isArray(value) ? Number(key) : key])
}

function changedAt(value: unknown, path: Path, replacement: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return replacement
  const members = value as Readonly<Record<string | number, unknown>>
  if (Array.isArray(value)) return value.with(Number(key), changedAt(value[Number(key)], rest, replacement))
  return { ...members, [key]: changedAt(members[key], rest, replacement) }
}

describe('fuzz: proofs', () => {
  it('refuse any value that is none', () => {
    fc.assert(fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), isRefused), { numRuns: 1000 })
    fc.assert(
      fc.property(
        fc.constantFrom('equivocation', 'disagreement'),
        fc.array(fc.jsonValue()),
        fc.jsonValue(),
        (kind, receipts, spec) => isRefused({ version: 1, kind, receipts, spec, specDigest: spec, blobs: receipts }),
      ),
      { numRuns: 1000 },
    )
  })

  for (const [name, proof] of Object.entries({ equivocation, disagreement })) {
    it(`refuse a proof of ${name} with anything changed anywhere`, () => {
      assert.ok(!isRefused(proof))
      const paths = [...pathsOf(proof)]
      assert.ok(paths.length > 100)
      fc.assert(
        fc.property(
          fc.constantFrom(...paths),
          fc.oneof(fc.jsonValue(), fc.constantFrom(0, 1, 2, '0', 'wasm', 'equivocation')),
          (path, replacement) => {
            const changed = changedAt(proof, path, replacement)
            fc.pre(JSON.stringify(changed) !== JSON.stringify(proof))
            assert.ok(isRefused(changed), path.join('.'))
          },
        ),
        { numRuns: 1500 },
      )
    }).timeout(120_000)
  }

  it('keep to their time whatever the receipts are', () => {
    const many = { ...disagreement, receipts: Array.from({ length: 100_000 }, () => disagreement.receipts[0]) }
    const startedMs = performance.now()
    assert.ok(isRefused(many))
    assert.ok(performance.now() - startedMs < 60_000)
    assert.ok(isRefused({ ...disagreement, spec: 'A'.repeat(20_000_000) }))
  }).timeout(120_000)
})
