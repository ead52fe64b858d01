import { link, mkdir, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { SoukError } from '../protocol/errors.ts'
import { checkTarget, segmentsOf } from './unpack-tar-names.ts'
import type { FileEntry, TarTarget } from './unpack-tar-read.ts'
import { archiveRefused, tooManyBytes, tooManyEntries } from './unpack-tar-refusals.ts'
import { requireStillFolder, setMode, WritesAhead } from './unpack-tar-writes.ts'

export const FOLDER_MODE = 0o755
const FILE_MODE = 0o644
const PROGRAM_MODE = 0o755

/** What was made under each name. A hard link is a file like any other. */
type Made = Folder | 'file' | 'symlink'
interface Folder extends Map<string, Made> {}

interface Place {
  readonly folder: Folder
  /** The last part of the entry's name. */
  readonly segment: string
  readonly path: string
  readonly there: Made | undefined
}

/**
 * A folder that an archive fills. It knows everything in it because it made everything in it, and goes only
 * through folders that it made: so no name, whatever links the archive has, leads out. That nothing but a folder is in the place of a
 * folder is looked up once more before it is used, and nothing that is made is ever opened through a link.
 */
export class UnpackedTree implements TarTarget {
  readonly #into: string
  readonly #maxBytes: number
  readonly #maxEntries: number
  readonly #root: Folder = new Map()
  readonly #writes = new WritesAhead()
  #entries = 0
  #bytes = 0

  constructor({
    into,
    maxBytes,
    maxEntries,
  }: {
    readonly into: string
    readonly maxBytes: number
    readonly maxEntries: number
  }) {
    this.#into = into
    this.#maxBytes = maxBytes
    this.#maxEntries = maxEntries
  }

  /** Entries of the archive so far, with the folders that they imply. */
  get entries(): number {
    return this.#entries
  }

  /** Of the content of its files so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws SoukError INVALID_INPUT where there are too many. */
  count({ name, bytes }: { readonly name: string; readonly bytes: number }): void {
    this.#entries++
    this.#bytes += bytes
    if (this.#entries > this.#maxEntries) throw tooManyEntries(name, this.#maxEntries)
    // Before anything of it is read or written.
    if (this.#bytes > this.#maxBytes) throw tooManyBytes({ name, bytes: this.#bytes, maxBytes: this.#maxBytes })
  }

  async addFolder(name: string): Promise<void> {
    const place = await this.#placeOf(name)
    if (place === undefined || place.there instanceof Map) return
    if (place.there !== undefined) throw replaces(name, place.there, 'a folder')
    await this.#makeFolder(place)
  }

  /** A small file may still be on its way when this resolves: see {@link settle}. */
  async addFile(file: FileEntry): Promise<void> {
    const { folder, segment, path, there } = await this.#placeForOther(file.name, 'a file')
    if (there === 'file') {
      await this.#writes.settle()
      await unlink(path)
    } else if (there !== undefined) throw replaces(file.name, there, 'a file')
    folder.set(segment, 'file')
    await this.#writes.write(path, { ...file, mode: (file.mode & 0o111) === 0 ? FILE_MODE : PROGRAM_MODE })
  }

  /** Resolves when everything that was added is written. */
  settle(): Promise<void> {
    return this.#writes.settle()
  }

  async addSymlink(name: string, target: string): Promise<void> {
    checkTarget(name, target)
    const { folder, segment, path, there } = await this.#placeForOther(name, 'a symbolic link')
    if (there !== undefined) throw replaces(name, there, 'a symbolic link')
    await symlink(target, path)
    folder.set(segment, 'symlink')
  }

  /** A second name for a file that is there; link(2) follows no symbolic link in the place of it. */
  async addHardLink(name: string, target: string): Promise<void> {
    const { folder, segment, path, there } = await this.#placeForOther(name, 'a hard link')
    if (there !== undefined) throw replaces(name, there, 'a hard link')
    const file = await this.#existingFile(name, target)
    await this.#writes.settle()
    await link(file, path)
    folder.set(segment, 'file')
  }

  async #existingFile(name: string, target: string): Promise<string> {
    const segments = segmentsOf(target, name)
    let made: Made | undefined = this.#root
    for (const segment of segments) made = made instanceof Map ? made.get(segment) : undefined
    if (made !== 'file')
      throw archiveRefused({
        path: name,
        problem: 'is a hard link to something that is not a file further up in the archive',
        remedy: 'Put the file before its links, or archive it with tar --hard-dereference.',
      })
    await requireStillFolder(join(this.#into, ...segments.slice(0, -1)), 'an archive')
    return join(this.#into, ...segments)
  }

  async #placeForOther(name: string, what: string): Promise<Place> {
    const place = await this.#placeOf(name)
    if (place !== undefined) return place
    throw archiveRefused({ path: name, problem: `makes the root ${what}`, remedy: 'The root is a folder.' })
  }

  /** Where `name` goes, its folders made where they are missing; nothing for the root. */
  async #placeOf(name: string): Promise<Place | undefined> {
    const segments = segmentsOf(name)
    const last = segments.at(-1)
    if (last === undefined) return undefined
    let folder = this.#root
    let path = this.#into
    for (const segment of segments.slice(0, -1)) {
      const there = folder.get(segment)
      path = join(path, segment)
      if (there === undefined) {
        this.count({ name, bytes: 0 })
        folder = await this.#makeFolder({ folder, segment, path })
      } else if (there instanceof Map) folder = there
      else throw throughOther(name, segment, there)
    }
    await requireStillFolder(path, 'an archive')
    return { folder, segment: last, path: join(path, last), there: folder.get(last) }
  }

  async #makeFolder({ folder, segment, path }: Pick<Place, 'folder' | 'segment' | 'path'>): Promise<Folder> {
    // mkdir(2) follows no link in the place of what it makes.
    await mkdir(path, { mode: 0o700 })
    await setMode(path, FOLDER_MODE)
    const made: Folder = new Map()
    folder.set(segment, made)
    return made
  }
}

const words = (made: Made): string =>
  made instanceof Map ? 'a folder' : made === 'file' ? 'a file' : 'a symbolic link'

function replaces(name: string, there: Made, what: string): SoukError<'INVALID_INPUT'> {
  return archiveRefused({
    path: name,
    problem: `is ${what} where the archive has ${words(there)} of the same name already`,
    remedy: 'Keep one of the two. Only a file may come a second time, and takes the place of the first.',
  })
}

function throughOther(name: string, segment: string, there: Made): SoukError<'INVALID_INPUT'> {
  return archiveRefused({
    path: name,
    problem: `goes through ${JSON.stringify(segment)}, which the archive has made ${words(there)}`,
    remedy: 'Archive the file under the real folder that holds it.',
  })
}
