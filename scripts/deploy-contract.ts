/**
 * `npm run -s deploy-contract -- channels|stake --rpc URL --key FILE [--period 1d]`: deploys a contract of souk's, and prints its address
 * once the chain has it. Anybody's contract is as good as another's, as it has no owner: what counts is its code.
 */
import { parseArgs } from 'node:util'
import { ContractFactory, JsonRpcProvider, Wallet } from 'ethers'
import { loadKey } from '../src/identity/key-file.ts'
import { parseDurationMs } from '../src/protocol/units.ts'
import { SOUK_CHANNELS_ABI, SOUK_CHANNELS_BYTECODE } from '../src/settlement/contracts/souk-channels.ts'
import { SOUK_STAKE_ABI, SOUK_STAKE_BYTECODE } from '../src/settlement/contracts/souk-stake.ts'
import { RECEIPT_TYPE_HASHES } from '../src/settlement/stake.ts'

const USAGE = 'npm run -s deploy-contract -- channels|stake --rpc URL --key FILE [--period 1d]'

const CONTRACTS = {
  channels: { abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE, values: [] },
  stake: { abi: SOUK_STAKE_ABI, bytecode: SOUK_STAKE_BYTECODE, values: [RECEIPT_TYPE_HASHES] },
} as const

interface Wanted {
  readonly contract: keyof typeof CONTRACTS
  readonly rpc: string
  readonly keyFile: string
  /** The challenge period, or the unbonding period. */
  readonly periodSeconds: number
}

function wantedOf(args: readonly string[]): Wanted {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rpc: { type: 'string' }, key: { type: 'string' }, period: { type: 'string', default: '1d' } },
  })
  const { rpc, key: keyFile, period } = values
  const [contract] = positionals
  if ((contract !== 'channels' && contract !== 'stake') || rpc === undefined || keyFile === undefined)
    throw new Error(`Usage: ${USAGE}`)
  return { contract, rpc, keyFile, periodSeconds: Math.round(parseDurationMs(period) / 1000) }
}

async function deploy({ contract, rpc, keyFile, periodSeconds }: Wanted): Promise<string> {
  const { privateKey } = await loadKey({ file: keyFile })
  const provider = new JsonRpcProvider(rpc, undefined, { batchMaxCount: 1 })
  try {
    const { abi, bytecode, values } = CONTRACTS[contract]
    const wallet = new Wallet(`0x${Buffer.from(privateKey).toString('hex')}`, provider)
    const deployed = await new ContractFactory([...abi], bytecode, wallet).deploy(...values, periodSeconds)
    await deployed.waitForDeployment()
    return (await deployed.getAddress()).toLowerCase()
  } finally {
    provider.destroy()
  }
}

try {
  console.log(await deploy(wantedOf(process.argv.slice(2))))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
