import { Readable, Writable } from 'node:stream'
import { encodeCredit, encodeDataHeader, encodeEnd, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES } from './launcher-frames.ts'

/** Hands bytes to the launcher's socket. */
export type Send = (...parts: readonly Uint8Array[]) => void

/** More chunks than this wait as one: a task that writes single bytes must not cost a hundred for each. */
const MAX_WAITING_CHUNKS = 256

/** A pipe of the task's that it writes to: whole chunks as they come, at most the initial credit of them at a time. */
export class OutChannel extends Readable {
  readonly #channel: number
  readonly #send: Send
  #waiting: Buffer[] = []
  /** Bytes taken by the reader that have not been granted anew. */
  #takenBytes = 0
  #handedBytes = 0
  #heldBytes = 0
  #wanted = false
  #over = false

  constructor({ channel, send }: { readonly channel: number; readonly send: Send }) {
    // Chunks are objects so that the stream never joins, and thereby copies, those that wait.
    super({ objectMode: true, highWaterMark: 1 })
    this.#channel = channel
    this.#send = send
    this.on('error', () => {}) // ended with its connection, which tells
  }

  /** Takes bytes off the wire; false where they are more than was granted, or come after the end. */
  receive(chunk: Buffer): boolean {
    this.#heldBytes += chunk.length
    if (this.#over || this.#heldBytes > INITIAL_CREDIT_BYTES) return false
    this.#waiting.push(chunk)
    if (this.#waiting.length > MAX_WAITING_CHUNKS) this.#waiting = [Buffer.concat(this.#waiting)]
    if (this.#wanted) this.#hand()
    return true
  }

  /** No more will come; what is held is still read. */
  finish(): void {
    this.#over = true
    if (this.#wanted) this.#hand()
  }

  override _read(): void {
    this.#takenBytes += this.#handedBytes
    this.#handedBytes = 0
    // Half the window at a time: fewer frames, and the task is not yet waiting.
    if (!this.#over && this.#takenBytes >= INITIAL_CREDIT_BYTES / 2) {
      this.#send(encodeCredit(this.#channel, this.#takenBytes))
      this.#heldBytes -= this.#takenBytes
      this.#takenBytes = 0
    }
    this.#wanted = true
    this.#hand()
  }

  #hand(): void {
    const chunk = this.#waiting.shift()
    if (chunk === undefined && !this.#over) return
    this.#wanted = false
    this.#handedBytes = chunk?.length ?? 0
    this.push(chunk ?? null)
  }
}

/** A pipe that the task reads from: what is written goes out as far as the launcher has granted, the rest waits. */
export class InChannel extends Writable {
  readonly #channel: number
  readonly #send: Send
  #creditBytes = INITIAL_CREDIT_BYTES
  #rest: Buffer = Buffer.alloc(0)
  #done: (() => void) | undefined

  constructor({ channel, send }: { readonly channel: number; readonly send: Send }) {
    super({ highWaterMark: MAX_DATA_BYTES, decodeStrings: true })
    this.#channel = channel
    this.#send = send
    this.on('error', () => {}) // ended with its connection, which tells
  }

  grant(bytes: number): void {
    this.#creditBytes += bytes
    this.#flush()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#rest = chunk
    this.#done = done
    this.#flush()
  }

  override _final(done: () => void): void {
    this.#send(encodeEnd(this.#channel))
    done()
  }

  #flush(): void {
    while (this.#rest.length > 0 && this.#creditBytes > 0) {
      const part = this.#rest.subarray(0, Math.min(MAX_DATA_BYTES, this.#creditBytes))
      this.#send(encodeDataHeader(this.#channel, part.length), part)
      this.#creditBytes -= part.length
      this.#rest = this.#rest.subarray(part.length)
    }
    if (this.#rest.length > 0) return
    const done = this.#done
    this.#done = undefined
    done?.()
  }
}
