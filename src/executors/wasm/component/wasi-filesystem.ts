import { fail } from '../host/errno.ts'
import type { DirectoryNode, FileNode, Node, Place } from '../host/nodes.ts'
import { openPlace } from '../host/open.ts'
import { MAX_PATH_BYTES } from '../host/resolve.ts'
import { Resource, type ComponentHost, type Result } from './component-host.ts'
import { InputStream, OutputStream, type IoError } from './wasi-io.ts'
import { hashOf, statOf, typeOf, type DescriptorStat, type FileType, type MetadataHash } from './wasi-file-status.ts'
import { timestamp, type NewTimestamp } from './wasi-times.ts'
import type { ErrorCode } from './wasi-types.ts'

type Answer<T = void> = Result<T, ErrorCode>

interface PathFlags {
  readonly symlinkFollow: boolean
}

interface OpenFlags {
  readonly create: boolean
  readonly directory: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
}

interface DescriptorFlags {
  readonly read: boolean
  readonly write: boolean
  readonly fileIntegritySync: boolean
  readonly dataIntegritySync: boolean
  readonly requestedWriteSync: boolean
  readonly mutateDirectory: boolean
}

interface OpenNode {
  readonly node: FileNode | DirectoryNode
  readonly flags: DescriptorFlags
  /** A folder of the set-up does not count as an open file. */
  readonly counted: boolean
}

const MAX_READ_BYTES = 1024n * 1024n
const MAX_OFFSET = 2n ** 53n - 1n
const FOLDER_FLAGS: DescriptorFlags = {
  read: true,
  write: false,
  fileIntegritySync: false,
  dataIntegritySync: false,
  requestedWriteSync: false,
  mutateDirectory: true,
}

const toSize = (value: bigint): number => (value > MAX_OFFSET ? fail('inval') : Number(value))

function fallible<T>(descriptor: Descriptor, body: (open: OpenNode, host: ComponentHost) => T): Answer<T> {
  const { host, state } = descriptor
  return host.fallible(() => body(state, host))
}

function fileOf({ node, flags }: OpenNode, right: 'read' | 'write'): FileNode {
  if (node.kind === 'directory') return fail('isdir')
  return flags[right] ? node : fail('badf')
}

function placeIn(descriptor: Descriptor, path: string, flags: PathFlags = { symlinkFollow: false }): Place {
  const { node } = descriptor.state
  if (node.kind !== 'directory') return fail('notdir')
  checkPath(path)
  return descriptor.host.parts.fileSystem.resolve(node, path, { follow: flags.symlinkFollow })
}

function checkPath(path: string): void {
  if (path.length > MAX_PATH_BYTES || Buffer.byteLength(path) > MAX_PATH_BYTES) fail('nametoolong')
  if (!path.isWellFormed()) fail('ilseq')
  if (path.includes('\0')) fail('inval')
}

function existingIn(descriptor: Descriptor, path: string, flags?: PathFlags): Node {
  const { node, mustBeDirectory } = placeIn(descriptor, path, flags)
  if (node === undefined) return fail('noent')
  return mustBeDirectory && node.kind !== 'directory' ? fail('notdir') : node
}

function setTimes(host: ComponentHost, node: Node, times: readonly [NewTimestamp, NewTimestamp]): undefined {
  const [accessedNs, modifiedNs] = times.map((time) => timestamp(time))
  host.parts.fileSystem.setTimes(node, {
    ...(accessedNs !== undefined && { accessedNs }),
    ...(modifiedNs !== undefined && { modifiedNs }),
  })
}

/** `descriptor` of wasi:filesystem: an open file or folder. */
export class Descriptor extends Resource<OpenNode> {
  constructor(host: ComponentHost, state: OpenNode) {
    super(host, state)
    if (state.node.kind === 'file') host.parts.fileSystem.retain(state.node)
  }

  protected override dropped({ node, counted }: OpenNode): void {
    if (counted) this.host.returnOpenFile()
    if (node.kind === 'file') this.host.parts.fileSystem.release(node)
  }

  readViaStream(offset: bigint): Answer<InputStream> {
    return fallible(this, (open, host) => {
      const node = fileOf(open, 'read')
      const stream = new InputStream(host, { kind: 'file', node, offset: toSize(offset) })
      host.parts.fileSystem.retain(node)
      return stream
    })
  }

  writeViaStream(offset: bigint): Answer<OutputStream> {
    return fallible(this, (open, host) => {
      const node = fileOf(open, 'write')
      const stream = new OutputStream(host, { kind: 'file', node, offset: toSize(offset) })
      host.parts.fileSystem.retain(node)
      return stream
    })
  }

  appendViaStream(): Answer<OutputStream> {
    return fallible(this, (open, host) => {
      const node = fileOf(open, 'write')
      const stream = new OutputStream(host, { kind: 'append', node })
      host.parts.fileSystem.retain(node)
      return stream
    })
  }

  advise(_offset: bigint, _length: bigint, _advice: string): Answer {
    return fallible(this, ({ node }) => (node.kind === 'directory' ? fail('badf') : undefined))
  }

  syncData(): Answer {
    return fallible(this, () => undefined)
  }

  sync(): Answer {
    return fallible(this, () => undefined)
  }

  getFlags(): Answer<DescriptorFlags> {
    return fallible(this, ({ flags }) => flags)
  }

  getType(): Answer<FileType> {
    return fallible(this, ({ node }) => typeOf(node))
  }

