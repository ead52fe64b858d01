import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

const SOURCE = /\.[cm]?[jt]s$/

/** Source text of every TypeScript and JavaScript file in `folders` of `root`, by path from `root`. */
export async function loadSources(request: {
  readonly root: string
  readonly folders: readonly string[]
}): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const folder of request.folders) {
    const entries = await readdir(join(request.root, folder), { recursive: true, withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      },
    )
    for (const entry of entries) {
      if (!entry.isFile() || !SOURCE.test(entry.name)) continue
      const path = join(entry.parentPath, entry.name)
      files.set(relative(request.root, path).split(sep).join('/'), await readFile(path, 'utf8'))
    }
  }
  return files
}
