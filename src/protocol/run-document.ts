import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { isolationSchema, outcomeSchema, outputSchema, usageSchema } from './execution.ts'
import { limitsSchema } from './limits.ts'
import { addressSchema, bytes32Schema, receiptSchema } from './receipt.ts'
import { nameSchema, runtimeNameSchema, TASK_BOUNDS } from './task.ts'

/** How a document holds stdout and stderr: as text where both are UTF-8, else both in base64. */
export const STREAM_ENCODINGS = ['utf8', 'base64'] as const

/**
 * What `souk run --json` prints and `souk verify` takes: what came of a task, in plain sight, with the receipt
 * that vouches for every value of it. `task` is the task's id, `provider` the address that signed; `spec` is the
 * exact JSON text of the task, whose sha256 is the receipt's `specDigest`.
 */
export const runDocumentSchema = z.strictObject({
  task: bytes32Schema,
  name: nameSchema,
  runtime: runtimeNameSchema,
  provider: addressSchema,
  outcome: outcomeSchema,
  usage: usageSchema,
  limits: limitsSchema,
  isolation: isolationSchema,
  timings: receiptSchema.shape.timings,
  stdout: z.string(),
  stderr: z.string(),
  encoding: z.enum(STREAM_ENCODINGS),
  outputs: z.array(outputSchema),
  spec: z.string().max(TASK_BOUNDS.specBytes),
  receipt: receiptSchema,
})
export type RunDocument = z.infer<typeof runDocumentSchema>

/** A task's output as bytes. */
export interface Streams {
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}
/** A task's output as a document holds it. */
export type EncodedStreams = Pick<RunDocument, 'stdout' | 'stderr' | 'encoding'>

/** The one form that a task's output has in a document. */
export function encodeStreams({ stdout, stderr }: Streams): EncodedStreams {
  try {
    // A byte order mark is output like any other.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), encoding: 'utf8' }
  } catch {
    return { stdout: toBase64(stdout), stderr: toBase64(stderr), encoding: 'base64' }
  }
}

/** The bytes of a document's output, or undefined where it is not in the form that {@link encodeStreams} gives it. */
export function decodeStreams(encoded: EncodedStreams): Streams | undefined {
  const streams = {
    stdout: Buffer.from(encoded.stdout, encoded.encoding),
    stderr: Buffer.from(encoded.stderr, encoded.encoding),
  }
  const again = encodeStreams(streams)
  const same = again.encoding === encoded.encoding && again.stdout === encoded.stdout && again.stderr === encoded.stderr
  return same ? streams : undefined
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
