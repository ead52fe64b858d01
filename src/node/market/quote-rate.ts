import type { Refusal } from '../../protocol/refusals.ts'
import type { Clock } from '../clock.ts'

/** A quote is one, and one more for each so many bytes of its task. */
const BYTES_OF_ONE = 16 * 1024
/** What one peer, and what all unknown ones together, may ask for per second, and how much at once. */
const PER_PEER = { perSecond: 50, atOnce: 250 }
const PER_UNKNOWN_PEERS = { perSecond: 1000, atOnce: 2000 }
/** Peers whose allowance is not whole; beyond, who was here first is forgotten, and the bound on all together holds. */
const MOST_PEERS = 10_000

interface Bucket {
  left: number
  atMs: number
}

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
  const peers = new Map<string, Bucket>()
  const unknown: Bucket = { left: PER_UNKNOWN_PEERS.atOnce, atMs: clock.nowMs() }
  return {
    take({ peer, bytes }) {
      const atMs = clock.nowMs()
      const cost = 1 + Math.floor(bytes / BYTES_OF_ONE)
      const own = peers.get(peer) ?? { left: PER_PEER.atOnce, atMs }
      refill({ bucket: own, atMs, ...PER_PEER })
      refill({ bucket: unknown, atMs, ...PER_UNKNOWN_PEERS })
      peers.delete(peer)
      peers.set(peer, own)
      const [first] = peers.keys()
      if (first !== undefined && peers.size > MOST_PEERS) peers.delete(first)
      if (own.left < cost) return tooMany('PEER_OVER_SHARE', 'This requester asks', PER_PEER.perSecond)
      if (!isKnown(peer)) {
        if (unknown.left < cost)
          return tooMany(
            'UNKNOWN_PEERS_OVER_SHARE',
            'Requesters that the operator does not know ask, together,',
            PER_UNKNOWN_PEERS.perSecond,
          )
        unknown.left -= cost
      }
      own.left -= cost
      return undefined
    },
  }
}

function refill({
  bucket,
  atMs,
  perSecond,
  atOnce,
}: {
  readonly bucket: Bucket
  readonly atMs: number
  readonly perSecond: number
  readonly atOnce: number
}): void {
  const passedMs = Math.max(0, atMs - bucket.atMs)
  bucket.left = Math.min(atOnce, bucket.left + (passedMs / 1000) * perSecond)
  bucket.atMs = atMs
}

function tooMany(reason: Refusal['reason'], who: string, perSecond: number): Refusal {
  return { reason, message: `${who} for more than ${perSecond} quotes per second`, subject: 'quotes' }
}
