import { loadKey } from '../identity/key-file.ts'
import { nodePaths, type Config } from '../node/config.ts'
import { SoukError } from '../protocol/errors.ts'
import { openChain } from '../settlement/chain.ts'

/** What `souk doctor` finds of the chain that a node is paid on. */
export interface ChainDiagnosis {
  /** An endpoint answers, is of that chain, and has the contract. */
  readonly ok: boolean
  readonly chainId: number
  readonly contract: string
  /** What keeps it from being paid. */
  readonly problem?: string
  /** Who pays the gas; absent where the node has no key yet. */
  readonly node?: string
  readonly gasBalanceWei?: string
}

const TIMEOUT_MS = 5_000

/** Undefined where the node is not paid on a chain. */
export async function examineChain(config: Config): Promise<ChainDiagnosis | undefined> {
  const { settlement } = config
  if (settlement.mode !== 'channel') return undefined
  const { contract, rpc } = settlement
  const about = { chainId: config.chain.id, contract }
  const node = await loadKey({ file: nodePaths(config.node.dataDir).key }).catch(() => undefined)
  const chain = openChain({ endpoints: rpc, chainId: config.chain.id, timeoutMs: TIMEOUT_MS })
  try {
    if ((await chain.code(contract)) === '0x') return { ok: false, ...about, problem: 'there is no contract there' }
    if (node === undefined) return { ok: true, ...about }
    return { ok: true, ...about, node: node.address, gasBalanceWei: String(await chain.balance(node.address)) }
  } catch (thrown) {
    return { ok: false, ...about, problem: SoukError.from(thrown).message }
  } finally {
    chain.close()
  }
}
