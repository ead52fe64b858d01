import { z } from 'zod'
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'
import { TASK_STATES, type TaskSummary } from './events.ts'
import { outcomeSchema, type Outcome } from './execution.ts'
import type {
  Outcome as OutcomeMessage,
  SignedQuote as SignedQuoteMessage,
  SignedTask as SignedTaskMessage,
  TaskSummary as TaskSummaryMessage,
} from './messages.js'
import { authorizationSchema, bytes32Schema, signatureSchema, type SignedTask } from './receipt.ts'
import type { SignedQuote } from './quote.ts'
import { nameSchema, runtimeNameSchema } from './task.ts'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { bareHexOfBytes, bytesOfHex, checked, hexOfBytes, oneOf, protocolError, required } from './wire-fields.ts'

const ADDRESS_BYTES = 20
const SIGNATURE_BYTES = 65
/** Length of a task's id, a nonce and every digest. */
const HASH_BYTES = 32

export function taskIdToBytes(taskId: string): Uint8Array<ArrayBuffer> {
  return bytesOfHex('task id', taskId, HASH_BYTES)
}

export function taskIdFromBytes(bytes: Uint8Array): string {
  return checked('task id', bytes32Schema, hexOfBytes('task id', bytes, HASH_BYTES))
}

export function sha256ToBytes(sha256: string): Uint8Array<ArrayBuffer> {
  return bytesOfHex('sha256', sha256, HASH_BYTES)
}

export function sha256FromBytes(bytes: Uint8Array): string {
  return bareHexOfBytes('sha256', bytes, HASH_BYTES)
}

export function signedTaskToMessage({ spec, authorization, signature }: SignedTask): SignedTaskMessage {
  return {
    spec: checkedSpec(spec),
    authorization: {
      specDigest: bytesOfHex('spec digest', authorization.specDigest, HASH_BYTES),
      requester: bytesOfHex('requester', authorization.requester, ADDRESS_BYTES),
      provider: bytesOfHex('provider', authorization.provider, ADDRESS_BYTES),
      nonce: bytesOfHex('nonce', authorization.nonce, HASH_BYTES),
      expiryMs: authorization.expiryMs,
      maxPriceWei: authorization.maxPriceWei,
      chainId: authorization.chainId,
    },
    signature: bytesOfHex('signature', signature, SIGNATURE_BYTES),
  }
}

/** The form only: who signed, and whether the digest is that of the spec, is for identity to say. */
export function signedTaskFromMessage(message: SignedTaskMessage): SignedTask {
  const spec = checkedSpec(message.spec)
  const fields = required('submit.task.authorization', message.authorization)
  const authorization = checked('authorization', authorizationSchema, {
    specDigest: bareHexOfBytes('spec digest', fields.specDigest, HASH_BYTES),
    requester: hexOfBytes('requester', fields.requester, ADDRESS_BYTES),
    provider: hexOfBytes('provider', fields.provider, ADDRESS_BYTES),
    nonce: hexOfBytes('nonce', fields.nonce, HASH_BYTES),
    expiryMs: fields.expiryMs,
    maxPriceWei: fields.maxPriceWei,
    chainId: fields.chainId,
  })
  const signature = checked('signature', signatureSchema, hexOfBytes('signature', message.signature, SIGNATURE_BYTES))
  // A copy, so that a small spec does not keep the whole frame buffer that it came in.
  return { spec: spec.slice(), authorization, signature }
}

export function checkedSpec(spec: Uint8Array): Uint8Array<ArrayBuffer> {
  return sized('spec', spec, WIRE_BOUNDS.specBytes)
}

/** The form only: whose quote it is, and of what, is for identity to say. */
export function signedQuoteFromMessage({ quote, signature }: SignedQuoteMessage): SignedQuote {
  return {
    bytes: sized('quote', quote, WIRE_BOUNDS.quoteBytes).slice(),
    signature: checked('quote.signature', signatureSchema, hexOfBytes('quote.signature', signature, SIGNATURE_BYTES)),
  }
}

export function signedQuoteToMessage({ bytes, signature }: SignedQuote): SignedQuoteMessage {
  return {
    quote: sized('quote', bytes, WIRE_BOUNDS.quoteBytes),
    signature: bytesOfHex('quote.signature', signature, SIGNATURE_BYTES),
  }
}

function sized(what: string, bytes: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength === 0) throw protocolError(`the ${what} is empty`)
  if (bytes.byteLength > maxBytes)
    throw protocolError(`the ${what} has ${bytes.byteLength} bytes, more than ${maxBytes}`)
  return bytes as Uint8Array<ArrayBuffer>
}

const summarySchema = z.strictObject({
  taskId: bytes32Schema,
  name: nameSchema,
  runtime: runtimeNameSchema,
  state: z.enum(TASK_STATES),
  attempts: z.int().nonnegative(),
  acceptedAtMs: z.int().nonnegative(),
  startedAtMs: z.int().nonnegative().exactOptional(),
  finishedAtMs: z.int().nonnegative().exactOptional(),
  outcome: outcomeSchema.exactOptional(),
  errorCode: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]).exactOptional(),
  stdoutBytes: z.int().nonnegative(),
  stderrBytes: z.int().nonnegative(),
})

export function summaryToMessage(summary: TaskSummary): TaskSummaryMessage {
  const { taskId, outcome, ...plain } = summary
  return {
    taskId: taskIdToBytes(taskId),
    ...plain,
    ...(outcome === undefined ? {} : { outcome: outcomeToMessage(outcome) }),
  }
}

export function summaryFromMessage(message: TaskSummaryMessage): TaskSummary {
  const { taskId, outcome, ...plain } = message
  return checked('task', summarySchema, {
    ...plain,
    taskId: taskIdFromBytes(taskId),
    ...(outcome === undefined ? {} : { outcome: outcomeFromMessage(outcome) }),
  })
}

function outcomeToMessage(outcome: Outcome): OutcomeMessage {
  switch (outcome.kind) {
    case 'exited':
      return { exited: outcome.code }
    case 'killed':
      return { killed: outcome.signal }
    case 'trapped':
      return { trapped: outcome.trap }
    case 'limit':
      return { limit: outcome.limit }
    case 'cancelled':
      return { cancelled: {} }
  }
}

function outcomeFromMessage(message: OutcomeMessage): Outcome {
  const kind = oneOf('outcome', message, ['exited', 'killed', 'trapped', 'limit', 'cancelled'])
  const key = { exited: 'code', killed: 'signal', trapped: 'trap', limit: 'limit', cancelled: undefined }[kind]
  return checked('outcome', outcomeSchema, key === undefined ? { kind } : { kind, [key]: message[kind] })
}
