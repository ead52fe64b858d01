import { isSoukError } from '../protocol/errors.ts'
import type { ImageLayer, OciImage } from './oci-image.ts'
import { ImageProblem } from './oci-refusals.ts'
import { compressionOf, decompress, digesting } from './oci-streams.ts'
import { LayeredTree, type LayeredTreeOptions } from './oci-tree.ts'
import { readTar, unpackError, type TarTarget } from './unpack-tar-read.ts'

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
  await readLayers({ ...options, image, target: tree, signal, onLayer: () => tree.beginLayer() })
}

/**
 * Reads the layers of an image into `target`, the lowest first, each held against its digests.
 *
 * @throws ImageProblem where a layer is not what its digests say, or has what is not taken, or `target` takes no more;
 *   SoukError where this host fails; or the signal's reason.
 */
export async function readLayers({
  image,
  onLayer,
  ...options
}: Omit<ReadLayer, 'layer'> & {
  readonly image: Pick<OciImage, 'layers'>
  /** Told before the first entry of each. */
  readonly onLayer: () => void
}): Promise<void> {
  for (const [at, layer] of image.layers.entries()) {
    onLayer()
    try {
      await readLayer({ ...options, layer })
    } catch (thrown) {
      options.signal.throwIfAborted()
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

interface ReadLayer {
  readonly layer: ImageLayer
  readonly target: TarTarget
  readonly maxEntries: number
  readonly signal: AbortSignal
  /** Told of each piece of the tar archive in it before anything is made of that; what it throws ends it. */
  readonly onTar?: (bytes: number) => void
}

async function readLayer({ layer, target, maxEntries, signal, onTar }: ReadLayer): Promise<void> {
  const stored = digesting(layer.file.content())
  const archive = digesting(decompress(stored, layer.compression ?? (await compressionOf(layer.file))), onTar)
  try {
    await readTar({ content: archive, target, maxEntries, signal })
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
