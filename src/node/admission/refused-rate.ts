import { isSoukError } from '../../protocol/errors.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import type { Clock } from '../clock.ts'
import { refused } from '../task-errors.ts'

/** What is refused is one, and one more for each so many bytes of it. */
const BYTES_OF_ONE = 16 * 1024
/**
 * Of one peer, and of all unknown ones together. Who has many tasks under way on one channel may be refused a good number at once that
 * each need a higher voucher, and comes again with it.
 */
const PER_PEER = { perSecond: 100, burst: 1000 }
const PER_UNKNOWN_PEERS = { perSecond: 400, burst: 4000 }
const MOST_PEERS = 10_000
const ALL = 'all'

/** How much is looked at that comes to nothing: to check a signature is work that a refusal pays nobody for. */
export interface RefusedRate {
  /**
   * Does what a peer asks for, and counts it where it is refused. Not looked at where too much was; of peers that the operator does
   * not know, where all of those together had too much refused, only who had nothing refused just now.
   * @throws SoukError REFUSED, what `work` throws
   */
  within<T>(asked: { readonly peer: string; readonly bytes: number }, work: () => Promise<T>): Promise<T>
}

export function createRefusedRate({
  clock,
  isKnown,
}: {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly isKnown: (peer: string) => boolean
}): RefusedRate {
  const perPeer = new RateLimit({ ...PER_PEER, maxKeys: MOST_PEERS })
  const perUnknownPeers = new RateLimit({ ...PER_UNKNOWN_PEERS, maxKeys: 1 })

  function refusalOf(peer: string): Refusal | undefined {
    const nowMs = clock.nowMs()
    if (!perPeer.has(peer, nowMs)) return tooMany('PEER_OVER_SHARE', 'This requester has', PER_PEER.perSecond)
    // A crowd of keys must not keep those out that it has nothing to do with.
    const isLetThrough = isKnown(peer) || perUnknownPeers.has(ALL, nowMs) || perPeer.isWhole(peer, nowMs)
    if (isLetThrough) return undefined
    const who = 'Requesters that the operator does not know have, together,'
    return tooMany('UNKNOWN_PEERS_OVER_SHARE', who, PER_UNKNOWN_PEERS.perSecond)
  }

  return {
    async within({ peer, bytes }, work) {
      const refusal = refusalOf(peer)
      if (refusal !== undefined) throw refused([refusal])
      try {
        return await work()
      } catch (thrown) {
        if (isSoukError(thrown, 'REFUSED') || isSoukError(thrown, 'INVALID_INPUT')) {
          const cost = 1 + Math.floor(bytes / BYTES_OF_ONE)
          perPeer.spend(peer, clock.nowMs(), cost)
          if (!isKnown(peer)) perUnknownPeers.spend(ALL, clock.nowMs(), cost)
        }
        throw thrown
      }
    },
  }
}

function tooMany(reason: Refusal['reason'], who: string, perSecond: number): Refusal {
  const message = `${who} more than ${perSecond} tasks and vouchers refused per second`
  return { reason, message, subject: 'refused' }
}
