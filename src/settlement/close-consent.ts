import { recoverSigner } from '../identity/verify.ts'
import { isSoukError } from '../protocol/errors.ts'
import type { ChannelKey, CloseConsent } from '../protocol/payment.ts'
import type { ChannelContract } from './channel-domain.ts'
import { checkPayoutAuthorization } from './payout.ts'
import { channelIdOf, closeHashOf } from './voucher.ts'

/**
 * Why the contract would not take a consent to closing that channel, or undefined where it would: it is of that channel, and its
 * payee has signed it, or a node that the payee authorised and still does. What the amount should be is for the caller to see.
 * Never throws.
 */
export function closeConsentFault({
  consent: { channelId, amountWei, signature, authorization },
  channel,
  at,
  nowMs,
}: {
  readonly consent: CloseConsent
  readonly channel: ChannelKey
  readonly at: ChannelContract
  /** Epoch milliseconds. */
  readonly nowMs: number
}): string | undefined {
  if (channelId !== channelIdOf(channel)) return `it is for channel ${channelId}`
  const signer = signerOf({ ...at, channel, amountWei }, signature)
  if (signer === undefined) return 'its signature is none'
  if (signer === channel.payee) return undefined
  if (authorization === undefined) return `${signer} has signed it, and not the payee ${channel.payee}`
  if (authorization.payout !== channel.payee)
    return `its authorization is by ${authorization.payout}, and not by the payee`
  if (authorization.node !== signer) return `${signer} has signed it, and authorised is ${authorization.node}`
  const fault = checkPayoutAuthorization({ authorization, at, nowMs })
  if (fault === undefined) return undefined
  return fault === 'expired'
    ? 'the authorization of its node has expired'
    : 'the payee has not signed its authorization'
}

function signerOf(close: Parameters<typeof closeHashOf>[0], signature: string): string | undefined {
  try {
    return recoverSigner({ digest: closeHashOf(close), signature })
  } catch (thrown) {
    if (!isSoukError(thrown, 'INVALID_INPUT')) throw thrown
    return undefined
  }
}
