import { addressOfPublicKey } from './address.ts'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** A peer id of a secp256k1 key: the multihash `identity` (0x00) of 37 bytes, which are the key as libp2p's protobuf. */
const PREFIX = [0x00, 0x25, 0x08, 0x02, 0x12, 0x21]
const BYTES = PREFIX.length + 33
/** No peer id of such a key is longer. */
const MAX_CHARACTERS = 56

/**
 * The Ethereum address of the key in a libp2p peer id (base58btc, `16Uiu2HA…`), in lower case; undefined where it is
 * no peer id of a secp256k1 key (libp2p specs, peer-ids).
 */
export function addressOfPeerId(peerId: string): string | undefined {
  const bytes = decodeBase58(peerId)
  if (bytes === undefined || !PREFIX.every((byte, index) => bytes[index] === byte)) return undefined
  try {
    return addressOfPublicKey(bytes.subarray(PREFIX.length))
  } catch {
    return undefined
  }
}

function decodeBase58(text: string): Uint8Array | undefined {
  if (text.length === 0 || text.length > MAX_CHARACTERS) return undefined
  let value = 0n
  for (const character of text) {
    const digit = ALPHABET.indexOf(character)
    if (digit === -1) return undefined
    value = value * 58n + BigInt(digit)
  }
  // Each zero byte in front is a digit of its own: here there is just the one of the prefix.
  if (text[0] !== '1' || text[1] === '1') return undefined
  const bytes = new Uint8Array(BYTES)
  for (let index = BYTES - 1; index >= 0; index -= 1) {
    bytes[index] = Number(value & 0xffn)
    value >>= 8n
  }
  return value === 0n ? bytes : undefined
}
