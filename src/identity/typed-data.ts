import { Buffer } from 'node:buffer'
import { SoukError } from '../protocol/errors.ts'
import { USAGE_DETAILS, type Outcome, type Output, type Usage, type UsageDetail } from '../protocol/execution.ts'
import { LIMIT_KEYS, type LimitKey } from '../protocol/limits.ts'
import { RATE_KEYS } from '../protocol/price.ts'
import type { Authorization, ReceiptTerms, UnsignedReceipt } from '../protocol/receipt.ts'
import {
  structHasher,
  typedDataDigest,
  UnencodableError,
  type StructHasher,
  type TypedStructs,
  type TypedValue,
} from './eip712.ts'

/** Limits that the type of a receipt had at first; those that came later are in it where one of them is there. */
const FIRST_LIMITS: readonly LimitKey[] = LIMIT_KEYS.filter((key) => key !== 'gpus')
/** The same of what only some runtimes count. */
const FIRST_DETAILS: readonly UsageDetail[] = USAGE_DETAILS.filter((detail) => detail !== 'fuelUsed')

/** The domain of every souk signature; its chain id is the task's own, 0 where no chain is involved. */
export const DOMAIN_NAME = 'souk'
export const DOMAIN_VERSION = '1'

/**
 * The EIP-712 types that souk signs; with them a contract or a program in any language recomputes a task's id
 * and a receipt's hash from the JSON form. Members have the names and values of the JSON form, but for these:
 *
 * - Digests (`specDigest`, `Stream.digest`, `Output.digest`) are the sha256 itself, 0x before its hex form.
 * - `Outcome.detail` is the exit code in decimal, or the name of the signal, trap or limit; empty for `cancelled`.
 * - `Limits`: a limit that is absent is -1; `cpuCores`, a fraction, is its JSON number as RFC 8785 writes it, or
 *   empty where absent.
 * - `Usage`, `Limits` with `gpus`, and `Receipt` with `terms`: see {@link structsOf}. `Terms.cached` is false where absent.
 * - `Stream` and `Output` say `digest` and `size` for `sha256` and `bytes`. An output that failed has zeros there,
 *   and its error's code and message; one that was handed over has both of these empty.
 * - `Receipt.authorization` is the task that was signed. Its chain id is the one in the domain, for both hashes.
 *
 * No two receipts that differ have one hash: each field above can be read back from what is hashed.
 */
