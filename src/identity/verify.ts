import { Buffer } from 'node:buffer'
import { signatureSchema } from '../protocol/receipt.ts'
import { addressOfPoint } from './address.ts'
import { secp256k1 } from './secp256k1.ts'

/** Half the order of the group (SEC 2, secp256k1): of s and its negative, both of which verify, only the lower counts. */
const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'

/**
 * The address whose key made a signature over a 32-byte digest, or undefined where it is none: malformed, v other
 * than 27 or 28, s in the upper half (EIP-2: who can negate s would have a second signature), r or s out of range.
 * Any well-formed signature recovers to some address: compare the answer with the one expected.
 */
export function recoverSigner({
  digest,
  signature,
}: {
  readonly digest: string
  readonly signature: string
}): string | undefined {
  if (!/^0x[0-9a-f]{64}$/.test(digest) || !signatureSchema.safeParse(signature).success) return undefined
  // Lower-case hex of one length compares as the numbers do.
  if (signature.slice(66, 130) > HALF_ORDER) return undefined
  const bytes = Buffer.from(signature.slice(2), 'hex')
  const native = secp256k1()
  try {
    const hash = Buffer.from(digest.slice(2), 'hex')
    return addressOfPoint(native.ecdsaRecover(bytes.subarray(0, 64), bytes.readUInt8(64) - 27, hash, false))
  } catch {
    return undefined
  }
}
