import { Buffer } from 'node:buffer'
import { structHasher, typedDataDigest, UnencodableError, type TypedStructs } from '../identity/eip712.ts'
import type { Key } from '../identity/key-file.ts'
import { signDigest } from '../identity/sign.ts'
import type { Permit } from './channel-calls.ts'
import type { Chain } from './chain.ts'
import { CHANNEL_STRUCTS } from './channel-domain.ts'
import { noPermits, permitFactsOf } from './token.ts'

const STRUCTS = {
  EIP712Domain: CHANNEL_STRUCTS.EIP712Domain,
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const satisfies TypedStructs

const hashDomain = structHasher({ structs: STRUCTS, name: 'EIP712Domain' })
const hashPermit = structHasher({ structs: STRUCTS, name: 'Permit' })

export interface PermitRequest {
  /** As the token's `eip712Domain()` has it, or its `name()` and `version()`. */
  readonly token: {
    readonly name: string
    readonly version: string
    readonly chainId: number
    readonly address: string
  }
  /** Who may take `valueWei` of the key's tokens. */
  readonly spender: string
  readonly valueWei: bigint
  /** The token's `nonces(owner)`. */
  readonly nonce: bigint
  /** Epoch seconds. */
  readonly deadline: number
}

/** Approves of a transfer by a signature instead of a transaction (EIP-2612). */
export function signPermit({ permit, key }: { readonly permit: PermitRequest; readonly key: Key }): Permit {
  const { token, spender, valueWei, nonce, deadline } = permit
  const { name, version, chainId } = token
  const digest = typedDataDigest({
    domain: hashDomain({ name, version, chainId, verifyingContract: token.address }),
    struct: hashPermit({ owner: key.address, spender, value: valueWei, nonce, deadline }),
  })
  return { deadline, signature: signDigest({ digest: `0x${Buffer.from(digest).toString('hex')}`, key }) }
}

const DAY_SECONDS = 86_400

/**
 * A permit for one deposit, of as many tokens and for a day: what the token says of itself is compared with what is signed.
 * @throws SoukError CHAIN_REFUSED where the token takes no permits; CHAIN_UNREACHABLE
 */
export async function permitDeposit({
  chain,
  key,
  ...deposit
}: {
  readonly chain: Chain
  readonly token: string
  readonly spender: string
  readonly valueWei: bigint
  readonly key: Key
}): Promise<Permit> {
  const { token: address, spender, valueWei } = deposit
  const { name, version, nonce, domainSeparator } = await permitFactsOf({ chain, token: address, owner: key.address })
  const token = { name, version, chainId: chain.chainId, address }
  if (domainSeparatorOf(token) !== domainSeparator) throw noPermits(address)
  const deadline = Math.floor(Date.now() / 1000) + DAY_SECONDS
  return signPermit({ permit: { token, spender, valueWei, nonce, deadline }, key })
}

function domainSeparatorOf({ name, version, chainId, address }: PermitRequest['token']): string | undefined {
  try {
    const hash = hashDomain({ name, version, chainId, verifyingContract: address })
    return `0x${Buffer.from(hash).toString('hex')}`
  } catch (thrown) {
    // A name that is no text is a stranger's.
    if (thrown instanceof UnencodableError) return undefined
    throw thrown
  }
}