  setSize(size: bigint): Answer {
    return fallible(this, (open, host) => host.parts.fileSystem.resize(fileOf(open, 'write'), toSize(size)))
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): Answer {
    return fallible(this, ({ node }, host) => setTimes(host, node, [accessed, modified]))
  }

  read(length: bigint, offset: bigint): Answer<[Uint8Array, boolean]> {
    return fallible(this, (open, host) => {
      const node = fileOf(open, 'read')
      const at = toSize(offset)
      const left = Math.max(0, node.data.size - at)
      const target = new Uint8Array(Math.min(left, Number(length < MAX_READ_BYTES ? length : MAX_READ_BYTES)))
      const count = host.parts.fileSystem.read(node, at, target)
      return [target.subarray(0, count), count === left]
    })
  }

  write(contents: Uint8Array, offset: bigint): Answer<bigint> {
    return fallible(this, (open, host) => {
      const node = fileOf(open, 'write')
      return BigInt(host.parts.fileSystem.write(node, toSize(offset), contents))
    })
  }

  readDirectory(): Answer<DirectoryEntryStream> {
    return fallible(this, ({ node }, host) => {
      if (node.kind !== 'directory') return fail('notdir')
      return new DirectoryEntryStream(host, { entries: node.entries.entries() })
    })
  }

  createDirectoryAt(path: string): Answer {
    return fallible(this, (_open, host) => host.parts.fileSystem.createDirectory(placeIn(this, path)))
  }

  stat(): Answer<DescriptorStat> {
    return fallible(this, ({ node }) => statOf(node))
  }

  statAt(flags: PathFlags, path: string): Answer<DescriptorStat> {
    return fallible(this, () => statOf(existingIn(this, path, flags)))
  }

  setTimesAt(flags: PathFlags, path: string, ...times: [NewTimestamp, NewTimestamp]): Answer {
    return fallible(this, (_open, host) => setTimes(host, existingIn(this, path, flags), times))
  }

  linkAt(flags: PathFlags, oldPath: string, target: Descriptor, newPath: string): Answer {
    return fallible(this, (_open, host) =>
      host.parts.fileSystem.link(placeIn(this, oldPath, flags), placeIn(target, newPath)),
    )
  }

  openAt(pathFlags: PathFlags, path: string, open: OpenFlags, flags: DescriptorFlags): Answer<Descriptor> {
    return fallible(this, (_open, host) => {
      const place = placeIn(this, path, pathFlags)
      // First, for nothing may be made or emptied by a call that then has no handle to give.
      host.takeOpenFile()
      try {
        const node = openPlace(host.parts.fileSystem, place, { ...open, writing: flags.write })
        const granted = node.kind === 'directory' ? FOLDER_FLAGS : flags
        return new Descriptor(host, { node, flags: granted, counted: true })
      } catch (error) {
        host.returnOpenFile()
        throw error
      }
    })
  }

  readlinkAt(path: string): Answer<string> {
    return fallible(this, () => {
      const node = existingIn(this, path)
      return node.kind === 'symlink' ? node.target : fail('inval')
    })
  }

  removeDirectoryAt(path: string): Answer {
    return fallible(this, (_open, host) => host.parts.fileSystem.removeDirectory(placeIn(this, path)))
  }

  renameAt(oldPath: string, target: Descriptor, newPath: string): Answer {
    return fallible(this, (_open, host) =>
      host.parts.fileSystem.rename(placeIn(this, oldPath), placeIn(target, newPath)),
    )
  }

  symlinkAt(oldPath: string, newPath: string): Answer {
    return fallible(this, (_open, host) => {
      if (!oldPath.isWellFormed()) fail('ilseq')
      if (oldPath.includes('\0')) fail('inval')
      host.parts.fileSystem.createSymlink(placeIn(this, newPath), oldPath)
      return undefined
    })
  }

  unlinkFileAt(path: string): Answer {
    return fallible(this, (_open, host) => host.parts.fileSystem.removeFile(placeIn(this, path)))
  }

  isSameObject(other: Descriptor): boolean {
    const { node } = this.state
    return this.host.call(() => node === other.state.node)
  }

  metadataHash(): Answer<MetadataHash> {
    return fallible(this, ({ node }) => hashOf(node))
  }

  metadataHashAt(flags: PathFlags, path: string): Answer<MetadataHash> {
    return fallible(this, () => hashOf(existingIn(this, path, flags)))
  }
}

type DirectoryEntries = ReturnType<DirectoryNode['entries']['entries']>

/** `directory-entry-stream`: the names in a folder, in the order in which they were made; neither `.` nor `..`. */
export class DirectoryEntryStream extends Resource<{ readonly entries: DirectoryEntries }> {
  readDirectoryEntry(): Answer<{ readonly type: FileType; readonly name: string } | undefined> {
    const { entries } = this.state
    return this.host.fallible(() => {
      const next = entries.next()
      return next.done === true ? undefined : { type: typeOf(next.value[1].node), name: next.value[0] }
    })
  }
}

/** `filesystem-error-code`: every error of a stream here has one. */
export function filesystemErrorCode(host: ComponentHost, error: IoError): ErrorCode {
  return host.call(() => error.code)
}

/** The folders that a component finds open, as preview 1 names them. */
export function getDirectories(
  host: ComponentHost,
  folders: readonly { readonly name: string; readonly node: DirectoryNode }[],
): [Descriptor, string][] {
  return host.call(() =>
    folders.map(({ name, node }) => [new Descriptor(host, { node, flags: FOLDER_FLAGS, counted: false }), name]),
  )
}
