import { SoukError } from '../../../protocol/errors.ts'
import type { ImageCalls } from '../engine-images.ts'
import type { KeptRecord, KeptRecords } from './kept-records.ts'

/** An image that this instance has given the engine. */
export interface OwnImage extends KeptRecord {
  /** Tasks that need it to stay. */
  users: number
  /** Archives, by their sha256, that are known to hold all of it: who has its documents alone does not get the rest here. */
  readonly sources: Set<string>
}

/** A place on the disk that nobody else is promised; whoever has it gives it back. */
export interface Reservation {
  release(): void
}

/** The images that this instance has given the engine, and what they may take of the disk. */
export interface OwnImages {
  /** What the engine knows such an image by: only this instance gives these names. */
  nameOf(key: string): { readonly repo: string; readonly tag: string }
  find(key: string): OwnImage | undefined
  /** By the engine's id. */
  findById(id: string): OwnImage | undefined
  /** It is used, and stays until it is released. */
  hold(image: OwnImage): { release(): void }
  /**
   * Makes room for one that is about to be given to the engine, with what was not used for longest first; what is held, and
   * what a container is made of, stays.
   * @throws SoukError STORAGE_FULL where there is none; what the engine fails with.
   */
  reserve(image: Pick<KeptRecord, 'key' | 'diskBytes'>): Promise<Reservation>
  /** From here on it is one of them: the engine has it under its name. */
  add(record: KeptRecord): Promise<OwnImage>
  /**
   * Looks at what the engine has, and removes of it what a dead process has left in the middle of something, and what is
   * over the budget; resolves to how many.
   */
  reconcile(): Promise<number>
  /** Removes all that no container is made of. */
  removeAll(): Promise<void>
}

export interface OwnImagesOptions {
  readonly engine: ImageCalls
  readonly instance: string
  readonly records: KeptRecords
  readonly quotaBytes: number
  /** Told before one is removed, and waited for. */
  readonly onRemove: (image: KeptRecord) => Promise<void>
}

export function createOwnImages({ engine, instance, records, quotaBytes, onRemove }: OwnImagesOptions): OwnImages {
  /** The one that was not used for longest first. */
  const images = new Map<string, OwnImage>()
  const repo = `souk-${instance}`
  /** Those on their way: the engine may have them under their names already. */
  const coming = new Set<string>()
  let reservedBytes = 0
  const usedBytes = (): number => [...images.values()].reduce((sum, { diskBytes }) => sum + diskBytes, reservedBytes)
  /** What there is no room to be made of. */
  const heldBytes = (): number =>
    [...images.values()].reduce((sum, { diskBytes, users }) => (users > 0 ? sum + diskBytes : sum), reservedBytes)
  const nameOf: OwnImages['nameOf'] = (key) => ({ repo, tag: key })
  const textOf = (key: string): string => `${repo}:${key}`

  /** @returns whether it is gone. */
  const remove = async (image: OwnImage): Promise<boolean> => {
    const { key } = image
    // First out of here, so that nobody begins to use it.
    images.delete(key)
    let removed = false
    try {
      await onRemove(image)
      removed = await engine.removeUnusedImage(textOf(key))
      if (removed) await records.remove(key)
      return removed
    } finally {
      if (!removed && !images.has(key)) images.set(key, image)
    }
  }
  /** @returns how many were removed; fewer than it takes where the others are in use. */
  const makeRoom = async (neededBytes: number): Promise<number> => {
    let removed = 0
    for (const image of [...images.values()]) {
      if (usedBytes() + neededBytes <= quotaBytes) break
      if (image.users === 0 && images.get(image.key) === image && (await remove(image))) removed += 1
    }
    return removed
  }
  const put = (record: KeptRecord): OwnImage => {
    const image: OwnImage = { ...record, users: 0, sources: new Set() }
    images.set(record.key, image)
    return image
  }
  return {
    nameOf,
    find: (key) => images.get(key),
    findById: (id) => [...images.values()].find((image) => image.id === id),
    hold(image) {
      const { key } = image
      if (images.delete(key)) images.set(key, image)
      image.users += 1
      void records.touch(key)
      let released = false
      return {
        release() {
          if (!released) image.users -= 1
          released = true
        },
      }
    },
    async reserve({ key, diskBytes }) {
      reservedBytes += diskBytes
      coming.add(key)
      let released = false
      const release = (): void => {
        if (released) return
        released = true
        reservedBytes -= diskBytes
        coming.delete(key)
      }
      try {
        // Before the images of others go in vain: whoever asks for too much would empty the cache with each try.
        if (heldBytes() > quotaBytes) throw noRoom(quotaBytes)
        // What is promised is part of what is used.
        await makeRoom(0)
        if (usedBytes() > quotaBytes) throw noRoom(quotaBytes)
        return { release }
      } catch (error) {
        release()
        throw error
      }
    },
    async add(record) {
      await records.write(record)
      return images.get(record.key) ?? put(record)
    },
    async reconcile() {
      const [known, onEngine] = await Promise.all([records.read(), engine.images()])
      const named = new Map<string, string>()
      for (const { id, names } of onEngine) {
        for (const name of names) {
          const key = keyIn(name, repo)
          if (key !== undefined) named.set(key, id)
        }
      }
      for (const record of known) {
        const { key, id } = record
        if (coming.has(key)) continue
        if (named.get(key) !== id) {
          images.delete(key)
          await onRemove(record)
          await records.remove(key)
        } else if (!images.has(key)) put(record)
      }
      let removed = 0
      for (const key of named.keys()) {
        if (!images.has(key) && !coming.has(key) && (await engine.removeUnusedImage(textOf(key)))) removed += 1
      }
      return removed + (await makeRoom(0))
    },
    async removeAll() {
      for (const image of [...images.values()]) await remove(image)
    },
  }
}

/** podman puts `localhost/` before names without a host. */
function keyIn(name: string, repo: string): string | undefined {
  const local = name.replace(/^localhost\//, '')
  return local.startsWith(`${repo}:`) ? local.slice(repo.length + 1) : undefined
}

function noRoom(quotaBytes: number): SoukError<'STORAGE_FULL'> {
  return new SoukError({
    code: 'STORAGE_FULL',
    phase: 'prepare',
    message: `There is no room for one more image: those in use take up the ${quotaBytes} bytes that there are for images.`,
    details: { quotaBytes },
    hint: 'Try again when other tasks have ended, use a smaller image, or ask another provider.',
  })
}
