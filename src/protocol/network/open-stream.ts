import type { Connection } from '@libp2p/interface'
import { SoukError } from '../errors.ts'
import { FramedStream, type FramedStreamOptions } from './framed-stream.ts'
import { connectionLost, openStreamError } from './network-errors.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

/** More streams than a peer may take are the peer's to refuse: libp2p's own limit here is out of the way. */
const MAX_OUTBOUND_STREAMS = 64

/** A new stream, as frames. @throws SoukError PROTOCOL_ERROR where the peer does not serve it, else CONNECTION_LOST */
export async function openFramed({
  connection,
  protocol,
  ...options
}: FramedStreamOptions & { readonly connection: Connection; readonly protocol: string }): Promise<FramedStream> {
  try {
    const signal = AbortSignal.timeout(WIRE_LIMITS.openStreamTimeoutMs)
    const stream = await connection.newStream(protocol, {
      signal,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      // Whoever has too much for a relayed connection says so, rather than libp2p.
      runOnLimitedConnection: true,
    })
    return new FramedStream(stream, options)
  } catch (cause) {
    throw openStreamError(protocol, cause)
  }
}

/**
 * Reads a provider's stream: passes each frame to `onFrame` until the provider ends the stream, the connection breaks or `onFrame`
 * throws. Then it calls `onLost` with the reason and resets the stream. Never rejects.
 */
export async function receiveFrames({
  stream,
  onFrame,
  onLost,
}: {
  readonly stream: FramedStream
  readonly onFrame: (frame: Uint8Array) => void
  readonly onLost: (reason: SoukError) => void
}): Promise<void> {
  try {
    for (;;) {
      const frame = await stream.read()
      if (frame === undefined) throw connectionLost('the provider ended the stream')
      onFrame(frame)
    }
  } catch (thrown) {
    const reason = SoukError.from(thrown)
    onLost(reason)
    stream.abort(reason)
  }
}
