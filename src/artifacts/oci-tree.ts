import { link, mkdir, rm, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { SoukError } from '../protocol/errors.ts'
import { checkTarget, segmentsOf } from './unpack-tar-names.ts'
import type { FileEntry, TarTarget } from './unpack-tar-read.ts'
import { archiveRefused, tooManyBytes, tooManyEntries } from './unpack-tar-refusals.ts'
import { requireStillFolder, setMode, WritesAhead } from './unpack-tar-writes.ts'

/** OCI image-spec, layer.md, "Whiteouts". */
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** Nobody gets more rights by running a file, and this process can always remove what it made. */
const FILE_BITS = 0o777
const FOLDER_BITS = 0o1777
const OWNER_OF_FILE = 0o600
const OWNER_OF_FOLDER = 0o700
const IMPLIED_FOLDER_MODE = 0o755
/** What a file, folder or link takes of the disk besides its content. */
const ENTRY_BYTES = 4096

interface Leaf {
  readonly kind: 'file' | 'symlink'
  readonly layer: number
}
interface Folder {
  readonly kind: 'folder'
  /** The last layer that said something of it or of what is in it. */
  layer: number
  readonly children: Map<string, Node>
}
type Node = Leaf | Folder

interface Place {
  readonly folder: Folder
  /** The last part of the entry's name. */
  readonly segment: string
  readonly path: string
}

export interface LayeredTreeOptions {
  /** A folder that is empty, and that nobody else can write to. */
  readonly into: string
  /** Content of all files of all layers together, also of those that a later layer removes. */
  readonly maxBytes: number
  /** The same of files, folders, links and whiteouts. */
  readonly maxEntries: number
  /** Told before that much more of the disk is taken; what it throws ends it. */
  readonly onGrow: (diskBytes: number) => void
}

/**
 * A folder that the layers of an image fill, one after the other (OCI image-spec, layer.md, "Applying Changesets").
 *
 * Like {@link file://./unpack-tar-tree.ts} it knows everything in the folder because it made everything in it, and goes
 * only through folders that it made: a symbolic link, of this layer or one below, is replaced where an entry has its
 * name, and is never gone through. So nothing that a layer names lies outside, whatever the layers below have put there.
 */
export class LayeredTree implements TarTarget {
  readonly #options: LayeredTreeOptions
  readonly #root: Folder = { kind: 'folder', layer: 0, children: new Map() }
  readonly #writes = new WritesAhead()
  #layer = 0
  #entries = 0
  #bytes = 0

  constructor(options: LayeredTreeOptions) {
    this.#options = options
  }

  /** What follows is of the next layer. */
  beginLayer(): void {
    this.#layer++
  }

  /** @throws SoukError INVALID_INPUT where there is too much; what `onGrow` throws. */
  count({ name, bytes }: { readonly name: string; readonly bytes: number }): void {
    const { maxBytes, maxEntries, onGrow } = this.#options
    this.#entries++
    this.#bytes += bytes
    if (this.#entries > maxEntries) throw tooManyEntries(name, maxEntries)
    if (this.#bytes > maxBytes) throw tooManyBytes({ name, bytes: this.#bytes, maxBytes })
    onGrow(ENTRY_BYTES + Math.ceil(bytes / ENTRY_BYTES) * ENTRY_BYTES)
  }

  async addFolder(name: string, mode: number): Promise<void> {
    const segments = plainSegmentsOf(name)
    const bits = (mode & FOLDER_BITS) | OWNER_OF_FOLDER
    if (segments.length === 0) return setMode(this.#options.into, bits)
    const place = await this.#placeOf(name, segments)
    const there = place.folder.children.get(place.segment)
    if (there?.kind === 'folder') {
      there.layer = this.#layer
      return setMode(place.path, bits)
    }
    await this.#clear(place)
    await this.#makeFolder(place, bits)
  }

  async addFile(file: FileEntry): Promise<void> {
    const { name, mode } = file
    const segments = segmentsOf(name)
    const isWhiteout = segments.at(-1)?.startsWith(WHITEOUT) === true
    if (isWhiteout && this.#isReplaced(segments.slice(0, -1))) return
    const place = await this.#placeOf(name, segments)
    if (isWhiteout) return this.#whiteOut(file, place)
    await this.#clear(place)
    place.folder.children.set(place.segment, { kind: 'file', layer: this.#layer })
    await this.#writes.write(place.path, { ...file, mode: (mode & FILE_BITS) | OWNER_OF_FILE })
  }

  async addSymlink(name: string, target: string): Promise<void> {
    checkTarget(name, target)
    const place = await this.#placeOf(name, plainSegmentsOf(name))
    await this.#clear(place)
    await symlink(target, place.path)
    place.folder.children.set(place.segment, { kind: 'symlink', layer: this.#layer })
  }

  /** A second name for what is there, of this layer or one below; link(2) follows no symbolic link in the place of it. */
  async addHardLink(name: string, target: string): Promise<void> {
    const place = await this.#placeOf(name, plainSegmentsOf(name))
    const segments = segmentsOf(target, name)
    const there = this.#find(segments)
    const source = join(this.#options.into, ...segments)
    // What takes the place of a folder takes away what is in that.
    if (there === undefined || there.kind === 'folder' || source.startsWith(`${place.path}/`))
      throw archiveRefused({
        path: name,
        problem: 'is a hard link to something that is no file of this layer or of one below it',
        remedy: 'Build the image again.',
      })
    await this.#writes.settle()
    await requireStillFolder(join(this.#options.into, ...segments.slice(0, -1)), 'an image')
    // The file itself stays what it is.
    if (source !== place.path) {
      await this.#clear(place)
      await link(source, place.path)
    }
    place.folder.children.set(place.segment, { kind: there.kind, layer: this.#layer })
  }

  settle(): Promise<void> {
    return this.#writes.settle()
  }

  async #whiteOut({ name, bytes }: FileEntry, { folder, segment, path }: Place): Promise<void> {
    const hidden = segment.slice(WHITEOUT.length)
    const parent = join(path, '..')
    const isOpaque = segment === OPAQUE
    if (!isOpaque && (hidden === '' || hidden === '.' || hidden === '..' || hidden.startsWith(WHITEOUT)))
      throw archiveRefused({ path: name, problem: 'is a whiteout of a name that no file has', remedy: AGAIN })
    if (bytes !== 0) throw archiveRefused({ path: name, problem: 'is a whiteout with content', remedy: AGAIN })
    await this.#writes.settle()
    for (const each of isOpaque ? [...folder.children.keys()] : [hidden])
      await this.#hide({ folder, segment: each, path: join(parent, each) })
  }

  /** Removes what layers below this one have put there; what this one has stays, whichever came first in it. */
  async #hide(place: Place): Promise<void> {
    const { folder, segment, path } = place
    const there = folder.children.get(segment)
    if (there === undefined) return
    if (there.layer < this.#layer) {
      await this.#remove(place)
    } else if (there.kind === 'folder') {
      for (const child of [...there.children.keys()])
        await this.#hide({ folder: there, segment: child, path: join(path, child) })
    }
  }

  /** Makes room for another kind of thing, or for a new file: nothing that exists is ever written to. */
  async #clear(place: Place): Promise<void> {
    if (!place.folder.children.has(place.segment)) return
    await this.#writes.settle()
    await this.#remove(place)
  }

  async #remove({ folder, segment, path }: Place): Promise<void> {
    const there = folder.children.get(segment)
    // Neither follows a link.
    if (there?.kind === 'folder') await rm(path, { recursive: true })
    else await unlink(path)
    folder.children.delete(segment)
  }

  /**
   * Whether a folder on the way is something else since this layer: umoci and others say of each file in it, too, that it
   * is gone, which it is.
   */
  #isReplaced(segments: readonly string[]): boolean {
    let folder = this.#root
    for (const segment of segments) {
      const node = folder.children.get(segment)
      if (node?.kind !== 'folder') return node?.layer === this.#layer
      folder = node
    }
    return false
  }

  #find(segments: readonly string[]): Node | undefined {
    let node: Node | undefined = this.#root
    for (const segment of segments) node = node?.kind === 'folder' ? node.children.get(segment) : undefined
    return node
  }

  /** Where an entry goes, its folders made where they are missing. */
  async #placeOf(name: string, segments: readonly string[]): Promise<Place> {
    const last = segments.at(-1)
    if (last === undefined)
      throw archiveRefused({ path: name, problem: 'makes the root something else than a folder', remedy: AGAIN })
    let folder = this.#root
    let path = this.#options.into
    for (const segment of segments.slice(0, -1)) {
      if (segment.startsWith(WHITEOUT)) throw reserved(name)
      const there = folder.children.get(segment)
      path = join(path, segment)
      if (there === undefined) {
        this.count({ name, bytes: 0 })
        folder = await this.#makeFolder({ folder, segment, path }, IMPLIED_FOLDER_MODE)
      } else if (there.kind === 'folder') {
        folder = there
        folder.layer = this.#layer
      } else throw throughOther(name, segment, there)
    }
    await requireStillFolder(path, 'an image')
    return { folder, segment: last, path: join(path, last) }
  }

  async #makeFolder({ folder, segment, path }: Place, mode: number): Promise<Folder> {
    // mkdir(2) follows no link in the place of what it makes.
    await mkdir(path, { mode: OWNER_OF_FOLDER })
    await setMode(path, mode)
    const made: Folder = { kind: 'folder', layer: this.#layer, children: new Map() }
    folder.children.set(segment, made)
    return made
  }
}

const AGAIN = 'Build the image again.'

/** Of what is no whiteout: its name must not be that of one. */
function plainSegmentsOf(name: string): readonly string[] {
  const segments = segmentsOf(name)
  if (segments.at(-1)?.startsWith(WHITEOUT) === true) throw reserved(name)
  return segments
}

const reserved = (name: string): SoukError<'INVALID_INPUT'> =>
  archiveRefused({ path: name, problem: `has a part that starts with ${WHITEOUT}, as whiteouts do`, remedy: AGAIN })

const throughOther = (name: string, segment: string, { kind }: Leaf): SoukError<'INVALID_INPUT'> =>
  archiveRefused({
    path: name,
    problem: `goes through ${JSON.stringify(segment)}, which the layers have made a ${kind === 'file' ? 'file' : 'symbolic link'}`,
    remedy: 'Build the image so that the layer has the file under the real folder that holds it.',
  })
