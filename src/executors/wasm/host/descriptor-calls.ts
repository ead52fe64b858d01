import { ALL_FLAGS, FLAG, RIGHT, type Descriptor } from './descriptors.ts'
import { Errno, fail } from './errno.ts'
import { nowNs, type DirectoryNode, type Node } from './file-system.ts'
import type { Host } from './host.ts'
import type { Preview1Calls } from './signatures.ts'

/** `filetype` (preview 1). */
const FILE_TYPE = { unknown: 0, directory: 3, regular: 4 } as const
const MAX_IOVECS = 1024
const MAX_TRANSFER_BYTES = 0x4000_0000
const MAX_OFFSET = 2n ** 53n - 1n
const DIRENT_BYTES = 24
const encoder = new TextEncoder()

const typeOf = (node: Node): number => (node.kind === 'directory' ? FILE_TYPE.directory : FILE_TYPE.regular)

/** An offset or a size, which arrives as a signed 64-bit integer. */
export function toSize(value: bigint): number {
  const size = BigInt.asUintN(64, value)
  return size > MAX_OFFSET ? fail('inval') : Number(size)
}

/** Writes a `filestat` at `pointer`. */
export function putFileStat(host: Host, pointer: number, node: Node | undefined): void {
  const stat = host.memory.record(pointer, 64)
  stat.setBigUint64(24, 1n, true)
  if (node === undefined) return
  stat.setBigUint64(0, 1n, true)
  stat.setBigUint64(8, node.inode, true)
  stat.setUint8(16, typeOf(node))
  stat.setBigUint64(24, node.kind === 'file' && !node.linked ? 0n : 1n, true)
  stat.setBigUint64(32, BigInt(node.kind === 'file' ? node.data.size : 0), true)
  stat.setBigUint64(40, node.accessedNs, true)
  stat.setBigUint64(48, node.modifiedNs, true)
  stat.setBigUint64(56, node.changedNs, true)
}

/** Bits of `fstflags`: set a time to the one given, or to now. */
export function setTimes(
  node: Node,
  {
    accessedNs,
    modifiedNs,
    flags,
  }: { readonly accessedNs: bigint; readonly modifiedNs: bigint; readonly flags: number },
): void {
  const conflicting = (flags & 3) === 3 || (flags & 12) === 12
  if (flags > 15 || conflicting) fail('inval')
  if (node.readOnly) fail('rofs')
  const now = nowNs()
  if ((flags & 3) !== 0) node.accessedNs = (flags & 1) !== 0 ? BigInt.asUintN(64, accessedNs) : now
  if ((flags & 12) !== 0) node.modifiedNs = (flags & 4) !== 0 ? BigInt.asUintN(64, modifiedNs) : now
  node.changedNs = now
}

/** The scattered buffers that an array of `iovec` names; checks all of them before any is used. */
function buffers({ memory }: Host, pointer: number, count: number): Uint8Array[] {
  if (count >>> 0 > MAX_IOVECS) fail('inval')
  const parts: Uint8Array[] = []
  let total = 0
  for (let index = 0; index < count; index += 1) {
    const part = memory.bytes(memory.u32(pointer + index * 8), memory.u32(pointer + index * 8 + 4))
    parts.push(part.subarray(0, MAX_TRANSFER_BYTES - total))
    total += part.length
    if (total >= MAX_TRANSFER_BYTES) break
  }
  return parts
}

/** Moves buffers one after the other until one is moved short; an errno counts only when nothing was moved. */
function transfer(parts: readonly Uint8Array[], move: (part: Uint8Array, done: number) => number): number {
  let done = 0
  for (const part of parts) {
    let moved: number
    try {
      moved = move(part, done)
    } catch (error) {
      if (done === 0 || !(error instanceof Errno)) throw error
      break
    }
    done += moved
    if (moved < part.length) break
  }
  return done
}

