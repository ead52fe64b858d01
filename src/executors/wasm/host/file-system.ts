import type { Clock } from './clocks.ts'
import { fail } from './errno.ts'
import { FileData } from './file-data.ts'
import type { DirectoryNode, FileNode, Node, Place, SymlinkNode } from './nodes.ts'
import type { Quota } from './quota.ts'
import { MAX_PATH_BYTES, resolvePath } from './resolve.ts'

/** A time to set: the one given, or that of the call. */
export type TimeToSet = bigint | 'now'

/**
 * A file system in memory, with no way to anything else: folders, regular files, symbolic and hard links. Names are
 * keys of Maps, so none of them can mean anything but itself.
 */
export class FileSystem {
  readonly root: DirectoryNode
  readonly quota: Quota
  readonly #clock: Clock
  #inodes = 0n
  #sequence = 0

  /** @param clock where the times of its files come from */
  constructor(quota: Quota, clock: Clock) {
    this.quota = quota
    this.#clock = clock
    this.root = this.#directory({ readOnly: false, counted: false })
    this.root.pinned = true
  }

  /** Makes a folder of the set-up, and those above it. A folder that holds only inputs is `readOnly`. */
  provideDirectory(path: string, { readOnly }: { readonly readOnly: boolean }): DirectoryNode {
    let directory = this.root
    for (const name of path.split('/').filter((part) => part !== '')) {
      const known = directory.entries.get(name)?.node
      if (known !== undefined && known.kind !== 'directory') fail('notdir')
      directory = known ?? this.#attach(directory, name, this.#directory({ readOnly, counted: false }))
      directory.pinned = true
    }
    return directory
  }

  /** Makes a read-only file of the set-up; its folder exists. */
  provideFile(path: string): FileData {
    const split = path.lastIndexOf('/')
    const folder = this.provideDirectory(path.slice(0, split), { readOnly: true })
    return this.#attach(folder, path.slice(split + 1), this.#file({ readOnly: true, counted: false })).data
  }

  /**
   * Follows `path` from `start`, never above it, by whatever links (ENOTCAPABLE). Only the last name may be missing.
   * With `follow`, a symbolic link that is the last name stands for what it points to.
   */
  resolve(start: DirectoryNode, path: string, { follow = false }: { readonly follow?: boolean } = {}): Place {
    return resolvePath(start, path, follow)
  }

  createDirectory(place: Place): void {
    const name = this.#newName(place)
    this.#takeEntry(name)
    this.#attach(place.parent, name, this.#directory({ readOnly: false, counted: true }))
  }

  createFile(place: Place): FileNode {
    if (place.mustBeDirectory) fail('isdir')
    const name = this.#newName(place)
    this.#takeEntry(name)
    return this.#attach(place.parent, name, this.#file({ readOnly: false, counted: true }))
  }

