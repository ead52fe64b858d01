import { Buffer } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import { issuesOf, SoukError } from '../protocol/errors.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { blobsOf, isDeterministic, type TaskSpec } from '../protocol/task.ts'
import { differencesOf, resultKeyOf, termsKeyOfReceipt, whyNotCounted, type ComparedPart } from './comparison.ts'
import { jsonFormFaults } from './json-form.ts'
import { proofSchema, taskOfDisagreement, type DisagreementProof, type EquivocationProof } from './proofs.ts'
import { checkReceipt } from './receipt.ts'
import { specDigestOf } from './task.ts'
import { receiptHashOf } from './typed-data.ts'

/** An equivocation that holds: the signatures alone say that `provider` lied. */
export interface ProvenEquivocation {
  readonly kind: 'equivocation'
  readonly proof: EquivocationProof
  readonly provider: string
  readonly taskId: string
  /** Members of a receipt that are not the same in both. */
  readonly differing: readonly string[]
}

/** A disagreement that holds: somebody is wrong. Who it is, only running the task again can tell. */
export interface ProvenDisagreement {
  readonly kind: 'disagreement'
  readonly proof: DisagreementProof
  readonly spec: TaskSpec
  readonly bytes: Uint8Array
  /** How many different results there are. */
  readonly results: number
  /** In what each receipt, in the order of the proof, differs from the first. */
  readonly differing: readonly (readonly ComparedPart[])[]
}

export type ProvenProof = ProvenEquivocation | ProvenDisagreement

/**
 * Checks a proof by what is in it alone. Takes time in proportion to `value`, whose bytes the caller has bounded.
 * @throws SoukError RECEIPT_INVALID with every reason, each receipt's by its number
 */
export function checkProof(value: unknown): ProvenProof {
  const faults = jsonFormFaults(value)
  if (faults.length > 0) throw invalidProof(faults)
  const parsed = proofSchema.safeParse(value)
  if (!parsed.success)
    throw invalidProof(
      issuesOf(parsed.error).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
    )
  const proof = parsed.data
  return proof.kind === 'equivocation' ? checkEquivocation(proof) : checkDisagreement(proof)
}

function checkEquivocation(proof: EquivocationProof): ProvenEquivocation {
  const [one, other] = proof.receipts
  const reasons = [...receiptReasons(proof.receipts)]
  if (one.provider !== other.provider) reasons.push('the receipts are by two providers')
  if (one.taskId !== other.taskId) reasons.push('the receipts are about two tasks')
  if (reasons.length === 0 && receiptHashOf(one) === receiptHashOf(other)) reasons.push('both receipts say the same')
  if (reasons.length > 0) throw invalidProof(reasons)
  const keys = new Set([...Object.keys(one), ...Object.keys(other)] as (keyof Receipt)[])
  keys.delete('signature')
  const differing = [...keys].filter((key) => !isDeepStrictEqual(one[key], other[key]))
  return { kind: 'equivocation', proof, provider: one.provider, taskId: one.taskId, differing }
}

function checkDisagreement(proof: DisagreementProof): ProvenDisagreement {
  const { receipts } = proof
  const [first] = receipts
  const { spec, bytes } = taskOfDisagreement(proof)
  const reasons = [...receiptReasons(receipts), ...taskReasons({ proof, spec, bytes })]
  for (const [index, receipt] of receipts.entries()) {
    const why = whyNotCounted(receipt)
    if (receipt.authorization.specDigest !== proof.specDigest) reasons.push(`${ordinal(index)} is about another task`)
    if (why !== undefined) reasons.push(`${ordinal(index)} says nothing of what the task comes to: ${why}`)
    if (first !== undefined && termsKeyOfReceipt(receipt) !== termsKeyOfReceipt(first))
      reasons.push(
        `${ordinal(index)} is of another engine or other limits than the first, and cannot be compared with it`,
      )
  }
  if (new Set(receipts.map(({ provider }) => provider)).size !== receipts.length)
    reasons.push('two receipts are by one provider')
  const results = new Set(receipts.map(resultKeyOf)).size
  if (results < 2) reasons.push('all receipts say the same')
  if (reasons.length > 0 || spec === undefined || first === undefined) throw invalidProof(reasons)
  const differing = receipts.map((receipt) => differencesOf(first, receipt))
  return { kind: 'disagreement', proof, spec, bytes, results, differing }
}

function taskReasons({
  proof,
  spec,
  bytes,
}: {
  readonly proof: DisagreementProof
  readonly spec: TaskSpec | undefined
  readonly bytes: Uint8Array
}): readonly string[] {
  const reasons: string[] = []
  if (Buffer.from(bytes).toString('base64') !== proof.spec) reasons.push('spec is not the base64 of its bytes')
  if (specDigestOf(bytes) !== proof.specDigest) reasons.push('spec does not have the digest of specDigest')
  if (spec === undefined) return [...reasons, 'spec is not a task']
  if (!isDeterministic(spec.runtime)) reasons.push('the task is not deterministic: honest providers may differ')
  if (!isDeepStrictEqual(proof.blobs, blobsOf(spec))) reasons.push('blobs are not those that the task names')
  return reasons
}

function receiptReasons(receipts: readonly Receipt[]): readonly string[] {
  return receipts.flatMap((receipt, index) =>
    checkReceipt(receipt).reasons.map((reason) => `${ordinal(index)}: ${reason}`),
  )
}

const ordinal = (index: number): string => `receipt ${index + 1}`

function invalidProof(reasons: readonly string[]): SoukError<'RECEIPT_INVALID'> {
  return new SoukError({
    code: 'RECEIPT_INVALID',
    message: `The proof does not hold: ${reasons.join('; ')}.`,
    details: { reasons },
    hint: 'It shows nothing: whoever made it has changed it, or takes what is no lie for one.',
  })
}
