import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { isSoukError } from '../protocol/errors.ts'
import type { Compression } from './oci-documents.ts'
import type { ImageFile } from './oci-files.ts'
import type { ImageLayer, OciImage } from './oci-image.ts'
import { ImageProblem } from './oci-refusals.ts'
import { LayeredTree, type LayeredTreeOptions } from './oci-tree.ts'
import { readTar, unpackError } from './unpack-tar-read.ts'

const CHUNK_BYTES = 256 * 1024
/** 8 MiB, which every decoder has to have and no sensible encoder exceeds (RFC 8878, section 3.1.1.1.2). */
const ZSTD_WINDOW_LOG = 23
const ROOT_MODE = 0o755

/**
 * Unpacks the layers of an image into one folder, everything in it owned by this process, with the permission bits that
 * the image gives it; no device, no set-user-id, no extended attribute. A failure leaves in the folder what was made until
 * then: the caller removes it.
 *
 * @throws ImageProblem where a layer is not what its digests say, or has what is not taken, or too much; SoukError
 *   STORAGE_FULL, INTERNAL where this host fails; what `onGrow` throws; or the signal's reason.
 */
export async function unpackImage({
  image,
  signal,
  ...options
}: LayeredTreeOptions & {
  readonly image: Pick<OciImage, 'layers'>
  readonly signal: AbortSignal
}): Promise<void> {
  const tree = new LayeredTree(options)
  // Whatever the umask was when it was made.
  await tree.addFolder('.', ROOT_MODE)
  for (const [at, layer] of image.layers.entries()) {
    tree.beginLayer()
    try {
      await applyLayer({ layer, tree, maxEntries: options.maxEntries, signal })
    } catch (thrown) {
      signal.throwIfAborted()
      const error = thrown instanceof ImageProblem ? thrown : unpackError(thrown)
      if (!isSoukError(error, 'INVALID_INPUT')) throw error
      const which = `layer ${at + 1} of ${image.layers.length}`
      throw new ImageProblem(`${which} cannot be unpacked: ${error.message.replace(/\.$/, '')}`, { cause: error })
    }
  }
}

/** More than the headers of a tar archive take of any entry. */
const OVERHEAD_BYTES = 4096

/**
 * Looks at every byte of an image's layers without unpacking anything.
 * @throws ImageProblem where a layer is not what its digest says, or is larger than anything that would be unpacked.
 */
export async function verifyLayers({
  image,
  maxBytes,
  maxEntries,
  signal,
}: {
  readonly image: Pick<OciImage, 'layers'>
  readonly maxBytes: number
  readonly maxEntries: number
  readonly signal: AbortSignal
}): Promise<void> {
  let left = maxBytes + maxEntries * OVERHEAD_BYTES
  for (const { file, digest, diffId, compression } of image.layers) {
    const stored = file.content()
    const content = digesting(
      digest === undefined ? decompress(stored, compression ?? (await compressionOf(file))) : stored,
    )
    for await (const chunk of content) {
      signal.throwIfAborted()
      left -= chunk.byteLength
      if (left < 0) throw new ImageProblem('its layers are larger than what may be unpacked here')
    }
    expect('its layer', { is: content.digest(), said: digest ?? diffId })
  }
}

async function applyLayer({
  layer,
  tree,
  maxEntries,
  signal,
}: {
  readonly layer: ImageLayer
  readonly tree: LayeredTree
  readonly maxEntries: number
  readonly signal: AbortSignal
}): Promise<void> {
  const stored = digesting(layer.file.content())
  const archive = digesting(decompress(stored, layer.compression ?? (await compressionOf(layer.file))))
  try {
    await readTar({ content: archive, target: tree, maxEntries, signal })
    // Behind the end of what was compressed there may be more, which the digest is of as well.
    for await (const _ of stored) signal.throwIfAborted()
  } finally {
    await archive.return()
    await stored.return()
  }
  if (layer.digest !== undefined) expect('its layer', { is: stored.digest(), said: layer.digest })
  expect('its layer, unpacked,', { is: archive.digest(), said: layer.diffId })
}

function expect(what: string, { is, said }: { readonly is: string; readonly said: string }): void {
  if (is !== said) throw new ImageProblem(`${what} is ${is}, not ${said}`)
}

interface Digesting extends AsyncGenerator<Uint8Array, void, undefined> {
  /** Of what went through. */
  digest(): string
}

function digesting(content: AsyncIterable<Uint8Array>): Digesting {
  const hash = createHash('sha256')
  async function* through(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of content) {
      hash.update(chunk)
      yield chunk
    }
  }
  return Object.assign(through(), { digest: () => `sha256:${hash.digest('hex')}` })
}

/** Begins with its first chunk: what nobody has read from leaves nothing open. */
async function* decompress(
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
async function compressionOf(file: ImageFile): Promise<Compression> {
  for await (const chunk of file.content()) {
    const start = Buffer.from(chunk.subarray(0, 4)).toString('hex')
    return MAGIC.find(([magic]) => start.startsWith(magic))?.[1] ?? 'none'
  }
  return 'none'
}
