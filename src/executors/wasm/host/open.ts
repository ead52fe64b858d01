import { fail } from './errno.ts'
import type { FileSystem } from './file-system.ts'
import type { DirectoryNode, FileNode, Place } from './nodes.ts'

export interface OpenOptions {
  /** Make it, as an empty file, where it is missing; and only then, where it is also `exclusive`. */
  readonly create: boolean
  readonly exclusive: boolean
  /** Only a folder will do. */
  readonly directory: boolean
  readonly truncate: boolean
  /** It is going to be written. */
  readonly writing: boolean
}

/** Finds or makes what is opened, as open(2) does. Whether links are followed was for the place to say. */
export function openPlace(fileSystem: FileSystem, place: Place, options: OpenOptions): FileNode | DirectoryNode {
  const { create, exclusive, directory, truncate, writing } = options
  if (create && directory) fail('inval')
  const { node } = place
  if (node === undefined) return create ? fileSystem.createFile(place) : fail('noent')
  if (create && exclusive) fail('exist')
  if (node.kind === 'symlink') return fail('loop')
  if (node.kind === 'directory') return create || truncate || writing ? fail('isdir') : node
  if (directory || place.mustBeDirectory) fail('notdir')
  if (node.readOnly && (writing || truncate)) fail('rofs')
  if (truncate) fileSystem.resize(node, 0)
  return node
}
