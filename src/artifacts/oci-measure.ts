import type { ImageLayer, OciImage } from './oci-image.ts'
import { readLayers } from './oci-layers.ts'
import { ImageProblem } from './oci-refusals.ts'
import { compressionOf, decompress } from './oci-streams.ts'
import { checkTarget, segmentsOf } from './unpack-tar-names.ts'
import type { TarTarget } from './unpack-tar-read.ts'
import { tooManyBytes } from './unpack-tar-refusals.ts'

/** A block of a file system; a file, folder or link takes one besides its content. */
const BLOCK_BYTES = 4096

export interface MeasuredLayer {
  readonly layer: ImageLayer
  /** Of the tar archive in it. */
  readonly tarBytes: number
}

/** An image every byte of which was looked at. */
export interface MeasuredImage {
  readonly layers: readonly MeasuredLayer[]
  /** What whoever unpacks it needs of the disk: every file of every layer, also those that a later layer removes. */
  readonly diskBytes: number
}

/**
 * Looks at every byte of an image's layers, for somebody else who is to unpack them: nothing is written.
 *
 * @param maxBytes what its files may take of the disk, and no more its layers as tar archives.
 * @throws ImageProblem where a layer is not what its digests say, has what is not taken (a device, a name that leads
 *   elsewhere), or is too large, which ends the reading at once; or the signal's reason.
 */
export async function measureImage({
  image,
  maxBytes,
  signal,
}: {
  readonly image: Pick<OciImage, 'layers'>
  readonly maxBytes: number
  readonly signal: AbortSignal
}): Promise<MeasuredImage> {
  const tarBytes: number[] = []
  let allTarBytes = 0
  const target = new MeasuringTarget(maxBytes)
  await readLayers({
    image,
    target,
    maxEntries: Math.ceil(maxBytes / BLOCK_BYTES),
    signal,
    onLayer: () => tarBytes.push(0),
    onTar(bytes) {
      tarBytes.push((tarBytes.pop() ?? 0) + bytes)
      allTarBytes += bytes
      if (allTarBytes > maxBytes)
        throw new ImageProblem(`its layers come to more than the ${maxBytes} bytes that may be unpacked here`)
    },
  })
  return {
    layers: image.layers.map((layer, at) => ({ layer, tarBytes: tarBytes[at] ?? 0 })),
    diskBytes: target.diskBytes,
  }
}

/** The tar archive in a layer. */
export async function* tarOf({ file, compression }: ImageLayer): AsyncGenerator<Uint8Array, void, undefined> {
  yield* decompress(file.content(), compression ?? (await compressionOf(file)))
}

/** Takes what {@link file://./oci-tree.ts} would take, as far as a single entry tells. */
class MeasuringTarget implements TarTarget {
  readonly #maxBytes: number
  diskBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  count({ name, bytes }: { readonly name: string; readonly bytes: number }): void {
    this.diskBytes += BLOCK_BYTES + Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
    if (this.diskBytes > this.#maxBytes) throw tooManyBytes({ name, bytes: this.diskBytes, maxBytes: this.#maxBytes })
    segmentsOf(name)
  }

  addFolder(): Promise<void> {
    return Promise.resolve()
  }

  /** Its content is read past by whoever reads the archive. */
  addFile(): Promise<void> {
    return Promise.resolve()
  }

  addSymlink(name: string, target: string): Promise<void> {
    checkTarget(name, target)
    return Promise.resolve()
  }

  addHardLink(name: string, target: string): Promise<void> {
    segmentsOf(target, name)
    return Promise.resolve()
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }
}
