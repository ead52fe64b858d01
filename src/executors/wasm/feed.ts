import { createReadStream } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { SoukError } from '../../protocol/errors.ts'
import { drained } from '../output.ts'
import type { JobHeader } from './channel.ts'

/** A file of this host that goes into the sandbox, and the length that it was checked to have. */
export interface FedFile {
  readonly source: string
  readonly bytes: number
}

/**
 * Writes a job to a sandbox process, at its pace. Resolves early when the process is gone.
 *
 * @throws SoukError EXECUTOR_FAILED when a file cannot be read or is not as long as it was.
 */
export async function feedJob({
  target,
  header,
  files,
}: {
  readonly target: Writable
  readonly header: JobHeader
  readonly files: readonly FedFile[]
}): Promise<void> {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  target.write(Buffer.concat([length, json]))
  for (const file of files) await feedFile(target, file)
}

async function feedFile(target: Writable, { source, bytes }: FedFile): Promise<void> {
  let fed = 0
  try {
    // One byte more than there should be, so that a file that grew is noticed.
    for await (const chunk of createReadStream(source, {
      end: bytes,
      highWaterMark: 256 * 1024,
    }) as AsyncIterable<Buffer>) {
      fed += chunk.length
      if (fed > bytes || !target.writable) break
      if (!target.write(chunk)) await drained(target)
    }
  } catch (error) {
    throw unreadable(`${source}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
  if (fed !== bytes && target.writable) throw unreadable(`${source} is not ${bytes} bytes long any more`)
}

function unreadable(reason: string, cause?: unknown): SoukError<'EXECUTOR_FAILED'> {
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    message: `An input cannot be read on the provider: ${reason}`,
    details: { runtime: 'wasm', reason: 'an input cannot be read' },
    phase: 'prepare',
    cause,
  })
}

/** Joins the task's standard input to its sandbox; returns how to part them again. */
export function feedStdin({
  source,
  target,
  onError,
}: {
  readonly source: Readable
  readonly target: Writable
  onError(error: Error): void
}): () => void {
  source.on('error', onError)
  source.pipe(target)
  return () => {
    source.unpipe(target)
    source.off('error', onError)
  }
}
