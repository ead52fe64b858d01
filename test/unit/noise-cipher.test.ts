import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { pureJsCrypto } from '@libp2p/noise'
import { Uint8ArrayList } from 'uint8arraylist'
import { onceKeyed, type NoiseCipher } from '../../src/protocol/network/noise-cipher.ts'

/** Written in JavaScript, by somebody else. */
const reference: NoiseCipher = {
  encrypt: (...message) => pureJsCrypto.chaCha20Poly1305Encrypt(...message),
  decrypt: (...message) => pureJsCrypto.chaCha20Poly1305Decrypt(...message),
}
const SIZES = [0, 1, 100, 495, 496, 511, 512, 513, 1460, 16_384, 65_519]
const bytesOf = (length: number, seed: string): Uint8Array => {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  )
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, length))
}
const inPieces = (bytes: Uint8Array): Uint8ArrayList =>
  new Uint8ArrayList(bytes.subarray(0, 12), bytes.subarray(12, 300), bytes.subarray(300))

describe("noise's cipher, keyed once", () => {
  const cipher = onceKeyed(reference)
  const keys = [bytesOf(32, 'one key'), bytesOf(32, 'another')]
  const nonces = [bytesOf(12, 'one nonce'), bytesOf(12, 'the next')]

  for (const ad of [new Uint8Array(0), bytesOf(32, 'what goes along')])
    it(`says the same as another implementation, with ${ad.byteLength} bytes that go along`, () => {
      for (const size of SIZES)
        for (const key of keys)
          for (const nonce of nonces) {
            const plain = bytesOf(size, 'plain')
            const secret = reference.encrypt(plain, nonce, ad, key).subarray()
            for (const form of [plain, inPieces(plain)])
              assert.deepEqual(Buffer.from(cipher.encrypt(form, nonce, ad, key).subarray()), Buffer.from(secret))
            for (const form of [secret, inPieces(secret)])
              assert.deepEqual(Buffer.from(cipher.decrypt(form.slice(), nonce, ad, key).subarray()), Buffer.from(plain))
          }
    })

  it('gives nothing of what is not authentic', () => {
    const [key, other] = keys as [Uint8Array, Uint8Array]
    const [nonce, later] = nonces as [Uint8Array, Uint8Array]
    const ad = new Uint8Array(0)
    for (const size of SIZES) {
      const secret = reference.encrypt(bytesOf(size, 'plain'), nonce, ad, key).subarray()
      for (const place of new Set([0, size - 1, size, secret.byteLength - 1].filter((at) => at >= 0))) {
        const forged = secret.slice()
        forged[place] = (forged[place] ?? 0) ^ 1
        assert.throws(() => cipher.decrypt(forged, nonce, ad, key))
      }
      assert.throws(() => cipher.decrypt(secret.slice(), later, ad, key))
      assert.throws(() => cipher.decrypt(secret.slice(), nonce, ad, other))
    }
  })
})
