import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RUNTIME_NAMES, type RuntimeName } from '../protocol/execution.ts'

/** Where a data folder has what its sandboxes keep between tasks, and what they are known by. */
export const instancesFolder = (dataDir: string): string => join(dataDir, 'instances')

/** The runtimes that have been on in a data folder: each has a folder of its own there. */
export async function usedRuntimes(dataDir: string): Promise<readonly RuntimeName[]> {
  const names = await readdir(instancesFolder(dataDir)).catch((): string[] => [])
  return RUNTIME_NAMES.filter((runtime) => names.includes(runtime))
}

const FORM = /^[0-9a-f]{32}$/
/** Names of control groups and labels of containers are made of it; the launcher takes up to 32 characters. */
const ID_LENGTH = 24

/**
 * What tells the sandboxes of this data folder from those of any other: the same for each process that holds the folder,
 * so that it finds what the one before has left. A copy of the folder, somewhere else, is another instance.
 */
export async function instanceIdOf(dataDir: string): Promise<string> {
  const folder = instancesFolder(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'id')
  let secret = await readFile(file, 'utf8').catch(() => '')
  if (!FORM.test(secret)) {
    secret = randomBytes(16).toString('hex')
    await writeFile(file, secret, { mode: 0o600, flush: true })
  }
  return createHash('sha256')
    .update(`${secret} ${await realpath(dataDir)}`)
    .digest('hex')
    .slice(0, ID_LENGTH)
}
