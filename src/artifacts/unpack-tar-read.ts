import { extract as tarExtract, type Extract, type Header } from 'tar-stream'
import { SoukError } from '../protocol/errors.ts'
import { storageError } from './store-errors.ts'
import { TarBlocks } from './unpack-tar-blocks.ts'
import { archiveRefused } from './unpack-tar-refusals.ts'
import type { NewFile } from './unpack-tar-writes.ts'

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

export interface FileEntry extends NewFile {
  readonly name: string
}

/** What an archive fills. Whatever rejects ends the reading. */
export interface TarTarget {
  /** Before anything else of an entry. @throws SoukError where it is one, or `bytes`, too many. */
  count(entry: { readonly name: string; readonly bytes: number }): void
  addFolder(name: string, mode: number): Promise<void>
  /** A small file may still be on its way when this resolves. */
  addFile(file: FileEntry): Promise<void>
  addSymlink(name: string, target: string): Promise<void>
  addHardLink(name: string, target: string): Promise<void>
  /** Resolves when everything that was added is written. */
  settle(): Promise<void>
}

/**
 * Reads a plain tar archive into `target`, no faster than that takes it.
 *
 * @throws SoukError INVALID_INPUT where the archive is malformed, truncated, or has anything but files, folders and links;
 *   what `content` and `target` fail with; or the signal's reason. Nothing is written any more then.
 */
export async function readTar({
  content,
  target,
  maxEntries,
  signal,
}: {
  readonly content: AsyncIterable<Uint8Array>
  readonly target: TarTarget
  readonly maxEntries: number
  readonly signal: AbortSignal
}): Promise<void> {
  signal.throwIfAborted()
  const extract = tarExtract()
  let failure: { readonly thrown: unknown } | undefined
  const stop = (thrown: unknown): void => {
    failure ??= { thrown }
    extract.destroy(thrown instanceof Error ? thrown : new Error('stopped', { cause: thrown }))
  }
  // First whoever reads, which is then told of the end, however early that comes.
  const filled = fill({ extract, target }).catch(stop)
  const fed = feed({ extract, content, maxEntries }).catch(stop)
  const onAbort = (): void => stop(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  await Promise.all([filled, fed])
  await target.settle().catch(stop)
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  if (failure !== undefined) throw failure.thrown
}

async function feed(parts: {
  readonly extract: Extract
  readonly content: AsyncIterable<Uint8Array>
  readonly maxEntries: number
}): Promise<void> {
  const { extract, content, maxEntries } = parts
  const blocks = new TarBlocks({ maxEntries })
  for await (const chunk of content) {
    blocks.take(chunk)
    if (extract.destroying) return
    if (!extract.write(chunk)) await takesMore(extract)
  }
  blocks.end()
  if (!extract.destroying) extract.end(null)
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

async function fill({ extract, target }: { readonly extract: Extract; readonly target: TarTarget }): Promise<void> {
  for await (const entry of extract as unknown as AsyncIterable<TarEntry>) {
    const { name, size } = entry.header
    target.count({ name, bytes: size })
    await place(entry, target)
    // Without this the library waits for somebody to read the end of an entry without content.
    entry.resume()
  }
}

async function place(entry: TarEntry, target: TarTarget): Promise<void> {
  const { header } = entry
  const { name, type, size, mode, mtime } = header
  refusePax(header)
  if (type === 'file') return target.addFile({ name, mode, mtimeMs: mtime.getTime(), bytes: size, content: entry })
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
  if (type === 'directory') return target.addFolder(name, mode)
  const linkname = header.linkname ?? ''
  return type === 'link' ? target.addHardLink(name, linkname) : target.addSymlink(name, linkname)
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
export function unpackError(thrown: unknown): unknown {
  if (thrown instanceof SoukError || !(thrown instanceof Error)) return thrown
  if ('syscall' in thrown) return storageError(thrown)
  return archiveRefused(
    { problem: `cannot be read: ${thrown.message}`, remedy: 'Make the archive again and send the whole file.' },
    thrown,
  )
}