  /** Makes a symbolic link. One to an absolute path could never be followed, and is ENOTCAPABLE. */
  createSymlink(place: Place, target: string): SymlinkNode {
    if (target === '') fail('noent')
    if (target.startsWith('/')) fail('notcapable')
    const bytes = Buffer.byteLength(target)
    if (bytes > MAX_PATH_BYTES) fail('nametoolong')
    const name = this.#newName(place)
    if (place.mustBeDirectory) fail('noent')
    this.#takeEntry(name, bytes)
    const node: SymlinkNode = { ...this.#base({ readOnly: false, counted: true }), kind: 'symlink', target, links: 0 }
    return this.#attach(place.parent, name, node)
  }

  /** Gives what is at `from` a second name, which counts as an inode of its own. Inputs are like another disk: EXDEV. */
  link(from: Place, to: Place): void {
    const { node } = from
    if (node === undefined) fail('noent')
    if (node.kind === 'directory') fail('perm')
    if (from.mustBeDirectory) fail('notdir')
    const name = this.#newName(to)
    if (to.mustBeDirectory) fail('noent')
    if (!node.counted) fail('xdev')
    this.#takeEntry(name)
    this.#attach(to.parent, name, node)
    node.changedNs = this.#clock.realtimeNs()
  }

  /** Removes a name that is not a folder's. */
  removeFile({ parent, name, node, mustBeDirectory }: Place): void {
    if (node === undefined) fail('noent')
    if (node.kind === 'directory') fail('isdir')
    if (mustBeDirectory) fail('notdir')
    if (node.readOnly || parent.readOnly || name === undefined) fail('rofs')
    this.#detach(parent, name, node)
  }

  removeDirectory({ parent, name, node }: Place): void {
    if (node === undefined) fail('noent')
    if (node.kind !== 'directory') fail('notdir')
    if (name === undefined) fail('inval')
    if (node.pinned) fail('busy')
    if (node.entries.size > 0) fail('notempty')
    this.#detach(parent, name, node)
  }

  rename(from: Place, to: Place): void {
    const { node } = from
    if (node === undefined) fail('noent')
    if (from.name === undefined || to.name === undefined) fail('inval')
    if (node.kind !== 'directory' && (from.mustBeDirectory || to.mustBeDirectory)) fail('notdir')
    if (from.parent.readOnly || to.parent.readOnly || (node.kind === 'file' && node.readOnly)) fail('rofs')
    if (node.kind === 'directory' && node.pinned) fail('busy')
    if (to.parent.removed) fail('noent')
    // Two names of one file, or the same name: POSIX has both stay.
    if (to.node === node) return
    if (node.kind === 'directory' && isWithin(to.parent, node)) fail('inval')
    if (to.node !== undefined) this.#makeWay(node, to.node)
    this.quota.takeNames(Math.max(0, Buffer.byteLength(to.name) - Buffer.byteLength(from.name)))
    this.quota.returnNames(Math.max(0, Buffer.byteLength(from.name) - Buffer.byteLength(to.name)))
    if (to.node !== undefined) this.#detach(to.parent, to.name, to.node)
    from.parent.entries.delete(from.name)
    from.parent.modifiedNs = from.parent.changedNs = this.#clock.realtimeNs()
    if (node.kind !== 'directory') node.links -= 1
    this.#attach(to.parent, to.name, node)
    node.changedNs = this.#clock.realtimeNs()
  }

  /** Reads from `offset` into `target`; returns how many bytes it was, 0 at the end. */
  read(file: FileNode, offset: number, target: Uint8Array): number {
    file.accessedNs = this.#clock.realtimeNs()
    return file.data.read(offset, target)
  }

  /** Writes what the quota allows, at least one byte, and returns how many bytes it was. */
  write(file: FileNode, offset: number, source: Uint8Array): number {
    if (file.readOnly) fail('rofs')
    if (source.length === 0) return 0
    const growth = Math.max(0, offset + source.length - file.data.size)
    let length = source.length
    if (growth > 0) {
      const taken = this.quota.takeDisk(growth)
      length -= growth - taken
      if (length <= 0) {
        this.quota.returnDisk(taken)
        fail('nospc')
      }
    }
    file.data.write(offset, length === source.length ? source : source.subarray(0, length))
    file.modifiedNs = file.changedNs = this.#clock.realtimeNs()
    return length
  }

  resize(file: FileNode, size: number): void {
    if (file.readOnly) fail('rofs')
    const growth = size - file.data.size
    if (growth > 0) this.quota.takeAllDisk(growth)
    else this.quota.returnDisk(-growth)
    file.data.resize(size)
    file.modifiedNs = file.changedNs = this.#clock.realtimeNs()
  }

  setTimes(node: Node, times: { readonly accessedNs?: TimeToSet; readonly modifiedNs?: TimeToSet }): void {
    if (node.readOnly) fail('rofs')
    const now = this.#clock.realtimeNs()
    const { accessedNs = node.accessedNs, modifiedNs = node.modifiedNs } = times
    node.accessedNs = accessedNs === 'now' ? now : accessedNs
    node.modifiedNs = modifiedNs === 'now' ? now : modifiedNs
    node.changedNs = now
  }

  /** A descriptor of the file was opened. */
  retain(file: FileNode): void {
    file.opens += 1
  }

  /** A descriptor of the file was closed: an unlinked file's bytes come back with the last one. */
  release(file: FileNode): void {
    file.opens -= 1
    this.#reclaim(file)
  }

  /**
   * Every file and symbolic link that the task made below `directory`, by its path from there. A path that is longer
   * than any that is taken ends there: whole, those of many files in a deep folder would take longer than the task had.
   */
  *files(
    directory: DirectoryNode,
    prefix = '',
  ): Generator<{ readonly path: string; readonly node: FileNode | SymlinkNode }> {
    const pending = [{ directory, prefix }]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const [name, { node }] of next.directory.entries) {
        const path = next.prefix.length > MAX_PATH_BYTES ? next.prefix : `${next.prefix}/${name}`
        if (node.kind === 'directory') pending.push({ directory: node, prefix: path })
        else if (!node.readOnly) yield { path, node }
      }
    }
  }

  #newName({ parent, name, node, mustBeDirectory }: Place): string {
    if (node !== undefined && node.kind !== 'directory' && mustBeDirectory) fail('notdir')
    if (node !== undefined || name === undefined) fail('exist')
    if (parent.removed) fail('noent')
    if (parent.readOnly) fail('rofs')
    return name
  }

  #makeWay(node: Node, target: Node): void {
    if (target.kind !== 'directory') {
      if (node.kind === 'directory') fail('notdir')
      if (target.readOnly) fail('rofs')
      return
    }
    if (node.kind !== 'directory') fail('isdir')
    if (target.pinned) fail('busy')
    if (target.entries.size > 0) fail('notempty')
  }

  /** Takes what a new name costs: an inode, and the bytes of the name and of what a link holds. */
  #takeEntry(name: string, targetBytes = 0): void {
    this.quota.takeInode()
    try {
      this.quota.takeNames(Buffer.byteLength(name) + targetBytes)
    } catch (error) {
      this.quota.returnInode()
      throw error
    }
  }

  #attach<N extends Node>(parent: DirectoryNode, name: string, node: N): N {
    this.#sequence += 1
    // A copy: a name cut from a path would keep all of the path in memory, for each file.
    parent.entries.set(Buffer.from(name).toString(), { node, sequence: this.#sequence })
    parent.modifiedNs = parent.changedNs = this.#clock.realtimeNs()
    if (node.kind === 'directory') node.parent = parent
    else node.links += 1
    return node
  }

  #detach(parent: DirectoryNode, name: string, node: Node): void {
    parent.entries.delete(name)
    parent.modifiedNs = parent.changedNs = this.#clock.realtimeNs()
    if (node.counted) this.quota.returnNames(Buffer.byteLength(name))
    if (node.kind === 'directory') {
      node.removed = true
      node.parent = undefined
      if (node.counted) this.quota.returnInode()
      return
    }
    node.links -= 1
    node.changedNs = parent.changedNs
    if (node.links > 0) this.quota.returnInode()
    else if (node.kind === 'file') this.#reclaim(node)
    else {
      this.quota.returnInode()
      this.quota.returnNames(Buffer.byteLength(node.target))
    }
  }

  #reclaim(file: FileNode): void {
    if (file.links > 0 || file.opens > 0 || !file.counted) return
    this.quota.returnDisk(file.data.size)
    this.quota.returnInode()
    file.data.resize(0)
  }

  #base({ readOnly, counted }: { readonly readOnly: boolean; readonly counted: boolean }) {
    this.#inodes += 1n
    const now = this.#clock.realtimeNs()
    return { inode: this.#inodes, accessedNs: now, modifiedNs: now, changedNs: now, counted, readOnly }
  }

  #file(made: { readonly readOnly: boolean; readonly counted: boolean }): FileNode {
    return { ...this.#base(made), kind: 'file', data: new FileData(), links: 0, opens: 0 }
  }

  #directory(made: { readonly readOnly: boolean; readonly counted: boolean }): DirectoryNode {
    return {
      ...this.#base(made),
      kind: 'directory',
      entries: new Map(),
      parent: undefined,
      pinned: false,
      removed: false,
    }
  }
}

/** Whether `directory` is `sought` or lies below it. */
function isWithin(directory: DirectoryNode, sought: DirectoryNode): boolean {
  for (let at: DirectoryNode | undefined = directory; at !== undefined; at = at.parent) if (at === sought) return true
  return false
}
