import { FLAG, needRight } from './descriptors.ts'
import { Errno, fail } from './errno.ts'
import type { Host } from './host.ts'
import { RIGHT } from './rights.ts'
import type { Preview1Calls } from './signatures.ts'

const MAX_IOVECS = 1024
const IOVEC_BYTES = 8
const MAX_TRANSFER_BYTES = 0x4000_0000
const MAX_OFFSET = 2n ** 53n - 1n
const MAX_ADVICE = 5
const WHENCE = { set: 0, current: 1, end: 2 } as const

/** An offset or a size, which arrives as a signed 64-bit integer. */
function toSize(value: bigint): number {
  const size = BigInt.asUintN(64, value)
  return size > MAX_OFFSET ? fail('inval') : Number(size)
}

/** The scattered buffers that an array of `iovec` names; checks all of them before any is used. */
function buffers({ memory }: Host, pointer: number, count: number): Uint8Array[] {
  if (count >>> 0 > MAX_IOVECS) fail('inval')
  memory.bytes(pointer, count * IOVEC_BYTES)
  const parts: Uint8Array[] = []
  let total = 0
  for (let at = pointer, end = pointer + count * IOVEC_BYTES; at < end; at += IOVEC_BYTES) {
    const part = memory.bytes(memory.u32(at), memory.u32(at + 4))
    parts.push(total + part.length > MAX_TRANSFER_BYTES ? part.subarray(0, MAX_TRANSFER_BYTES - total) : part)
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

type IoCalls = Pick<
  Preview1Calls,
  | 'fd_advise'
  | 'fd_allocate'
  | 'fd_filestat_set_size'
  | 'fd_pread'
  | 'fd_pwrite'
  | 'fd_read'
  | 'fd_seek'
  | 'fd_tell'
  | 'fd_write'
>

/** The calls on what files and streams hold. Each says first that a descriptor is of the wrong kind, then that it lacks a right. */
export function ioCalls(host: Host): IoCalls {
  const { descriptors, fileSystem, memory, streams } = host
  return {
    fd_advise: (fd, offset, length, advice) => {
      needRight(descriptors.file(fd), 'fd_advise')
      toSize(offset)
      toSize(length)
      if (advice >>> 0 > MAX_ADVICE) fail('inval')
    },
    fd_allocate: (fd, offset, length) => {
      const descriptor = descriptors.file(fd)
      needRight(descriptor, 'fd_allocate')
      const end = toSize(offset) + toSize(length)
      if (length === 0n || !Number.isSafeInteger(end)) fail('inval')
      if (end > descriptor.node.data.size) fileSystem.resize(descriptor.node, end)
    },
    fd_filestat_set_size: (fd, size) => {
      const descriptor = descriptors.file(fd)
      needRight(descriptor, 'fd_filestat_set_size')
      fileSystem.resize(descriptor.node, toSize(size))
    },
    fd_pread: (fd, iovecs, count, position, resultPointer) => {
      const descriptor = descriptors.file(fd)
      needRight(descriptor, 'fd_read')
      needRight(descriptor, 'fd_seek')
      const offset = toSize(position)
      const parts = buffers(host, iovecs, count)
      memory.setU32(
        resultPointer,
        transfer(parts, (part, done) => fileSystem.read(descriptor.node, offset + done, part)),
      )
    },
    fd_pwrite: (fd, iovecs, count, position, resultPointer) => {
      const descriptor = descriptors.file(fd)
      needRight(descriptor, 'fd_write')
      needRight(descriptor, 'fd_seek')
      const offset = toSize(position)
      const parts = buffers(host, iovecs, count)
      memory.setU32(resultPointer, 0)
      memory.setU32(
        resultPointer,
        transfer(parts, (part, done) => fileSystem.write(descriptor.node, offset + done, part)),
      )
    },
    fd_read: (fd, iovecs, count, resultPointer) => {
      const descriptor = descriptors.get(fd)
      if (descriptor.kind === 'directory') fail('isdir')
      needRight(descriptor, 'fd_read')
      const parts = buffers(host, iovecs, count)
      memory.setU32(resultPointer, 0)
      if (descriptor.kind === 'file') {
        const { offset } = descriptor
        const done = transfer(parts, (part, before) => fileSystem.read(descriptor.node, offset + before, part))
        descriptor.offset += done
        memory.setU32(resultPointer, done)
      } else memory.setU32(resultPointer, streams.scatter(parts))
    },
    fd_write: (fd, iovecs, count, resultPointer) => {
      const descriptor = descriptors.get(fd)
      if (descriptor.kind === 'directory') fail('isdir')
      needRight(descriptor, 'fd_write')
      const parts = buffers(host, iovecs, count)
      memory.setU32(resultPointer, 0)
      if (descriptor.kind === 'file') {
        const offset = (descriptor.flags & FLAG.append) !== 0 ? descriptor.node.data.size : descriptor.offset
        const done = transfer(parts, (part, before) => fileSystem.write(descriptor.node, offset + before, part))
        descriptor.offset = offset + done
        memory.setU32(resultPointer, done)
      } else if (descriptor.kind !== 'stdin') memory.setU32(resultPointer, streams.write(descriptor.kind, parts))
    },
    fd_seek: (fd, delta, whence, resultPointer) => {
      const descriptor = descriptors.file(fd)
      const onlyTells = whence === WHENCE.current && delta === 0n
      if (!onlyTells) needRight(descriptor, 'fd_seek')
      else if ((descriptor.rights & (RIGHT.fd_seek | RIGHT.fd_tell)) === 0n) fail('notcapable')
      const base = [0, descriptor.offset, descriptor.node.data.size][whence >>> 0] ?? fail('inval')
      const offset = BigInt(base) + delta
      if (offset < 0n || offset > MAX_OFFSET) fail('inval')
      memory.setU64(resultPointer, offset)
      descriptor.offset = Number(offset)
    },
    fd_tell: (fd, resultPointer) => {
      const descriptor = descriptors.file(fd)
      if ((descriptor.rights & (RIGHT.fd_seek | RIGHT.fd_tell)) === 0n) fail('notcapable')
      memory.setU64(resultPointer, BigInt(descriptor.offset))
    },
  }
}
