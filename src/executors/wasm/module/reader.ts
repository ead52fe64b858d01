/** Why a module is not run: the reason for a person, and the import, feature or export that it is about. */
export class ModuleRefused extends Error {
  override readonly name = 'ModuleRefused'
  readonly subject: string | undefined

  constructor(reason: string, subject?: string) {
    super(reason)
    this.subject = subject
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A cursor over the binary format that never leaves its range. Every method throws {@link ModuleRefused}. */
export class ModuleReader {
  readonly bytes: Uint8Array
  offset: number
  readonly end: number

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  get done(): boolean {
    return this.offset >= this.end
  }

  peek(): number {
    const byte = this.offset < this.end ? this.bytes[this.offset] : undefined
    if (byte === undefined) throw new ModuleRefused('the module is malformed: it ends in mid-section')
    return byte
  }

  byte(): number {
    const byte = this.peek()
    this.offset += 1
    return byte
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const first = this.byte()
    return first < 0x80 ? first : this.#longU32(first)
  }

  #longU32(first: number): number {
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte()
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ModuleRefused('the module is malformed: an integer is too long')
  }

  /** Steps over a signed LEB128 of at most `maxBytes` bytes. */
  skipSigned(maxBytes: number): void {
    for (let count = 0; count < maxBytes; count += 1) if (this.byte() < 0x80) return
    throw new ModuleRefused('the module is malformed: an integer is too long')
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.offset) throw new ModuleRefused('the module is malformed: it ends in mid-section')
    this.offset += bytes
  }

  /** The next `bytes` bytes as a reader of their own; this one steps over them. */
  slice(bytes: number): ModuleReader {
    const start = this.offset
    this.skip(bytes)
    return new ModuleReader(this.bytes, start, start + bytes)
  }

  /** Throws where bytes are left over. */
  expectEnd(what: string): void {
    if (!this.done) throw new ModuleRefused(`the module is malformed: bytes after the end of ${what}`)
  }

  name(): string {
    const length = this.u32()
    const start = this.offset
    this.skip(length)
    try {
      return UTF8.decode(this.bytes.subarray(start, this.offset))
    } catch {
      throw new ModuleRefused('the module is malformed: a name is not UTF-8')
    }
  }
}
