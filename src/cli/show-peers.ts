import { findProviders } from '../client/market/find-providers.ts'
import { EXIT } from './exit-code.ts'
import { listenForInterruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { askLocalNode } from './local-socket.ts'
import { bootstrapOf, marketHost, type MarketOptions } from './market-options.ts'
import { connectedLines, providersLines } from './render/offers-text.ts'
import { loadConfig, nodePaths } from '../node/config/config.ts'
import type { Cli } from './cli.ts'

export interface PeersOptions extends MarketOptions {
  readonly config?: string
  readonly json?: boolean
}

/** `souk peers`: of the node that runs here, or what bootstrap peers know. */
export function showPeers({ cli, options }: { readonly cli: Cli; readonly options: PeersOptions }): Promise<number> {
  return options.bootstrap === undefined ? ofThisNode({ cli, options }) : ofBootstrap({ cli, options })
}

async function ofThisNode({ cli, options }: { readonly cli: Cli; readonly options: PeersOptions }): Promise<number> {
  const { config } = await loadConfig({ ...(options.config !== undefined && { file: options.config }), env: cli.env })
  const { connected, offers } = await askLocalNode({ socket: nodePaths(config.node.dataDir).socket, path: '/peers' })
  const { stdout } = cli.terminal
  if (options.json === true) {
    await writeJson({ stdout, document: { connected, offers } })
    return EXIT.success
  }
  const form = { nowMs: Date.now(), width: stdout.columns(), colors: stdout.colors }
  const lines = [...connectedLines({ peers: connected, ...form }), '', ...providersLines({ offers, ...form })]
  await stdout.write(`${lines.join('\n')}\n`)
  return EXIT.success
}

async function ofBootstrap({ cli, options }: { readonly cli: Cli; readonly options: PeersOptions }): Promise<number> {
  const bootstrap = bootstrapOf({ cli, options })
  const interruptions = listenForInterruptions()
  const host = await marketHost({ cli, options, bootstrap })
  try {
    const offers = (await findProviders({ host, bootstrap, signal: interruptions.first })).map(({ offer }) => offer)
    const { stdout } = cli.terminal
    const form = { nowMs: Date.now(), width: stdout.columns(), colors: stdout.colors }
    if (options.json === true) await writeJson({ stdout, document: { offers } })
    else await stdout.write(`${providersLines({ offers, ...form }).join('\n')}\n`)
    return EXIT.success
  } finally {
    interruptions.dispose()
    await host.stop()
  }
}
