import { Buffer } from 'node:buffer'
import { protocolError } from '../wire-fields.ts'

/** Four bytes hold lengths to 2^28, more than any frame may have. */
const MAX_PREFIX_BYTES = 4

/**
 * Cuts a stream of bytes into frames: an unsigned varint (LEB128, 1 to 4 bytes), then that many bytes. It
 * holds no more than what was pushed, and copies nothing: a frame is handed out as the pieces in which it came.
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
  next(): readonly Uint8Array[] | undefined {
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
      const byte = this.#take(1)[0]?.[0] ?? 0
      this.#prefixValue += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes)
      this.#prefixBytes += 1
      const complete = (byte & 0x80) === 0
      if (!complete && this.#prefixBytes < MAX_PREFIX_BYTES) continue
      this.#length = complete ? this.#prefixValue : Infinity
      this.#prefixValue = 0
      this.#prefixBytes = 0
    }
  }

  /** The next `length` bytes, which are there. */
  #take(length: number): Uint8Array[] {
    this.#buffered -= length
    const taken: Uint8Array[] = []
    let whole = 0
    for (let left = length; left > 0;) {
      const piece = this.#pieces[whole] ?? new Uint8Array(left)
      if (piece.byteLength > left) {
        taken.push(piece.subarray(0, left))
        this.#pieces[whole] = piece.subarray(left)
        break
      }
      taken.push(piece)
      left -= piece.byteLength
      whole += 1
    }
    this.#pieces.splice(0, whole)
    return taken
  }
}

/** The pieces of a frame as one: itself, where there is only one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}

/** An unsigned LEB128 varint, as it stands before each frame and within protobuf. @param value below 2^53 */
export function varint(value: number): readonly number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

/** A frame's length as it stands before it on the wire. */
export function framePrefix(length: number): Uint8Array {
  return Uint8Array.from(varint(length))
}
