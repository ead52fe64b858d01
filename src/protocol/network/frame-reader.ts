import { protocolError } from '../wire-fields.ts'

/** Four bytes hold lengths to 2^28, more than any frame may have. */
const MAX_PREFIX_BYTES = 4

/**
 * Cuts a stream of bytes into frames: an unsigned varint (LEB128, 1 to 4 bytes), then that many bytes. It
 * holds no more than what was pushed; a frame within one piece is handed out without copying.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #pieces: Uint8Array[] = []
  #buffered = 0
  /** Length of the frame that comes next, once its prefix is complete. */
  #length: number | undefined
  #prefixValue = 0
  #prefixBytes = 0

  constructor({ maxFrameBytes }: { readonly maxFrameBytes: number }) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes of frames not yet taken. */
  get bufferedBytes(): number {
    return this.#buffered
  }

  /** Whether nothing of a next frame has come yet. */
  get atBoundary(): boolean {
    return this.#buffered === 0 && this.#length === undefined && this.#prefixBytes === 0
  }

  /** Whether `next` has something to say: a frame, or that the bytes are no frame. */
  get ready(): boolean {
    this.#readPrefix()
    return this.#length !== undefined && (this.#length > this.#maxFrameBytes || this.#buffered >= this.#length)
  }

  push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#pieces.push(bytes)
    this.#buffered += bytes.byteLength
  }

  /**
   * The next complete frame, or undefined until more bytes have come.
   * @throws SoukError PROTOCOL_ERROR for a prefix that is too long or announces too much; nothing can be read after it.
   */
  next(): Uint8Array | undefined {
    this.#readPrefix()
    const length = this.#length
    if (length === undefined) return undefined
    if (length > this.#maxFrameBytes) {
      throw protocolError(
        length === Infinity
          ? `the length of a frame takes more than ${MAX_PREFIX_BYTES} bytes`
          : `a frame of ${length} bytes is announced, more than ${this.#maxFrameBytes}`,
      )
    }
    if (this.#buffered < length) return undefined
    this.#length = undefined
    return this.#take(length)
  }

  clear(): void {
    this.#pieces.length = 0
    this.#buffered = 0
  }

  #readPrefix(): void {
    while (this.#length === undefined && this.#buffered > 0) {
      const byte = this.#take(1)[0] ?? 0
      this.#prefixValue += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes)
      this.#prefixBytes += 1
      const complete = (byte & 0x80) === 0
      if (!complete && this.#prefixBytes < MAX_PREFIX_BYTES) continue
      this.#length = complete ? this.#prefixValue : Infinity
      this.#prefixValue = 0
      this.#prefixBytes = 0
    }
  }

  #take(length: number): Uint8Array {
    this.#buffered -= length
    const first = this.#pieces[0] ?? new Uint8Array(0)
    if (first.byteLength > length) {
      this.#pieces[0] = first.subarray(length)
      return first.subarray(0, length)
    }
    if (first.byteLength === length) {
      this.#pieces.shift()
      return first
    }
    return this.#gather(length)
  }

  #gather(length: number): Uint8Array {
    const frame = new Uint8Array(length)
    let filled = 0
    let used = 0
    for (const piece of this.#pieces) {
      const part = piece.subarray(0, length - filled)
      frame.set(part, filled)
      filled += part.byteLength
      if (part.byteLength < piece.byteLength) {
        this.#pieces[used] = piece.subarray(part.byteLength)
        break
      }
      used += 1
      if (filled === length) break
    }
    this.#pieces.splice(0, used)
    return frame
  }
}

/** A frame's length as it stands before it on the wire. */
export function framePrefix(length: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}
