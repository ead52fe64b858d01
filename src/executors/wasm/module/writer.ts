/** Unsigned LEB128 of an integer below 2^32. */
export function u32(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
  } while (rest > 0)
  return bytes
}

/** Signed LEB128 of any integer that fits in 64 bits. */
export function signed(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = Number(BigInt.asUintN(7, rest))
    rest >>= 7n
    const last = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)
    bytes.push(last ? low : low | 0x80)
    if (last) return bytes
  }
}

/** A name as the binary format has it: its length in bytes, then UTF-8. */
export function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text)
  return [...u32(bytes.length), ...bytes]
}

/** Joins parts without spreading large ones onto the stack. */
export function concat(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const total = parts.reduce((sum, part) => sum + part.length, 0)
  const joined = new Uint8Array(total)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** A section: id, length, content. */
export function section(id: number, parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const content = concat(parts)
  return concat([[id], u32(content.length), content])
}

/** A buffer that grows as it is written to. */
export class ByteWriter {
  bytes: Uint8Array
  length = 0
  readonly #maxBytes: number
  readonly #onFull: () => Error

  /** `onFull` makes what is thrown when it would have more than `maxBytes`. */
  constructor({ bytes, maxBytes, onFull }: { bytes: number; maxBytes: number; onFull: () => Error }) {
    this.bytes = new Uint8Array(bytes)
    this.#maxBytes = maxBytes
    this.#onFull = onFull
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#reserve(1)
    this.bytes[this.length] = value
    this.length += 1
  }

  /** Unsigned LEB128. */
  u32(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  /** Signed LEB128 of a natural number below 2^32. */
  natural(value: number): void {
    let rest = value
    while (rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  /** Unsigned LEB128 in exactly four bytes, of a number below 2^28, over what is at `offset`. */
  u32At(offset: number, value: number): void {
    for (let place = 0; place < 4; place += 1)
      this.bytes[offset + place] = ((value >>> (7 * place)) & 0x7f) | (place < 3 ? 0x80 : 0)
  }

  /** Steps over `count` bytes, to be written later. */
  skip(count: number): void {
    this.#reserve(count)
    this.length += count
  }

  copy(source: Uint8Array | readonly number[], start = 0, end = source.length): void {
    const count = end - start
    this.#reserve(count)
    if (count > 64 && source instanceof Uint8Array) this.bytes.set(source.subarray(start, end), this.length)
    else for (let index = 0; index < count; index += 1) this.bytes[this.length + index] = source[start + index] ?? 0
    this.length += count
  }

  #reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    if (needed > this.#maxBytes) throw this.#onFull()
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes)
    this.bytes = grown
  }
}
