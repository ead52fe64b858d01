import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf } from '../artifacts/read-text-file.ts'

export interface FolderFile {
  readonly source: string
  readonly target: string
}

/**
 * Every regular file below a folder, in the order of the targets' UTF-16 code units; folders without files
 * leave no trace. Symbolic links, devices and names that are not UTF-8 are refused: what the task would see
 * is not what the folder shows.
 *
 * @param maxFiles stops reading a folder that has more, however large it is.
 * @throws Error whose message completes the sentence "FOLDER …".
 */
export async function filesBelow({
  folder,
  target,
  maxFiles,
}: {
  readonly folder: string
  readonly target: string
  readonly maxFiles: number
}): Promise<readonly FolderFile[]> {
  const files: FolderFile[] = []
  const pending: FolderFile[] = [{ source: folder, target }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { source: parent, target: parentTarget } = next
    const entries = await readdir(parent, { withFileTypes: true }).catch((error: unknown) => {
      throw new Error(`has ${parent}, which cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`, {
        cause: error,
      })
    })
    for (const entry of entries) {
      const source = join(parent, entry.name)
      const below = { source, target: `${parentTarget}/${entry.name}` }
      // What is not UTF-8 comes with replacement characters, and cannot be opened by that name.
      if (entry.name.includes('\uFFFD')) throw new Error(`has ${source}, whose name is not UTF-8`)
      if (entry.isDirectory()) pending.push(below)
      else if (entry.isFile()) files.push(below)
      else
        throw new Error(
          `has ${source}, which is ${entry.isSymbolicLink() ? 'a symbolic link' : 'not a regular file'}: a folder of inputs holds regular files only`,
        )
    }
    if (files.length + pending.length > maxFiles)
      throw new Error(`has more than the ${maxFiles} files that a task may still have: put them into one archive`)
  }
  return files.toSorted((a, b) => (a.target < b.target ? -1 : 1))
}
