import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { openArtifactStore } from '../artifacts/store.ts'
import type { Executor } from '../executors/executor.ts'
import type { Key } from '../identity/key-file.ts'
import type { Launcher } from '../native/launcher.ts'
import type { SoukError } from '../protocol/errors.ts'
import type { NodeStatus } from '../protocol/node-status.ts'
import { openLiveOffers } from './admission/live-offers.ts'
import type { Offer } from './admission/offers.ts'
import { policyOf, resourcesOf, retentionOf, sharesOf } from './admission/operator-policies.ts'
import { createOwnQuotes } from './admission/own-quotes.ts'
import { jobFolder } from './attempt/job-folder.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config/config.ts'
import { asExecutors, createExecutors } from './create-executors.ts'
import { channelsOf } from './create-settlement.ts'
import type { BlobSource } from './inputs/inputs.ts'
import { createPrepareLanes } from './inputs/prepare-lanes.ts'
import { openSqliteJournal } from './journal/sqlite-journal.ts'
import type { NodeMemory } from './node-memory.ts'
import { noSettlement } from './payments/no-settlement.ts'
import { booksOf } from './payments/payments.ts'
import type { Settler } from './payments/settler.ts'
import { createProvider, type Provider } from './provider.ts'
import { reapLeftovers } from './reap-leftovers.ts'
import { findTasks, type FoundTasks } from './recover.ts'
import { resultCacheOf } from './results/result-cache-config.ts'
import { createCapacity } from './scheduler/capacity.ts'

export interface CreateCoreOptions {
  readonly config: Config
  readonly version: string
  readonly logger: Logger
  readonly key: Key
  readonly dataDir: string
  /** Where the results of probing are kept between processes. */
  readonly probesFile: string
  /** Where the inputs of tasks come from. */
  readonly blobs: BlobSource
  /** Whether the operator has named a requester, by its Ethereum address, as one that he knows. */
  readonly isKnown: (requester: string) => boolean
  readonly memory: NodeMemory
  /** One that was started while this process had the privileges to do so; it is closed with the rest. */
  readonly launcher?: Launcher
  /** Instead of the runtimes that the config enables. */
  readonly executors?: readonly Executor[]
  /** Instead of the settlement that the config names. */
  readonly settler?: Settler
  /** A limit that this host cannot enforce is dropped even where the task asks for it: its requester is the operator himself. */
  readonly waivesAsked?: boolean
  /** Whether images that an engine was given stay for the next process of this data folder; they do where absent. */
  readonly keepsImages?: boolean
  /** Is given how to close everything that is opened here, in order. */
  readonly cleanUp: AsyncDisposableStack
}

/** A provider and all that it stands on, without a network. */
export interface Core {
  readonly provider: Provider
  /** What an earlier process left, for {@link Provider.recover}. */
  readonly found: FoundTasks
  readonly settler: Settler
  /** As things stand now. */
  offers(): readonly Offer[]
  storage(): NodeStatus['storage']
  /** Resolves when the journal can take no more, so that the node has to be stopped; never rejects. */
  readonly failed: Promise<SoukError>
}

/**
 * Opens a data folder and constructs on it all of a node but its network: journal, runtimes, store, settlement, provider. What a
 * dead process of this folder left of its sandboxes is removed, unless its task can be resumed.
 *
 * @throws SoukError START_FAILED, CONFIG_INVALID; what is open by then is for `cleanUp` to close.
 */
export async function createCore(options: CreateCoreOptions): Promise<Core> {
  const { config, dataDir, key, logger, isKnown, cleanUp } = options
  const dirs = {
    journal: dataDir,
    artifacts: join(dataDir, 'artifacts'),
    output: join(dataDir, 'output'),
    work: join(dataDir, 'work'),
  }
  // First: the journal holds the lock of the data folder, and only whoever has it may reap what is found there.
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
  const channels = await channelsOf(options)
  if (channels !== undefined) cleanUp.defer(() => channels.close())
  const settler = options.settler ?? channels ?? noSettlement(config.chain.id)
  const cache = await resultCacheOf({ config, dir: join(dataDir, 'result-cache'), logger })
  const { promise: failed, resolve: fail } = Promise.withResolvers<SoukError>()
  const provider = createProvider({
    key,
    quotes: createOwnQuotes({ key }),
    ...options.memory,
    policy: policyOf({ config, address: key.address, offers }),
    retention: retentionOf(config),
    executors: byRuntime,
    journal,
    store,
    capacity: createCapacity({ total: resourcesOf(config), shares: sharesOf(config), isKnown }),
    unknownPeersStorageBytes: Math.floor(config.storage.quotaBytes * config.peers.unknownShare),
    blobs: options.blobs,
    ...(cache !== undefined && { cache }),
    lanes: createPrepareLanes({ isKnown, unknownShare: config.peers.unknownShare }),
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
  // What it has begun, the first sweep of its retention included, would go on where a later step of the start fails.
  cleanUp.defer(() => provider.stop({ drainMs: 0 }))
  await channels?.start(booksOf(provider, (err) => logger.error({ err }, 'what was redeemed cannot be noted')))
  const storage = (): NodeStatus['storage'] => {
    const { bytes, quotaBytes } = store.usage()
    return { bytes, quotaBytes }
  }
  return { provider, found, settler, offers, storage, failed }
}
