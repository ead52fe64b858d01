import { Buffer } from 'node:buffer'
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { SoukError } from '../errors.ts'
import { framePrefix } from './frame-reader.ts'
import { connectionLost } from './network-errors.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

/** A message, whole or as pieces that are sent one after the other. */
export type Frame = Uint8Array | readonly Uint8Array[]

/** Answers go before events, however many events wait. */
export type Lane = 'answer' | 'event'

interface QueuedFrame {
  readonly frame: Frame
  readonly byteLength: number
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * Sends frames over a libp2p stream no faster than the transport takes them, small ones that are ready in the
 * same turn of the event loop, or the next, together. It queues what its callers write: each bounds what it has in flight.
 */
export class FrameWriter {
  readonly #stream: Stream
  readonly #queues: Readonly<Record<Lane, QueuedFrame[]>> = { answer: [], event: [] }
  #pumping = false
  #failure: SoukError | undefined
  #onIdle: (() => void)[] = []
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('drain', () => this.#wake?.())
  }

  /** Resolves when the transport has taken every byte: from then on they may be changed. */
  write(frame: Frame, lane: Lane): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queues[lane].push({ frame, byteLength: lengthOf(frame), resolve, reject })
      if (this.#pumping) return
      this.#pumping = true
      // One turn more: what the journal has written by then goes along, such as the end of a task that was accepted just now.
      setImmediate(() => setImmediate(() => void this.#pump()))
    })
  }

  /** Resolves when nothing is queued. */
  async flushed(): Promise<void> {
    if (this.#pumping) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  /** Every write that waits, and every later one, is rejected with `reason`. */
  fail(reason: SoukError): void {
    this.#failure ??= reason
    this.#wake?.()
    for (const queue of Object.values(this.#queues)) {
      for (const { reject } of queue.splice(0)) reject(this.#failure)
    }
  }

  async #pump(): Promise<void> {
    try {
      while (this.#failure === undefined && this.#pending() > 0) {
        if (this.#stream.writableNeedsDrain) await this.#drained()
        else await this.#send(this.#takeBatch())
      }
    } finally {
      this.#pumping = false
      for (const resolve of this.#onIdle.splice(0)) resolve()
    }
  }

  #pending(): number {
    return this.#queues.answer.length + this.#queues.event.length
  }

  /** As many frames as fit in a batch, at least one. */
  #takeBatch(): QueuedFrame[] {
    const batch: QueuedFrame[] = []
    let bytes = 0
    for (const queue of [this.#queues.answer, this.#queues.event]) {
      let taken = 0
      for (const queued of queue) {
        if (batch.length > 0 && bytes + queued.byteLength > WIRE_LIMITS.batchBytes) break
        bytes += queued.byteLength
        batch.push(queued)
        taken += 1
      }
      queue.splice(0, taken)
      if (bytes >= WIRE_LIMITS.batchBytes) break
    }
    return batch
  }

  async #send(batch: readonly QueuedFrame[]): Promise<void> {
    try {
      const pieces = batch.flatMap(({ frame, byteLength }) => [framePrefix(byteLength), frame].flat())
      const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
      // Small ones are one write of the socket together; large ones are not copied.
      this.#stream.send(bytes > WIRE_LIMITS.batchBytes / 2 ? new Uint8ArrayList(...pieces) : Buffer.concat(pieces))
      while (this.#stream.writableNeedsDrain && this.#failure === undefined) await this.#drained()
    } catch (cause) {
      this.fail(connectionLost('the stream cannot be written', cause))
    }
    for (const { resolve, reject } of batch) {
      if (this.#failure === undefined) resolve()
      else reject(this.#failure)
    }
  }

  /** Waits until the transport takes more. The stream's own `onDrain` resolves only once in its life. */
  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timeoutMs = WIRE_LIMITS.writeStallTimeoutMs
    const timer = setTimeout(() => {
      const reason = connectionLost(`the other side read nothing for ${timeoutMs / 1000} seconds`)
      this.fail(reason)
      this.#stream.abort(reason)
    }, timeoutMs)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#wake = undefined
    }
  }
}

function lengthOf(frame: Frame): number {
  return frame instanceof Uint8Array ? frame.byteLength : frame.reduce((sum, piece) => sum + piece.byteLength, 0)
}
