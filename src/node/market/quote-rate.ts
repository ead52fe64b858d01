import { RateLimit } from '../../protocol/rate-limit.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import type { Clock } from '../clock.ts'

/** A quote costs one token, and one more for each so many bytes of its task. */
const BYTES_OF_ONE = 16 * 1024
/** What one peer, and what all unknown ones together, may ask for per second, and how much at once. */
const PER_PEER = { perSecond: 50, burst: 250 }
const PER_UNKNOWN_PEERS = { perSecond: 1000, burst: 2000 }
/** Peers whose rate is tracked at once. Beyond, the oldest is forgotten; the bound on all of them together still holds. */
const MOST_PEERS = 10_000
const ALL = 'all'

/** How many quotes are made: their making is work that nobody pays for. */
export interface QuoteRate {
  /** Counts a quote, or says why it is not made. */
  take(asked: { readonly peer: string; readonly bytes: number }): Refusal | undefined
}

export function createQuoteRate(options: {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly isKnown: (peer: string) => boolean
}): QuoteRate {
  const { clock, isKnown } = options
  const perPeer = new RateLimit({ ...PER_PEER, maxKeys: MOST_PEERS })
  const perUnknownPeers = new RateLimit({ ...PER_UNKNOWN_PEERS, maxKeys: 1 })
  return {
    take({ peer, bytes }) {
      const nowMs = clock.nowMs()
      const cost = 1 + Math.floor(bytes / BYTES_OF_ONE)
      if (!perPeer.has(peer, nowMs, cost)) return tooMany('PEER_OVER_SHARE', 'This requester asks', PER_PEER.perSecond)
      if (!isKnown(peer) && !perUnknownPeers.take(ALL, nowMs, cost))
        return tooMany(
          'UNKNOWN_PEERS_OVER_SHARE',
          'Requesters that the operator does not know ask, together,',
          PER_UNKNOWN_PEERS.perSecond,
        )
      perPeer.take(peer, nowMs, cost)
      return undefined
    },
  }
}

function tooMany(reason: Refusal['reason'], who: string, perSecond: number): Refusal {
  return { reason, message: `${who} for more than ${perSecond} quotes per second`, subject: 'quotes' }
}
