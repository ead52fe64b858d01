import { fail } from './errno.ts'
import { FileData } from './file-data.ts'
import type { Quota } from './quota.ts'

interface NodeBase {
  readonly inode: bigint
  /** Nanoseconds since the epoch. */
  accessedNs: bigint
  modifiedNs: bigint
  changedNs: bigint
  /** Made by the task, and so counted against its quota. */
  readonly counted: boolean
}

export interface FileNode extends NodeBase {
  readonly kind: 'file'
  readonly data: FileData
  readonly readOnly: boolean
  linked: boolean
  opens: number
}

export interface DirectoryNode extends NodeBase {
  readonly kind: 'directory'
  readonly entries: Map<string, { readonly node: Node; readonly sequence: number }>
  /** Holds inputs only: nothing can be made, renamed or removed in it. */
  readonly readOnly: boolean
  /** Part of the task's set-up: it stays where it is. */
  pinned: boolean
  removed: boolean
}

export type Node = FileNode | DirectoryNode

/** A place in the tree: the folder and the name in it; no name for a folder reached as itself (`.`, `a/..`). */
export interface Place {
  readonly parent: DirectoryNode
  readonly name: string | undefined
  readonly node: Node | undefined
  /** The path ends in a slash or a dot, so it can only mean a folder. */
  readonly mustBeDirectory: boolean
}

const MAX_NAME_BYTES = 255
/** More than the 4096 bytes that a result's path may have. */
const MAX_PATH_CHARACTERS = 4096
const encoder = new TextEncoder()
export const nowNs = (): bigint => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n

/** A file system in memory, with no way to anything else: folders and regular files, no links. */
export class FileSystem {
  readonly root: DirectoryNode
  readonly quota: Quota
  #inodes = 0n
  #sequence = 0

  constructor(quota: Quota) {
    this.quota = quota
    this.root = this.#directory({ readOnly: false, counted: false })
    this.root.pinned = true
  }

  /** Makes a folder of the set-up, and those above it. A folder that holds only inputs is `readOnly`. */
  provideDirectory(path: string, { readOnly }: { readonly readOnly: boolean }): DirectoryNode {
    let directory = this.root
    for (const name of path.split('/').filter((part) => part !== '')) {
      const known = directory.entries.get(name)?.node
      if (known?.kind === 'file') fail('notdir')
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

  /** Follows `path` from `start`, never above it (ENOTCAPABLE). Only the last name may be missing. */
  resolve(start: DirectoryNode, path: string): Place {
    if (path === '') fail('noent')
    if (path.startsWith('/')) fail('notcapable')
    const names = path.split('/')
    const last = names.at(-1) ?? ''
    const mustBeDirectory = last === '' || last === '.' || last === '..'
    const parts = names.filter((part) => part !== '' && part !== '.')
    const stack = [start]
    let directory = start
    for (const [index, part] of parts.entries()) {
      if (part === '..') {
        stack.pop()
        directory = stack.at(-1) ?? fail('notcapable')
        continue
      }
      if (part.length > MAX_NAME_BYTES || encoder.encode(part).length > MAX_NAME_BYTES) fail('nametoolong')
      const node = directory.entries.get(part)?.node
      if (index === parts.length - 1) return { parent: directory, name: part, node, mustBeDirectory }
      if (node === undefined) fail('noent')
      if (node.kind !== 'directory') fail('notdir')
      stack.push(node)
      directory = node
    }
    return { parent: directory, name: undefined, node: directory, mustBeDirectory: true }
  }

  createDirectory(place: Place): void {
    const name = this.#newName(place)
    this.quota.takeInode()
    this.#attach(place.parent, name, this.#directory({ readOnly: false, counted: true }))
  }

  createFile(place: Place): FileNode {
    if (place.mustBeDirectory) fail('isdir')
    const name = this.#newName(place)
    this.quota.takeInode()
    return this.#attach(place.parent, name, this.#file({ readOnly: false, counted: true }))
  }

  removeFile({ parent, name, node, mustBeDirectory }: Place): void {
    if (node === undefined) fail('noent')
    if (node.kind === 'directory') fail('isdir')
    if (mustBeDirectory) fail('notdir')
    if (node.readOnly || parent.readOnly || name === undefined) fail('rofs')
    this.#detach(parent, name, node)
  }

  removeDirectory({ parent, name, node }: Place): void {
    if (node === undefined) fail('noent')
    if (node.kind === 'file') fail('notdir')
    if (name === undefined) fail('inval')
    if (node.pinned) fail('busy')
    if (node.entries.size > 0) fail('notempty')
    this.#detach(parent, name, node)
  }

  rename(from: Place, to: Place): void {
    const { node } = from
    if (node === undefined) fail('noent')
    if (from.name === undefined || to.name === undefined) fail('inval')
    if (node.kind === 'file' && (from.mustBeDirectory || to.mustBeDirectory)) fail('notdir')
    if (from.parent.readOnly || to.parent.readOnly || (node.kind === 'file' && node.readOnly)) fail('rofs')
    if (node.kind === 'directory' && node.pinned) fail('busy')
    if (to.parent.removed) fail('noent')
    if (to.node === node) return
    if (node.kind === 'directory' && this.#contains(node, to.parent)) fail('inval')
    if (to.node !== undefined) this.#makeWay(node, to.node)
    if (to.node !== undefined) this.#detach(to.parent, to.name, to.node)
    from.parent.entries.delete(from.name)
    from.parent.modifiedNs = nowNs()
    this.#attach(to.parent, to.name, node)
  }

  /** Writes what the quota allows, at least one byte, and returns how many bytes it was. */
  write(file: FileNode, offset: number, source: Uint8Array): number {
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
    file.data.write(offset, source.subarray(0, length))
    file.modifiedNs = file.changedNs = nowNs()
    return length
  }

  resize(file: FileNode, size: number): void {
    const growth = size - file.data.size
    if (growth > 0) this.quota.takeAllDisk(growth)
    else this.quota.returnDisk(-growth)
    file.data.resize(size)
    file.modifiedNs = file.changedNs = nowNs()
  }

  /** A descriptor of the file was closed: an unlinked file's bytes come back with the last one. */
  release(file: FileNode): void {
    file.opens -= 1
    this.#reclaim(file)
  }

  /**
   * Every file that the task made below `directory`, by its path from there. A path that is longer than any that is
   * taken ends there: whole, those of many files in a deep folder would take longer than the task had.
   */
  *files(directory: DirectoryNode, prefix = ''): Generator<{ readonly path: string; readonly data: FileData }> {
    const pending = [{ directory, prefix }]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const [name, { node }] of next.directory.entries) {
        const path = next.prefix.length > MAX_PATH_CHARACTERS ? next.prefix : `${next.prefix}/${name}`
        if (node.kind === 'directory') pending.push({ directory: node, prefix: path })
        else if (!node.readOnly) yield { path, data: node.data }
      }
    }
  }

  #newName({ parent, name, node }: Place): string {
    if (node !== undefined || name === undefined) fail('exist')
    if (parent.removed) fail('noent')
    if (parent.readOnly) fail('rofs')
    return name
  }

