import { Buffer } from 'node:buffer'
import { SoukError } from '../protocol/errors.ts'
import type { Key } from './key-file.ts'
import { secp256k1 } from './secp256k1.ts'

/**
 * Signs a 32-byte digest (`0x` and 64 hex digits): `0x`, r, s and v, 65 bytes in lower-case hex; v is 27 or 28,
 * s in the lower half of the group order. The nonce is that of RFC 6979: the same input gives the same signature.
 * @throws SoukError INTERNAL where the digest or the key is not one.
 */
export function signDigest({ digest, key }: { readonly digest: string; readonly key: Key }): string {
  if (!/^0x[0-9a-f]{64}$/.test(digest)) {
    const reason = 'what is to be signed is not a 32-byte digest'
    throw new SoukError({ code: 'INTERNAL', message: `Nothing was signed: ${reason}.`, details: { reason } })
  }
  const { signature, recid } = secp256k1().ecdsaSign(Buffer.from(digest.slice(2), 'hex'), key.privateKey)
  return `0x${Buffer.from(signature).toString('hex')}${(27 + recid).toString(16)}`
}