export const TYPED_STRUCTS = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
  ],
  Task: [
    { name: 'specDigest', type: 'bytes32' },
    { name: 'requester', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
    { name: 'expiryMs', type: 'uint64' },
    { name: 'maxPriceWei', type: 'uint256' },
  ],
  Receipt: [
    { name: 'version', type: 'uint64' },
    { name: 'taskId', type: 'bytes32' },
    { name: 'authorization', type: 'Task' },
    { name: 'provider', type: 'address' },
    { name: 'priceWei', type: 'uint256' },
    { name: 'attempts', type: 'uint64' },
    { name: 'outcome', type: 'Outcome' },
    { name: 'usage', type: 'Usage' },
    { name: 'limits', type: 'Limits' },
    { name: 'isolation', type: 'Isolation' },
    { name: 'stdout', type: 'Stream' },
    { name: 'stderr', type: 'Stream' },
    { name: 'outputs', type: 'Output[]' },
    { name: 'timings', type: 'Timings' },
  ],
  Outcome: [
    { name: 'kind', type: 'string' },
    { name: 'detail', type: 'string' },
  ],
  Usage: [
    { name: 'wallTimeMs', type: 'uint64' },
    { name: 'cpuTimeMs', type: 'uint64' },
    { name: 'memoryPeakBytes', type: 'uint64' },
    { name: 'outputBytes', type: 'uint64' },
    { name: 'limitsHit', type: 'string[]' },
  ],
  Limits: limitMembers(FIRST_LIMITS),
  Isolation: [
    { name: 'runtime', type: 'string' },
    { name: 'engine', type: 'string' },
    { name: 'layers', type: 'string[]' },
    { name: 'missing', type: 'string[]' },
    { name: 'reuse', type: 'string' },
  ],
  Stream: [
    { name: 'digest', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
  ],
  Output: [
    { name: 'path', type: 'string' },
    { name: 'digest', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
    { name: 'errorCode', type: 'string' },
    { name: 'errorMessage', type: 'string' },
  ],
  Timings: [
    { name: 'acceptedAtMs', type: 'uint64' },
    { name: 'startedAtMs', type: 'uint64' },
    { name: 'finishedAtMs', type: 'uint64' },
  ],
} as const satisfies TypedStructs

function limitMembers(keys: readonly LimitKey[]) {
  return keys.map((name) => ({ name, type: name === 'cpuCores' ? 'string' : 'int64' }))
}

/** What a `Usage` has besides, each as a form of its own: nothing, what was counted at first, and all of it. */
const USAGE_FORMS = { plain: [], detailed: FIRST_DETAILS, metered: USAGE_DETAILS } as const satisfies Readonly<
  Record<string, readonly UsageDetail[]>
>
type UsageForm = keyof typeof USAGE_FORMS

/** A `Usage` that goes on: a detail that is absent is -1. */
const longUsage = (details: readonly UsageDetail[]) => ({
  Usage: [...TYPED_STRUCTS.Usage, ...details.map((name) => ({ name, type: 'int64' }))],
})
const LONG_LIMITS = { Limits: limitMembers(LIMIT_KEYS) }
/** What a receipt with terms has besides. */
const LONG_RECEIPT = {
  Receipt: [...TYPED_STRUCTS.Receipt, { name: 'terms', type: 'Terms' }],
  Terms: [...RATE_KEYS.map((name) => ({ name, type: 'uint256' })), { name: 'cached', type: 'bool' }],
}

type Limits = UnsignedReceipt['limits']
function usageFormOf(usage: Usage): UsageForm {
  const present = USAGE_DETAILS.filter((detail) => usage[detail] !== undefined)
  if (present.length === 0) return 'plain'
  return present.every((detail) => FIRST_DETAILS.includes(detail)) ? 'detailed' : 'metered'
}
const hasLaterLimits = (limits: Limits): boolean =>
  LIMIT_KEYS.some((key) => limits[key] !== undefined && !FIRST_LIMITS.includes(key))

/** What of a receipt decides about its types. */
type Shaped = Pick<UnsignedReceipt, 'usage' | 'limits' | 'terms'>

/**
 * The types of a receipt. Its `Usage` is a longer one where any of its details is there, the longest where that is
 * `fuelUsed`, its `Limits` where it has GPUs, and it is longer itself where it has terms, so that a receipt without
 * them, as all were before there were any, has the hash that it always had.
 */
export function structsOf(receipt: Shaped): TypedStructs {
  return formOf(receipt).structs
}

function formOf({ usage, limits, terms }: Shaped): ReceiptForm {
  const forms = terms === undefined ? FORMS : FORMS_WITH_TERMS
  return forms[hasLaterLimits(limits) ? 'long' : 'first'][usageFormOf(usage)]
}

interface ReceiptForm {
  readonly structs: TypedStructs
  readonly hash: StructHasher
}

const receiptForm = (structs: TypedStructs): ReceiptForm => ({
  structs,
  hash: structHasher({ structs, name: 'Receipt' }),
})
const usageForms = (structs: TypedStructs): Readonly<Record<UsageForm, ReceiptForm>> => ({
  plain: receiptForm(structs),
  detailed: receiptForm({ ...structs, ...longUsage(USAGE_FORMS.detailed) }),
  metered: receiptForm({ ...structs, ...longUsage(USAGE_FORMS.metered) }),
})
const receiptForms = (structs: TypedStructs) => ({
  first: usageForms(structs),
  long: usageForms({ ...structs, ...LONG_LIMITS }),
})
const FORMS = receiptForms(TYPED_STRUCTS)
const FORMS_WITH_TERMS = receiptForms({ ...TYPED_STRUCTS, ...LONG_RECEIPT })

/** Every form that a receipt can have, as {@link structsOf} gives them. */
export const RECEIPT_FORMS: readonly TypedStructs[] = [FORMS, FORMS_WITH_TERMS]
  .flatMap(({ first, long }) => [first, long])
  .flatMap((forms) => Object.values(forms))
  .map(({ structs }) => structs)

const hashDomain = structHasher({ structs: TYPED_STRUCTS, name: 'EIP712Domain' })
const hashTask = structHasher({ structs: TYPED_STRUCTS, name: 'Task' })

/**
 * A task's id: the EIP-712 hash of what its requester signs, `0x` and 64 hex digits.
 * @throws SoukError INVALID_INPUT where a value does not fit its type (an amount of 2^256 wei or more).
 */
export function taskIdOf(authorization: Authorization): string {
  const known = taskIds.get(authorization)
  if (known !== undefined) return known
  const taskId = digestOf({ hash: hashTask, value: typedTask(authorization), chainId: authorization.chainId })
  taskIds.set(authorization, taskId)
  return taskId
}

/** An authorization is never changed, and is hashed to check its signature, to name its task and to sign its receipt. */
const taskIds = new WeakMap<Authorization, string>()

/**
 * The EIP-712 hash of a receipt that its provider signs, `0x` and 64 hex digits.
 * @throws SoukError INVALID_INPUT where a value does not fit its type, or text is not well-formed Unicode.
 */
export function receiptHashOf(receipt: UnsignedReceipt): string {
  return digestOf({
    hash: formOf(receipt).hash,
    value: typedReceipt(receipt),
    chainId: receipt.authorization.chainId,
  })
}

/** The message of the `Task` type. */
export function typedTask(authorization: Authorization): TypedValue {
  const { specDigest, requester, provider, nonce, expiryMs, maxPriceWei } = authorization
  return { specDigest: `0x${specDigest}`, requester, provider, nonce, expiryMs, maxPriceWei }
}

/** The message of the `Receipt` type of {@link structsOf}. */
export function typedReceipt(receipt: UnsignedReceipt): TypedValue {
  return {
    version: receipt.version,
    taskId: receipt.taskId,
    authorization: typedTask(receipt.authorization),
    provider: receipt.provider,
    priceWei: receipt.priceWei,
    attempts: receipt.attempts,
    outcome: { kind: receipt.outcome.kind, detail: outcomeDetail(receipt.outcome) },
    usage: typedUsage(receipt.usage),
    limits: typedLimits(receipt.limits),
    isolation: receipt.isolation,
    stdout: typedStream(receipt.stdout),
    stderr: typedStream(receipt.stderr),
    outputs: receipt.outputs.map(typedOutput),
    timings: receipt.timings,
    ...(receipt.terms !== undefined && { terms: typedTerms(receipt.terms) }),
  }
}

function typedTerms({ rates, cached }: ReceiptTerms): TypedValue {
  return { ...rates, cached: cached === true }
}

function outcomeDetail(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'exited':
      return String(outcome.code)
    case 'killed':
      return outcome.signal
    case 'trapped':
      return outcome.trap
    case 'limit':
      return outcome.limit
    case 'cancelled':
      return ''
  }
}

function typedUsage(usage: Usage): TypedValue {
  const { wallTimeMs, cpuTimeMs, memoryPeakBytes, outputBytes, limitsHit } = usage
  return {
    ...{ wallTimeMs, cpuTimeMs, memoryPeakBytes, outputBytes, limitsHit },
    ...Object.fromEntries(USAGE_FORMS[usageFormOf(usage)].map((detail) => [detail, usage[detail] ?? -1])),
  }
}

function typedLimits(limits: Limits): TypedValue {
  const keys = hasLaterLimits(limits) ? LIMIT_KEYS : FIRST_LIMITS
  return Object.fromEntries(keys.map((key) => [key, typedLimit(key, limits[key])]))
}

function typedLimit(key: (typeof LIMIT_KEYS)[number], value: number | undefined): TypedValue {
  // ECMAScript's form of a number is the one of RFC 8785, and different for different numbers.
  if (key === 'cpuCores') return value === undefined ? '' : String(value)
  return value ?? -1
}

const ZERO_DIGEST = `0x${'0'.repeat(64)}`

function typedStream(stream: { readonly sha256: string; readonly bytes: number }): TypedValue {
  return { digest: `0x${stream.sha256}`, size: stream.bytes }
}

function typedOutput(output: Output): TypedValue {
  if ('error' in output) {
    return {
      path: output.path,
      digest: ZERO_DIGEST,
      size: 0,
      errorCode: output.error.code,
      errorMessage: output.error.message,
    }
  }
  return { path: output.path, digest: `0x${output.sha256}`, size: output.bytes, errorCode: '', errorMessage: '' }
}

let latestDomain: { readonly chainId: number; readonly hash: Uint8Array } | undefined

/** The domain's hash. The last one is kept: who has to do with two chains at once is rare. */
function domainOf(chainId: number): Uint8Array {
  if (latestDomain?.chainId !== chainId) {
    const hash = hashDomain({ name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId })
    latestDomain = { chainId, hash }
  }
  return latestDomain.hash
}

/** What is signed of a value under souk's domain. @throws SoukError INVALID_INPUT where it has no unambiguous form. */
export function digestOf({
  hash,
  value,
  chainId,
}: {
  readonly hash: StructHasher
  readonly value: TypedValue
  readonly chainId: number
}): string {
  try {
    return `0x${Buffer.from(typedDataDigest({ domain: domainOf(chainId), struct: hash(value) })).toString('hex')}`
  } catch (thrown) {
    if (!(thrown instanceof UnencodableError)) throw thrown
    throw new SoukError({
      code: 'INVALID_INPUT',
      message: `What is to be hashed has no unambiguous form: ${thrown.path} ${thrown.message}.`,
      details: { issues: [{ path: thrown.path, message: thrown.message }] },
      cause: thrown,
    })
  }
}
