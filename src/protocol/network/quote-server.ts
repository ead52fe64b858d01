import { decodeQuoteRequest, encodeQuoteAnswer } from '../codec.ts'
import { SoukError } from '../errors.ts'
import type { FramedStream } from './framed-stream.ts'
import { forStranger, type InternalErrorListener } from './stranger-error.ts'
import type { QuoteService } from './task-service.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

export interface QuoteServerOptions {
  readonly service: QuoteService
  readonly onInternalError: InternalErrorListener
}

/**
 * Answers quotes over one stream, one after the other in the order in which they are asked for and no faster than the answers are
 * taken, until the peer ends it or breaks the protocol. Never rejects.
 */
export async function serveQuoteStream(
  { service, onInternalError }: QuoteServerOptions,
  { stream, peer }: { readonly stream: FramedStream; readonly peer: string },
): Promise<void> {
  const errorOf = (thrown: unknown): Uint8Array =>
    encodeQuoteAnswer({ kind: 'error', error: forStranger(thrown, onInternalError) })
  try {
    for (;;) {
      const frame = await stream.read({ idleTimeoutMs: WIRE_LIMITS.quoteIdleTimeoutMs })
      if (frame === undefined) break
      const spec = decodeQuoteRequest(frame)
      const answer = await service
        .quote({ peer, spec })
        .then((quote) => encodeQuoteAnswer({ kind: 'quote', quote }), errorOf)
      await stream.write(answer)
    }
    await stream.close()
  } catch (thrown) {
    const error = SoukError.from(thrown)
    if (error.code === 'CONNECTION_LOST') stream.abort(error)
    else await stream.reject(errorOf(error), error)
  }
}
