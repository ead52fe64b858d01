import { Buffer } from 'node:buffer'
import { SoukError } from '../protocol/errors.ts'
import { keccak256 } from './keccak.ts'
import { secp256k1 } from './secp256k1.ts'

const COMPRESSED_BYTES = 33

/**
 * The Ethereum address of a secp256k1 key: the last 20 bytes of keccak-256 over the uncompressed point, as
 * `0x` and 40 lower-case hex digits (Ethereum yellow paper, appendix F).
 * @param compressedPublicKey 33 bytes, SEC 1: 02 or 03, then x. What a libp2p secp256k1 key has as `raw`.
 * @throws SoukError INVALID_INPUT where that is no point of the curve.
 */
export function addressOfPublicKey(compressedPublicKey: Uint8Array): string {
  return addressOfPoint(uncompressed(compressedPublicKey))
}

/** The same of a point that is at hand as 65 bytes: 04, x and y. Its y would cost a square root to have from its x again. */
export function addressOfPoint(point: Uint8Array): string {
  // The first byte of an uncompressed point is its tag, 04, and not hashed.
  return `0x${Buffer.from(keccak256(point.subarray(1)).subarray(12)).toString('hex')}`
}

function uncompressed(publicKey: Uint8Array): Uint8Array {
  const native = secp256k1()
  try {
    if (publicKey.byteLength !== COMPRESSED_BYTES) throw new RangeError(`expected ${COMPRESSED_BYTES} bytes`)
    return native.publicKeyConvert(publicKey, false)
  } catch (cause) {
    const message = 'not a compressed secp256k1 public key'
    throw new SoukError({
      code: 'INVALID_INPUT',
      message: `The public key is unusable: ${message}.`,
      details: { issues: [{ path: 'publicKey', message }] },
      cause,
    })
  }
}
