import type { Connection } from '@libp2p/interface'
import { FramedStream, type FramedStreamOptions } from './framed-stream.ts'
import { openStreamError } from './network-errors.ts'
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
