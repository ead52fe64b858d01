import assert from 'node:assert/strict'
import { checkProof } from '../../src/identity/check-proof.ts'
import {
  disagreementOf,
  equivocationOf,
  looksLikeProof,
  proofSchema,
  type DisagreementProof,
} from '../../src/identity/proofs.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { deterministicTask as task, receiptSaying, taskOf } from '../fixtures/provider-says.ts'
import { keyOf, runDocument, signedReceipt } from '../fixtures/receipts.ts'

const reasonsOf = (value: unknown): string => {
  try {
    checkProof(value)
  } catch (thrown) {
    assert.ok(isSoukError(thrown, 'RECEIPT_INVALID'), String(thrown))
    return thrown.details.reasons.join('\n')
  }
  throw new Error('it holds')
}
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('a proof of an equivocation', () => {
  const one = receiptSaying({ number: 11, nonce: 1 })
  const other = receiptSaying({ number: 11, nonce: 1, stdout: 'a lie' })

  it('holds by the signatures alone, and says in what the receipts differ', () => {
    const proven = checkProof(throughJson(equivocationOf([one, other])))
    assert.ok(proven.kind === 'equivocation')
    assert.deepEqual([proven.provider, proven.taskId], [keyOf(11).address, one.taskId])
    assert.deepEqual(proven.differing, ['stdout'])
    const timed = receiptSaying({ number: 11, nonce: 1, changed: { attempts: 2 } })
    const again = checkProof(equivocationOf([one, timed]))
    assert.deepEqual(again.kind === 'equivocation' && again.differing, ['attempts'])
  })

  it('is none of one receipt, of two tasks, of two providers, or of what nobody signed', () => {
    assert.match(reasonsOf(equivocationOf([one, one])), /both receipts say the same/)
    assert.match(reasonsOf(equivocationOf([one, receiptSaying({ number: 11, nonce: 2 })])), /about two tasks/)
    assert.match(reasonsOf(equivocationOf([one, receiptSaying({ number: 12, nonce: 1 })])), /by two providers/)
    const changed: Receipt = { ...other, attempts: 9 }
    assert.match(reasonsOf(equivocationOf([one, changed])), /^receipt 2: signature is not by provider/)
  })
})

describe('a proof of a disagreement', () => {
  const honest = [11, 12].map((number) => receiptSaying({ number }))
  const liar = receiptSaying({ number: 13, stdout: 'a lie', changed: { outcome: { kind: 'exited', code: 1 } } })
  const proof = disagreementOf({ task, receipts: [...honest, liar] })
  const changedTo = (changed: Partial<DisagreementProof>): string => reasonsOf({ ...proof, ...changed })

  it('holds by what is in it, and does not say who was right', () => {
    const proven = checkProof(throughJson(proof))
    assert.ok(proven.kind === 'disagreement')
    assert.equal(proven.results, 2)
    assert.deepEqual(proven.differing, [[], [], ['outcome', 'stdout']])
    assert.deepEqual(proven.spec, task.spec)
    assert.deepEqual(
      proof.blobs.map(({ bytes }) => bytes),
      [1000, 5],
    )
  })

  it('is none where all say the same, one provider has two, or a receipt is of another task', () => {
    assert.match(changedTo({ receipts: honest }), /all receipts say the same/)
    const twice = [...honest, receiptSaying({ number: 11, nonce: 77, stdout: 'a lie' })]
    assert.match(changedTo({ receipts: twice }), /two receipts are by one provider/)
    const other = taskOf({ ...task.spec, name: 'other' })
    const foreign = receiptSaying({ number: 13, task: other, stdout: 'a lie' })
    assert.match(changedTo({ receipts: [...honest, foreign] }), /receipt 3 is about another task/)
  })

  it('is none where honest providers may differ', () => {
    const { limits, isolation } = liar
    const with3 = (changed: Parameters<typeof receiptSaying>[0]['changed'] & object): string =>
      changedTo({ receipts: [...honest, receiptSaying({ number: 13, stdout: 'a lie', changed })] })
    assert.match(with3({ limits: { ...limits, memoryBytes: 5 } }), /receipt 3 is of another engine or other limits/)
    assert.match(with3({ isolation: { ...isolation, engine: 'V8 14' } }), /receipt 3 is of another engine/)
    assert.match(
      with3({ outcome: { kind: 'limit', limit: 'cpuTime' } }),
      /receipt 3 says nothing of what the task comes to/,
    )
    assert.match(with3({ outcome: { kind: 'cancelled' } }), /receipt 3 says nothing/)
    const { runtime } = task.spec
    assert.ok('module' in runtime)
    const free = taskOf({ ...task.spec, runtime: { module: runtime.module } })
    const receipts = [11, 12].map((number) => receiptSaying({ number, task: free, stdout: String(number) }))
    assert.match(reasonsOf(disagreementOf({ task: free, receipts })), /the task is not deterministic/)
  })

  it('is none with a changed task, changed files, or a receipt that nobody signed', () => {
    assert.match(
      changedTo({ spec: Buffer.from('{}').toString('base64') }),
      /does not have the digest[\s\S]*is not a task/,
    )
    assert.match(changedTo({ specDigest: '00'.repeat(32) }), /does not have the digest/)
    assert.match(changedTo({ blobs: [] }), /blobs are not those that the task names/)
    assert.match(changedTo({ receipts: [...honest, { ...liar, priceWei: '1' }] }), /receipt 3: /)
    assert.match(changedTo({ receipts: [liar] }), /receipts: /)
  })

  it('is told from a receipt and from a result', () => {
    assert.ok(looksLikeProof(proof))
    for (const document of [signedReceipt(), runDocument(), null, [], 'x']) assert.ok(!looksLikeProof(document))
    assert.ok(proofSchema.safeParse(proof).success)
  })
})
