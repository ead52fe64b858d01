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
 * Writes a job to a sandbox process, at its pace, all but its standard input. Resolves early when the process is gone.
 *
 * @throws SoukError EXECUTOR_FAILED when a file cannot be read or is not as long as it was.
 */
export async function feedJob({
  target,
  header,
  program,
  inputs,
}: {
  readonly target: Writable
  readonly header: JobHeader
  /** Where its bytes are; undefined where the process needs none. */
  readonly program: Uint8Array | FedFile | undefined
  readonly inputs: readonly FedFile[]
}): Promise<void> {
  const json = Buffer.from(JSON.stringify(header))
  target.write(Buffer.concat([lengthOf(json), json]))
  if (program instanceof Uint8Array) target.write(program)
  else if (program !== undefined) await feedFile(target, program)
  for (const file of inputs) await feedFile(target, file)
}

function lengthOf(content: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return length
}

/** Writes a file of this host, at the reader's pace. @throws SoukError EXECUTOR_FAILED where it is not as long as it was. */
export async function feedFile(target: Writable, { source, bytes }: FedFile): Promise<void> {
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

/** A file of a task that this host has lost. */
export function unreadable(reason: string, cause?: unknown): SoukError<'EXECUTOR_FAILED'> {
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    message: `An input cannot be read on the provider: ${reason}`,
    details: { runtime: 'wasm', reason: 'an input cannot be read' },
    phase: 'prepare',
    cause,
  })
}

/** Writes the task's standard input to its sandbox, in pieces, at its pace; returns how to end it where it stands. */
export function feedStdin({
  source,
  target,
  onError,
}: {
  readonly source: Readable
  readonly target: Writable
  onError(error: Error): void
}): () => void {
  let ended = false
  const onData = (chunk: Buffer): void => {
    if (chunk.length === 0) return
    target.write(lengthOf(chunk))
    if (target.write(chunk)) return
    source.pause()
    void drained(target).then(() => {
      if (!ended) source.resume()
    })
  }
  const end = (): void => {
    if (ended) return
    ended = true
    source.off('data', onData)
    source.off('end', end)
    source.off('error', onError)
    source.pause()
    target.write(Buffer.alloc(4))
  }
  source.on('error', onError)
  source.on('end', end)
  source.on('data', onData)
  if (source.errored) onError(source.errored)
  if (source.readableEnded) end()
  return end
}
