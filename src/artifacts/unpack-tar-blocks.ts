import { Buffer } from 'node:buffer'
import { archiveRefused, truncated } from './unpack-tar-refusals.ts'

/** Everything in a tar archive starts at a multiple of this (pax(1), "ustar Interchange Format"). */
const BLOCK_BYTES = 512
const SIZE = { start: 124, end: 136 }
const CHECKSUM = { start: 148, end: 156 }
const TYPE_AT = 156

/**
 * The headers that speak of the next entry, or of all that follow, and what one of them may hold. The library
 * below takes 4 MiB of each, and copies what it has of a global one for every entry.
 */
const MAX_METADATA_BYTES: ReadonlyMap<string, number> = new Map([
  ['x', 65_536],
  ['g', 4_096],
  ['L', 8_192],
  ['N', 8_192],
  ['K', 8_192],
])
const METADATA_BYTES_PER_ENTRY = 2_048
const METADATA_BYTES_BASE = 65_536

/** Zeros after the end marker: tar fills its last record, which is at most 2048 blocks. */
const MAX_PADDING_BYTES = 2_048 * BLOCK_BYTES

/** Digits with blanks before or after them, read alike by every implementation; those of base 256 are for files of 8 GiB and more. */
const OCTAL = /^ *\0*(?:([0-7]+)[ \0]*)?$/

/**
 * Walks over the blocks of an archive before the tar library sees them, and refuses what that would take
 * without a bound or a word: metadata of any size, sizes that are no plain numbers, blocks that are no headers,
 * a lost end, and more after the end marker.
 */
export class TarBlocks {
  readonly #maxMetadataBytes: number
  readonly #header = Buffer.alloc(BLOCK_BYTES)
  #headerBytes = 0
  /** What is left of the current entry's content, with its padding. */
  #contentBytes = 0
  #metadataBytes = 0
  #ended = false
  #paddingBytes = 0

  constructor({ maxEntries }: { readonly maxEntries: number }) {
    this.#maxMetadataBytes = METADATA_BYTES_BASE + maxEntries * METADATA_BYTES_PER_ENTRY
  }

  /** @throws SoukError INVALID_INPUT: then `chunk` must go nowhere. */
  take(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      const rest = chunk.subarray(at)
      at += this.#ended ? this.#takePadding(rest) : this.#contentBytes > 0 ? this.#skip(rest) : this.#takeHeader(rest)
    }
  }

  /** @throws SoukError INVALID_INPUT where the archive must not end here. */
  end(): void {
    if (!this.#ended) throw truncated()
  }

  #skip(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#contentBytes)
    this.#contentBytes -= taken
    return taken
  }

  #takePadding(bytes: Uint8Array): number {
    this.#paddingBytes += bytes.length
    if (bytes.some((byte) => byte !== 0))
      throw archiveRefused({
        problem: 'goes on after its end marker',
        remedy: 'Send one archive, not several in a row: tar --concatenate joins them.',
      })
    if (this.#paddingBytes > MAX_PADDING_BYTES)
      throw archiveRefused({
        problem: `has more than ${MAX_PADDING_BYTES} bytes of padding at its end`,
        remedy: 'Make it with the default blocking factor of tar.',
      })
    return bytes.length
  }

  #takeHeader(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, BLOCK_BYTES - this.#headerBytes)
    this.#header.set(bytes.subarray(0, taken), this.#headerBytes)
    this.#headerBytes += taken
    if (this.#headerBytes === BLOCK_BYTES) {
      this.#headerBytes = 0
      this.#readHeader()
    }
    return taken
  }

  #readHeader(): void {
    if (this.#isBlank(0, BLOCK_BYTES)) {
      this.#ended = true
      return
    }
    if (this.#isBlank(0, CHECKSUM.start) && this.#isBlank(CHECKSUM.end, BLOCK_BYTES))
      throw archiveRefused({ problem: 'has a header with nothing in it', remedy: 'Make the archive again.' })
    const sizeBytes = this.#size()
    this.#contentBytes = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
    const maxBytes = MAX_METADATA_BYTES.get(String.fromCharCode(this.#header[TYPE_AT] ?? 0))
    if (maxBytes === undefined) return
    this.#metadataBytes += BLOCK_BYTES + this.#contentBytes
    // The library takes the padding of the next entry for content where such a header is empty.
    if (sizeBytes === 0 || sizeBytes > maxBytes || this.#metadataBytes > this.#maxMetadataBytes)
      throw archiveRefused({
        path: this.#name(),
        problem: `has extended headers of ${sizeBytes === 0 ? 'no' : 'too many'} bytes`,
        remedy: 'Leave out extended attributes and comments (tar --format=ustar, or --no-xattrs --no-acls).',
      })
  }

  #size(): number {
    const match = OCTAL.exec(this.#header.toString('latin1', SIZE.start, SIZE.end))
    if (match !== null) return match[1] === undefined ? 0 : Number.parseInt(match[1], 8)
    throw archiveRefused({
      path: this.#name(),
      problem: 'has a size that is not a plain octal number',
      remedy: 'Archives of files of 8 GiB and more are not taken; make any other again with tar --format=pax.',
    })
  }

  /** As far as the header itself holds it. */
  #name(): string {
    const end = this.#header.indexOf(0)
    return this.#header.toString('utf8', 0, end < 0 ? 100 : Math.min(end, 100))
  }

  #isBlank(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (this.#header[at] !== 0) return false
    return true
  }
}
