import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { SoukError } from '../../errors.ts'
import type { SignedOffer } from '../../offer-document.ts'
import { WIRE_BOUNDS } from '../../wire-bounds.ts'
import { protocolError } from '../../wire-fields.ts'
import {
  decodeOffersAnswer,
  decodeOffersRequest,
  encodeOffersAnswer,
  encodeOffersRequest,
  type OfferPage,
  type OffersQuery,
} from '../../wire-offers.ts'
import type { FramedStream } from '../framed-stream.ts'
import { connectionLost } from '../network-errors.ts'
import { openFramed } from '../open-stream.ts'
import { forStranger, type InternalErrorListener } from '../stranger-error.ts'
import { WIRE_LIMITS } from '../wire-limits.ts'
import type { Turns } from './turns.ts'

export const OFFERS_PROTOCOL = '/souk/offers/1.0.0'
/** Streams of one connection that are served. */
export const OFFER_STREAMS_PER_CONNECTION = 2

/** What the protocol serves: the offers that this peer knows, at most WIRE_BOUNDS.offersPerPage at a time. */
export interface OffersService {
  offers(query: OffersQuery): OfferPage
}

/** Between two pages of one stream: a book costs its owner little, however often it is asked for. */
const PAGE_PAUSE_MS = 5
/** The most that is taken from one peer. */
const MAX_OFFERS = 8192

/** Answers the requests of one stream until the peer ends it or breaks the protocol. Never rejects. */
export async function serveOffersStream({
  stream,
  host,
  turns,
  service,
  onInternalError,
}: {
  readonly stream: FramedStream
  /** Where the peer is: those of one address share a place among those who wait. */
  readonly host: string
  readonly turns: Turns
  readonly service: OffersService
  readonly onInternalError: InternalErrorListener
}): Promise<void> {
  try {
    for (;;) {
      const frame = await stream.read({ idleTimeoutMs: WIRE_LIMITS.inactivityTimeoutMs })
      if (frame === undefined) break
      const query = decodeOffersRequest(frame)
      const answer = await turns.take(host, () => encodeOffersAnswer({ kind: 'page', ...service.offers(query) }))
      await stream.write(answer)
      await delay(PAGE_PAUSE_MS)
    }
    await stream.close()
  } catch (thrown) {
    const error = SoukError.from(thrown)
    if (error.code === 'CONNECTION_LOST') stream.abort(error)
    else await stream.reject(encodeOffersAnswer({ kind: 'error', error: forStranger(error, onInternalError) }), error)
  }
}

/**
 * The offers that a peer knows, page after page; not one of them is checked.
 * @throws SoukError what the peer answers, PROTOCOL_ERROR, CONNECTION_LOST; the signal's reason
 */
export async function* readOffersOver(
  connection: Connection,
  { query, signal }: { readonly query: OffersQuery; readonly signal: AbortSignal },
): AsyncGenerator<SignedOffer, void, undefined> {
  signal.throwIfAborted()
  const stream = await openFramed({
    connection,
    protocol: OFFERS_PROTOCOL,
    maxFrameBytes: WIRE_BOUNDS.offersResponseFrameBytes,
  })
  const givenUp = connectionLost('no more offers were wanted')
  const onAbort = (): void => stream.abort(givenUp)
  signal.addEventListener('abort', onAbort, { once: true })
  let ended = false
  try {
    let after = query.after
    for (let taken = 0; taken < MAX_OFFERS;) {
      await stream.write(encodeOffersRequest({ ...query, ...(after !== undefined && { after }) }))
      const frame = await stream.read({ idleTimeoutMs: WIRE_LIMITS.inactivityTimeoutMs })
      if (frame === undefined) throw connectionLost('the other side ended before it answered')
      const answer = decodeOffersAnswer(frame)
      if (answer.kind === 'error') throw SoukError.fromJSON(answer.error)
      yield* answer.offers
      taken += answer.offers.length
      const last = answer.offers.at(-1)
      ended = !answer.more || last === undefined
      if (ended || last === undefined) return
      const next = providerOf(last)
      // Else a peer could go on for ever with the same page.
      if (after !== undefined && next <= after)
        throw protocolError('a page of offers does not go on after the last one')
      after = next
    }
  } catch (thrown) {
    signal.throwIfAborted()
    throw thrown
  } finally {
    signal.removeEventListener('abort', onAbort)
    if (ended) void stream.close()
    else stream.abort(givenUp)
  }
}

/** Whose offer it says it is, as far as that is needed to ask for the next page. */
function providerOf({ bytes }: SignedOffer): string {
  try {
    const { provider } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as { provider?: unknown }
    if (typeof provider === 'string') return provider
  } catch {
    // What is no JSON has no provider either.
  }
  throw protocolError('a page ends with what is no offer')
}
