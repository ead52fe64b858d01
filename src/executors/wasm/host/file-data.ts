const CHUNK_BYTES = 256 * 1024
const LEAST_BYTES = 256

/**
 * The bytes of a file in memory: chunks that are made when they are first written, so that holes cost nothing and
 * growing copies at most one chunk. Reading a hole gives zeros.
 */
export class FileData {
  #chunks: (Uint8Array | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  read(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.#size - offset))
    for (let done = 0; done < length;) {
      const { chunk, at, run } = this.#locate(offset + done, length - done)
      const held = chunk?.subarray(at, at + run) ?? new Uint8Array()
      target.set(held, done)
      target.fill(0, done + held.length, done + run)
      done += run
    }
    return length
  }

  /** Writes all of `source`, growing the file; a gap before `offset` reads as zeros. */
  write(offset: number, source: Uint8Array): void {
    for (let done = 0; done < source.length;) {
      const { index, at, run } = this.#locate(offset + done, source.length - done)
      this.#chunkFor(index, at + run).set(source.subarray(done, done + run), at)
      done += run
    }
    if (source.length > 0) this.#size = Math.max(this.#size, offset + source.length)
  }

  resize(size: number): void {
    if (size < this.#size) {
      this.#chunks.length = Math.min(this.#chunks.length, Math.ceil(size / CHUNK_BYTES))
      this.#shorten(Math.floor(size / CHUNK_BYTES), size % CHUNK_BYTES)
    }
    this.#size = size
  }

  /** The content in pieces, for handing it over. */
  *pieces(): Generator<Uint8Array> {
    for (let offset = 0; offset < this.#size; offset += CHUNK_BYTES) {
      const piece = new Uint8Array(Math.min(CHUNK_BYTES, this.#size - offset))
      this.read(offset, piece)
      yield piece
    }
  }

  #locate(offset: number, length: number): { index: number; chunk: Uint8Array | undefined; at: number; run: number } {
    const index = Math.floor(offset / CHUNK_BYTES)
    const at = offset % CHUNK_BYTES
    return { index, chunk: this.#chunks[index], at, run: Math.min(length, CHUNK_BYTES - at) }
  }

  /** Zeros what is beyond `bytes` in a chunk, and lets go of what is much too large for them: the task gets it back. */
  #shorten(index: number, bytes: number): void {
    const chunk = this.#chunks[index]
    if (chunk === undefined) return
    if (chunk.length <= Math.max(LEAST_BYTES, 2 * bytes)) chunk.fill(0, bytes)
    else this.#chunks[index] = chunk.slice(0, bytes)
  }

  #chunkFor(index: number, neededBytes: number): Uint8Array {
    const chunk = this.#chunks[index]
    if (chunk !== undefined && chunk.length >= neededBytes) return chunk
    let capacity = Math.max(LEAST_BYTES, chunk?.length ?? 0)
    while (capacity < neededBytes) capacity = Math.min(CHUNK_BYTES, capacity * 2)
    const larger = new Uint8Array(capacity)
    if (chunk !== undefined) larger.set(chunk)
    this.#chunks[index] = larger
    return larger
  }
}
