import { toBeHex } from 'ethers/utils'

/** A signature (`0x`, r, s, v) as the contracts take it: r, and s with v in its highest bit (EIP-2098). */
export function signatureArgument(signature: string): readonly [r: string, vs: string] {
  const parity = signature.endsWith('1c') ? 1n << 255n : 0n
  return [`0x${signature.slice(2, 66)}`, toBeHex(BigInt(`0x${signature.slice(66, 130)}`) | parity, 32)]
}
