import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RUNTIME_NAMES, type RuntimeName } from '../protocol/execution.ts'

/** The folder, in a data folder, of what its sandboxes keep between tasks, and of the secret behind {@link instanceIdOf}. */
export const instancesFolder = (dataDir: string): string => join(dataDir, 'instances')

/** The runtimes that were ever enabled for a data folder: each has a folder of its own there. */
export async function usedRuntimes(dataDir: string): Promise<readonly RuntimeName[]> {
  const names = await readdir(instancesFolder(dataDir)).catch((): string[] => [])
  return RUNTIME_NAMES.filter((runtime) => names.includes(runtime))
}

const FORM = /^[0-9a-f]{32}$/
/** In characters. Control groups and containers are named with the id; the launcher takes up to 32. */
const ID_LENGTH = 24

/**
 * The id that marks the sandboxes of this data folder, in 24 hex digits. It is the same for every process that uses the folder, so that
 * each finds what the one before has left. It depends on the folder's path, too: a copy elsewhere is another instance.
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
