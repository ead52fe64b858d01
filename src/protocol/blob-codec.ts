import type { SerialisedError } from './errors.ts'
import { BlobRequest, BlobResponse } from './messages.js'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { errorFromMessage, errorToMessage } from './wire-error.ts'
import { bounded, coding, oneOf, required, safeInteger, within } from './wire-fields.ts'
import { sha256FromBytes, sha256ToBytes } from './wire-task.ts'

export interface BlobRange {
  readonly sha256: string
  readonly offset: number
  readonly length: number
}

export type BlobAnswer =
  | { readonly kind: 'chunk'; readonly offset: number; readonly totalBytes: number; readonly data: Uint8Array }
  | { readonly kind: 'error'; readonly error: SerialisedError }

/** Encoders and decoders throw as those of {@link file://./codec.ts} do. */
export function encodeBlobRequest({ sha256, offset, length }: BlobRange): Uint8Array {
  return coding('blob request', () => BlobRequest.encode({ sha256: sha256ToBytes(sha256), offset, length }))
}

export function decodeBlobRequest(bytes: Uint8Array): BlobRange {
  return coding('blob request', () => {
    const message = BlobRequest.decode(bounded('blob request', bytes, WIRE_BOUNDS.blobRequestFrameBytes))
    const offset = safeInteger('blob request.offset', message.offset)
    const length = within('blob request.length', message.length, WIRE_BOUNDS.blobChunkBytes)
    return { sha256: sha256FromBytes(message.sha256), offset, length }
  })
}

export function encodeBlobAnswer(answer: BlobAnswer): Uint8Array {
  return coding('blob answer', () =>
    bounded('blob answer', BlobResponse.encode(blobAnswerToMessage(answer)), WIRE_BOUNDS.blobResponseFrameBytes),
  )
}

export function decodeBlobAnswer(bytes: Uint8Array): BlobAnswer {
  return coding('blob answer', () => {
    const message = BlobResponse.decode(bounded('blob answer', bytes, WIRE_BOUNDS.blobResponseFrameBytes))
    const kind = oneOf('blob answer', message, ['chunk', 'error'])
    if (kind === 'error') return { kind, error: errorFromMessage(required('error', message.error)) }
    const { offset, totalBytes, data } = required('chunk', message.chunk)
    return {
      kind,
      offset: safeInteger('chunk.offset', offset),
      totalBytes: safeInteger('chunk.total_bytes', totalBytes),
      data,
    }
  })
}

function blobAnswerToMessage(answer: BlobAnswer): BlobResponse {
  if (answer.kind === 'error') return { error: errorToMessage(answer.error) }
  const { offset, totalBytes, data } = answer
  return { chunk: { offset, totalBytes, data: data as Uint8Array<ArrayBuffer> } }
}
