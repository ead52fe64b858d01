import { hash, randomBytes } from 'node:crypto'
import { isSoukError } from '../protocol/errors.ts'
import type { Refusal } from '../protocol/refusals.ts'
import type { Authorization, SignedTask } from '../protocol/receipt.ts'
import type { Key } from './key-file.ts'
import { signDigest } from './sign.ts'
import { taskIdOf } from './typed-data.ts'
import { recoverSigner } from './verify.ts'

/** sha256 over a task's bytes exactly as its requester serialised them: 64 lower-case hex digits. */
export function specDigestOf(spec: Uint8Array): string {
  return hash('sha256', spec, 'hex')
}

export interface TaskToSign {
  /** The task's bytes; they are sent as they are. */
  readonly spec: Uint8Array
  /** The provider's address, or ANY_PROVIDER for a free task. */
  readonly provider: string
  readonly maxPriceWei: string
  /** 0 where no chain is involved. */
  readonly chainId: number
  readonly key: Key
  /** Epoch milliseconds, at most MAX_EXPIRY_AHEAD_MS ahead. */
  readonly expiryMs: number
  /** 32 bytes as 0x and hex; random where absent. */
  readonly nonce?: string
}

/**
 * Signs a task as its requester.
 * @throws SoukError INVALID_INPUT where a value does not fit its EIP-712 type.
 */
export function signTask({ spec, key, nonce, ...terms }: TaskToSign): {
  readonly task: SignedTask
  readonly taskId: string
} {
  const authorization: Authorization = {
    specDigest: specDigestOf(spec),
    requester: key.address,
    provider: terms.provider,
    nonce: nonce ?? `0x${randomBytes(32).toString('hex')}`,
    expiryMs: terms.expiryMs,
    maxPriceWei: terms.maxPriceWei,
    chainId: terms.chainId,
  }
  const taskId = taskIdOf(authorization)
  return { task: { spec, authorization, signature: signDigest({ digest: taskId, key }) }, taskId }
}

/**
 * Whether a task is what its requester signed: its bytes have the digest, and the signature is the requester's.
 * That the requester is the peer which sent it, and times, nonce, provider and chain, are admission's to check.
 */
export function checkSignedTask({ task }: { readonly task: SignedTask }): Refusal | undefined {
  const { spec, authorization, signature } = task
  const specDigest = specDigestOf(spec)
  if (specDigest !== authorization.specDigest) {
    return refusal('The task is not the one that was signed: its bytes have another digest.', {
      subject: 'specDigest',
      asked: authorization.specDigest,
      offered: specDigest,
    })
  }
  let signer: string | undefined
  try {
    signer = recoverSigner({ digest: taskIdOf(authorization), signature })
  } catch (thrown) {
    if (!isSoukError(thrown, 'INVALID_INPUT')) throw thrown
    // Values that have no hash cannot have been signed.
    return refusal(thrown.message)
  }
  if (signer === authorization.requester) return undefined
  return refusal('The signature is not by the requester that the task names.', {
    subject: 'signature',
    asked: authorization.requester,
    ...(signer === undefined ? {} : { offered: signer }),
  })
}

function refusal(message: string, about: Pick<Refusal, 'subject' | 'asked' | 'offered'> = {}): Refusal {
  return { reason: 'BAD_SIGNATURE', message, ...about }
}
