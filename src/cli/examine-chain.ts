import { loadKey } from '../identity/key-file.ts'
import { nodePaths, type Config } from '../node/config/config.ts'
import { SoukError } from '../protocol/errors.ts'
import { challengePeriodFault, inspectChannelContract } from '../settlement/channel-contract.ts'
import { openChain } from '../settlement/chain.ts'

/** What `souk doctor` finds of the chain that a node is paid on. */
export interface ChainDiagnosis {
  /** Every endpoint answers and is of that chain, the contract is souk's and leaves time to redeem, and clock and chain agree. */
  readonly ok: boolean
  readonly chainId: number
  readonly contract: string
  /** What keeps it from being paid. */
  readonly problem?: string
  /** Who pays the gas; absent where the node has no key yet. */
  readonly node?: string
  readonly gasBalanceWei?: string
  /** In which what was earned has to be redeemed once a payer closes alone; absent where the contract was not reached. */
  readonly challengePeriodMs?: number
  /** How much later this host's clock is than the newest block, in whole seconds: some are usual, less than none is not. */
  readonly blockAgeSeconds?: number
}

const TIMEOUT_MS = 5_000
/** Quotes, offers and authorisations expire by this host's clock, and are judged by those of others. */
const CLOCK_DIFFERENCE_MS = 60_000

/** Undefined where the node is not paid on a chain. */
export async function examineChain(config: Config): Promise<ChainDiagnosis | undefined> {
  const { settlement } = config
  if (settlement.mode !== 'channel') return undefined
  const { contract, rpc, pollMs } = settlement
  const about = { chainId: config.chain.id, contract }
  const node = await loadKey({ file: nodePaths(config.node.dataDir).key }).catch(() => undefined)
  const found: Facts[] = []
  try {
    // One that lies, or is not there, is not to be found out when something has to be redeemed.
    for (const url of rpc) found.push(await factsOf({ url, contract, chainId: config.chain.id, node: node?.address }))
  } catch (thrown) {
    return { ok: false, ...about, problem: SoukError.from(thrown).message }
  }
  const [facts] = found
  if (facts === undefined) return { ok: false, ...about, problem: 'there is no endpoint' }
  const { challengePeriodMs, blockAgeMs, gasBalanceWei } = facts
  const problem =
    challengePeriodFault({ challengePeriodMs, pollMs }) ??
    (blockAgeMs < -CLOCK_DIFFERENCE_MS
      ? `the newest block is ${Math.round(-blockAgeMs / 1000)} s in the future: set this host's clock`
      : undefined)
  return {
    ok: problem === undefined,
    ...about,
    ...(problem !== undefined && { problem }),
    ...(node !== undefined && { node: node.address }),
    ...(gasBalanceWei !== undefined && { gasBalanceWei: String(gasBalanceWei) }),
    challengePeriodMs,
    blockAgeSeconds: Math.round(blockAgeMs / 1000),
  }
}

interface Facts {
  readonly challengePeriodMs: number
  readonly blockAgeMs: number
  readonly gasBalanceWei?: bigint
}

async function factsOf({
  url,
  chainId,
  contract,
  node,
}: {
  readonly url: string
  readonly chainId: number
  readonly contract: string
  readonly node: string | undefined
}): Promise<Facts> {
  const chain = openChain({ endpoints: [url], chainId, timeoutMs: TIMEOUT_MS })
  try {
    const { challengePeriodMs } = await inspectChannelContract({ chain, contract })
    const { timestamp = 0 } = (await chain.block(await chain.blockNumber())) ?? {}
    const blockAgeMs = Date.now() - timestamp * 1000
    if (node === undefined) return { challengePeriodMs, blockAgeMs }
    return { challengePeriodMs, blockAgeMs, gasBalanceWei: await chain.balance(node) }
  } finally {
    chain.close()
  }
}
