import type { ImageCache, LeasedImage } from '../artifacts/oci-cache.ts'
import { imageRefused } from '../artifacts/oci-refusals.ts'
import type { NativeRoot } from '../executors/executor.ts'
import { sandboxFailed } from './failures.ts'

/** An image that the operator offers. */
export interface OfferedImage {
  readonly name: string
  /** Of its manifest: `sha256:…`. */
  readonly digest: string
  /** A folder with an image layout, or an archive, of this host. */
  readonly path: string
}

export interface NativeImages {
  readonly cache: ImageCache
  readonly offered: readonly OfferedImage[]
}

/** The operator's own images are bounded by what the cache holds. */
const MAX_OWN_ENTRIES = 1_000_000

type ImageRoot = Extract<NativeRoot, { kind: 'image' }>

/**
 * The unpacked root file system of an image that the task brings or the operator offers.
 *
 * @throws SoukError IMAGE_REFUSED, STORAGE_FULL, EXECUTOR_FAILED for an image that the operator offers and that cannot be
 *   used; errors of the file system; or the signal's reason.
 */
export async function leaseImage({
  root,
  images,
  maxRootBytes,
  maxRootEntries,
  signal,
}: {
  readonly root: ImageRoot
  readonly images: NativeImages | undefined
  readonly maxRootBytes: number
  readonly maxRootEntries: number
  readonly signal: AbortSignal
}): Promise<LeasedImage> {
  const { image, archive } = root
  if (images === undefined) throw imageRefused({ image, reason: 'this provider runs no images', hint: OTHER_PROVIDER })
  const { cache, offered } = images
  if (archive !== undefined) {
    const { source, sha256: sourceSha256 } = archive
    return cache.lease({
      source,
      sourceSha256,
      digest: image,
      image,
      maxBytes: maxRootBytes,
      maxEntries: maxRootEntries,
      signal,
    })
  }
  const { digest, path } = offer(image, offered)
  const { quotaBytes } = cache.usage()
  try {
    return await cache.lease({
      source: path,
      digest,
      image,
      maxBytes: quotaBytes,
      maxEntries: MAX_OWN_ENTRIES,
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    // What is wrong with it is not the requester's doing, nor is the operator's disk his business.
    throw sandboxFailed(`the image ${image}, which this provider offers, cannot be used here`, error)
  }
}

const OTHER_PROVIDER = 'Ask another provider, or bring a program or a root file system as a tar file.'

/** A task says `NAME@sha256:…`, or the digest alone. */
function offer(image: string, offered: readonly OfferedImage[]): OfferedImage {
  const found = offered.find(({ name, digest }) => image === `${name}@${digest}` || image === digest)
  if (found !== undefined) return found
  const offers = offered.map(({ name, digest }) => `${name}@${digest}`)
  const reason = `this provider does not offer it; it offers ${offers.length === 0 ? 'none' : offers.join(', ')}`
  throw imageRefused({ image, reason, hint: 'Use one that the provider offers, or bring your own as an archive.' })
}
