import { constants } from 'node:fs'
import { lstat, mkdir, open, opendir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SoukError } from '../protocol/errors.ts'
import type { BlobKey, Entry } from './ledger.ts'
import { misused } from './store-errors.ts'

/**
 * A store's folder:
 *
 *     format                    says that it is one
 *     blobs/OWNER/SHA256        whole, checked, durable, mode 0555 (BLOB_MODE)
 *     partial/OWNER/SHA256      a transfer that has not come to its end, to be resumed
 *     partial/OWNER/SHA256.X    a copy being made
 *     trash/X                   on its way out
 */
const FORMAT = 'souk artifacts 1\n'

/**
 * A sandbox reads a blob, or runs it, where it is, without a copy and as another user. Nobody writes it; who
 * reaches it at all is a matter of the store's folder, which is its owner's alone.
 */
export const BLOB_MODE = 0o555

const OWNER = /^0x[0-9a-f]{40}$/
const SHA256 = /^[0-9a-f]{64}$/

/** Whether a key has the one form of which paths are made. */
export const isBlobKey = ({ owner, sha256 }: BlobKey): boolean => OWNER.test(owner) && SHA256.test(sha256)

export const blobFile = (dir: string, key: BlobKey): string => join(dir, 'blobs', ...segmentsOf(key))
export const partialFile = (dir: string, key: BlobKey): string => join(dir, 'partial', ...segmentsOf(key))
export const trashFolder = (dir: string): string => join(dir, 'trash')

/** The only place where a name becomes part of a path. */
function segmentsOf(key: BlobKey): [string, string] {
  if (!isBlobKey(key)) throw misused('a blob is named by an address and 64 hex digits')
  return [key.owner, key.sha256]
}

/**
 * Makes the folder where it is missing, removes what a crash left behind and whatever else does not belong,
 * and resolves to the blobs that are there, those untouched for longest first.
 * @throws SoukError START_FAILED where the folder cannot be used, or holds something else.
 */
export async function openLayout({ dir }: { readonly dir: string }): Promise<readonly Entry[]> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await claim(dir)
    await rm(trashFolder(dir), { recursive: true, force: true })
    for (const name of ['blobs', 'partial', 'trash']) await mkdir(join(dir, name), { recursive: true, mode: 0o700 })
    await syncFolder(dir)
    const complete = await scan({ folder: join(dir, 'blobs'), state: 'complete' })
    const whole = new Set(complete.map(({ owner, sha256 }) => `${owner}/${sha256}`))
    const partial = await scan({
      folder: join(dir, 'partial'),
      state: 'partial',
      isStale: ({ owner, sha256 }) => whole.has(`${owner}/${sha256}`),
    })
    return [...complete, ...partial].sort((one, other) => one.mtimeMs - other.mtimeMs)
  } catch (cause) {
    if (cause instanceof SoukError) throw cause
    throw unusable(dir, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** A folder with other things in it is somebody's, and not to be swept. */
async function claim(dir: string): Promise<void> {
  const file = join(dir, 'format')
  const names = await readdir(dir)
  if (names.length === 0) return writeFile(file, FORMAT, { flag: 'wx', mode: 0o600, flush: true })
  if (!names.includes('format') || (await readFile(file, 'utf8')) !== FORMAT)
    throw unusable(dir, 'it holds something that is not an artifact store of this version')
}

interface Found extends Entry {
  readonly mtimeMs: number
}

interface Scan {
  readonly folder: string
  readonly state: 'complete' | 'partial'
  readonly isStale?: (key: BlobKey) => boolean
}

async function scan({ folder, state, isStale = () => false }: Scan): Promise<Found[]> {
  const found: Found[] = []
  for await (const { name: owner } of await opendir(folder)) {
    const owned = join(folder, owner)
    if (!OWNER.test(owner) || !(await lstat(owned)).isDirectory()) {
      await rm(owned, { recursive: true, force: true })
      continue
    }
    let kept = 0
    for await (const { name: sha256 } of await opendir(owned)) {
      const file = join(owned, sha256)
      const stats = await lstat(file)
      // A partial file that cannot be written any more was whole, and a crash came before it was moved.
      const usable =
        SHA256.test(sha256) &&
        stats.isFile() &&
        (state === 'complete' || (stats.mode & 0o200) !== 0) &&
        !isStale({ owner, sha256 })
      if (usable) {
        kept++
        found.push({ owner, sha256, bytes: stats.size, state, mtimeMs: stats.mtimeMs })
      } else await rm(file, { recursive: true, force: true })
    }
    if (kept === 0) await rmdir(owned)
  }
  return found
}

/** Makes the folder in which `file` is to be, durably. */
export async function ensureFolderOf(file: string): Promise<void> {
  const folder = dirname(file)
  const created = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (created !== undefined) await syncFolder(dirname(folder))
}

/** Makes the names in a folder durable (fsync(2): a file's own does not). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}

function unusable(dir: string, reason: string, cause?: unknown): SoukError<'START_FAILED'> {
  return new SoukError({
    code: 'START_FAILED',
    fault: 'operator',
    message: `The folder ${dir} cannot hold artifacts: ${reason}.`,
    details: { reason },
    hint: 'Name a folder that is empty or does not exist yet, on a file system with room.',
    cause,
  })
}
