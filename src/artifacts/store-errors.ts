import { SoukError } from '../protocol/errors.ts'
import type { BlobRef } from '../protocol/task.ts'

/** The caller, not a peer, has done what it must not. */
export function misused(reason: string): SoukError<'INTERNAL'> {
  return new SoukError({
    code: 'INTERNAL',
    message: `The artifact store was misused: ${reason}.`,
    details: { reason },
  })
}

/** A peer's blob is not what the peer says of it. */
export function blobRefused(message: string): SoukError<'INVALID_INPUT'> {
  return new SoukError({
    code: 'INVALID_INPUT',
    phase: 'prepare',
    message: `A blob was refused: ${message}.`,
    details: { issues: [{ path: '', message }] },
  })
}

export function contradictingLength(blob: BlobRef & { readonly otherBytes: number }): SoukError<'INVALID_INPUT'> {
  return blobRefused(`${blob.bytes} bytes is not the length of ${blob.sha256}, which is ${blob.otherBytes}`)
}

export function blobUnavailable({
  sha256,
  why,
  cause,
}: {
  readonly sha256: string
  readonly why: string
  readonly cause?: unknown
}): SoukError<'BLOB_UNAVAILABLE'> {
  return new SoukError({
    code: 'BLOB_UNAVAILABLE',
    message: `A blob could not be fetched: ${why}.`,
    details: { sha256 },
    cause,
  })
}

export function quotaFull({
  neededBytes,
  quotaBytes,
  whose,
}: {
  readonly neededBytes: number
  readonly quotaBytes: number
  readonly whose: string
}): SoukError<'STORAGE_FULL'> {
  return new SoukError({
    code: 'STORAGE_FULL',
    message: `There is no room for ${neededBytes} bytes more in ${whose}, which is ${quotaBytes} bytes.`,
    details: { neededBytes, quotaBytes },
  })
}

/** What a file system call failed with, as a SoukError: a full disk has a code of its own. Anything else stays itself. */
export function storageError(thrown: unknown): unknown {
  if (!(thrown instanceof Error && 'code' in thrown && 'syscall' in thrown)) return thrown
  if (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT') {
    return new SoukError({
      code: 'STORAGE_FULL',
      message: 'The disk that holds the artifacts is full.',
      details: {},
      cause: thrown,
    })
  }
  return new SoukError({
    code: 'INTERNAL',
    message: `The artifact store failed: ${thrown.message}.`,
    details: { reason: thrown.message },
    hint: 'Check the disk and the permissions of the data folder.',
    cause: thrown,
  })
}
