import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { InChannel, OutChannel, type Send } from './channel-streams.ts'
import {
  createFrameDecoder,
  encodeCollect,
  encodeKill,
  encodeRelease,
  encodeRequest,
  encodeResize,
  LauncherProtocolError,
  type ControlFrame,
  type LauncherFrame,
} from './launcher-frames.ts'

/** Result files that wait to be stored; beyond it the socket is not read. */
const MAX_WAITING_BYTES = 512 * 1024
/** The launcher closes its side once everything of the run is dead and gone. */
const CLOSE_TIMEOUT_MS = 10_000

/** The connection ended before the launcher had said everything. */
export class LauncherLost extends Error {
  override readonly name = 'LauncherLost'
}

export interface Channels {
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/** One run, storage lease or question: a request, then what the launcher says to it. */
export interface LauncherConnection {
  /** Sends the request, once. @throws LauncherProtocolError where it is larger than a frame. */
  request(records: Uint8Array): void
  /** The next frame that is not of a channel. @throws LauncherLost, LauncherProtocolError once the connection is gone. */
  next(): Promise<ControlFrame>
  /** The task's end of a pipe, by the descriptor that it has inside. */
  input(channel: number): Writable
  output(channel: number): Readable
  /** Ends the task; its report comes as ever. */
  kill(): void
  /** Asks a storage lease for its results. */
  collect(): void
  /** Gives a storage lease other caps. */
  resize(caps: { readonly diskBytes: number; readonly inodes: number }): void
  /** Ends a storage lease for good. */
  release(): void
  /** Ends the run, whatever it is at; resolves once nothing is left of it, or 10 s later. */
  close(): Promise<void>
  /** Lets go of the socket. What the launcher still had to clean up it does by itself. */
  destroy(): void
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>
}

export function createLauncherConnection(socket: Socket, channels: Channels): LauncherConnection {
  const closed = Promise.withResolvers<void>()
  const waiting: ControlFrame[] = []
  let waitingBytes = 0
  /** Why there is nothing more to come. Made into an error only for whoever asks for more: most runs end without. */
  let over: (() => Error) | undefined
  let wanted: PromiseWithResolvers<ControlFrame> | undefined

  const send: Send = (...parts) => {
    if (!socket.writable) return
    socket.cork()
    for (const part of parts) socket.write(part)
    socket.uncork()
  }
  const inputs = new Map(channels.inputs.map((channel) => [channel, new InChannel({ channel, send })]))
  const outputs = new Map(channels.outputs.map((channel) => [channel, new OutChannel({ channel, send })]))

  const reject = (): void => {
    if (over !== undefined) wanted?.reject(over())
    wanted = undefined
  }
  const fail = (why: () => Error): void => {
    over ??= why
    for (const stream of inputs.values()) stream.destroy()
    // What was received is read; a stream whose end did not come ends early.
    for (const stream of outputs.values()) stream.finish()
    reject()
    socket.destroy()
  }
  const onControl = (frame: ControlFrame): void => {
    if (frame.kind === 'report') for (const stream of outputs.values()) stream.finish()
    if (wanted !== undefined) {
      wanted.resolve(frame)
      wanted = undefined
      return
    }
    waiting.push(frame)
    waitingBytes += costOf(frame)
    if (waitingBytes > MAX_WAITING_BYTES) socket.pause()
  }
  const onFrame = (frame: LauncherFrame): void => {
    switch (frame.kind) {
      case 'data':
        if (outputs.get(frame.channel)?.receive(frame.data) !== true)
          throw new LauncherProtocolError('data beyond what was granted')
        return
      case 'end':
        outputs.get(frame.channel)?.finish()
        return
      case 'credit':
        inputs.get(frame.channel)?.grant(frame.bytes)
        return
      default:
        onControl(frame)
    }
  }
  const decoder = createFrameDecoder(onFrame)

  socket.on('data', (chunk: Buffer) => {
    if (over !== undefined) return
    try {
      decoder.push(chunk)
    } catch (error) {
      fail(() => (error instanceof Error ? error : new Error(String(error))))
    }
  })
  socket.on('error', (error) => fail(() => new LauncherLost('the connection to the launcher broke', { cause: error })))
  socket.on('close', () => {
    fail(() => new LauncherLost('the launcher closed the connection'))
    closed.resolve()
  })

  return {
    request: (records) => send(encodeRequest(records)),
    async next() {
      const frame = waiting.shift()
      if (frame === undefined) {
        if (over !== undefined) throw over()
        wanted ??= Promise.withResolvers()
        return wanted.promise
      }
      waitingBytes -= costOf(frame)
      if (socket.isPaused() && waitingBytes < MAX_WAITING_BYTES / 2) socket.resume()
      return frame
    },
    input: (channel) => known(inputs.get(channel), channel),
    output: (channel) => known(outputs.get(channel), channel),
    kill: () => send(encodeKill()),
    collect: () => send(encodeCollect()),
    resize: (caps) => send(encodeResize(caps)),
    release: () => send(encodeRelease()),
    async close() {
      const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS)
      // Nothing of what still comes is of use, but only a socket that is read comes to its end.
      over ??= closedHere
      reject()
      socket.resume()
      socket.end()
      await closed.promise
      clearTimeout(timer)
    },
    destroy: () => fail(closedHere),
    closed: closed.promise,
  }
}

const closedHere = (): LauncherLost => new LauncherLost('the connection was closed')

/** What a frame that waits holds; each is worth something, so that their number is bounded too. */
function costOf(frame: ControlFrame): number {
  return 256 + (frame.kind === 'fileData' ? frame.data.length : 0)
}

function known<T>(stream: T | undefined, channel: number): T {
  if (stream === undefined) throw new RangeError(`there is no channel ${channel}`)
  return stream
}
