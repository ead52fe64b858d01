import type { Key } from '../../identity/key-file.ts'
import { isSoukError } from '../../protocol/errors.ts'
import { NATIVE_TOKEN } from '../../protocol/payment.ts'
import type { Deposit } from '../../settlement/channel-calls.ts'
import type { Chain } from '../../settlement/chain.ts'
import { permitDeposit } from '../../settlement/permit.ts'
import { approveData, askToken } from '../../settlement/token.ts'
import type { Request } from '../../settlement/requests.ts'

/**
 * Lets the contract take a deposit: nothing has to be done for the chain's own coin; for a token there is a transaction before, where it
 * is not allowed yet, or a permit in the deposit.
 * @throws SoukError CHAIN_REFUSED where the token is none, or takes no permits; CHAIN_UNREACHABLE; what `send` throws
 */
export async function allowDeposit({
  deposit,
  permit,
  chain,
  contract,
  key,
  onProgress,
  send,
}: {
  readonly deposit: Deposit
  readonly permit: boolean
  readonly chain: Chain
  readonly contract: string
  readonly key: Key
  readonly onProgress: (line: string) => void
  /** Resolves when it is executed. */
  readonly send: (request: Request) => Promise<void>
}): Promise<Deposit> {
  const { channel, amountWei } = deposit
  const { token } = channel
  if (token === NATIVE_TOKEN) return deposit
  if (permit) {
    const signed = await permitDeposit({ chain, token, spender: contract, valueWei: amountWei, key })
    return { ...deposit, permit: signed }
  }
  const allowed = await askToken({ chain, token, question: 'allowance', addresses: [key.address, contract] })
  if (allowed >= amountWei) return deposit
  onProgress(`approving ${amountWei} of the token ${token}`)
  const approve = (wei: bigint): Promise<void> =>
    send({
      name: `approve ${contract} ${wei} of ${token}`,
      to: token,
      data: approveData({ spender: contract, amountWei: wei }),
      valueWei: 0n,
    })
  try {
    await approve(amountWei)
  } catch (thrown) {
    // Some tokens let nobody change what is allowed, but to nothing (against a race in ERC-20's approve).
    if (allowed === 0n || !isSoukError(thrown, 'CHAIN_REFUSED')) throw thrown
    await approve(0n)
    await approve(amountWei)
  }
  return deposit
}
