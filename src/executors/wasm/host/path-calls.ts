import { TextDecoder } from 'node:util'
import { ALL_FLAGS, RIGHT } from './descriptors.ts'
import { putFileStat, setTimes } from './descriptor-calls.ts'
import { fail } from './errno.ts'
import type { DirectoryNode, FileNode, Place } from './file-system.ts'
import type { Host } from './host.ts'
import type { Preview1Calls } from './signatures.ts'

/** Bits of `oflags` (preview 1). */
const OPEN = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const
const MAX_PATH_BYTES = 4096

type PathCalls = Pick<Preview1Calls, Extract<keyof Preview1Calls, `path_${string}`>>

/** The calls that name files by a path below an open folder. There are no links: making one is ENOTSUP. */
export function pathCalls(host: Host): PathCalls {
  const { descriptors, fileSystem, memory } = host
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  const place = (fd: number, pointer: number, length: number): Place => {
    const { node } = descriptors.directory(fd)
    if (length >>> 0 > MAX_PATH_BYTES) fail('nametoolong')
    const path = decode(decoder, memory.bytes(pointer, length))
    return fileSystem.resolve(node, path)
  }
  const existing = (found: Place): DirectoryNode | FileNode => {
    const node = found.node ?? fail('noent')
    if (node.kind === 'file' && found.mustBeDirectory) fail('notdir')
    return node
  }

  return {
    path_create_directory: (fd, pointer, length) => fileSystem.createDirectory(place(fd, pointer, length)),
    path_filestat_get: (fd, _flags, pointer, length, statPointer) =>
      putFileStat(host, statPointer, existing(place(fd, pointer, length))),
    path_filestat_set_times: (fd, _flags, pointer, length, accessedNs, modifiedNs, flags) =>
      setTimes(existing(place(fd, pointer, length)), { accessedNs, modifiedNs, flags }),
    path_link: () => fail('notsup'),
    path_symlink: () => fail('notsup'),
    path_readlink: (fd, pointer, length) => {
      existing(place(fd, pointer, length))
      fail('inval')
    },
    path_open: (fd, _lookup, pointer, length, openFlags, rightsBase, rightsInheriting, flags, resultPointer) => {
      const parent = descriptors.directory(fd)
      if (openFlags >>> 0 > 15 || flags >>> 0 > ALL_FLAGS) fail('inval')
      memory.setU32(resultPointer, 0)
      const rights = rightsBase & parent.inheriting
      const granted = { rights, inheriting: rightsInheriting & parent.inheriting, flags }
      const found = place(fd, pointer, length)
      descriptors.checkRoom()
      if (found.node?.kind === 'directory') {
        if ((openFlags & (OPEN.create | OPEN.exclusive)) === (OPEN.create | OPEN.exclusive)) fail('exist')
        if (
          (openFlags & OPEN.directory) === 0 &&
          ((openFlags & (OPEN.truncate | OPEN.create)) !== 0 || (rights & RIGHT.write) !== 0n)
        )
          fail('isdir')
        memory.setU32(resultPointer, descriptors.add({ kind: 'directory', node: found.node, ...granted }))
        return
      }
      const node = openFile(host, found, openFlags, (rights & RIGHT.write) !== 0n)
      memory.setU32(resultPointer, descriptors.add({ kind: 'file', node, offset: 0, ...granted }))
    },
    path_remove_directory: (fd, pointer, length) => fileSystem.removeDirectory(place(fd, pointer, length)),
    path_rename: (fromFd, fromPointer, fromLength, toFd, toPointer, toLength) =>
      fileSystem.rename(place(fromFd, fromPointer, fromLength), place(toFd, toPointer, toLength)),
    path_unlink_file: (fd, pointer, length) => fileSystem.removeFile(place(fd, pointer, length)),
  }
}

function openFile({ fileSystem }: Host, found: Place, openFlags: number, writing: boolean): FileNode {
  const existing = found.node
  if (existing === undefined || existing.kind !== 'file') {
    if ((openFlags & OPEN.create) === 0) fail('noent')
    if ((openFlags & OPEN.directory) !== 0) fail('inval')
    return fileSystem.createFile(found)
  }
  if ((openFlags & OPEN.exclusive) !== 0 && (openFlags & OPEN.create) !== 0) fail('exist')
  if ((openFlags & OPEN.directory) !== 0 || found.mustBeDirectory) fail('notdir')
  if (existing.readOnly && (writing || (openFlags & OPEN.truncate) !== 0)) fail('rofs')
  if ((openFlags & OPEN.truncate) !== 0) fileSystem.resize(existing, 0)
  return existing
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
