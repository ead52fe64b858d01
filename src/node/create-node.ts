import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { openArtifactStore } from '../artifacts/store.ts'
import { localImageId as imageIdOnEngine } from '../executors/docker/local-image.ts'
import type { Executor } from '../executors/executor.ts'
import { loadOrCreateKey, type Key } from '../identity/key-file.ts'
import type { Launcher } from '../native/launcher.ts'
import type { NativeMode } from '../native/mode.ts'
import type { SoukError } from '../protocol/errors.ts'
import { RUNTIME_NAMES } from '../protocol/execution.ts'
import type { EarningsStatus, NodeStatus, PeersStatus, RuntimeStatus } from '../protocol/node-status.ts'
import type { Offer } from './admission/offers.ts'
import { createCapacity } from './scheduler/capacity.ts'
import { systemClock } from './clock.ts'
import { nodePaths, type Config } from './config/config.ts'
import { earningsOf } from './payments/earnings.ts'
import { asExecutors, createExecutors } from './create-executors.ts'
import { createNetwork } from './create-network.ts'
import { openLocalSocket } from './http/local-socket.ts'
import type { BlobSource } from './inputs/inputs.ts'
import { usedRuntimes } from './instance-id.ts'
import { openLiveOffers, probeOffers } from './admission/live-offers.ts'
import { runtimeStatusOf } from './admission/operator-caps.ts'
import { policyOf, resourcesOf, retentionOf, sharesOf, withRuntimes } from './admission/operator-policies.ts'
import { NO_MEMORY, openNodeMemory, type NodeMemory } from './node-memory.ts'
import { createMarketPresence } from './market/market-presence.ts'
import { jobFolder } from './attempt/job-folder.ts'
import { resultCacheOf } from './results/result-cache-config.ts'
import { noSettlement } from './payments/no-settlement.ts'
import { createPrepareLanes } from './inputs/prepare-lanes.ts'
import { createOwnQuotes } from './admission/own-quotes.ts'
import { createProvider, type Provider } from './provider.ts'
import { findTasks } from './recover.ts'
import { runningTasksOf } from './attempt/running-tasks.ts'
import { reapAll, reapLeftovers } from './reap-leftovers.ts'
import { openSqliteJournal } from './journal/sqlite-journal.ts'
import { booksOf } from './payments/payments.ts'
import { channelsOf, stopAfter } from './create-settlement.ts'
import type { Settler } from './payments/settler.ts'
import { countStates } from './journal/task-table.ts'

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
   * Takes no more tasks, waits `drainMs` for the running ones, leaves those running that can be gone on with, ends the rest as its
   * own fault, and lets go of everything.
   */
  stop(options: { readonly drainMs: number }): Promise<void>
}

export interface CreateNodeOptions {
  readonly config: Config
  readonly version: string
  readonly logger: Logger
  /** One that was started when this process had the right to; the node ends it. */
  readonly launcher?: Launcher
  /** Instead of the runtimes that the config enables. */
  readonly executors?: readonly Executor[]
  /** How it is paid, instead of what the config says. */
  readonly settler?: Settler
}

/**
 * A provider node: opens its data folder, takes up what was left, and serves.
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

/** The same house without a network: what `souk run --local` runs in. Its one requester is its own key. */
export interface LocalNode {
  readonly provider: Provider
  /** As things stand now. */
  offers(): readonly Offer[]
  stop(): Promise<void>
}

export interface CreateLocalNodeOptions {
  readonly config: Config
  readonly version: string
  readonly logger: Logger
  readonly key: Key
  /** A folder of this run alone; the caller removes it. */
  readonly dataDir: string
  /** Where the results of probing are kept between runs. */
  readonly probesFile: string
  readonly blobs: BlobSource
}

