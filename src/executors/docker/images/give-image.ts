import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../../artifacts/oci-files.ts'
import { withImage, type OciImage } from '../../../artifacts/oci-image.ts'
import { measureImage, type MeasuredImage } from '../../../artifacts/oci-measure.ts'
import type { ImageCalls } from '../engine-images.ts'
import { containerFailed, imageRefused } from '../failures.ts'
import type { OwnImage, OwnImages } from './own-images.ts'
import { savedArchive } from './saved-archive.ts'

/** What an engine's own layer store takes (moby, layer/layer_store.go, maxLayerDepth). */
const MAX_LAYERS = 125

export interface GiveOptions {
  readonly engine: ImageCalls
  readonly own: OwnImages
  /** What an image may take of the disk, unpacked. */
  readonly maxBytes: number
}

export interface GivenImage {
  /** The engine has it under the name that `own` has for this. */
  readonly key: string
  /** A folder with an image layout, or an archive. */
  readonly source: string
  /** Of its manifest, or of its configuration. */
  readonly digest: string
  /** How errors name it. */
  readonly image: string
  /** What to do about one that is refused. */
  readonly hint?: string
  /** A folder for what is on its way, in which a crash leaves word of it. */
  readonly dir: string
  readonly signal: AbortSignal
}

/**
 * Gives the engine an image, after every byte of it was looked at.
 *
 * @returns the image, as one of ours; its id alone where the engine had it before, by no name at all: somebody's who
 *   would lose it with our name for it.
 * @throws SoukError IMAGE_REFUSED, STORAGE_FULL, EXECUTOR_FAILED; what the engine fails with; errors of the file system;
 *   or the signal's reason.
 */
export function giveImage(given: GivenImage, options: GiveOptions): Promise<OwnImage | { readonly id: string }> {
  const { maxBytes, engine, own } = options
  const { key, signal } = given
  return withImage(given, async (image) => {
    if (image.layers.length > MAX_LAYERS)
      throw imageRefused({ image: given.image, reason: `it has more than ${MAX_LAYERS} layers` })
    const measured = await measureImage({ image, maxBytes, signal })
    const id = digestOf(image.configuration)
    const known = own.find(key)
    if (known?.id === id) return known
    const there = (await engine.images()).find((other) => other.id === id)
    if (there?.names.length === 0) return { id }
    const { diskBytes } = measured
    const reservation = await own.reserve({ key, diskBytes })
    try {
      if (there === undefined) await load({ image, measured, id, given }, options)
      else await engine.tagImage(id, own.nameOf(key))
      return await own.add({ key, id, diskBytes })
    } finally {
      reservation.release()
    }
  })
}

interface Loading {
  readonly image: OciImage
  readonly measured: MeasuredImage
  readonly id: string
  readonly given: GivenImage
}

async function load(
  { image, measured, id, given: { key, dir, signal } }: Loading,
  { engine, own }: GiveOptions,
): Promise<void> {
  const name = own.nameOf(key)
  const text = `${name.repo}:${name.tag}`
  await writeFile(join(dir, ID_FILE), id, { mode: 0o600 })
  await engine.loadImage(savedArchive({ ...measured, configuration: image.configuration, name }), { signal })
  const facts = await engine.image(text)
  if (facts?.id === id) return
  await engine.removeImage(text)
  throw containerFailed(`the engine made ${facts?.id ?? 'nothing'} of the image ${id}`)
}

const ID_FILE = 'id'
const ID = /^sha256:[0-9a-f]{64}$/

/**
 * Removes the folder of an image that is not on its way any more, and from the engine what it has of that by no name:
 * what it was being given as it, or this process, ended. Resolves to how many images were removed.
 * @throws what the engine fails with; the folder stays then.
 */
export async function removeComing(engine: ImageCalls, dir: string): Promise<number> {
  const id = await readFile(join(dir, ID_FILE), 'utf8').catch(() => '')
  const nameless = ID.test(id) && (await engine.images()).some((image) => image.id === id && image.names.length === 0)
  const removed = nameless && (await engine.removeUnusedImage(id))
  await rm(dir, { recursive: true, force: true })
  return removed ? 1 : 0
}
