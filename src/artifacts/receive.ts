import { Buffer } from 'node:buffer'
import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { BlobRef } from '../protocol/task.ts'
import { BatchWriter } from './batch-writer.ts'
import { BLOB_MODE } from './layout.ts'
import { blobRefused, blobUnavailable, storageError } from './store-errors.ts'

/** A blob's bytes from `fromOffset` to its end, in pieces that nobody changes afterwards. `signal` aborts when nobody waits for them any more. */
export type Source = (fromOffset: number, signal: AbortSignal) => AsyncIterable<Uint8Array>

export interface Reception {
  /** The partial file: made, or gone on with. Its folder exists. */
  readonly file: string
  readonly blob: BlobRef
  readonly source: Source
  readonly signal: AbortSignal
  /** Told of what is there at first, and then of every batch that is written. */
  readonly onProgress?: (progress: { readonly fetchedBytes: number }) => void
}

const READ_BYTES = 1024 * 1024

/**
 * Brings `file` to be the blob: whole, with its digest, read-only, on disk. One batch is written while the
 * next comes, and no more, so a slow disk slows the source down and nothing piles up. What a source of an earlier time has
 * left in the file is hashed again and not asked for again; if it turns out wrong, all is fetched once more.
 *
 * A failure leaves the file for the next try, unless what is in it is of no use.
 *
 * @throws SoukError INVALID_INPUT (more bytes than declared, another digest), BLOB_UNAVAILABLE (fewer bytes, or a
 *   source that fails with anything but a SoukError), STORAGE_FULL (the disk is full); or the signal's reason.
 */
export async function receive(reception: Reception): Promise<void> {
  const { file } = reception
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    await fill(handle, reception)
    await handle.chmod(BLOB_MODE)
    await handle.sync()
  } catch (thrown) {
    const error = storageError(thrown)
    // Wrong bytes are of no use, and on a full disk it has to be this file that goes.
    if (isSoukError(error, 'INVALID_INPUT') || isSoukError(error, 'STORAGE_FULL')) await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

async function fill(handle: FileHandle, reception: Reception): Promise<void> {
  const { blob } = reception
  const { size } = await handle.stat()
  if (size > 0 && size <= blob.bytes) {
    const hash = await hashStart(handle, size, reception.signal)
    if (await fillFrom(handle, reception, { hash, offset: size })) return
  }
  await handle.truncate(0)
  if (await fillFrom(handle, reception, { hash: createHash('sha256'), offset: 0 })) return
  throw blobRefused(`content that does not match its digest (sha256 ${blob.sha256})`)
}

/** Fetches what is after `offset`; resolves to whether the whole has the digest. */
async function fillFrom(
  handle: FileHandle,
  reception: Reception,
  start: { readonly hash: Hash; readonly offset: number },
): Promise<boolean> {
  const { blob, onProgress } = reception
  const { hash, offset } = start
  onProgress?.({ fetchedBytes: offset })
  if (offset < blob.bytes) {
    const writer = new BatchWriter({ handle, offset, onWritten: (fetchedBytes) => onProgress?.({ fetchedBytes }) })
    try {
      await copy(reception, { hash, offset, writer })
    } finally {
      // What has come before a failure is not fetched again.
      await writer.flush()
    }
  }
  return hash.digest('hex') === blob.sha256
}

async function copy(
  reception: Reception,
  { hash, offset, writer }: { readonly hash: Hash; readonly offset: number; readonly writer: BatchWriter },
): Promise<void> {
  const { blob, signal } = reception
  let fetchedBytes = offset
  for await (const piece of abortable(fromSource(reception, offset), signal)) {
    if (fetchedBytes + piece.byteLength > blob.bytes)
      throw blobRefused(`more than the ${blob.bytes} bytes that are declared for ${blob.sha256}`)
    // Without this a source of nothing but empty pieces would keep everything else from running.
    if (piece.byteLength === 0) await setImmediate()
    hash.update(piece)
    await writer.write(piece)
    fetchedBytes += piece.byteLength
  }
  if (fetchedBytes < blob.bytes)
    throw blobUnavailable({
      sha256: blob.sha256,
      why: `the source ended after ${fetchedBytes} of ${blob.bytes} bytes`,
    })
}

async function hashStart(handle: FileHandle, bytes: number, signal: AbortSignal): Promise<Hash> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(bytes, READ_BYTES))
  for (let offset = 0; offset < bytes;) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, bytes - offset), offset)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    offset += bytesRead
  }
  return hash
}

/** A source's failure, told from a failure of this disk. */
async function* fromSource({ blob, source, signal }: Reception, offset: number): AsyncGenerator<Uint8Array> {
  try {
    yield* source(offset, signal)
  } catch (cause) {
    if (cause instanceof SoukError) throw cause
    throw blobUnavailable({
      sha256: blob.sha256,
      why: `the source failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    })
  }
}

/**
 * The chunks of a source until `signal` aborts, which ends the wait for one that hangs as well. Not done with one
 * promise that every wait is raced with: it would keep every chunk alive until it settles.
 */
async function* abortable(chunks: AsyncGenerator<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const next = await unlessAborted(chunks.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Not waited for: where next() hangs, return() hangs behind it.
    chunks.return(undefined).catch(() => {})
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
