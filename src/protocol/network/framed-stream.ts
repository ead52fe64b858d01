import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { SoukError } from '../errors.ts'
import { protocolError } from '../wire-fields.ts'
import { FrameReader, joined } from './frame-reader.ts'
import { FrameWriter, type Frame, type Lane } from './frame-writer.ts'
import { connectionLost } from './network-errors.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

export interface FramedStreamOptions {
  readonly maxFrameBytes: number
  /** Complete frames that wait to be read may take this much before the sender is made to wait. */
  readonly readBufferBytes?: number
}

export interface ReadOptions {
  /**
   * How long nothing at all may come, where that is not for ever; a frame that has begun has `inactivityTimeoutMs`
   * between its pieces in any case.
   */
  readonly idleTimeoutMs?: number
}

/**
 * Frames over a libp2p stream, with backpressure in both directions: what is not read is not taken from the
 * sender beyond a bounded buffer, and a write is done when the transport has taken it.
 */
export class FramedStream {
  readonly #stream: Stream
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  readonly #readBufferBytes: number
  #ended = false
  /** The other side has said that nothing more comes; else it was cut off. */
  #endedOverThere = false
  #failure: SoukError | undefined
  #wake: (() => void) | undefined
  #resuming = false
  /** Settles when the stream is closed, at both ends or by a reset. */
  readonly closed: Promise<void>

  constructor(stream: Stream, { maxFrameBytes, readBufferBytes = WIRE_LIMITS.readBufferBytes }: FramedStreamOptions) {
    this.#stream = stream
    this.#readBufferBytes = readBufferBytes
    this.#reader = new FrameReader({ maxFrameBytes })
    this.#writer = new FrameWriter(stream)
    this.closed = new Promise((resolve) => stream.addEventListener('close', () => resolve(), { once: true }))
    stream.addEventListener('close', (event) => this.#onClose(event))
    stream.addEventListener('end', () => this.#onEnd())
    stream.addEventListener('remoteCloseWrite', () => {
      this.#endedOverThere = true
    })
    stream.addEventListener('message', (event) => this.#onMessage(event))
    // What happened before the listeners were there; bytes that came are kept for the message listener.
    this.#endedOverThere = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
    if (stream.status === 'aborted' || stream.status === 'reset') this.#fail(connectionLost('the stream was reset'))
    else if (stream.readableEnded || (stream.status === 'closed' && stream.readBufferLength === 0)) this.#ended = true
  }

  /**
   * The next frame, or undefined once the other side has ended its half. One read at a time.
   * @throws SoukError PROTOCOL_ERROR for what is no frame, CONNECTION_LOST where the stream broke or timed out
   */
  async read(options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    const pieces = await this.readPieces(options)
    return pieces === undefined ? undefined : joined(pieces)
  }

  /** The same, as the pieces in which the frame came: for large ones, which are costly to put together. */
  async readPieces({ idleTimeoutMs }: ReadOptions = {}): Promise<readonly Uint8Array[] | undefined> {
    for (;;) {
      const frame = this.#reader.next()
      this.#regulate()
      if (frame !== undefined) return frame
      if (this.#failure !== undefined) throw this.#failure
      // Resuming may have brought the rest of a frame, or the end, before it returned.
      if (this.#reader.ready) continue
      if (this.#ended && this.#reader.atBoundary) return undefined
      if (this.#ended) {
        const why = 'the stream ended within a frame'
        throw this.#endedOverThere ? protocolError(why) : connectionLost(why)
      }
      await this.#arrival(this.#reader.atBoundary ? idleTimeoutMs : WIRE_LIMITS.inactivityTimeoutMs)
    }
  }

  /** Resolves when the transport has taken the frame, whose bytes may then be changed. @throws SoukError CONNECTION_LOST */
  write(frame: Frame, lane: Lane = 'answer'): Promise<void> {
    return this.#writer.write(frame, lane)
  }

  /** Sends what is queued and ends this half; resets the stream where the other side does not end its half in time. */
  async close(): Promise<void> {
    const signal = AbortSignal.timeout(WIRE_LIMITS.closeTimeoutMs)
    try {
      await Promise.race([this.#writer.flushed(), this.closed, aborted(signal)])
      await this.#stream.close({ signal })
      // Bytes that nobody will read must not keep the other side's half open.
      if (this.#stream.readStatus === 'paused') this.#stream.resume()
      await Promise.race([this.closed, aborted(signal)])
    } catch {
      this.abort(connectionLost('the stream was not closed in time'))
    }
  }

  /** Sends one last frame where the other side still takes it, then resets the stream. */
  async reject(frame: Uint8Array, reason: SoukError): Promise<void> {
    this.write(frame).catch(() => undefined)
    const signal = AbortSignal.timeout(WIRE_LIMITS.closeTimeoutMs)
    await Promise.race([this.#writer.flushed(), this.closed, aborted(signal)]).catch(() => undefined)
    this.abort(reason)
  }

  /** Resets the stream: whatever is queued or unread is lost, reads and writes fail with `reason`. */
  abort(reason: SoukError): void {
    this.#fail(reason)
    this.#reader.clear()
    this.#stream.abort(reason)
  }

  #onMessage(event: StreamMessageEvent): void {
    if (this.#failure !== undefined) return
    if (event.data instanceof Uint8Array) this.#reader.push(event.data)
    else for (const piece of event.data) this.#reader.push(piece)
    this.#regulate()
    this.#wake?.()
  }

  #onEnd(): void {
    this.#ended = true
    this.#wake?.()
  }

  #onClose(event: StreamCloseEvent): void {
    if (event.error !== undefined) return this.#fail(connectionLost('the stream was reset', event.error))
    this.#writer.fail(connectionLost('the stream is closed'))
    // Where reading is paused, bytes are left in the stream, and `end` comes once they are read.
    if (this.#stream.readBufferLength === 0) this.#onEnd()
  }

  #fail(reason: SoukError): void {
    this.#failure ??= reason
    this.#writer.fail(this.#failure)
    this.#wake?.()
  }

  /** Pauses the sender while complete frames wait to be read, and lets it go on once they have been. */
  #regulate(): void {
    // libp2p's resume() emits what it holds and then opens the window, even where a listener has paused
    // the stream again in between; so nothing is decided before it has returned.
    if (this.#resuming) return
    const full = this.#reader.bufferedBytes >= this.#readBufferBytes && this.#reader.ready
    if (full && this.#stream.readStatus === 'readable') {
      this.#stream.pause()
    } else if (!full && this.#stream.readStatus === 'paused') {
      this.#resuming = true
      try {
        this.#stream.resume()
      } finally {
        this.#resuming = false
      }
      this.#regulate()
    }
  }

  async #arrival(timeoutMs: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.abort(connectionLost(`nothing came for ${timeoutMs / 1000} seconds`)), timeoutMs)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#wake = undefined
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}
