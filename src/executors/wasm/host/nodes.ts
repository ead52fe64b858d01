import type { FileData } from './file-data.ts'

interface NodeBase {
  readonly inode: bigint
  /** Nanoseconds since the epoch. */
  accessedNs: bigint
  modifiedNs: bigint
  changedNs: bigint
  /** Made by the task, and so counted against its quota. */
  readonly counted: boolean
  /** Part of the task's inputs: a file that cannot be changed, a folder in which nothing can be made or removed. */
  readonly readOnly: boolean
}

export interface FileNode extends NodeBase {
  readonly kind: 'file'
  readonly data: FileData
  /** How many names it has. */
  links: number
  opens: number
}

export interface DirectoryNode extends NodeBase {
  readonly kind: 'directory'
  /** In the order in which the names were made, which `sequence` tells too. */
  readonly entries: Map<string, { readonly node: Node; readonly sequence: number }>
  /** Where it hangs, for telling whether one folder holds another; no path ever goes up by it. */
  parent: DirectoryNode | undefined
  /** Part of the task's set-up: it stays where it is. */
  pinned: boolean
  removed: boolean
}

export interface SymlinkNode extends NodeBase {
  readonly kind: 'symlink'
  readonly target: string
  links: number
}

export type Node = FileNode | DirectoryNode | SymlinkNode

/** A place in the tree: the folder and the name in it; no name for a folder reached as itself (`.`, `a/..`). */
export interface Place {
  readonly parent: DirectoryNode
  readonly name: string | undefined
  readonly node: Node | undefined
  /** The path ends in a slash or a dot, so it can only mean a folder. */
  readonly mustBeDirectory: boolean
}
