import { SoukError } from '../protocol/errors.ts'
import {
  beginImage,
  discardImage,
  openCacheFolder,
  rootOf,
  type PartialImage,
  type UnpackedImage,
} from './oci-cache-folder.ts'
import { withImage, type ImageConfig, type OciImage } from './oci-image.ts'
import { unpackImage, verifyLayers } from './oci-layers.ts'
import { ImageProblem } from './oci-refusals.ts'

export interface ImageCacheOptions {
  /** Its own folder, made where it is missing. One process at a time: the caller has locked it. */
  readonly dir: string
  /** What all unpacked images may take of the disk together. */
  readonly quotaBytes: number
  /** What the host was booted as: what an earlier boot has left is not trusted. */
  readonly bootId: string
  /** Digests of the operator's own images: those that others bring do not push them out. */
  readonly own: ReadonlySet<string>
}

export interface WantedImage {
  /** A tar archive, or a folder with an image layout. */
  readonly source: string
  /** Of its manifest, or of its configuration. */
  readonly digest: string
  /**
   * What says what is in the source: the sha256 of an archive that was held against it. Undefined for the operator's own.
   */
  readonly sourceSha256?: string
  /** How errors name it. */
  readonly image: string
  readonly maxBytes: number
  readonly maxEntries: number
  readonly signal: AbortSignal
}

/** An unpacked image in use: it stays until it is released. */
export interface LeasedImage {
  readonly root: string
  readonly config: ImageConfig
  release(): void
}

/** Unpacked images by digest, shared by whoever runs them, and never changed. */
export interface ImageCache {
  /**
   * Unpacks an image that is not there yet, once for all who want it: the others wait, and unpack it from their own source
   * where that has come to nothing. What is there is what the digest says, whoever has brought it.
   *
   * @throws SoukError IMAGE_REFUSED, STORAGE_FULL where there is no room, INTERNAL where this host fails; or the signal's reason.
   */
  lease(wanted: WantedImage): Promise<LeasedImage>
  usage(): { readonly bytes: number; readonly quotaBytes: number; readonly images: number }
  /** Resolves when nothing is unpacked or removed any more. */
  close(): Promise<void>
}

interface Entry extends UnpackedImage {
  readonly isOwn: boolean
  /** Archives that are known to hold all of it: who has the documents of an image alone does not get the rest here. */
  readonly sources: Set<string>
  users: number
}

const MAX_SOURCES = 1000