export async function createLocalNode(options: CreateLocalNodeOptions): Promise<LocalNode> {
  const cleanUp = new AsyncDisposableStack()
  try {
    const { provider, offers } = await createCore({
      ...options,
      isKnown: () => true,
      memory: NO_MEMORY,
      waivesAsked: true,
      // Its data folder goes with it.
      keepsImages: false,
      cleanUp,
    })
    return {
      provider,
      offers,
      async stop() {
        await provider.stop({ drainMs: 0 })
        await cleanUp.disposeAsync()
      },
    }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}

/** What a runtime can do here, and whether it is on: whether others are offered it. */
export type ExaminedRuntime = RuntimeStatus & { readonly enabled: boolean; readonly mode?: NativeMode }

/** What this host can do, each limit hit anew, for runtimes that are off as well: `souk doctor`. */
export async function examineHost(options: {
  readonly config: Config
  readonly version: string
  /** For the sandboxes that are started; the caller removes it. */
  readonly dataDir: string
  readonly probesFile: string
}): Promise<readonly ExaminedRuntime[]> {
  const { sandbox } = options.config
  const config = withRuntimes(options.config, RUNTIME_NAMES)
  const executors = await createExecutors({ ...options, config })
  try {
    const offers = await probeOffers({ ...options, config, subjects: executors.subjects, refresh: true })
    return offers.map((offer) => ({
      ...runtimeStatusOf(offer),
      enabled: sandbox[offer.runtime].enabled,
      ...(offer.runtime === 'native' && { mode: sandbox.native.mode }),
    }))
  } finally {
    await executors.close()
  }
}

/**
 * Ends what the sandboxes of a data folder have left whose process is dead, so that the folder can be removed.
 * @throws SoukError RUNTIME_UNAVAILABLE, EXECUTOR_FAILED where that cannot be done now.
 */
export async function reapDataDir(options: {
  readonly config: Config
  readonly version: string
  readonly dataDir: string
}): Promise<void> {
  // A process of the WebAssembly runtime ends with the one that started it.
  const used = (await usedRuntimes(options.dataDir)).filter((runtime) => runtime !== 'wasm')
  if (used.length === 0) return
  const executors = await createExecutors({
    ...options,
    config: withRuntimes(options.config, used),
    keepsImages: false,
  })
  try {
    await reapAll({ executors, dataDir: options.dataDir })
  } finally {
    await executors.close()
  }
}

/**
 * The id of what the engine of this host has under a name now.
 * @throws SoukError RUNTIME_UNAVAILABLE where no engine answers, IMAGE_REFUSED where it has no such image.
 */
export function localImageId({ config, image }: { readonly config: Config; readonly image: string }): Promise<string> {
  return imageIdOnEngine({ socketPath: config.sandbox.docker.socket, image })
}

/** All but the network: executors, store, journal, provider. */
async function createCore(
  options: Omit<CreateLocalNodeOptions, 'logger'> & {
    readonly logger: Logger
    readonly launcher?: Launcher
    readonly executors?: readonly Executor[]
    readonly settler?: Settler
    readonly isKnown: (peer: string) => boolean
    readonly memory: NodeMemory
    readonly waivesAsked?: boolean
    readonly keepsImages?: boolean
    readonly cleanUp: AsyncDisposableStack
  },
) {
  const { config, dataDir, key, logger, cleanUp } = options
  const dirs = {
    journal: dataDir,
    artifacts: join(dataDir, 'artifacts'),
    output: join(dataDir, 'output'),
    work: join(dataDir, 'work'),
  }
  // The journal holds the lock of the data folder: whoever has it may reap what is found there.
  const journal = openSqliteJournal({ dir: dirs.journal })
  cleanUp.defer(() => journal.close())
  const executors =
    options.executors === undefined
      ? await createExecutors(options)
      : asExecutors({ ...options, all: options.executors })
  cleanUp.defer(() => executors.close())
  await Promise.all(Object.values(dirs).map((dir) => mkdir(dir, { recursive: true, mode: 0o700 })))
  const byRuntime = new Map(executors.subjects.map(({ executor }) => [executor.runtime, executor]))
  const found = await findTasks({ journal, executors: byRuntime, workDir: dirs.work })
  const keep = [...found.resumable].map((taskId) => jobFolder({ workDir: dirs.work, taskId }))
  await reapLeftovers({ executors, workDir: dirs.work, keep, logger })
  const store = await openArtifactStore({
    dir: dirs.artifacts,
    quotaBytes: config.storage.quotaBytes,
    ownerQuotaBytes: Math.floor(config.storage.quotaBytes * config.peers.share),
  })
  cleanUp.defer(() => store.close())
  const live = await openLiveOffers({ ...options, subjects: executors.subjects })
  cleanUp.defer(() => live.close())
  const offers = live.current
  let fail: (error: SoukError) => void = () => {}
  const failed = new Promise<SoukError>((resolve) => {
    fail = resolve
  })
  const resources = resourcesOf(config)
  const channels = await channelsOf(options)
  if (channels !== undefined) cleanUp.defer(() => channels.close())
  const settler = options.settler ?? channels ?? noSettlement(config.chain.id)
  const cache = await resultCacheOf({ config, dir: join(dataDir, 'result-cache'), logger })
  const provider = createProvider({
    key,
    quotes: createOwnQuotes({ key }),
    ...options.memory,
    policy: policyOf({ config, address: key.address, offers }),
    retention: retentionOf(config),
    executors: byRuntime,
    journal,
    store,
    capacity: createCapacity({
      total: resources,
      shares: sharesOf(config),
      isKnown: options.isKnown,
    }),
    unknownPeersStorageBytes: Math.floor(config.storage.quotaBytes * config.peers.unknownShare),
    blobs: options.blobs,
    ...(cache !== undefined && { cache }),
    lanes: createPrepareLanes({ isKnown: options.isKnown, unknownShare: config.peers.unknownShare }),
    clock: systemClock,
    settler,
    logger,
    workDir: dirs.work,
    outputDir: dirs.output,
    onFatal(error) {
      logger.fatal({ err: error }, 'the journal cannot be written: the node stops')
      fail(error)
    },
  })
  const books = booksOf(provider, (err) => logger.error({ err }, 'what was redeemed cannot be noted'))
  await channels?.start(books).catch((error: unknown) => stopAfter({ provider, error }))
  const storage = () => {
    const { bytes, quotaBytes } = store.usage()
    return { bytes, quotaBytes }
  }
  return { provider, found, offers, failed, storage, settler }
}
