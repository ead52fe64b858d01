import { Buffer } from 'node:buffer'
import { open, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { readTar, unpackError } from './unpack-tar-read.ts'
import { archiveRefused } from './unpack-tar-refusals.ts'
import { FOLDER_MODE, UnpackedTree } from './unpack-tar-tree.ts'
import { setMode } from './unpack-tar-writes.ts'

export interface UnpackTarOptions {
  /** A tar archive, plain or compressed with gzip. */
  readonly source: string
  /** A folder that is empty, and that nobody else can write to. */
  readonly into: string
  /** Of the content of all files together; a file that comes twice counts twice. */
  readonly maxBytes: number
  /** Of files, folders and links, those folders included that are only implied by names. */
  readonly maxEntries: number
  /** Ends it at any time; there is no other bound on how long a large archive takes. */
  readonly signal: AbortSignal
}

export interface UnpackedTar {
  readonly entries: number
  readonly bytes: number
}

const READ_BYTES = 256 * 1024

/** How the files of other compressors start. */
const GZIP = '1f8b'
const OTHER_FORMATS: Readonly<Record<string, string>> = { fd37: 'xz', '28b5': 'zstd', '425a': 'bzip2', '504b': 'zip' }

/**
 * Unpacks an archive of a stranger as the read-only root file system of a task that runs as another user: `into` and every folder in
 * it get mode 0755, files 0755 where anybody may execute them and 0644 otherwise, all owned by this process, whatever the
 * archive and the umask say; files keep their modification times. Symbolic links are made as they are, as they mean something inside the
 * sandbox only, and never followed here. A failure leaves in `into` what was made until then: the caller removes it.
 *
 * @throws SoukError INVALID_INPUT (phase prepare, the entry as the path) where the archive is malformed, truncated or
 *   too large, or has anything but files, folders and links that stay inside; STORAGE_FULL where the disk is; INTERNAL where
 *   this host fails otherwise; or the signal's reason.
 */
export async function unpackTar(options: UnpackTarOptions): Promise<UnpackedTar> {
  const { source, into, signal } = options
  signal.throwIfAborted()
  try {
    const handle = await open(source, 'r')
    try {
      const unpacked = await unpack(handle, options)
      await setMode(into, FOLDER_MODE)
      return unpacked
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    signal.throwIfAborted()
    throw unpackError(thrown)
  }
}

async function unpack(
  handle: FileHandle,
  { into, maxBytes, maxEntries, signal }: UnpackTarOptions,
): Promise<UnpackedTar> {
  const tree = new UnpackedTree({ into, maxBytes, maxEntries })
  await readTar({ content: await archiveBytes(handle), target: tree, maxEntries, signal })
  const { entries, bytes } = tree
  return { entries, bytes }
}

async function archiveBytes(handle: FileHandle): Promise<AsyncIterable<Uint8Array>> {
  const start = Buffer.alloc(2)
  const { bytesRead } = await handle.read(start, 0, start.length, 0)
  const magic = start.subarray(0, bytesRead).toString('hex')
  const other = OTHER_FORMATS[magic]
  if (other !== undefined)
    throw archiveRefused({
      problem: `is compressed with ${other}`,
      remedy: 'Send a plain tar, or one compressed with gzip (tar -z).',
    })
  const file: Readable = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: READ_BYTES })
  if (magic !== GZIP) return file
  const gunzip = createGunzip({ chunkSize: READ_BYTES })
  // What fails reaches whoever reads from the end.
  pipeline(file, gunzip, () => {})
  return gunzip
}
