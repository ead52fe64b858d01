import { fail } from './errno.ts'
import type { DirectoryNode, Place } from './nodes.ts'

const MAX_NAME_BYTES = 255
export const MAX_PATH_BYTES = 4096
/** As many symbolic links as Linux follows in one path. */
const MAX_LINKS_FOLLOWED = 40

/**
 * Follows `path` from `start`, never above it, by whatever links (ENOTCAPABLE). Only the last name may be missing.
 *
 * @param follow whether a symbolic link that is the last name stands for what it points to
 */
export function resolvePath(start: DirectoryNode, path: string, follow: boolean): Place {
  const trail = [start]
  const pending: string[] = []
  let mustBeDirectory = false
  let followed = 0
  const expand = (part: string): void => {
    if (part === '') fail('noent')
    if (part.startsWith('/')) fail('notcapable')
    // What a link stands for only ends the path when the link itself did.
    if (pending.length === 0 && part.endsWith('/')) mustBeDirectory = true
    const names = part.split('/')
    for (let index = names.length - 1; index >= 0; index -= 1) {
      const name = names[index]
      if (name !== undefined && name !== '') pending.push(name)
    }
  }

  expand(path)
  let directory = start
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '.') continue
    if (name === '..') {
      trail.pop()
      directory = trail.at(-1) ?? fail('notcapable')
      continue
    }
    if (name.length > MAX_NAME_BYTES || Buffer.byteLength(name) > MAX_NAME_BYTES) fail('nametoolong')
    const last = pending.length === 0
    const node = directory.entries.get(name)?.node
    if (node?.kind === 'symlink' && (!last || follow)) {
      followed += 1
      if (followed > MAX_LINKS_FOLLOWED) fail('loop')
      expand(node.target)
      continue
    }
    if (last) return { parent: directory, name, node, mustBeDirectory }
    if (node === undefined) fail('noent')
    if (node.kind !== 'directory') fail('notdir')
    trail.push(node)
    directory = node
  }
  return { parent: directory, name: undefined, node: directory, mustBeDirectory: true }
}
