import { TextDecoder } from 'node:util'
import { ALL_FLAGS, FLAG, needRight, type DirectoryDescriptor } from './descriptors.ts'
import { fail } from './errno.ts'
import type { Host } from './host.ts'
import type { Node, Place } from './nodes.ts'
import { openPlace } from './open.ts'
import { MAX_PATH_BYTES } from './resolve.ts'
import { APPLICABLE, RIGHT, type RightName } from './rights.ts'
import type { Preview1Calls } from './signatures.ts'
import { putFileStat, timesToSet } from './stat.ts'

/** Bits of `oflags` (preview 1). */
const OPEN = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const
const ALL_OPEN_FLAGS = 15
/** The one bit of `lookupflags`. */
const SYMLINK_FOLLOW = 1

/** Where a path is in memory, and the descriptor below which it is. */
interface PathArgument {
  readonly fd: number
  readonly pointer: number
  readonly length: number
}

type PathCalls = Pick<Preview1Calls, Extract<keyof Preview1Calls, `path_${string}`>>

/** The calls that name files by a path below an open folder. */
export function pathCalls(host: Host): PathCalls {
  const { descriptors, fileSystem, memory } = host
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  const read = (pointer: number, length: number): string => {
    if (length >>> 0 > MAX_PATH_BYTES) fail('nametoolong')
    return decode(decoder, memory.bytes(pointer, length))
  }
  const allowed = (fd: number, right: RightName): DirectoryDescriptor => {
    const descriptor = descriptors.directory(fd)
    needRight(descriptor, right)
    return descriptor
  }
  /** The place of a name that is about to be made or removed: a link in it is never gone through. */
  const place = ({ fd, pointer, length }: PathArgument, right: RightName): Place =>
    fileSystem.resolve(allowed(fd, right).node, read(pointer, length))
  /** The place of what is about to be used. A path that ends in a slash goes through a link anyway, as POSIX has it. */
  const lookUp = ({ fd, pointer, length }: PathArgument, right: RightName, flags: number): Place => {
    const { node } = allowed(fd, right)
    if (flags >>> 0 > SYMLINK_FOLLOW) fail('inval')
    const path = read(pointer, length)
    return fileSystem.resolve(node, path, { follow: flags === SYMLINK_FOLLOW || path.endsWith('/') })
  }
  const existing = (found: Place): Node => {
    const node = found.node ?? fail('noent')
    if (node.kind !== 'directory' && found.mustBeDirectory) fail('notdir')
    return node
  }

  return {
    path_create_directory: (fd, pointer, length) =>
      fileSystem.createDirectory(place({ fd, pointer, length }, 'path_create_directory')),
    path_filestat_get: (fd, flags, pointer, length, statPointer) =>
      putFileStat(memory, statPointer, existing(lookUp({ fd, pointer, length }, 'path_filestat_get', flags))),
    path_filestat_set_times: (fd, lookup, pointer, length, accessedNs, modifiedNs, flags) => {
      const node = existing(lookUp({ fd, pointer, length }, 'path_filestat_set_times', lookup))
      fileSystem.setTimes(node, timesToSet({ accessedNs, modifiedNs, flags }))
    },
    path_link: (fd, flags, pointer, length, toFd, toPointer, toLength) => {
      const from = lookUp({ fd, pointer, length }, 'path_link_source', flags)
      fileSystem.link(from, place({ fd: toFd, pointer: toPointer, length: toLength }, 'path_link_target'))
    },
    path_symlink: (targetPointer, targetLength, fd, pointer, length) => {
      const target = read(targetPointer, targetLength)
      fileSystem.createSymlink(place({ fd, pointer, length }, 'path_symlink'), target)
    },
    path_readlink: (fd, pointer, length, targetPointer, targetLength, resultPointer) => {
      const node = existing(place({ fd, pointer, length }, 'path_readlink'))
      if (node.kind !== 'symlink') return fail('inval')
      const target = memory.bytes(targetPointer, targetLength)
      memory.setU32(resultPointer, 0)
      const link = Buffer.from(node.target).subarray(0, target.length)
      target.set(link)
      memory.setU32(resultPointer, link.length)
    },
    path_open: (fd, lookup, pointer, length, openFlags, rightsBase, rightsInheriting, flags, resultPointer) => {
      const parent = allowed(fd, 'path_open')
      if (openFlags >>> 0 > ALL_OPEN_FLAGS || flags >>> 0 > ALL_FLAGS) fail('inval')
      checkOpenRights(parent, openFlags, flags)
      memory.setU32(resultPointer, 0)
      const create = (openFlags & OPEN.create) !== 0
      const exclusive = (openFlags & OPEN.exclusive) !== 0
      // Making a file and no other: a link that is there already is in the way, wherever it leads.
      const found = lookUp({ fd, pointer, length }, 'path_open', create && exclusive ? 0 : lookup)
      if (lookup >>> 0 > SYMLINK_FOLLOW) fail('inval')
      descriptors.checkRoom()
      const kind = found.node?.kind === 'directory' ? 'directory' : 'file'
      const rights = granted(rightsBase & APPLICABLE[kind], parent)
      const inheriting =
        kind === 'file' ? 0n : granted(rightsInheriting & (APPLICABLE.directory | APPLICABLE.file), parent)
      const node = openPlace(fileSystem, found, {
        create,
        exclusive,
        directory: (openFlags & OPEN.directory) !== 0,
        truncate: (openFlags & OPEN.truncate) !== 0,
        writing: (rightsBase & RIGHT.fd_write) !== 0n,
      })
      const opened = { rights, inheriting, flags }
      if (node.kind === 'file') fileSystem.retain(node)
      const number = descriptors.add(
        node.kind === 'file' ? { kind: 'file', node, offset: 0, ...opened } : { kind: 'directory', node, ...opened },
      )
      memory.setU32(resultPointer, number)
    },
    path_remove_directory: (fd, pointer, length) =>
      fileSystem.removeDirectory(place({ fd, pointer, length }, 'path_remove_directory')),
    path_rename: (fd, pointer, length, toFd, toPointer, toLength) => {
      const from = place({ fd, pointer, length }, 'path_rename_source')
      fileSystem.rename(from, place({ fd: toFd, pointer: toPointer, length: toLength }, 'path_rename_target'))
    },
    path_unlink_file: (fd, pointer, length) =>
      fileSystem.removeFile(place({ fd, pointer, length }, 'path_unlink_file')),
  }
}

/** What the flags of `path_open` need beside the right to it, as preview 1 says at each right. */
function checkOpenRights(parent: DirectoryDescriptor, openFlags: number, flags: number): void {
  if ((openFlags & OPEN.create) !== 0) needRight(parent, 'path_create_file')
  if ((openFlags & OPEN.truncate) !== 0) needRight(parent, 'path_filestat_set_size')
  const held = parent.rights | parent.inheriting
  if ((flags & (FLAG.rsync | FLAG.sync)) !== 0 && (held & RIGHT.fd_sync) === 0n) fail('notcapable')
  if ((flags & FLAG.dsync) !== 0 && (held & (RIGHT.fd_sync | RIGHT.fd_datasync)) === 0n) fail('notcapable')
}

/** Rights for a new descriptor: those asked for that mean something for it, all of which have to be there to give. */
function granted(rights: bigint, parent: DirectoryDescriptor): bigint {
  return (rights & ~parent.inheriting) === 0n ? rights : fail('notcapable')
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string {
  let path: string
  try {
    path = decoder.decode(bytes)
  } catch {
    return fail('ilseq')
  }
  return path.includes('\0') ? fail('inval') : path
}
