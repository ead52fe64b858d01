import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { issuesOf } from '../protocol/errors.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { decodeStreams, runDocumentSchema, type RunDocument } from '../protocol/run-document.ts'
import { runtimesOf, taskSpecSchema, type TaskSpec } from '../protocol/task.ts'
import { jsonFormFaults } from './json-form.ts'
import { checkReceipt, invalidReceipt, verifyReceipt } from './receipt.ts'
import { specDigestOf } from './task.ts'

/** What was verified: the receipt, and the document around it where there was one. */
export interface VerifiedDocument {
  readonly receipt: Receipt
  readonly document?: RunDocument
}

/**
 * Verifies a bare receipt, or what `souk run --json` prints: then every value of it has to be one that the receipt
 * vouches for, itself or by its digest, in the one form it can have; no value can be changed and still verify.
 * Takes time in proportion to `value`, whose bytes the caller has bounded.
 * @throws SoukError RECEIPT_INVALID with every reason.
 */
export function verifyDocument(value: unknown): VerifiedDocument {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'receipt'))
    return { receipt: verifyReceipt(value) }
  const faults = jsonFormFaults(value)
  if (faults.length > 0) throw invalidReceipt(faults)
  const parsed = runDocumentSchema.safeParse(value)
  if (!parsed.success) throw invalidReceipt(issuesOf(parsed.error).map((issue) => `${issue.path}: ${issue.message}`))
  const document = parsed.data
  const reasons = [
    ...checkReceipt(document.receipt).reasons,
    ...disagreements(document),
    ...streamReasons(document),
    ...specReasons(document),
  ]
  if (reasons.length > 0) throw invalidReceipt(reasons)
  return { receipt: document.receipt, document }
}

function disagreements(document: RunDocument): string[] {
  const { receipt } = document
  const pairs: readonly (readonly [name: string, said: unknown, signed: unknown])[] = [
    ['task', document.task, receipt.taskId],
    ['runtime', document.runtime, receipt.isolation.runtime],
    ['provider', document.provider, receipt.provider],
    ['outcome', document.outcome, receipt.outcome],
    ['usage', document.usage, receipt.usage],
    ['limits', document.limits, receipt.limits],
    ['isolation', document.isolation, receipt.isolation],
    ['timings', document.timings, receipt.timings],
    ['outputs', document.outputs, receipt.outputs],
  ]
  return pairs
    .filter(([, said, signed]) => !isDeepStrictEqual(said, signed))
    .map(([name]) => `${name} is not what the receipt says`)
}

function streamReasons(document: RunDocument): string[] {
  const streams = decodeStreams(document)
  if (streams === undefined) return [`stdout and stderr are not as ${document.encoding} has to be`]
  return (['stdout', 'stderr'] as const)
    .filter((name) => {
      const signed = document.receipt[name]
      return (
        streams[name].byteLength !== signed.bytes ||
        createHash('sha256').update(streams[name]).digest('hex') !== signed.sha256
      )
    })
    .map((name) => `${name} does not have the digest and length in the receipt`)
}

function specReasons(document: RunDocument): string[] {
  const reasons: string[] = []
  if (specDigestOf(Buffer.from(document.spec, 'utf8')) !== document.receipt.authorization.specDigest)
    reasons.push('spec does not have the digest in the receipt')
  const spec = parseSpec(document.spec)
  if (spec === undefined) return [...reasons, 'spec is not a task']
  if (spec.name !== document.name) reasons.push('name is not the one in spec')
  if (!runtimesOf(spec.runtime).includes(document.runtime)) reasons.push('runtime is not one that spec allows')
  return reasons
}

function parseSpec(text: string): TaskSpec | undefined {
  try {
    return taskSpecSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
