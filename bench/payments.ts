import { NATIVE_TOKEN, type ChannelKey } from '../src/protocol/payment.ts'
import type { Settler } from '../src/node/payments/settler.ts'

export const CHAIN_ID = 31_337
export const CONTRACT = `0x${'c0'.repeat(20)}`
export const PRICE_WEI = 100n
export const DEPOSIT_WEI = 10n ** 18n

/** The one channel that there is, as it stands on the chain. */
export const channelOf = (ends: Pick<ChannelKey, 'payer' | 'payee'>): ChannelKey => ({
  ...ends,
  token: NATIVE_TOKEN,
  nonce: 0,
})

/** The chain's side alone, which a node watches and answers from memory: everybody has an open channel, and everything is paid ahead. */
export function openChannels({ payee }: { readonly payee: () => string }): Settler {
  return {
    chainId: CHAIN_ID,
    terms: () => ({ kind: 'channel', contract: CONTRACT, token: NATIVE_TOKEN, payee: payee(), creditWei: '0' }),
    channel: () => Promise.resolve({ status: 'open', depositWei: DEPOSIT_WEI, redeemedWei: 0n }),
    received: () => {},
  }
}
