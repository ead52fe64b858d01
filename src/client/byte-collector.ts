const FIRST_BYTES = 4096

/** Bytes put together as they come. Takes at most twice their room, however small the pieces are. */
export class ByteCollector {
  #buffer = new Uint8Array(0)
  #length = 0

  get byteLength(): number {
    return this.#length
  }

  append(piece: Uint8Array): void {
    const needed = this.#length + piece.byteLength
    if (needed > this.#buffer.byteLength) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, needed, 2 * this.#length))
      larger.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = larger
    }
    this.#buffer.set(piece, this.#length)
    this.#length = needed
  }

  clear(): void {
    this.#length = 0
  }

  /** What came, in memory of its own. */
  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }
}
