import { varint } from './frame-reader.ts'

/** What is in a frame with a chunk before the data, in the encoding that every encoder of protobuf makes of it. */
export interface ChunkHeader {
  readonly offset: number
  readonly totalBytes: number
  readonly dataBytes: number
}

/** Fields of messages.proto, as tags: the field's number, and whether a varint (0) or a length (2) follows. */
const CHUNK = (1 << 3) | 2
const OFFSET = 1 << 3
const TOTAL_BYTES = 2 << 3
const DATA = (3 << 3) | 2

/**
 * The bytes of a BlobResponse with a chunk, up to its data, which comes last: so the data is neither copied into a
 * message nor out of it.
 */
export function chunkHeader({ offset, totalBytes, dataBytes }: ChunkHeader): Uint8Array {
  const fields = [
    ...(offset === 0 ? [] : [OFFSET, ...varint(offset)]),
    ...(totalBytes === 0 ? [] : [TOTAL_BYTES, ...varint(totalBytes)]),
    ...(dataBytes === 0 ? [] : [DATA, ...varint(dataBytes)]),
  ]
  return Uint8Array.from([CHUNK, ...varint(fields.length + dataBytes), ...fields])
}

/** The data of a frame that begins with just this header and has just that much data, else undefined. */
export function dataAfterHeader(frame: readonly Uint8Array[], expected: ChunkHeader): Uint8Array[] | undefined {
  const header = chunkHeader(expected)
  let at = 0
  let dataBytes = 0
  const data: Uint8Array[] = []
  for (const piece of frame) {
    let from = 0
    for (; from < piece.byteLength && at < header.byteLength; from++, at++)
      if (piece[from] !== header[at]) return undefined
    if (from === piece.byteLength) continue
    data.push(from === 0 ? piece : piece.subarray(from))
    dataBytes += piece.byteLength - from
  }
  return at === header.byteLength && dataBytes === expected.dataBytes ? data : undefined
}