/** @throws errors of the file system */
export async function openImageCache({ dir, quotaBytes, bootId, own }: ImageCacheOptions): Promise<ImageCache> {
  /** The one that was not used for longest first. */
  const entries = new Map<string, Entry>()
  const isOwn = (key: string): boolean => own.has(`sha256:${key.slice(key.indexOf('-') + 1)}`)
  let storedBytes = 0
  let partialBytes = 0
  const add = (image: UnpackedImage): Entry => {
    const entry: Entry = { ...image, isOwn: isOwn(image.key), sources: new Set(), users: 0 }
    entries.set(image.key, entry)
    storedBytes += image.diskBytes
    return entry
  }
  for (const image of await openCacheFolder({ dir, bootId })) add(image)
  const unpacking = new Map<string, Promise<unknown>>()
  const work = new Set<Promise<unknown>>()

  const tracked = <T>(promise: Promise<T>): Promise<T> => {
    const settled = promise.catch(() => {}).finally(() => work.delete(settled))
    work.add(settled)
    return promise
  }
  const usedBytes = (): number => storedBytes + partialBytes

  /** What is in use stays; what a stranger brings makes no room among the operator's. */
  function makeRoom(neededBytes: number, forOwn: boolean): void {
    while (usedBytes() + neededBytes > quotaBytes) {
      const idle = [...entries.values()].filter(({ users }) => users === 0)
      const victim = idle.find((entry) => !entry.isOwn) ?? (forOwn ? idle[0] : undefined)
      if (victim === undefined) throw noRoom(quotaBytes)
      entries.delete(victim.key)
      storedBytes -= victim.diskBytes
      // What is not removed now is when the cache is opened next.
      void tracked(discardImage(dir, victim.key)).catch(() => {})
    }
  }

  function use(entry: Entry): LeasedImage {
    const { key, config } = entry
    entries.delete(key)
    entries.set(key, entry)
    entry.users++
    let released = false
    return {
      root: rootOf(dir, key),
      config,
      release() {
        if (!released) entry.users--
        released = true
      },
    }
  }

  /** Looks once at every byte of an archive that is new here. */
  async function useProven(
    entry: Entry,
    { image, wanted }: { readonly image: OciImage; readonly wanted: WantedImage },
  ): Promise<LeasedImage> {
    const { sourceSha256 } = wanted
    const lease = use(entry)
    if (sourceSha256 === undefined || entry.isOwn || entry.sources.has(sourceSha256)) return lease
    try {
      await verifyLayers({ ...wanted, image })
    } catch (error) {
      lease.release()
      throw error
    }
    if (entry.sources.size >= MAX_SOURCES) entry.sources.clear()
    entry.sources.add(sourceSha256)
    return lease
  }

  async function unpack({ image, wanted, key }: { image: OciImage; wanted: WantedImage; key: string }): Promise<Entry> {
    const partial = await beginImage(dir)
    let diskBytes = 0
    try {
      const onGrow = (bytes: number): void => {
        if (diskBytes + bytes > quotaBytes)
          throw new ImageProblem(`it takes more than the ${quotaBytes} bytes that all images may take here`)
        makeRoom(bytes, isOwn(key))
        diskBytes += bytes
        partialBytes += bytes
      }
      await unpackImage({ ...wanted, image, into: partial.root, onGrow })
      wanted.signal.throwIfAborted()
      const unpacked = { key, config: image.config, diskBytes }
      await partial.keep(unpacked)
      const entry = add(unpacked)
      if (wanted.sourceSha256 !== undefined) entry.sources.add(wanted.sourceSha256)
      return entry
    } catch (error) {
      await removePartial(partial)
      throw error
    } finally {
      partialBytes -= diskBytes
    }
  }

  async function leaseOpened(image: OciImage, wanted: WantedImage): Promise<LeasedImage> {
    const key = `${image.pinnedBy}-${image.digest.slice('sha256:'.length)}`
    for (;;) {
      wanted.signal.throwIfAborted()
      const entry = entries.get(key)
      if (entry !== undefined) return useProven(entry, { image, wanted })
      const other = unpacking.get(key)
      if (other !== undefined) {
        await settledOrAborted(other, wanted.signal)
        continue
      }
      const mine = tracked(unpack({ image, wanted, key }))
      unpacking.set(key, mine)
      try {
        return use(await mine)
      } finally {
        unpacking.delete(key)
      }
    }
  }

  return {
    lease: (wanted) => withImage(wanted, (image) => leaseOpened(image, wanted)),
    usage: () => ({ bytes: usedBytes(), quotaBytes, images: entries.size }),
    async close() {
      while (work.size > 0) await Promise.all(work)
    },
  }
}

/** What cannot be removed now is when the cache is opened next. */
async function removePartial(partial: PartialImage): Promise<void> {
  await partial.discard().catch(() => {})
}

/** Resolves when `promise` has settled, whichever way; rejects with the signal's reason when it aborts first. */
async function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise.catch(() => {}), aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function noRoom(quotaBytes: number): SoukError<'STORAGE_FULL'> {
  return new SoukError({
    code: 'STORAGE_FULL',
    phase: 'prepare',
    message: `There is no room for one more image: those in use, and the operator's own, take up the ${quotaBytes} bytes that there are for them.`,
    details: { quotaBytes },
    hint: 'Try again when other tasks have ended, use a smaller image, or ask another provider.',
  })
}
