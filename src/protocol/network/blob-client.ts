import type { Connection } from '@libp2p/interface'
import { decodeBlobAnswer, encodeBlobRequest } from '../blob-codec.ts'
import { SoukError } from '../errors.ts'
import type { BlobRef } from '../task.ts'
import { WIRE_BOUNDS } from '../wire-bounds.ts'
import { protocolError } from '../wire-fields.ts'
import { dataAfterHeader } from './blob-frame.ts'
import { joined } from './frame-reader.ts'
import type { FramedStream } from './framed-stream.ts'
import { connectionLimited, connectionLost, isLimited } from './network-errors.ts'
import { openFramed } from './open-stream.ts'
import { BLOB_PROTOCOL, WIRE_LIMITS } from './wire-limits.ts'

export interface BlobRead {
  readonly blob: BlobRef
  /** Where to begin: bytes from the blob's start; 0 where absent. */
  readonly offset?: number
  readonly signal?: AbortSignal
}

const AHEAD_BYTES = WIRE_LIMITS.blobChunksOutstanding * WIRE_BOUNDS.blobChunkBytes
/** A chunk that came in more pieces than libp2p cuts it into is put together: each costs who iterates a turn. */
const MOST_PIECES = 64

/**
 * The blob's bytes from `offset` on, at the pace of who iterates, in pieces as they came: three chunks of 1 MiB are
 * asked for ahead, and no more is held. Every chunk is the range that was asked for, and the blob is as long as
 * declared; the digest of the whole is for the caller to check. After CONNECTION_LOST go on at the offset reached.
 * @throws SoukError what the other side answers (NOT_FOUND), CONNECTION_LIMITED, PROTOCOL_ERROR, CONNECTION_LOST; the signal's reason
 */
export async function* readBlobOver(
  connection: Connection,
  { blob, offset = 0, signal }: BlobRead,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > blob.bytes)
    throw new RangeError(`offset ${offset} is outside the blob's ${blob.bytes} bytes`)
  signal?.throwIfAborted()
  if (offset === blob.bytes) return
  if (isLimited(connection) && blob.bytes > WIRE_LIMITS.relayedBlobBytes)
    throw connectionLimited({ what: 'A file', bytes: blob.bytes })
  const stream = await openFramed({
    connection,
    protocol: BLOB_PROTOCOL,
    maxFrameBytes: WIRE_BOUNDS.blobResponseFrameBytes,
    // What was asked for may all come: to hold it up would cost more than it takes.
    readBufferBytes: AHEAD_BYTES,
  })
  const onAbort = (): void => stream.abort(connectionLost('the transfer was given up'))
  signal?.addEventListener('abort', onAbort, { once: true })
  let received = offset
  try {
    let asked = offset
    while (received < blob.bytes) {
      while (asked < blob.bytes && asked - received < AHEAD_BYTES) {
        const length = lengthAt(blob, asked)
        // A failed write fails the read below, with what the other side said where it said something.
        stream.write(encodeBlobRequest({ sha256: blob.sha256, offset: asked, length })).catch(() => undefined)
        asked += length
      }
      signal?.throwIfAborted()
      for (const piece of await readChunk(stream, blob, received)) {
        received += piece.byteLength
        yield piece
      }
    }
  } catch (thrown) {
    signal?.throwIfAborted()
    throw thrown
  } finally {
    signal?.removeEventListener('abort', onAbort)
    if (received === blob.bytes) void stream.close()
    else stream.abort(connectionLost('the transfer was given up'))
  }
}

/** Every request is for a whole chunk, or for the rest of the blob. */
function lengthAt(blob: BlobRef, offset: number): number {
  return Math.min(WIRE_BOUNDS.blobChunkBytes, blob.bytes - offset)
}

async function readChunk(stream: FramedStream, blob: BlobRef, offset: number): Promise<readonly Uint8Array[]> {
  const frame = await stream.readPieces({ idleTimeoutMs: WIRE_LIMITS.inactivityTimeoutMs })
  if (frame === undefined) throw connectionLost('the other side ended the transfer')
  const length = lengthAt(blob, offset)
  const data = dataAfterHeader(frame, { offset, totalBytes: blob.bytes, dataBytes: length })
  if (data !== undefined) return data.length > MOST_PIECES ? [joined(data)] : data
  // An error, or the same in an encoding of its own, or something else.
  const answer = decodeBlobAnswer(joined(frame))
  if (answer.kind === 'error') throw SoukError.fromJSON(answer.error)
  if (answer.totalBytes !== blob.bytes)
    throw protocolError(`the blob has ${answer.totalBytes} bytes, not ${blob.bytes} as declared`)
  if (answer.offset !== offset) throw protocolError(`a chunk at ${answer.offset} came where ${offset} was due`)
  if (answer.data.byteLength !== length)
    throw protocolError(`a chunk of ${answer.data.byteLength} bytes came where ${length} were asked for`)
  return [answer.data]
}
