import type { Cipheriv } from 'node:crypto'

/** Where a task's random numbers come from. */
export interface Random {
  /** Overwrites all of `target`. */
  fill(target: Uint8Array): void
}

const SEED = /^[0-9a-f]{64}$/
/** As much of the stream as is made at once. */
const CHUNK_BYTES = 65_536
const NONCE_BYTES = 16

/** Loaded when it is first needed: it would be a twentieth of the start of a process whose task asks for no random number. */
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')

/** The random numbers of the operating system. */
export const systemRandom: Random = {
  fill(target) {
    if (target.length > 0) crypto().randomFillSync(target)
  },
}

/**
 * The key stream of ChaCha20 (RFC 8439) under the seed, from block 0 with a nonce of zeros: the same numbers, however
 * they are asked for.
 *
 * @param seed 64 hex digits, the key
 */
export function seededRandom(seed: string): Random {
  if (!SEED.test(seed)) throw new TypeError('a seed has 64 hex digits')
  const zeros = new Uint8Array(CHUNK_BYTES)
  let cipher: Cipheriv | undefined
  return {
    fill(target) {
      // Made when it is first needed: most tasks ask for none.
      cipher ??= crypto().createCipheriv('chacha20', Buffer.from(seed, 'hex'), new Uint8Array(NONCE_BYTES))
      for (let done = 0; done < target.length; done += CHUNK_BYTES) {
        const length = Math.min(CHUNK_BYTES, target.length - done)
        target.set(cipher.update(zeros.subarray(0, length)), done)
      }
    },
  }
}
