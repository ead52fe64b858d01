import { z } from 'zod'
import type { ErrorCode, ErrorDetails } from './error-codes.ts'
import { limitNameSchema } from './errors.ts'
import { REFUSAL_REASONS, type RefusalReason } from './refusals.ts'

const text = z.string().max(10_000)
const count = z.number()
const issues = z.array(z.object({ path: text, message: text }))
const refusal = z.object({
  reason: z.enum(Object.keys(REFUSAL_REASONS) as [RefusalReason, ...RefusalReason[]]),
  message: text,
  subject: text.exactOptional(),
  asked: text.exactOptional(),
  offered: text.exactOptional(),
})
const nothing = z.object({}) as unknown as z.ZodType<Record<string, never>>

/**
 * The shape of each code's details, for errors that strangers send: whoever prints an error may rely on it.
 * Keys that are not of the shape are dropped.
 */
export const ERROR_DETAILS_SCHEMAS: { readonly [C in ErrorCode]: z.ZodType<ErrorDetails[C]> } = {
  INVALID_INPUT: z.object({ issues }),
  INVALID_USAGE: z.object({ argument: text.exactOptional() }),
  MODULE_REFUSED: z.object({ reason: text, name: text.exactOptional() }),
  IMAGE_REFUSED: z.object({ reason: text, image: text.exactOptional() }),
  REFUSED: z.object({ reasons: z.array(refusal) }),
  EXECUTION_TIMEOUT: z.object({ limit: limitNameSchema, limitMs: count.exactOptional() }),
  RESOURCE_LIMIT: z.object({ limit: limitNameSchema, limitValue: count.exactOptional() }),
  QUEUE_TIMEOUT: z.object({ waitedMs: count }),
  TOTAL_TIMEOUT: z.object({ limitMs: count }),
  CANCELLED: nothing,
  NOT_FOUND: z.object({ id: text }),
  BLOB_UNAVAILABLE: z.object({ sha256: text }),
  RUNTIME_UNAVAILABLE: z.object({ runtime: text, why: text }),
  EXECUTOR_FAILED: z.object({ runtime: text, reason: text }),
  STORAGE_FULL: z.object({ neededBytes: count.exactOptional(), quotaBytes: count.exactOptional() }),
  PROVIDER_STOPPED: z.object({ attempts: count }),
  UNREACHABLE: z.object({ address: text }),
  CONNECTION_LOST: z.object({ address: text.exactOptional() }),
  PROTOCOL_ERROR: z.object({ reason: text }),
  CONFIG_INVALID: z.object({ file: text, issues }),
  KEY_UNUSABLE: z.object({ file: text, reason: text }),
  START_FAILED: z.object({ reason: text }),
  NODE_NOT_RUNNING: z.object({ socket: text }),
  RECEIPT_INVALID: z.object({ reasons: z.array(text) }),
  INTERNAL: z.object({ reason: text }),
  NO_QUORUM: z.object({ needed: count, agreed: count, said: z.array(z.object({ provider: text, what: text })) }),
  CHAIN_UNREACHABLE: z.object({ endpoints: z.array(text), reason: text }),
  WRONG_CHAIN: z.object({ endpoint: text, expected: count, found: count }),
  CHAIN_REFUSED: z.object({ kind: text, reason: text, hash: text.exactOptional() }),
  PAYMENT_REQUIRED: z.object({ channelId: text, askedWei: text, receivedWei: text }),
  CONNECTION_LIMITED: z.object({ bytes: count, mostBytes: count }),
}
