import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { posix } from 'node:path'
import { ImageProblem } from './oci-refusals.ts'

const BLOCK_BYTES = 512
const NAME = { start: 0, end: 100 }
const SIZE = { start: 124, end: 136 }
const CHECKSUM = { start: 148, end: 156 }
const TYPE_AT = 156
const LINK = { start: 157, end: 257 }
const MAGIC = { start: 257, end: 262 }
const PREFIX = { start: 345, end: 500 }

/** Three a layer, and a few more for each of many images. */
const MAX_ENTRIES = 10_000
const MAX_METADATA_BYTES = 64 * 1024
const COMPRESSED: Readonly<Record<string, string>> = { '1f8b': 'gzip', fd37: 'xz', '28b5': 'zstd', '425a': 'bzip2' }

/** Where in the archive the content of a file is. */
export interface ArchivePart {
  readonly start: number
  readonly bytes: number
}

/** What an extended header says of the entry after it. */
interface Extended {
  readonly path?: string
  readonly linkpath?: string
}

/**
 * Finds the files of a tar archive by reading its headers alone. Nothing is unpacked by these names: they are looked up,
 * and what is found is held against its digest. Of two of the same name the later one counts.
 *
 * @throws ImageProblem where it is no plain tar archive, is cut off, or has too many entries; or the signal's reason.
 */
export async function indexArchive({
  handle,
  bytes,
  signal,
}: {
  readonly handle: FileHandle
  readonly bytes: number
  readonly signal: AbortSignal
}): Promise<ReadonlyMap<string, ArchivePart>> {
  const parts = new Map<string, ArchivePart>()
  const links = new Map<string, string>()
  let extended: Extended = {}
  let entries = 0
  for (let at = 0; ; entries++) {
    signal.throwIfAborted()
    // What no end marker ends has to end with a whole entry.
    if (at === bytes && entries > 0) break
    if (entries > MAX_ENTRIES) throw new ImageProblem(`it is an archive of more than ${MAX_ENTRIES} entries`)
    const block = await readExactly({ handle, start: at, bytes: Math.min(BLOCK_BYTES, bytes - at) })
    const header = readHeader(block, at)
    if (header === undefined) break
    const { type } = header
    const part = { start: at + BLOCK_BYTES, bytes: header.bytes }
    at = part.start + Math.ceil(part.bytes / BLOCK_BYTES) * BLOCK_BYTES
    if (at > bytes) throw new ImageProblem('it is an archive that ends in the middle')
    if ('xgLK'.includes(type)) {
      extended = { ...extended, ...(await readExtended({ handle, type, ...part })) }
      continue
    }
    const path = within('', extended.path ?? header.name)
    const target = extended.linkpath ?? header.linkname
    extended = {}
    if (path === undefined) continue
    if (type === '0' || type === '\0' || type === '7') parts.set(path, part)
    // `docker save` has a layer that comes twice once, and links to it (moby, image/tarexport/save.go).
    const place = type === '2' ? within(posix.dirname(path), target) : type === '1' ? within('', target) : undefined
    if (place !== undefined) links.set(path, place)
  }
  for (const [path, target] of links) {
    const part = parts.get(target)
    if (part !== undefined && !parts.has(path)) parts.set(path, part)
  }
  return parts
}

/** A path of the archive, from one of its folders; undefined for one that leads out, which nothing has to be looked up by. */
function within(folder: string, path: string): string | undefined {
  if (path === '' || path.startsWith('/') || path.includes('\0')) return undefined
  const whole = posix.join(folder, path)
  return whole === '.' || whole === '..' || whole.startsWith('../') ? undefined : whole
}

interface Header {
  readonly name: string
  readonly linkname: string
  readonly type: string
  readonly bytes: number
}

/** @returns undefined at the end of the archive. */
function readHeader(block: Buffer, at: number): Header | undefined {
  if (block.length === BLOCK_BYTES && block.every((byte) => byte === 0)) return undefined
  const compressed = at === 0 ? COMPRESSED[block.toString('hex', 0, 2)] : undefined
  if (compressed !== undefined)
    throw new ImageProblem(
      `it is compressed with ${compressed}; send the archive as it is, its layers may be compressed`,
    )
  const bytes = octal(block, SIZE)
  const isHeader =
    block.length === BLOCK_BYTES &&
    block.toString('latin1', MAGIC.start, MAGIC.end) === 'ustar' &&
    octal(block, CHECKSUM) === checksum(block)
  if (!isHeader || bytes === undefined)
    throw new ImageProblem(at === 0 ? 'it is no tar archive' : `it is an archive that is damaged at byte ${at}`)
  const prefix = block.toString('latin1', MAGIC.start, MAGIC.end + 1) === 'ustar\0' ? textOf(block, PREFIX) : ''
  const name = textOf(block, NAME)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkname: textOf(block, LINK),
    type: String.fromCharCode(block[TYPE_AT] ?? 0),
    bytes,
  }
}

function textOf(block: Buffer, { start, end }: { readonly start: number; readonly end: number }): string {
  const zero = block.indexOf(0, start)
  return block.toString('utf8', start, zero < 0 ? end : Math.min(zero, end))
}

function octal(block: Buffer, { start, end }: { readonly start: number; readonly end: number }): number | undefined {
  // Of 8 GiB and more it is a number to the base 256: what is in an image is smaller.
  const digits = /^ *([0-7]*)[ \0]*$/.exec(block.toString('latin1', start, end))?.[1]
  return digits === undefined ? undefined : digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** The sum of all bytes, those of the checksum itself taken for blanks (pax(1), "ustar Interchange Format"). */
function checksum(block: Buffer): number {
  let sum = 0
  for (let at = 0; at < block.length; at++) sum += at >= CHECKSUM.start && at < CHECKSUM.end ? 0x20 : (block[at] ?? 0)
  return sum
}

async function readExtended({
  handle,
  type,
  start,
  bytes,
}: ArchivePart & { readonly handle: FileHandle; readonly type: string }): Promise<Extended> {
  if (bytes > MAX_METADATA_BYTES) throw new ImageProblem(`it is an archive with an extended header of ${bytes} bytes`)
  const content = (await readExactly({ handle, start, bytes })).toString('utf8')
  const [name = ''] = content.split('\0')
  if (type === 'L') return { path: name }
  if (type === 'K') return { linkpath: name }
  const records = paxRecords(content)
  if (records.has('size') || [...records.keys()].some((key) => key.startsWith('GNU.sparse.')))
    throw new ImageProblem('it is an archive that gives the sizes of its files in PAX headers')
  // What is said of all files is no name.
  if (type === 'g') return {}
  const path = records.get('path')
  const linkpath = records.get('linkpath')
  return { ...(path !== undefined && { path }), ...(linkpath !== undefined && { linkpath }) }
}

/** `LENGTH KEY=VALUE\n`, one after the other. Lengths count bytes; those of a name that matters here are all ASCII. */
function paxRecords(content: string): ReadonlyMap<string, string> {
  const records = new Map<string, string>()
  for (const line of content.split('\n')) {
    const [, key, value] = /^\d+ ([^=]+)=(.*)$/s.exec(line) ?? []
    if (key !== undefined && value !== undefined) records.set(key, value)
  }
  return records
}

async function readExactly({ handle, start, bytes }: ArchivePart & { readonly handle: FileHandle }): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, bytes))
  for (let at = 0; at < buffer.length;) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, start + at)
    if (bytesRead === 0) throw new ImageProblem('it is an archive that ends in the middle')
    at += bytesRead
  }
  return buffer
}
