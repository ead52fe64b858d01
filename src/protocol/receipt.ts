import { z } from 'zod'
import { isolationSchema, outcomeSchema, outputSchema, sha256Schema, usageSchema } from './execution.ts'
import { limitsSchema } from './limits.ts'
import { ratesSchema } from './price.ts'
import { weiSchema } from './task.ts'

/** 32 bytes as 0x and 64 lower-case hex digits: a keccak-256 or EIP-712 hash, or a nonce. */
export const bytes32Schema = z.string().regex(/^0x[0-9a-f]{64}$/, '0x and 64 lower-case hex digits')
/** An Ethereum address in lower case, without EIP-55 checksum case, so that it compares as a string. */
export const addressSchema = z.string().regex(/^0x[0-9a-f]{40}$/, '0x and 40 lower-case hex digits')
/** r, s, v: 65 bytes, v is 27 or 28, s in the lower half of the group order (EIP-2). */
export const signatureSchema = z.string().regex(/^0x[0-9a-f]{128}(1b|1c)$/, 'a 65-byte signature')

/** The address that stands for "any provider", for free tasks only. */
export const ANY_PROVIDER = '0x0000000000000000000000000000000000000000'
/** How far ahead a task's expiry may lie; nonces are remembered until then. */
export const MAX_EXPIRY_AHEAD_MS = 3_600_000

/** The most entries that `outputs` can have; a result with more names the first of them. */
export const MAX_RESULT_FILES = 10_000

const epochMs = z.int().nonnegative()
const streamDigestSchema = z.strictObject({ sha256: sha256Schema, bytes: z.int().nonnegative() })

/**
 * What the requester signs (EIP-712, see identity/typed-data.ts); the hash of this is the task's id.
 * `provider` is the address it is bound to, or ANY_PROVIDER.
 */
export const authorizationSchema = z.strictObject({
  specDigest: sha256Schema,
  requester: addressSchema,
  provider: addressSchema,
  nonce: bytes32Schema,
  expiryMs: epochMs,
  maxPriceWei: weiSchema,
  chainId: z.int().nonnegative(),
})
export type Authorization = z.infer<typeof authorizationSchema>

/** A task as it is submitted: the exact bytes of its spec, what was signed, and the signature. */
export interface SignedTask {
  readonly spec: Uint8Array
  readonly authorization: Authorization
  readonly signature: string
}

/** At which rates a task was charged, and whether its answer is an earlier one of the same provider's, out of its cache. */
const termsSchema = z.strictObject({ rates: ratesSchema, cached: z.literal(true).exactOptional() })
export type ReceiptTerms = z.infer<typeof termsSchema>

/**
 * The provider's signed statement of what a task came to. The signature is over the EIP-712 hash of every
 * other field, so that no value in it can be changed; `authorization` lets anybody recompute `taskId`.
 * `terms` is there where a rate is not 0, or the answer is from a cache; `priceWei` then follows from the rest of it.
 */
export const receiptSchema = z.strictObject({
  version: z.literal(1),
  taskId: bytes32Schema,
  authorization: authorizationSchema,
  provider: addressSchema,
  priceWei: weiSchema,
  attempts: z.int().positive(),
  outcome: outcomeSchema,
  usage: usageSchema,
  limits: limitsSchema,
  isolation: isolationSchema,
  stdout: streamDigestSchema,
  stderr: streamDigestSchema,
  outputs: z.array(outputSchema).max(MAX_RESULT_FILES),
  timings: z.strictObject({ acceptedAtMs: epochMs, startedAtMs: epochMs, finishedAtMs: epochMs }),
  terms: termsSchema.exactOptional(),
  signature: signatureSchema,
})
export type Receipt = z.infer<typeof receiptSchema>
export type UnsignedReceipt = Omit<Receipt, 'signature'>
