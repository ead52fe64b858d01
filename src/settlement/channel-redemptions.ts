import { channelsInterface } from './channel-calls.ts'
import type { Intent } from './transaction-store.ts'
import { channelIdOf } from './voucher.ts'

/** Up to what amount each channel is redeemed by transactions of ours: what is under way needs no second one. */
export function redeemedBy(intents: Iterable<Pick<Intent, 'data'>>): ReadonlyMap<string, bigint> {
  const amounts = new Map<string, bigint>()
  for (const { data } of intents) {
    for (const [channelId, amountWei] of redemptionsIn(data)) {
      const before = amounts.get(channelId) ?? 0n
      amounts.set(channelId, amountWei > before ? amountWei : before)
    }
  }
  return amounts
}

type VoucherArgument = readonly [payer: string, payee: string, token: string, nonce: bigint, amount: bigint]

function redemptionsIn(data: string): readonly (readonly [channelId: string, amountWei: bigint])[] {
  const call = channelsInterface.parseTransaction({ data })
  if (call === null || (call.name !== 'redeem' && call.name !== 'redeemBatch')) return []
  const argument: unknown = call.args.toArray()[0]
  const vouchers = (call.name === 'redeem' ? [argument] : argument) as readonly VoucherArgument[]
  return [...vouchers].map(([payer, payee, token, nonce, amount]) => [
    channelIdOf({
      payer: payer.toLowerCase(),
      payee: payee.toLowerCase(),
      token: token.toLowerCase(),
      nonce: Number(nonce),
    }),
    amount,
  ])
}
