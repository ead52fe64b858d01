import { SoukError } from '../../protocol/errors.ts'
import type { ChannelKey } from '../../protocol/payment.ts'
import { channelIdOf } from '../../settlement/voucher.ts'
import type { Clock } from '../clock.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'
import type { ChannelState, Settler } from './settler.ts'

/** Questions about channels that are not in the books, at once: names of channels cost a stranger nothing. */
const MOST_AT_ONCE = 32
const MOST_OF_UNKNOWN = 16
/**
 * The same as time goes on: of one payer, and of all unknown ones together, as an endpoint answers so many questions a day and no more. What
 * a channel is charged to is in the books from its first voucher on, and its payer asks no more.
 */
const PER_PAYER = { burst: 8, perSecond: 1 / 10 }
const PER_UNKNOWN_PAYERS = { burst: 64, perSecond: 1 }
const MOST_PAYERS = 10_000

/** Asks the chain about channels that nobody has heard of: one question of a peer at a time, and few as time goes on. */
export interface ChannelLookups {
  /** @throws SoukError REFUSED where too many are being asked; CHAIN_UNREACHABLE */
  look(channel: ChannelKey, wanted: { readonly atLeastWei: bigint }): Promise<ChannelState>
}

export function createChannelLookups({
  settler,
  clock,
  isKnown,
}: {
  readonly settler: Settler
  readonly clock: Pick<Clock, 'nowMs'>
  readonly isKnown: (payer: string) => boolean
}): ChannelLookups {
  const open = new Map<string, { readonly channelId: string; readonly answer: Promise<ChannelState> }>()
  let ofUnknown = 0
  const perPayer = new RateLimit({ ...PER_PAYER, maxKeys: MOST_PAYERS })
  const perUnknownPayers = new RateLimit({ ...PER_UNKNOWN_PAYERS, maxKeys: 1 })

  return {
    look(channel, wanted) {
      const { payer } = channel
      const channelId = channelIdOf(channel)
      const before = open.get(payer)
      // Many tasks may be the first ones of one channel. One that brings more than the deposit is told, and comes again.
      if (before !== undefined) return before.channelId === channelId ? before.answer : Promise.reject(tooMany())
      const known = isKnown(payer)
      if (open.size >= MOST_AT_ONCE || (!known && ofUnknown >= MOST_OF_UNKNOWN)) return Promise.reject(tooMany())
      const nowMs = clock.nowMs()
      const isLetThrough = perPayer.take(payer, nowMs) && (known || perUnknownPayers.take('unknown', nowMs))
      if (!isLetThrough) return Promise.reject(tooMany())
      if (!known) ofUnknown += 1
      const answer = settler.channel(channel, wanted).finally(() => {
        open.delete(payer)
        if (!known) ofUnknown -= 1
      })
      open.set(payer, { channelId, answer })
      return answer
    },
  }
}

function tooMany(): SoukError<'REFUSED'> {
  const message = 'as many new channels as may be are being looked up on the chain just now'
  return new SoukError({
    code: 'REFUSED',
    message: `The provider refuses the voucher: ${message}`,
    details: { reasons: [{ reason: 'PEER_OVER_SHARE', message, subject: 'channels' }] },
    retryable: true,
    hint: 'Try again in some seconds.',
  })
}
