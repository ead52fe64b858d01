import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sandboxFailed } from './failures.ts'

/**
 * A library's folder as `importer`, a folder, finds it, links and all: what a sandbox process has to be let read.
 *
 * @throws SoukError EXECUTOR_FAILED where it is not installed
 */
export function libraryFolder(library: string, importer: string): string {
  for (let folder = importer; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', library)
    if (existsSync(candidate)) return candidate
    if (folder === dirname(folder)) throw sandboxFailed(`${library} is not installed`)
  }
}
