import type { DirectoryNode, Node } from './nodes.ts'
import { FILE_TYPE } from './stat.ts'

const DIRENT_BYTES = 24
/** Cookies of the two entries that every folder has; those of names follow, in the order in which they were made. */
const COOKIE = { self: 1n, parent: 2n } as const

/**
 * Lists a folder into `target` from `cookie` on; returns the bytes used. The last entry may be cut where the buffer
 * ends, as preview 1 has it. A name keeps its cookie for as long as it is there: one that is made or removed between
 * two calls moves no other.
 */
export function putEntries(directory: DirectoryNode, target: Uint8Array, cookie: bigint): number {
  const head = new Uint8Array(DIRENT_BYTES)
  const view = new DataView(head.buffer)
  let used = 0
  const add = (part: Uint8Array): void => {
    const left = target.length - used
    target.set(part.length > left ? part.subarray(0, left) : part, used)
    used += Math.min(part.length, left)
  }
  const put = (name: string, node: Node, next: bigint): boolean => {
    const encoded = Buffer.from(name)
    view.setBigUint64(0, next, true)
    view.setBigUint64(8, node.inode, true)
    view.setUint32(16, encoded.length, true)
    view.setUint8(20, FILE_TYPE[node.kind])
    add(head)
    add(encoded)
    return used < target.length
  }
  if (cookie < COOKIE.self && !put('.', directory, COOKIE.self)) return used
  // What is above is nobody's business: it may be above the folder that was opened.
  if (cookie < COOKIE.parent && !put('..', directory, COOKIE.parent)) return used
  for (const [name, { node, sequence }] of directory.entries) {
    const next = BigInt(sequence) + COOKIE.parent
    if (next > cookie && !put(name, node, next)) break
  }
  return used
}
