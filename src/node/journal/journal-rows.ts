import { z } from 'zod'
import { serialisedErrorSchema, SoukError } from '../../protocol/errors.ts'
import { RUNTIME_NAMES } from '../../protocol/execution.ts'
import { ALWAYS_APPLIED, limitsSchema, type Limits } from '../../protocol/limits.ts'
import { FREE_RATES, ratesSchema } from '../../protocol/price.ts'
import {
  addressSchema,
  authorizationSchema,
  bytes32Schema,
  receiptSchema,
  signatureSchema,
} from '../../protocol/receipt.ts'
import { weiSchema } from '../../protocol/task.ts'
import type { TaskEventRecord } from './task-state.ts'

export type StoredEvent = Exclude<TaskEventRecord, { kind: 'removed' }>

/** An event as a row: the spec is kept with the task, everything else that has no column is in `body`. */
export interface EventRow {
  readonly taskId: string
  readonly kind: string
  readonly atMs: number
  readonly body: string
  readonly spec: Uint8Array | null
}

/** Keys of `body` are checked when it is read back: the file may be older than this program, or damaged. */
export function encodeEvent(event: StoredEvent): EventRow {
  const { kind, taskId, atMs, ...rest } = event
  if (!('spec' in rest)) return { taskId, kind, atMs, body: JSON.stringify(rest), spec: null }
  const { spec, ...body } = rest
  return { taskId, kind, atMs, body: JSON.stringify(body), spec }
}

const epochMs = z.int().nonnegative()
const base = { taskId: bytes32Schema, atMs: epochMs }
const appliedSchema = limitsSchema.refine(
  (limits): limits is Limits => ALWAYS_APPLIED.every((key) => limits[key] !== undefined),
  'lacks a limit that every run has',
)

const eventSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...base,
    kind: z.literal('accepted'),
    requester: addressSchema,
    authorization: authorizationSchema,
    signature: signatureSchema,
    spec: z.instanceof(Uint8Array),
    runtime: z.enum(RUNTIME_NAMES),
    limits: appliedSchema,
    rates: ratesSchema,
    maxPriceWei: weiSchema,
    channelId: bytes32Schema.exactOptional(),
    queueDeadlineMs: epochMs,
    totalDeadlineMs: epochMs,
    retriesLeft: z.int().nonnegative(),
  }),
  z.strictObject({ ...base, kind: z.literal('started'), attempt: z.int().positive() }),
  z.strictObject({ ...base, kind: z.literal('requeued'), error: serialisedErrorSchema }),
  z.strictObject({ ...base, kind: z.literal('cancelRequested') }),
  z.strictObject({
    ...base,
    kind: z.literal('finished'),
    receipt: receiptSchema,
    channelId: bytes32Schema.exactOptional(),
  }),
  z.strictObject({ ...base, kind: z.literal('failed'), error: serialisedErrorSchema }),
])

/** @throws SoukError START_FAILED when the row is none that `encodeEvent` made. */
export function decodeEvent(row: EventRow): StoredEvent {
  const { taskId, kind, atMs, body, spec } = row
  try {
    const fields: unknown = JSON.parse(body)
    if (typeof fields !== 'object' || fields === null) throw new TypeError('the body is not an object')
    return eventSchema.parse({ ...withRates(fields), taskId, kind, atMs, ...(kind === 'accepted' && { spec }) })
  } catch (cause) {
    const reason = `the journal's entry '${kind}' of task ${taskId} cannot be read`
    throw new SoukError({
      code: 'START_FAILED',
      message: `The node could not start: ${reason}`,
      details: { reason },
      hint: 'The journal is damaged, or was written by another version: restore it from a backup, or move it away.',
      cause,
    })
  }
}

/** Reads acceptances of older versions, which had one fixed price instead of rates. */
function withRates(fields: object): object {
  if (!('priceWei' in fields)) return fields
  const { priceWei, ...rest } = fields
  return { ...rest, rates: { ...FREE_RATES, startWei: priceWei }, maxPriceWei: priceWei }
}
