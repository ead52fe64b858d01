import { Buffer } from 'node:buffer'
import { keccak256 } from '../identity/keccak.ts'

/** What scripts/generate-contracts.ts says of a contract's code as it is on a chain. */
export interface DeployedCode<Name extends string> {
  readonly bytes: number
  /** keccak-256 of the code with all immutables 0: hex digits. */
  readonly codeHash: string
  /** Where each immutable is, in bytes from the start. */
  readonly immutables: Readonly<Record<Name, readonly number[]>>
}

const WORD_BYTES = 32

/**
 * The immutables of a contract, 64 hex digits each, where its code is ours otherwise, to the byte.
 * @param answer the code as the chain has it: `0x` and hex digits
 */
export function immutablesOf<Name extends string>({
  answer,
  deployed,
}: {
  readonly answer: string
  readonly deployed: DeployedCode<Name>
}): Readonly<Record<Name, string>> | undefined {
  const code = Buffer.from(answer.slice(2), 'hex')
  if (code.byteLength !== deployed.bytes) return undefined
  const words = new Map<string, string>()
  for (const [name, places] of Object.entries<readonly number[]>(deployed.immutables))
    for (const place of places) {
      const word = code.toString('hex', place, place + WORD_BYTES)
      if ((words.get(name) ?? word) !== word) return undefined
      words.set(name, word)
      code.fill(0, place, place + WORD_BYTES)
    }
  if (Buffer.from(keccak256(code)).toString('hex') !== deployed.codeHash) return undefined
  return Object.fromEntries(words) as Record<Name, string>
}