  #makeWay(node: Node, target: Node): void {
    if (target.kind === 'file') {
      if (node.kind === 'directory') fail('notdir')
      if (target.readOnly) fail('rofs')
      return
    }
    if (node.kind === 'file') fail('isdir')
    if (target.pinned) fail('busy')
    if (target.entries.size > 0) fail('notempty')
  }

  #contains(directory: DirectoryNode, sought: DirectoryNode): boolean {
    const pending = [directory]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next === sought) return true
      for (const { node } of next.entries.values()) if (node.kind === 'directory') pending.push(node)
    }
    return false
  }

  #attach<N extends Node>(parent: DirectoryNode, name: string, node: N): N {
    this.#sequence += 1
    // A copy: a name cut from a path would keep all of the path in memory, for each file.
    parent.entries.set(Buffer.from(name).toString(), { node, sequence: this.#sequence })
    parent.modifiedNs = parent.changedNs = nowNs()
    return node
  }

  #detach(parent: DirectoryNode, name: string, node: Node): void {
    parent.entries.delete(name)
    parent.modifiedNs = parent.changedNs = nowNs()
    if (node.kind === 'file') {
      node.linked = false
      this.#reclaim(node)
    } else {
      node.removed = true
      if (node.counted) this.quota.returnInode()
    }
  }

  #reclaim(file: FileNode): void {
    if (file.linked || file.opens > 0 || !file.counted) return
    this.quota.returnDisk(file.data.size)
    this.quota.returnInode()
    file.data.resize(0)
  }

  #base(counted: boolean): NodeBase {
    this.#inodes += 1n
    const now = nowNs()
    return { inode: this.#inodes, accessedNs: now, modifiedNs: now, changedNs: now, counted }
  }

  #file({ readOnly, counted }: { readonly readOnly: boolean; readonly counted: boolean }): FileNode {
    return { ...this.#base(counted), kind: 'file', data: new FileData(), readOnly, linked: true, opens: 0 }
  }

  #directory({ readOnly, counted }: { readonly readOnly: boolean; readonly counted: boolean }): DirectoryNode {
    return { ...this.#base(counted), kind: 'directory', entries: new Map(), readOnly, pinned: false, removed: false }
  }
}
