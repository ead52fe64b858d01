import { Interface } from 'ethers/abi'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { Chain } from './chain.ts'

/** What souk needs of an ERC-20 token (EIP-20). */
const tokenInterface = new Interface([
  'function balanceOf(address owner) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
])

type Question = 'balanceOf' | 'allowance'

/** What a token that takes permits says besides (EIP-2612, EIP-5267). */
const permitInterface = new Interface([
  'function nonces(address owner) view returns (uint256)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function name() view returns (string)',
  'function version() view returns (string)',
])

/** What a permit of this owner has to be signed over. `domainSeparator`: `0x` and 64 hex digits. */
export interface PermitFacts {
  readonly name: string
  readonly version: string
  readonly nonce: bigint
  readonly domainSeparator: string
}

/** @throws SoukError CHAIN_UNREACHABLE, CHAIN_REFUSED where the token takes no permits */
export async function permitFactsOf({
  chain,
  token,
  owner,
}: {
  readonly chain: Chain
  readonly token: string
  readonly owner: string
}): Promise<PermitFacts> {
  const ask = async (name: string, values: readonly unknown[] = []): Promise<unknown> => {
    const answer = await chain.call({ to: token, data: permitInterface.encodeFunctionData(name, values) })
    return permitInterface.decodeFunctionResult(name, answer)[0] as unknown
  }
  try {
    const nonce = BigInt(String(await ask('nonces', [owner])))
    const domainSeparator = String(await ask('DOMAIN_SEPARATOR')).toLowerCase()
    const name = String(await ask('name'))
    // Most have none, and mean the first.
    const version = await ask('version').then(String, (thrown: unknown) => {
      if (isSoukError(thrown, 'CHAIN_UNREACHABLE')) throw thrown
      return '1'
    })
    return { name, version, nonce, domainSeparator }
  } catch (thrown) {
    if (isSoukError(thrown, 'CHAIN_UNREACHABLE') || isSoukError(thrown, 'WRONG_CHAIN')) throw thrown
    throw noPermits(token, thrown)
  }
}

/** Leaving permits out costs one transaction more, and always does. */
export function noPermits(token: string, cause?: unknown): SoukError<'CHAIN_REFUSED'> {
  const reason = `${token} takes no permits, or none that are understood here`
  return new SoukError({
    code: 'CHAIN_REFUSED',
    message: `The chain refuses: ${reason}`,
    details: { kind: 'contract', reason },
    hint: 'Leave out --permit: the deposit is then approved in a transaction before.',
    cause,
  })
}

/** @throws SoukError CHAIN_UNREACHABLE, CHAIN_REFUSED where there is no such token */
export async function askToken({
  chain,
  token,
  question,
  addresses,
}: {
  readonly chain: Chain
  readonly token: string
  readonly question: Question
  readonly addresses: readonly string[]
}): Promise<bigint> {
  const answer = await chain.call({ to: token, data: tokenInterface.encodeFunctionData(question, [...addresses]) })
  try {
    return BigInt(String(tokenInterface.decodeFunctionResult(question, answer)[0]))
  } catch (cause) {
    const reason = `${token} is no token`
    throw new SoukError({
      code: 'CHAIN_REFUSED',
      message: `The chain refuses: ${reason}`,
      details: { kind: 'contract', reason },
      hint: 'Name the address of an ERC-20 contract, or `native`.',
      cause,
    })
  }
}

/** What lets `spender` take that many of the caller's tokens. */
export function approveData({ spender, amountWei }: { readonly spender: string; readonly amountWei: bigint }): string {
  return tokenInterface.encodeFunctionData('approve', [spender, amountWei])
}
