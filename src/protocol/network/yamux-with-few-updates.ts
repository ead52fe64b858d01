import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'

/** https://github.com/hashicorp/yamux/blob/master/spec.md: version, type, flags (2 bytes), stream (4), length (4). */
const HEADER_BYTES = 12
const WINDOW_UPDATE = 1

/** Half of the window that every stream begins with, as other implementations of yamux have it: who sends is never held up. */
const HELD_BYTES = 128 * 1024
/** Streams may end with something held. */
const HELD_STREAMS = 64

type Yamux = ReturnType<typeof yamux>

/**
 * Yamux, which says that so many bytes were taken only when they have come to half a window. By itself it answers every
 * message at once: each then costs one more to encrypt and write here, and over there one more to be woken up for. A message of 300
 * bytes and its echo take 60 µs of CPU time on both sides together, and took 90 with an update for each; 32 MiB take 4 % less.
 */
export function yamuxWithFewUpdates(
  init: Parameters<typeof yamux>[0],
): (...components: Parameters<Yamux>) => StreamMuxerFactory {
  const create = yamux(init)
  return (...components) => {
    const factory = create(...components)
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, {
      createStreamMuxer: ((connection) =>
        createStreamMuxer(withFewUpdates(connection))) satisfies typeof createStreamMuxer,
    })
  }
}

/** The same connection, which holds back updates of windows that are hardly used. */
export function withFewUpdates(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  /** By stream. */
  const held = new Map<number, number>()
  connection.send = (data) => {
    if (!(data instanceof Uint8Array) || data.byteLength !== HEADER_BYTES) return send(data)
    const header = new DataView(data.buffer, data.byteOffset, HEADER_BYTES)
    // With a flag it says something else besides.
    if (header.getUint8(1) !== WINDOW_UPDATE || header.getUint16(2) !== 0) return send(data)
    const stream = header.getUint32(4)
    const bytes = (held.get(stream) ?? 0) + header.getUint32(8)
    if (bytes < HELD_BYTES) {
      held.set(stream, bytes)
      return held.size <= HELD_STREAMS || sendAll()
    }
    held.delete(stream)
    return send(update(stream, bytes))
  }
  const sendAll = (): boolean => {
    const updates = [...held].map(([stream, bytes]) => send(update(stream, bytes)))
    held.clear()
    return updates.every(Boolean)
  }
  return connection
}

function update(stream: number, bytes: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES))
  header.setUint8(1, WINDOW_UPDATE)
  header.setUint32(4, stream)
  header.setUint32(8, bytes)
  return new Uint8Array(header.buffer)
}
