import { hash, randomBytes } from 'node:crypto'
import { isSoukError } from '../protocol/errors.ts'
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
 * The id of a task that is what its requester signed: its bytes have the digest, and the signature is the requester's; else undefined.
 * That the requester is the peer which sent it, and times, nonce, provider and chain, are admission's to check.
 */
export function signedTaskIdOf({ spec, authorization, signature }: SignedTask): string | undefined {
  if (specDigestOf(spec) !== authorization.specDigest) return undefined
  try {
    const taskId = taskIdOf(authorization)
    return recoverSigner({ digest: taskId, signature }) === authorization.requester ? taskId : undefined
  } catch (thrown) {
    // Values that have no hash cannot have been signed.
    if (isSoukError(thrown, 'INVALID_INPUT')) return undefined
    throw thrown
  }
}
