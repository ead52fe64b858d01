import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import type { Compression } from './oci-documents.ts'
import type { ImageFile } from './oci-files.ts'

const CHUNK_BYTES = 256 * 1024
/** 8 MiB, which every decoder has to have and no sensible encoder exceeds (RFC 8878, section 3.1.1.1.2). */
const ZSTD_WINDOW_LOG = 23

export interface Digesting extends AsyncGenerator<Uint8Array, void, undefined> {
  /** Of what went through. */
  digest(): string
}

/** @param onChunk told of each before it goes on; what it throws ends it. */
export function digesting(content: AsyncIterable<Uint8Array>, onChunk?: (bytes: number) => void): Digesting {
  const hash = createHash('sha256')
  async function* through(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of content) {
      onChunk?.(chunk.byteLength)
      hash.update(chunk)
      yield chunk
    }
  }
  return Object.assign(through(), { digest: () => `sha256:${hash.digest('hex')}` })
}

/** Begins with its first chunk: what nobody has read from leaves nothing open. */
export async function* decompress(
  content: AsyncGenerator<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') {
    yield* content
    return
  }
  const decoder =
    compression === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : createZstdDecompress({
          chunkSize: CHUNK_BYTES,
          params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
        })
  // What fails reaches whoever reads from the end, or nobody once that is over.
  decoder.on('error', () => {})
  pipeline(Readable.from(content, { objectMode: false }), decoder, () => {})
  yield* decoder as AsyncIterable<Uint8Array>
}

const MAGIC: readonly (readonly [string, Compression])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
]

/** What `docker save` writes as a plain tar other tools compress. */
export async function compressionOf(file: ImageFile): Promise<Compression> {
  for await (const chunk of file.content()) {
    const start = Buffer.from(chunk.subarray(0, 4)).toString('hex')
    return MAGIC.find(([magic]) => start.startsWith(magic))?.[1] ?? 'none'
  }
  return 'none'
}
