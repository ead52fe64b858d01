import type { FileHandle } from 'node:fs/promises'

/** A batch is written once it has so many bytes, or so many pieces: what one writev takes. */
const BATCH_BYTES = 1024 * 1024
const BATCH_PIECES = 256

export interface BatchWriterOptions {
  readonly handle: FileHandle
  /** Where in the file to begin. */
  readonly offset: number
  /** Told how far the file reaches after each batch. */
  readonly onWritten: (endOffset: number) => void
}

/** Writes pieces of bytes, which nobody changes, one after the other: a batch at a time, while the next one comes. */
export class BatchWriter {
  readonly #options: BatchWriterOptions
  #batch: Uint8Array[] = []
  #batchBytes = 0
  #writtenTo: number
  #writing: Promise<void> = Promise.resolve()

  constructor(options: BatchWriterOptions) {
    this.#options = options
    this.#writtenTo = options.offset
  }

  /** Waits where a whole batch has come before the one before it is written. @throws what a write of one before failed with */
  async write(piece: Uint8Array): Promise<void> {
    if (piece.byteLength === 0) return
    this.#batch.push(piece)
    this.#batchBytes += piece.byteLength
    if (this.#batchBytes >= BATCH_BYTES || this.#batch.length >= BATCH_PIECES) await this.#begin()
  }

  /** Resolves when nothing is being written, and all that came is, unless a write fails. @throws what it failed with */
  async flush(): Promise<void> {
    if (this.#batch.length > 0) await this.#begin()
    await this.#writing
  }

  async #begin(): Promise<void> {
    await this.#writing
    this.#writing = this.#writeAll(this.#batch)
    // Whoever writes or flushes next is told.
    this.#writing.catch(() => undefined)
    this.#batch = []
    this.#batchBytes = 0
  }

  async #writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    const { handle, onWritten } = this.#options
    for (let rest = pieces; rest.length > 0;) {
      const { bytesWritten } = await handle.writev(rest, this.#writtenTo)
      this.#writtenTo += bytesWritten
      rest = after(rest, bytesWritten)
    }
    onWritten(this.#writtenTo)
  }
}

/** What is left of the pieces after so many bytes of them. */
function after(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes
  for (const [index, piece] of pieces.entries()) {
    if (skip < piece.byteLength) return [piece.subarray(skip), ...pieces.slice(index + 1)]
    skip -= piece.byteLength
  }
  return []
}
