import { decodeBlobRequest, encodeBlobAnswer } from '../blob-codec.ts'
import { SoukError } from '../errors.ts'
import { protocolError } from '../wire-fields.ts'
import { chunkHeader } from './blob-frame.ts'
import type { FramedStream } from './framed-stream.ts'
import { connectionLimited } from './network-errors.ts'
import { forStranger, type InternalErrorListener } from './stranger-error.ts'
import type { BlobService, ServedBlob } from './task-service.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

export interface BlobServerOptions {
  readonly service: BlobService
  readonly onInternalError: InternalErrorListener
}

/**
 * Serves chunks over one stream of the blob protocol, in the order in which they are asked for and no faster
 * than they are taken, until the peer ends it or breaks the protocol. Never rejects.
 */
export async function serveBlobStream(
  { service, onInternalError }: BlobServerOptions,
  { stream, peer, limited }: { readonly stream: FramedStream; readonly peer: string; readonly limited: boolean },
): Promise<void> {
  const abort = new AbortController()
  // Whatever waits for a blob has nobody to give it to then, and would be waited for itself.
  void stream.closed.then(() => abort.abort())
  // One for all reads, each of which comes after the last one's bytes are sent: a new MiB for each keeps the garbage
  // collector busier than everything else.
  let room = new Uint8Array(0)
  let open: { readonly sha256: string; readonly blob: ServedBlob } | undefined
  try {
    for (;;) {
      const frame = await stream.read({ idleTimeoutMs: WIRE_LIMITS.blobIdleTimeoutMs })
      if (frame === undefined) break
      const { sha256, offset, length } = decodeBlobRequest(frame)
      if (open?.sha256 !== sha256) {
        await open?.blob.close()
        open = undefined
        const blob = await service.open({ peer, sha256, signal: abort.signal })
        if (blob === undefined) throw notFound(sha256)
        open = { sha256, blob }
      }
      const { blob } = open
      if (limited && blob.bytes > WIRE_LIMITS.relayedBlobBytes)
        throw connectionLimited({ what: 'A file', bytes: blob.bytes })
      if (offset > blob.bytes) throw protocolError(`offset ${offset} is beyond the blob's ${blob.bytes} bytes`)
      const dataBytes = Math.min(length, blob.bytes - offset)
      if (room.byteLength < dataBytes) room = new Uint8Array(dataBytes)
      const data = await blob.read({ offset, length: dataBytes, room })
      await stream.write([chunkHeader({ offset, totalBytes: blob.bytes, dataBytes: data.byteLength }), data])
    }
    await stream.close()
  } catch (thrown) {
    const error = SoukError.from(thrown)
    if (error.code === 'CONNECTION_LOST') stream.abort(error)
    else await stream.reject(encodeBlobAnswer({ kind: 'error', error: forStranger(error, onInternalError) }), error)
  } finally {
    abort.abort()
    await open?.blob.close().catch((cause: unknown) => onInternalError(SoukError.from(cause)))
  }
}

function notFound(sha256: string): SoukError<'NOT_FOUND'> {
  return new SoukError({
    code: 'NOT_FOUND',
    message: `There is no blob ${sha256} for this peer.`,
    details: { id: sha256 },
    phase: 'deliver',
  })
}