function needRight(descriptor: Descriptor, right: bigint): void {
  if ((descriptor.rights & right) === 0n) fail('badf')
}

type DescriptorCalls = Pick<Preview1Calls, Extract<keyof Preview1Calls, `fd_${string}`>>

/** The calls on open descriptors. */
export function descriptorCalls(host: Host): DescriptorCalls {
  const { descriptors, fileSystem, memory, streams } = host

  const readAt = (fd: number, parts: readonly Uint8Array[], offset: number): number => {
    const { node } = descriptors.file(fd)
    node.accessedNs = nowNs()
    return transfer(parts, (part, done) => node.data.read(offset + done, part))
  }
  const writeAt = (fd: number, parts: readonly Uint8Array[], offset: number): number => {
    const { node } = descriptors.file(fd)
    return transfer(parts, (part, done) => fileSystem.write(node, offset + done, part))
  }

  return {
    fd_advise: (fd, _offset, _length, advice) => {
      descriptors.file(fd)
      if (advice >>> 0 > 5) fail('inval')
    },
    fd_allocate: (fd, offset, length) => {
      needRight(descriptors.get(fd), RIGHT.write)
      const { node } = descriptors.file(fd)
      const end = toSize(offset) + toSize(length)
      if (!Number.isSafeInteger(end)) fail('inval')
      if (end > node.data.size) fileSystem.resize(node, end)
    },
    fd_close: (fd) => descriptors.close(fd),
    fd_datasync: (fd) => void descriptors.get(fd),
    fd_sync: (fd) => void descriptors.get(fd),
    fd_fdstat_get: (fd, pointer) => {
      const descriptor = descriptors.get(fd)
      const stat = memory.record(pointer, 24)
      stat.setUint8(0, 'node' in descriptor ? typeOf(descriptor.node) : FILE_TYPE.unknown)
      stat.setUint16(2, descriptor.flags, true)
      stat.setBigUint64(8, descriptor.rights, true)
      stat.setBigUint64(16, descriptor.inheriting, true)
    },
    fd_fdstat_set_flags: (fd, flags) => {
      if (flags >>> 0 > ALL_FLAGS) fail('inval')
      descriptors.get(fd).flags = flags
    },
    fd_fdstat_set_rights: (fd, rights, inheriting) => {
      const descriptor = descriptors.get(fd)
      if ((rights & ~descriptor.rights) !== 0n || (inheriting & ~descriptor.inheriting) !== 0n) fail('notcapable')
      descriptor.rights = rights
      descriptor.inheriting = inheriting
    },
    fd_filestat_get: (fd, pointer) => {
      const descriptor = descriptors.get(fd)
      putFileStat(host, pointer, 'node' in descriptor ? descriptor.node : undefined)
    },
    fd_filestat_set_size: (fd, size) => {
      needRight(descriptors.get(fd), RIGHT.write)
      fileSystem.resize(descriptors.file(fd).node, toSize(size))
    },
    fd_filestat_set_times: (fd, accessedNs, modifiedNs, flags) => {
      const descriptor = descriptors.get(fd)
      if (!('node' in descriptor)) fail('badf')
      setTimes(descriptor.node, { accessedNs, modifiedNs, flags })
    },
    fd_pread: (fd, iovecs, count, offset, resultPointer) => {
      needRight(descriptors.get(fd), RIGHT.read)
      memory.setU32(resultPointer, readAt(fd, buffers(host, iovecs, count), toSize(offset)))
    },
    fd_pwrite: (fd, iovecs, count, offset, resultPointer) => {
      needRight(descriptors.get(fd), RIGHT.write)
      memory.setU32(resultPointer, writeAt(fd, buffers(host, iovecs, count), toSize(offset)))
    },
    fd_prestat_get: (fd, pointer) => {
      const descriptor = descriptors.get(fd)
      if (descriptor.kind !== 'directory' || descriptor.preopen === undefined) fail('badf')
      memory.record(pointer, 8).setUint32(4, encoder.encode(descriptor.preopen).length, true)
    },
    fd_prestat_dir_name: (fd, pointer, length) => {
      const descriptor = descriptors.get(fd)
      if (descriptor.kind !== 'directory' || descriptor.preopen === undefined) fail('badf')
      const name = encoder.encode(descriptor.preopen)
      if (length >>> 0 < name.length) fail('nametoolong')
      memory.bytes(pointer, name.length).set(name)
    },
    fd_read: (fd, iovecs, count, resultPointer) => {
      const descriptor = descriptors.get(fd)
      needRight(descriptor, RIGHT.read)
      const parts = buffers(host, iovecs, count)
      if (descriptor.kind === 'file') {
        const done = readAt(fd, parts, descriptor.offset)
        descriptor.offset += done
        memory.setU32(resultPointer, done)
      } else if (descriptor.kind === 'stdin') {
        memory.setU32(resultPointer, streams.read(parts.find((part) => part.length > 0) ?? new Uint8Array()))
      } else fail(descriptor.kind === 'directory' ? 'isdir' : 'badf')
    },
    fd_write: (fd, iovecs, count, resultPointer) => {
      const descriptor = descriptors.get(fd)
      needRight(descriptor, RIGHT.write)
      const parts = buffers(host, iovecs, count)
      memory.setU32(resultPointer, 0)
      if (descriptor.kind === 'file') {
        const offset = (descriptor.flags & FLAG.append) !== 0 ? descriptor.node.data.size : descriptor.offset
        const done = writeAt(fd, parts, offset)
        descriptor.offset = offset + done
        memory.setU32(resultPointer, done)
      } else if (descriptor.kind === 'stdout' || descriptor.kind === 'stderr') {
        const { kind } = descriptor
        memory.setU32(resultPointer, streams.write(kind, parts))
      } else fail('badf')
    },
    fd_readdir: (fd, pointer, length, cookie, resultPointer) => {
      const { node } = descriptors.directory(fd)
      const target = memory.bytes(pointer, length)
      memory.setU32(resultPointer, putEntries(node, target, BigInt.asUintN(64, cookie)))
    },
    fd_renumber: (from, to) => descriptors.renumber(from, to),
    fd_seek: (fd, delta, whence, resultPointer) => {
      const descriptor = descriptors.file(fd)
      const base = [0, descriptor.offset, descriptor.node.data.size][whence >>> 0] ?? fail('inval')
      const offset = BigInt(base) + delta
      if (offset < 0n || offset > MAX_OFFSET) fail('inval')
      memory.setU64(resultPointer, offset)
      descriptor.offset = Number(offset)
    },
    fd_tell: (fd, resultPointer) => memory.setU64(resultPointer, BigInt(descriptors.file(fd).offset)),
  }
}

/** Lists a folder from `cookie` on; the last entry may be cut where the buffer ends, as preview 1 has it. */
function putEntries(directory: DirectoryNode, target: Uint8Array, cookie: bigint): number {
  let used = 0
  const put = (name: string, node: Node, next: bigint): boolean => {
    const encoded = encoder.encode(name)
    const entry = new Uint8Array(DIRENT_BYTES + encoded.length)
    const view = new DataView(entry.buffer)
    view.setBigUint64(0, next, true)
    view.setBigUint64(8, node.inode, true)
    view.setUint32(16, encoded.length, true)
    view.setUint8(20, typeOf(node))
    entry.set(encoded, DIRENT_BYTES)
    const part = entry.subarray(0, target.length - used)
    target.set(part, used)
    used += part.length
    return used < target.length
  }
  if (cookie < 1n && !put('.', directory, 1n)) return used
  if (cookie < 2n && !put('..', directory, 2n)) return used
  for (const [name, { node, sequence }] of directory.entries) {
    const next = BigInt(sequence) + 2n
    if (next > cookie && !put(name, node, next)) break
  }
  return used
}
