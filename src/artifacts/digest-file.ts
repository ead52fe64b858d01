import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { SoukError } from '../protocol/errors.ts'
import type { BlobRef } from '../protocol/task.ts'

const READ_BYTES = 1024 * 1024

/**
 * A file's digest and length, read once and never as a whole in memory. Links are followed.
 * @throws SoukError INVALID_INPUT where it is no file, or cannot be read; or the signal's reason.
 */
export async function digestFile({
  file,
  signal,
}: {
  readonly file: string
  readonly signal?: AbortSignal
}): Promise<BlobRef> {
  try {
    // O_NONBLOCK: to open a FIFO would wait for its writer.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      if (!(await handle.stat()).isFile()) throw new TypeError('it is not a regular file')
      const hash = createHash('sha256')
      const buffer = Buffer.allocUnsafe(READ_BYTES)
      for (let bytes = 0; ;) {
        signal?.throwIfAborted()
        const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, bytes)
        if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes }
        hash.update(buffer.subarray(0, bytesRead))
        bytes += bytesRead
      }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    signal?.throwIfAborted()
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new SoukError({
      code: 'INVALID_INPUT',
      message: `The file ${file} cannot be read: ${message}.`,
      details: { issues: [{ path: file, message }] },
      cause,
    })
  }
}
