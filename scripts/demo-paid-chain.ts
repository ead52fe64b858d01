import { setTimeout as sleep } from 'node:timers/promises'
import { Interface } from 'ethers/abi'
import { SOUK_CHANNELS_ABI, SOUK_CHANNELS_BYTECODE } from '../src/settlement/contracts/souk-channels.ts'
import { startLocalChain, type LocalChain } from './local-chain.ts'

/** The demo's chain, with the contract of souk's channels on it. */
export interface DemoChain extends LocalChain {
  readonly contract: string
  readonly challengePeriodSeconds: number
  /** Out of an account that the chain was started with. */
  give(address: string, wei: bigint): Promise<void>
  balanceOf(address: string): Promise<bigint>
  /** How often a function of the contract was called, and how many transactions there are in all. */
  calls(): Promise<readonly ContractCall[]>
  /** Mines a block that much later than the one before. */
  passSeconds(seconds: number): Promise<void>
}

export interface ContractCall {
  readonly function: string
  readonly from: string
  readonly gasUsed: bigint
  readonly feeWei: bigint
}

interface Block {
  readonly transactions: readonly {
    readonly hash: string
    readonly to: string | null
    readonly from: string
    readonly input: string
  }[]
}
interface MinedReceipt {
  readonly contractAddress: string
  readonly gasUsed: string
  readonly effectiveGasPrice: string
}

const CHALLENGE_PERIOD_SECONDS = 3600
const hex = (value: bigint): string => `0x${value.toString(16)}`

export async function startDemoChain(): Promise<DemoChain> {
  const chain = await startLocalChain()
  const contractInterface = new Interface(SOUK_CHANNELS_ABI)
  try {
    const [banker = ''] = (await ask<readonly string[]>(chain.url, 'eth_accounts')).map((address) =>
      address.toLowerCase(),
    )
    const send = async (transaction: object): Promise<MinedReceipt> => {
      const hash = await ask<string>(chain.url, 'eth_sendTransaction', { from: banker, ...transaction })
      for (;;) {
        const receipt = await ask<MinedReceipt | null>(chain.url, 'eth_getTransactionReceipt', hash)
        if (receipt !== null) return receipt
        await sleep(10)
      }
    }
    const deployment = SOUK_CHANNELS_BYTECODE + contractInterface.encodeDeploy([CHALLENGE_PERIOD_SECONDS]).slice(2)
    const contract = (await send({ data: deployment })).contractAddress.toLowerCase()
    return {
      ...chain,
      contract,
      challengePeriodSeconds: CHALLENGE_PERIOD_SECONDS,
      give: async (to, wei) => void (await send({ to, value: hex(wei) })),
      balanceOf: async (address) => BigInt(await ask<string>(chain.url, 'eth_getBalance', address, 'latest')),
      async calls() {
        const calls: ContractCall[] = []
        const head = Number(await ask<string>(chain.url, 'eth_blockNumber'))
        for (let number = 0; number <= head; number += 1) {
          const { transactions } = await ask<Block>(chain.url, 'eth_getBlockByNumber', hex(BigInt(number)), true)
          for (const { hash, to, from, input } of transactions) {
            if (to?.toLowerCase() !== contract) continue
            const { gasUsed, effectiveGasPrice } = await ask<MinedReceipt>(chain.url, 'eth_getTransactionReceipt', hash)
            calls.push({
              function: contractInterface.getFunction(input.slice(0, 10))?.name ?? input.slice(0, 10),
              from: from.toLowerCase(),
              gasUsed: BigInt(gasUsed),
              feeWei: BigInt(gasUsed) * BigInt(effectiveGasPrice),
            })
          }
        }
        return calls
      },
      async passSeconds(seconds) {
        await ask(chain.url, 'evm_increaseTime', seconds)
        await ask(chain.url, 'evm_mine')
      },
    }
  } catch (error) {
    await chain.stop()
    throw error
  }
}

async function ask<T>(url: string, method: string, ...params: readonly unknown[]): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = (await response.json()) as { readonly result?: T; readonly error?: { readonly message: string } }
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
  return answer.result as T
}
