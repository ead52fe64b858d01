import { ALL_FLAGS, needRight, type DirectoryDescriptor } from './descriptors.ts'
import { putEntries } from './directory-listing.ts'
import { fail } from './errno.ts'
import type { Host } from './host.ts'
import type { ioCalls } from './io-calls.ts'
import type { Preview1Calls } from './signatures.ts'
import { FILE_TYPE, putFileStat, timesToSet } from './stat.ts'

const FDSTAT_BYTES = 24

type DescriptorCalls = Omit<
  Pick<Preview1Calls, Extract<keyof Preview1Calls, `fd_${string}`>>,
  keyof ReturnType<typeof ioCalls>
>

/** The calls on open descriptors, but for those on what files hold. */
export function descriptorCalls(host: Host): DescriptorCalls {
  const { descriptors, fileSystem, memory } = host
  const preopened = (fd: number): Buffer => {
    const descriptor = descriptors.get(fd)
    return preopenOf(descriptor.kind === 'directory' ? descriptor : fail('badf'))
  }

  return {
    fd_close: (fd) => descriptors.close(fd),
    fd_datasync: (fd) => needRight(descriptors.get(fd), 'fd_datasync'),
    fd_sync: (fd) => needRight(descriptors.get(fd), 'fd_sync'),
    fd_fdstat_get: (fd, pointer) => {
      const descriptor = descriptors.get(fd)
      const stat = memory.record(pointer, FDSTAT_BYTES)
      stat.setUint8(0, 'node' in descriptor ? FILE_TYPE[descriptor.node.kind] : FILE_TYPE.stream)
      stat.setUint16(2, descriptor.flags, true)
      stat.setBigUint64(8, descriptor.rights, true)
      stat.setBigUint64(16, descriptor.inheriting, true)
    },
    fd_fdstat_set_flags: (fd, flags) => {
      const descriptor = descriptors.get(fd)
      needRight(descriptor, 'fd_fdstat_set_flags')
      if (flags >>> 0 > ALL_FLAGS) fail('inval')
      descriptor.flags = flags
    },
    fd_fdstat_set_rights: (fd, rights, inheriting) => {
      const descriptor = descriptors.get(fd)
      if ((rights & ~descriptor.rights) !== 0n || (inheriting & ~descriptor.inheriting) !== 0n) fail('notcapable')
      descriptor.rights = rights
      descriptor.inheriting = inheriting
    },
    fd_filestat_get: (fd, pointer) => {
      const descriptor = descriptors.get(fd)
      needRight(descriptor, 'fd_filestat_get')
      putFileStat(memory, pointer, 'node' in descriptor ? descriptor.node : undefined)
    },
    fd_filestat_set_times: (fd, accessedNs, modifiedNs, flags) => {
      const descriptor = descriptors.get(fd)
      needRight(descriptor, 'fd_filestat_set_times')
      const times = timesToSet({ accessedNs, modifiedNs, flags })
      if ('node' in descriptor) fileSystem.setTimes(descriptor.node, times)
    },
    fd_prestat_get: (fd, pointer) => {
      const { length } = preopened(fd)
      memory.record(pointer, 8).setUint32(4, length, true)
    },
    fd_prestat_dir_name: (fd, pointer, length) => {
      const name = preopened(fd)
      if (length >>> 0 < name.length) fail('nametoolong')
      memory.bytes(pointer, name.length).set(name)
    },
    fd_readdir: (fd, pointer, length, cookie, resultPointer) => {
      const descriptor = descriptors.directory(fd)
      needRight(descriptor, 'fd_readdir')
      const target = memory.bytes(pointer, length)
      memory.setU32(resultPointer, 0)
      memory.setU32(resultPointer, putEntries(descriptor.node, target, BigInt.asUintN(64, cookie)))
    },
    fd_renumber: (from, to) => descriptors.renumber(from, to),
  }
}

const preopenOf = ({ preopen }: DirectoryDescriptor): Buffer =>
  preopen === undefined ? fail('badf') : Buffer.from(preopen)
