import { mkdir } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Executor } from '../executors/executor.ts'
import { loadOrCreateKey } from '../identity/key-file.ts'
import type { Launcher } from '../native/launcher.ts'
import type { SoukError } from '../protocol/errors.ts'
import type { EarningsStatus, NodeStatus, PeersStatus } from '../protocol/node-status.ts'
import type { Offer } from './admission/offers.ts'
import { runtimeStatusOf } from './admission/operator-caps.ts'
import { runningTasksOf } from './attempt/running-tasks.ts'
import { systemClock } from './clock.ts'
import { nodePaths, type Config } from './config/config.ts'
import { createCore } from './create-core.ts'
import { createNetwork } from './create-network.ts'
import { openLocalSocket } from './http/local-socket.ts'
import { countStates } from './journal/task-table.ts'
import { createMarketPresence } from './market/market-presence.ts'
import { openNodeMemory } from './node-memory.ts'
import { earningsOf } from './payments/earnings.ts'
import type { Settler } from './payments/settler.ts'

/** A provider node, serving. */
export interface SoukNode {
  readonly peerId: string
  readonly address: string
  /** As things stand now. */
  offers(): readonly Offer[]
  multiaddrs(): readonly string[]
  status(): NodeStatus
  /** Resolves when the node can promise nothing any more and has to be stopped; never rejects. */
  readonly failed: Promise<SoukError>
  /**
   * Takes no more tasks and waits `drainMs` for the running ones. Of those that run still, it leaves alone what the next process of
   * this node can resume, and ends the rest as its own fault. Then it closes everything.
   */
  stop(options: { readonly drainMs: number }): Promise<void>
}

export interface CreateNodeOptions {
  readonly config: Config
  readonly version: string
  readonly logger: Logger
  /** One that was started while this process had the privileges to do so; the node closes it. */
  readonly launcher?: Launcher
  /** Instead of the runtimes that the config enables. */
  readonly executors?: readonly Executor[]
  /** Instead of the settlement that the config names. */
  readonly settler?: Settler
}

/**
 * A provider node: opens its data folder, recovers the tasks of an earlier process, and serves.
 *
 * @throws SoukError KEY_UNUSABLE, START_FAILED, CONFIG_INVALID; nothing is left open then.
 */
export async function createNode(options: CreateNodeOptions): Promise<SoukNode> {
  const { config } = options
  const { dataDir } = config.node
  const paths = nodePaths(dataDir)
  const cleanUp = new AsyncDisposableStack()
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    const key = await loadOrCreateKey({ file: paths.key })
    const { logger } = options
    const { host, blobs } = await createNetwork({ config, key, logger, cleanUp })
    const known = new Set(config.peers.known)
    const isKnown = (peer: string): boolean => known.has(peer)
    const memory = openNodeMemory({ config, isKnown })
    cleanUp.defer(() => memory.close())
    const core = await createCore({
      ...options,
      dataDir,
      probesFile: paths.probes,
      key,
      blobs,
      isKnown,
      memory,
      cleanUp,
    })
    const { provider, offers } = core
    await host.serveTasks(provider)
    await host.serveBlobs(provider)
    await host.serveQuotes(provider)
    await provider.recover(core.found)
    const market = await createMarketPresence({
      ...{ config, host, key, isKnown, logger, settler: core.settler },
      offers: () => (provider.stopping ? [] : offers()),
    })
    await host.start()
    market?.start()
    cleanUp.defer(() => market?.stop())
    const startedAtMs = systemClock.nowMs()
    const status = (): NodeStatus => ({
      version: options.version,
      pid: process.pid,
      peerId: host.peerId,
      address: key.address,
      multiaddrs: host.multiaddrs(),
      startedAtMs,
      stopping: provider.stopping,
      chainId: config.chain.id,
      connections: host.connections(),
      tasks: countStates(provider.tasks.all()),
      running: runningTasksOf(provider.tasks.all()),
      capacity: provider.scheduler.snapshot().capacity,
      storage: core.storage(),
      runtimes: offers().map(runtimeStatusOf),
      denied: provider.denied(),
    })
    const peers = (): PeersStatus => ({ connected: host.peers(), offers: market?.offers() ?? [] })
    const earnings = (): EarningsStatus => ({ chainId: config.chain.id, ...earningsOf(provider.accounts.all()) })
    const answers = { '/status': status, '/peers': peers, '/earnings': earnings }
    const socket = await openLocalSocket({ path: paths.socket, answers })
    cleanUp.defer(() => socket.close())
    return {
      peerId: host.peerId,
      address: key.address,
      offers,
      multiaddrs: () => host.multiaddrs(),
      status,
      failed: core.failed,
      async stop({ drainMs }) {
        await provider.stop({ drainMs })
        await cleanUp.disposeAsync()
      },
    }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}
