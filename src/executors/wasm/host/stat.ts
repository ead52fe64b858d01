import { fail } from './errno.ts'
import type { TimeToSet } from './file-system.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { Node } from './nodes.ts'

/** `filetype` (preview 1). A stream is a pipe, which has no type of its own there. */
export const FILE_TYPE = { stream: 0, directory: 3, file: 4, symlink: 7 } as const
/** All files are on one device. */
const DEVICE = 1n
/** Bits of `fstflags` (preview 1). */
const SET = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const
const ALL_SET_FLAGS = 15
const FILESTAT_BYTES = 64

/** Writes a `filestat` at `pointer`; that of a stream where there is no node. */
export function putFileStat(memory: GuestMemory, pointer: number, node: Node | undefined): void {
  const stat = memory.record(pointer, FILESTAT_BYTES)
  stat.setBigUint64(24, 1n, true)
  if (node === undefined) return
  stat.setBigUint64(0, DEVICE, true)
  stat.setBigUint64(8, node.inode, true)
  stat.setUint8(16, FILE_TYPE[node.kind])
  if (node.kind !== 'directory') stat.setBigUint64(24, BigInt(node.links), true)
  if (node.kind === 'file') stat.setBigUint64(32, BigInt(node.data.size), true)
  else if (node.kind === 'symlink') stat.setBigUint64(32, BigInt(Buffer.byteLength(node.target)), true)
  stat.setBigUint64(40, node.accessedNs, true)
  stat.setBigUint64(48, node.modifiedNs, true)
  stat.setBigUint64(56, node.changedNs, true)
}

interface TimesAsked {
  readonly accessedNs: bigint
  readonly modifiedNs: bigint
  readonly flags: number
}

/** Which times a call sets, to what. EINVAL for flags that contradict each other. */
export function timesToSet({ accessedNs, modifiedNs, flags }: TimesAsked): {
  accessedNs?: TimeToSet
  modifiedNs?: TimeToSet
} {
  const both = (one: number, other: number): boolean => (flags & one) !== 0 && (flags & other) !== 0
  if (flags >>> 0 > ALL_SET_FLAGS || both(SET.accessed, SET.accessedNow) || both(SET.modified, SET.modifiedNow))
    fail('inval')
  return {
    ...((flags & SET.accessed) !== 0 && { accessedNs: BigInt.asUintN(64, accessedNs) }),
    ...((flags & SET.accessedNow) !== 0 && { accessedNs: 'now' as const }),
    ...((flags & SET.modified) !== 0 && { modifiedNs: BigInt.asUintN(64, modifiedNs) }),
    ...((flags & SET.modifiedNow) !== 0 && { modifiedNs: 'now' as const }),
  }
}
