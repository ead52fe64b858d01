import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { sha256Schema } from '../protocol/execution.ts'
import { receiptSchema, type Receipt } from '../protocol/receipt.ts'
import { blobRefSchema, blobsOf, TASK_BOUNDS, taskSpecSchema, type TaskSpec } from '../protocol/task.ts'
import { MAX_QUORUM } from '../protocol/verification.ts'
import { specDigestOf } from './task.ts'

const BASE64_CHARACTERS = 4 * Math.ceil(TASK_BOUNDS.specBytes / 3)

/**
 * That somebody signed two receipts for one task which are not the same. Each task has one receipt, so that the signatures
 * alone prove it.
 */
export const equivocationSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('equivocation'),
  receipts: z.tuple([receiptSchema, receiptSchema]),
})
export type EquivocationProof = z.infer<typeof equivocationSchema>

/**
 * That several providers signed different results for one deterministic task. At least one of them is wrong; which, whoever
 * runs the task again can tell: its bytes are here, and the files that it needs are named.
 */
export const disagreementSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('disagreement'),
  specDigest: sha256Schema,
  /** The bytes of the task as its requester serialised them, in base64. */
  spec: z.base64().max(BASE64_CHARACTERS),
  /** Every file that the task names, in the order in which it does. */
  blobs: z.array(blobRefSchema).max(TASK_BOUNDS.inputs + 2),
  receipts: z.array(receiptSchema).min(2).max(MAX_QUORUM),
})
export type DisagreementProof = z.infer<typeof disagreementSchema>

export const proofSchema = z.discriminatedUnion('kind', [equivocationSchema, disagreementSchema])
export type Proof = z.infer<typeof proofSchema>

/** Whether a document says of itself that it is a proof; of which kind and whether it holds is another question. */
export function looksLikeProof(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'receipts') && Object.hasOwn(value, 'kind')
}

export function equivocationOf(receipts: readonly [Receipt, Receipt]): EquivocationProof {
  return { version: 1, kind: 'equivocation', receipts: [...receipts] }
}

/** @param bytes the task as it was sent to each of the providers */
export function disagreementOf({
  task,
  receipts,
}: {
  readonly task: { readonly spec: TaskSpec; readonly bytes: Uint8Array }
  readonly receipts: readonly Receipt[]
}): DisagreementProof {
  const { spec, bytes } = task
  return {
    version: 1,
    kind: 'disagreement',
    specDigest: specDigestOf(bytes),
    spec: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    blobs: [...blobsOf(spec)],
    receipts: [...receipts],
  }
}

/** The bytes of a disagreement's task, and what they say where that is a task. */
export function taskOfDisagreement(proof: Pick<DisagreementProof, 'spec'>): {
  readonly bytes: Uint8Array
  readonly spec?: TaskSpec
} {
  const bytes = Buffer.from(proof.spec, 'base64')
  try {
    const spec = taskSpecSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data
    return { bytes, ...(spec !== undefined && { spec }) }
  } catch {
    return { bytes }
  }
}
