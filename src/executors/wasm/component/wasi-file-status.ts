import type { Node } from '../host/nodes.ts'
import { dateTime, type DateTime } from './wasi-times.ts'

/** Those `descriptor-type`s of wasi:filesystem that there are here. */
export type FileType = 'directory' | 'regular-file' | 'symbolic-link'

export interface DescriptorStat {
  readonly type: FileType
  readonly linkCount: bigint
  readonly size: bigint
  readonly dataAccessTimestamp: DateTime
  readonly dataModificationTimestamp: DateTime
  readonly statusChangeTimestamp: DateTime
}

export interface MetadataHash {
  readonly lower: bigint
  readonly upper: bigint
}

export function typeOf(node: Node): FileType {
  if (node.kind === 'directory') return 'directory'
  return node.kind === 'symlink' ? 'symbolic-link' : 'regular-file'
}

export function statOf(node: Node): DescriptorStat {
  const size = node.kind === 'file' ? node.data.size : node.kind === 'symlink' ? Buffer.byteLength(node.target) : 0
  return {
    type: typeOf(node),
    linkCount: node.kind === 'directory' ? 1n : BigInt(node.links),
    size: BigInt(size),
    dataAccessTimestamp: dateTime(node.accessedNs),
    dataModificationTimestamp: dateTime(node.modifiedNs),
    statusChangeTimestamp: dateTime(node.changedNs),
  }
}

/** Tells one file from another, as WASI asks; programs take it for the number of the inode. */
export const hashOf = (node: Node): MetadataHash => ({ lower: node.inode, upper: 0n })
