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
 * What one account does at the contract of stakes. What was begun and not finished by a process that is no more is gone on with by the
 * same request; where it was finished, that is another one.
 * All of it throws SoukError CHAIN_REFUSED, also where the contract is not souk's (and then nothing is sent), and CHAIN_UNREACHABLE.
 */
export interface StakeAccount {
  read(node: string): Promise<NodeStake>
  /** For this account as a node; the coins go back to `beneficiary`. */
  bond(request: { readonly amountWei: bigint; readonly beneficiary: string }): Promise<NodeStake>
  /** As the node, or as who its coins go back to. */
  startUnbonding(node: string): Promise<NodeStake>
  withdraw(node: string): Promise<NodeStake>
  /** Half of what the node has bonded is this account's then, the other half nobody's. */
  slash(receipts: readonly [Receipt, Receipt]): Promise<NodeStake>
  end(): Promise<void>
}

/** @throws SoukError START_FAILED where `dir` cannot be used */
export function openStakeAccount(options: AccountOptions): StakeAccount {
  const { place, key, confirmations, onProgress } = options
  const { contract } = place
  const { chain, queue, done, end } = openAccountTransactions(options)
  /** By a process that is no more: it may be in a block, and settled, by the time that it is asked for again. */
  const begun = new Set(queue.open().map(({ idempotencyKey }) => idempotencyKey))
  let facts: StakeContractFacts | undefined

  async function read(node: string): Promise<NodeStake> {
    facts ??= await inspectStakeContract({ chain, contract })
    const answer = await chain.call({ to: contract, data: stakeQuery(node).data })
    return { node, ...facts, ...stakeOf(answer) }
  }

  async function send({ what, call, node }: { what: string; call: ContractCall; node: string }): Promise<NodeStake> {
    await read(node)
    const nameOf = (turn: number): string => `${what} at stake ${contract} #${turn}`
    const isOver = (name: string): boolean => {
      const { state } = queue.byKey(name) ?? {}
      return !begun.has(name) && (state === 'confirmed' || state === 'failed' || state === 'replaced')
    }
    let turn = 1
    while (isOver(nameOf(turn))) turn += 1
    const transaction = queue.submit({ idempotencyKey: nameOf(turn), to: contract, ...call })
    begun.delete(nameOf(turn))
    onProgress(`${what}, waiting until it is ${confirmations} deep`)
    await done(transaction)
    return read(node)
  }

  return {
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
    end,
  }
}
