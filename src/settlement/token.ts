import { Interface } from 'ethers/abi'
import { SoukError } from '../protocol/errors.ts'
import type { Chain } from './chain.ts'

/** What souk needs of an ERC-20 token (EIP-20). */
const tokenInterface = new Interface([
  'function balanceOf(address owner) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
])

type Question = 'balanceOf' | 'allowance'

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
