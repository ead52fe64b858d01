import type { Connection } from '@libp2p/interface'
import { decodeQuoteAnswer, encodeQuoteRequest } from '../codec.ts'
import { SoukError } from '../errors.ts'
import type { SignedQuote } from '../quote.ts'
import { WIRE_BOUNDS } from '../wire-bounds.ts'
import { protocolError } from '../wire-fields.ts'
import type { FramedStream } from './framed-stream.ts'
import { connectionLost } from './network-errors.ts'
import { openFramed, receiveFrames } from './open-stream.ts'
import { QUOTE_PROTOCOL } from './wire-limits.ts'

interface Asked {
  readonly resolve: (quote: SignedQuote) => void
  readonly reject: (reason: SoukError) => void
}

/** Asks one provider for quotes, over one stream that is kept, and opened anew where it has ended. */
export class QuoteClient {
  readonly #connection: Connection
  #channel: Promise<QuoteChannel> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @throws SoukError what the provider answers; CONNECTION_LOST, PROTOCOL_ERROR */
  async quote(spec: Uint8Array): Promise<SignedQuote> {
    const request = encodeQuoteRequest({ spec })
    const current = await this.#channel?.catch(() => undefined)
    if (current?.usable !== true) this.#channel = this.#opening ??= this.#open()
    const channel = await this.#channel
    if (channel === undefined) throw connectionLost('it was closed here')
    return channel.ask(request)
  }

  #opening: Promise<QuoteChannel> | undefined

  async close(): Promise<void> {
    const channel = await this.#channel?.catch(() => undefined)
    await channel?.close()
  }

  async #open(): Promise<QuoteChannel> {
    try {
      const maxFrameBytes = WIRE_BOUNDS.quoteResponseFrameBytes
      return new QuoteChannel(
        await openFramed({ connection: this.#connection, protocol: QUOTE_PROTOCOL, maxFrameBytes }),
      )
    } finally {
      this.#opening = undefined
    }
  }
}

/** One stream: answers come in the order of the questions. */
class QuoteChannel {
  readonly #stream: FramedStream
  readonly #asked: Asked[] = []
  #lost: SoukError | undefined

  constructor(stream: FramedStream) {
    this.#stream = stream
    void receiveFrames({
      stream,
      onFrame: (frame) => this.#answer(frame),
      onLost: (reason) => this.#lose(reason),
    })
  }

  get usable(): boolean {
    return this.#lost === undefined
  }

  ask(request: Uint8Array): Promise<SignedQuote> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost)
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject })
      // A write that fails ends the stream, which the reading side sees.
      this.#stream.write(request).catch(() => undefined)
    })
  }

  async close(): Promise<void> {
    this.#lose(connectionLost('it was closed here'))
    await this.#stream.close()
  }

  #answer(frame: Uint8Array): void {
    const answer = decodeQuoteAnswer(frame)
    const asked = this.#asked.shift()
    if (asked === undefined) throw protocolError('a quote came that nobody asked for')
    if (answer.kind === 'quote') asked.resolve(answer.quote)
    else asked.reject(SoukError.fromJSON(answer.error))
  }

  #lose(reason: SoukError): void {
    this.#lost ??= reason
    for (const { reject } of this.#asked.splice(0)) reject(this.#lost)
  }
}
