import { Buffer } from 'node:buffer'
import { open, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract as tarExtract, type Extract, type Header } from 'tar-stream'
import { SoukError } from '../protocol/errors.ts'
import { storageError } from './store-errors.ts'
import { TarBlocks } from './unpack-tar-blocks.ts'
import { archiveRefused } from './unpack-tar-refusals.ts'
import { setFolderMode, UnpackedTree } from './unpack-tar-tree.ts'

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

/** What the library really gives: its own declaration leaves out what it says of kinds that it does not know. */
interface TarHeader extends Omit<Header, 'type' | 'linkname' | 'pax'> {
  readonly type: Header['type'] | null
  readonly linkname: string | null
  readonly pax: Readonly<Record<string, string>> | null
}

interface TarEntry extends AsyncIterable<Uint8Array> {
  readonly header: TarHeader
  resume(): unknown
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
 * @throws SoukError INVALID_INPUT (phase prepare, the entry as the issue's path) where the archive is malformed, truncated or
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
      await setFolderMode(into)
      return unpacked
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    signal.throwIfAborted()
    throw asSoukError(thrown)
  }
}

async function unpack(
  handle: FileHandle,
  { into, maxBytes, maxEntries, signal }: UnpackTarOptions,
): Promise<UnpackedTar> {
  signal.throwIfAborted()
  const tree = new UnpackedTree({ into, maxEntries })
  const extract = tarExtract()
  let failure: { readonly thrown: unknown } | undefined
  const stop = (thrown: unknown): void => {
    failure ??= { thrown }
    extract.destroy(thrown instanceof Error ? thrown : new Error('stopped', { cause: thrown }))
  }
  let bytes = 0
  // First whoever reads, which is then told of the end, however early that comes.
  const filled = fill({ extract, tree, maxBytes }).then((sum) => (bytes = sum), stop)
  const fed = feed({ extract, handle, maxEntries }).catch(stop)
  const onAbort = (): void => stop(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  await Promise.all([filled, fed])
  await tree.settle().catch(stop)
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  if (failure !== undefined) throw failure.thrown
  return { entries: tree.entries, bytes }
}

/** Reads the archive into the tar library, no faster than that takes it. */
async function feed(parts: {
  readonly extract: Extract
  readonly handle: FileHandle
  readonly maxEntries: number
}): Promise<void> {
  const { extract, handle, maxEntries } = parts
  const blocks = new TarBlocks({ maxEntries })
  for await (const chunk of await archiveBytes(handle)) {
    blocks.take(chunk)
    if (extract.destroying) return
    if (!extract.write(chunk)) await takesMore(extract)
  }
  blocks.end()
  if (!extract.destroying) extract.end(null)
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

/** Resolves when `extract` takes data again, or is gone. */
function takesMore(extract: Extract): Promise<void> {
  if (extract.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close']) extract.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close']) extract.on(event, done)
  })
}

async function fill(parts: {
  readonly extract: Extract
  readonly tree: UnpackedTree
  readonly maxBytes: number
}): Promise<number> {
  const { extract, tree, maxBytes } = parts
  let bytes = 0
  for await (const entry of extract as unknown as AsyncIterable<TarEntry>) {
    const { name, size } = entry.header
    tree.count(name)
    // Before anything of it is read or written.
    bytes += size
    if (bytes > maxBytes)
      throw archiveRefused({
        path: name,
        problem: `brings the content to ${bytes} bytes, and at most ${maxBytes} may be unpacked here`,
        remedy: 'Leave out what the task does not need, or ask a provider that allows more.',
      })
    await place(entry, tree)
    // Without this the library waits for somebody to read the end of an entry without content.
    entry.resume()
  }
  return bytes
}

async function place(entry: TarEntry, tree: UnpackedTree): Promise<void> {
  const { header } = entry
  const { name, type, size, mode, mtime } = header
  refusePax(header)
  if (type === 'file') return tree.addFile({ name, mode, mtimeMs: mtime.getTime(), bytes: size, content: entry })
  if (type !== 'directory' && type !== 'symlink' && type !== 'link')
    throw archiveRefused({
      path: name,
      problem: `is ${type === null ? 'of an unknown kind' : `a ${type.replaceAll('-', ' ')}`}`,
      remedy: 'Only files, folders and links are taken; a sandbox has a /dev of its own (tar --exclude=./dev/*).',
    })
  if (size !== 0)
    throw archiveRefused({
      path: name,
      problem: `is a ${type} with content`,
      remedy: 'Make the archive with GNU tar or bsdtar.',
    })
  if (type === 'directory') return tree.addFolder(name)
  const target = header.linkname ?? ''
  return type === 'link' ? tree.addHardLink(name, target) : tree.addSymlink(name, target)
}

/** What would make the content another than the header says: a size of its own, holes. */
function refusePax({ name, pax }: TarHeader): void {
  for (const key of Object.keys(pax ?? {})) {
    if (key !== 'size' && !key.startsWith('GNU.sparse.')) continue
    throw archiveRefused({
      path: name,
      problem: key === 'size' ? 'gives its size in a PAX header' : 'is a sparse file',
      remedy: 'Archive it as a plain file of less than 8 GiB (tar without --sparse).',
    })
  }
}

/** Errors of system calls are this host's; whatever else reading fails with is the archive's. */
function asSoukError(thrown: unknown): unknown {
  if (thrown instanceof SoukError || !(thrown instanceof Error)) return thrown
  if ('syscall' in thrown) return storageError(thrown)
  return archiveRefused(
    { problem: `cannot be read: ${thrown.message}`, remedy: 'Make the archive again and send the whole file.' },
    thrown,
  )
}
