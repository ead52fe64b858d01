import type { Receipt } from '../../protocol/receipt.ts'
import type { ContractCall } from '../../settlement/channel-calls.ts'
import { inspectStakeContract, type StakeContractFacts } from '../../settlement/stake-contract.ts'
import {
  bondCall,
  slashCall,
  stakeOf,
  stakeQuery,
  startUnbondingCall,
  withdrawCall,
  type StakeOnChain,
} from '../../settlement/stake.ts'
import { openAccountTransactions, type AccountOptions } from './account-transactions.ts'

/** What a node has bonded, as the newest block has it. */
export interface NodeStake extends StakeOnChain {
  readonly node: string
  /** How long the coins can still be lost after they were asked for. */
  readonly unbondingPeriodMs: number
}

/**
 * What one account does at the contract of stakes. The same request again is another one once `told` was called after it; before that, what a process that
 * is no more has begun is gone on with by the same request, and not done again where it was finished.
 * All of it throws SoukError CHAIN_REFUSED, also where the contract is not souk's (and then nothing is sent), and CHAIN_UNREACHABLE.
 */
export interface StakeAccount {
  /** What this account has for the gas, and to bond. */
  coinWei(): Promise<bigint>
  read(node: string): Promise<NodeStake>
  /** For this account as a node; the coins go back to `beneficiary`. */
  bond(request: { readonly amountWei: bigint; readonly beneficiary: string }): Promise<NodeStake>
  /** As the node, or as who its coins go back to. */
  startUnbonding(node: string): Promise<NodeStake>
  withdraw(node: string): Promise<NodeStake>
  /** Half of what the node has bonded is this account's then, the other half nobody's. */
  slash(receipts: readonly [Receipt, Receipt]): Promise<NodeStake>
  /** Whoever asked was told what came of all that has resolved: durable when this returns. */
  told(): void
  end(): Promise<void>
}

/** @throws SoukError START_FAILED where `dir` cannot be used */
export function openStakeAccount(options: AccountOptions): StakeAccount {
  const { place, key, confirmations, onProgress } = options
  const { contract } = place
  const { chain, requests, done, end } = openAccountTransactions(options)
  let facts: StakeContractFacts | undefined

  async function read(node: string): Promise<NodeStake> {
    facts ??= await inspectStakeContract({ chain, contract })
    const answer = await chain.call({ to: contract, data: stakeQuery(node).data })
    return { node, ...facts, ...stakeOf(answer) }
  }

  async function send({ what, call, node }: { what: string; call: ContractCall; node: string }): Promise<NodeStake> {
    await read(node)
    const transaction = requests.anew({ name: `${what} at stake ${contract}`, to: contract, ...call })
    onProgress(`${what}, waiting until it is ${confirmations} deep`)
    await done(transaction)
    const stake = await read(node)
    requests.answered(transaction)
    return stake
  }

  return {
    coinWei: () => chain.balance(key.address),
    read,
    bond: ({ amountWei, beneficiary }) =>
      send({
        what: `bonding ${amountWei} wei for ${beneficiary}`,
        call: bondCall({ beneficiary, amountWei }),
        node: key.address,
      }),
    startUnbonding: (node) => send({ what: `unbonding ${node}`, call: startUnbondingCall(node), node }),
    withdraw: (node) => send({ what: `withdrawing of ${node}`, call: withdrawCall(node), node }),
    slash: (receipts) => {
      const { provider: node, taskId } = receipts[0]
      return send({ what: `slashing ${node} for ${taskId}`, call: slashCall(receipts), node })
    },
    told: () => requests.told(),
    end,
  }
}
