import { Buffer } from 'node:buffer'
import type { Stream } from '@libp2p/interface'
import type { SoukError } from '../errors.ts'
import { framePrefix } from './frame-reader.ts'
import { connectionLost } from './network-errors.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

/** Answers go before events, however many events wait. */
export type Lane = 'answer' | 'event'

interface QueuedFrame {
  readonly frame: Uint8Array
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * Sends frames over a libp2p stream no faster than the transport takes them, small ones that are ready in the
 * same turn of the event loop together. It queues what its callers write: each bounds what it has in flight.
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

  write(frame: Uint8Array, lane: Lane): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queues[lane].push({ frame, resolve, reject })
      if (this.#pumping) return
      this.#pumping = true
      setImmediate(() => void this.#pump())
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
        else this.#send(this.#takeBatch())
      }
    } catch (cause) {
      this.fail(connectionLost('the stream cannot be written', cause))
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
        if (batch.length > 0 && bytes + queued.frame.byteLength > WIRE_LIMITS.batchBytes) break
        bytes += queued.frame.byteLength
        batch.push(queued)
        taken += 1
      }
      queue.splice(0, taken)
      if (bytes >= WIRE_LIMITS.batchBytes) break
    }
    return batch
  }

  #send(batch: readonly QueuedFrame[]): void {
    try {
      const [only] = batch
      if (batch.length === 1 && only !== undefined && only.frame.byteLength > WIRE_LIMITS.batchBytes / 2) {
        // A large frame is not copied; the stream keeps the order of what it is given.
        this.#stream.send(framePrefix(only.frame.byteLength))
        this.#stream.send(only.frame)
      } else {
        this.#stream.send(Buffer.concat(batch.flatMap(({ frame }) => [framePrefix(frame.byteLength), frame])))
      }
      for (const { resolve } of batch) resolve()
    } catch (cause) {
      const reason = connectionLost('the stream cannot be written', cause)
      for (const { reject } of batch) reject(reason)
      this.fail(reason)
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
