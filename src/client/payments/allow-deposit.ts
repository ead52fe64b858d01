import type { Key } from '../../identity/key-file.ts'
import { NATIVE_TOKEN } from '../../protocol/payment.ts'
import type { Deposit } from '../../settlement/channel-calls.ts'
import type { Chain } from '../../settlement/chain.ts'
import { permitDeposit } from '../../settlement/permit.ts'
import { approveData, askToken } from '../../settlement/token.ts'
import type { Intent } from '../../settlement/transaction-store.ts'

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
  readonly send: (intent: Intent) => Promise<void>
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
  const data = approveData({ spender: contract, amountWei })
  const idempotencyKey = `approve ${contract} ${amountWei} over ${allowed} at ${await chain.nonce(key.address, 'latest')}`
  await send({ idempotencyKey, to: token, data, valueWei: 0n })
  return deposit
}
