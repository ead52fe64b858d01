import type { Key } from '../identity/key-file.ts'
import { signDigest } from '../identity/sign.ts'
import { recoverSigner } from '../identity/verify.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { PayoutAuthorization } from '../protocol/payment.ts'
import { channelDigestOf, type ChannelContract } from './channel-domain.ts'

export type UnsignedPayoutAuthorization = Omit<PayoutAuthorization, 'signature'>

/**
 * The EIP-712 hash that the payout address signs, `0x` and 64 hex digits.
 * @throws SoukError INVALID_INPUT where a value does not fit its type.
 */
export function payoutAuthorizationHashOf({
  authorization: { node, payout, expiryMs },
  at,
}: {
  readonly authorization: UnsignedPayoutAuthorization
  readonly at: ChannelContract
}): string {
  return channelDigestOf({ at, message: 'PayoutAuthorization', value: { node, payout, expiryMs } })
}

/**
 * Says as the payout address that a node works for it: until `expiryMs` that node may consent to closing the
 * channels that pay it, at any amount, and nothing else. It can never be taken back before.
 * @throws SoukError INVALID_INPUT as {@link payoutAuthorizationHashOf}; INTERNAL where the key is not the payout address's.
 */
export function signPayoutAuthorization({
  authorization,
  at,
  key,
}: {
  readonly authorization: UnsignedPayoutAuthorization
  readonly at: ChannelContract
  readonly key: Key
}): PayoutAuthorization {
  if (authorization.payout !== key.address) {
    const reason = 'the key is not that of the payout address'
    throw new SoukError({
      code: 'INTERNAL',
      message: `The authorization was not signed: ${reason}.`,
      details: { reason },
    })
  }
  const { node, payout, expiryMs } = authorization
  return {
    node,
    payout,
    expiryMs,
    signature: signDigest({ digest: payoutAuthorizationHashOf({ authorization, at }), key }),
  }
}

/** Why an authorization says nothing. */
export type PayoutFault = 'not-signed' | 'expired'

/**
 * Whether the payout address signed this for that contract, and it still holds: what is wrong, or undefined. That node
 * and payout are the ones expected is for the caller to compare. Never throws.
 */
export function checkPayoutAuthorization({
  authorization,
  at,
  nowMs,
}: {
  readonly authorization: PayoutAuthorization
  readonly at: ChannelContract
  /** Epoch milliseconds. */
  readonly nowMs: number
}): PayoutFault | undefined {
  if (signerOf(authorization, at) !== authorization.payout) return 'not-signed'
  return authorization.expiryMs > nowMs ? undefined : 'expired'
}

function signerOf(authorization: PayoutAuthorization, at: ChannelContract): string | undefined {
  try {
    return recoverSigner({
      digest: payoutAuthorizationHashOf({ authorization, at }),
      signature: authorization.signature,
    })
  } catch (thrown) {
    if (!isSoukError(thrown, 'INVALID_INPUT')) throw thrown
    return undefined
  }
}
