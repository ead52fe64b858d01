import type { RuntimeName } from '../../protocol/execution.ts'
import type { AdmissionPolicy } from './admission.ts'
import { milliCoresOf, type Resources, type Shares } from '../scheduler/capacity.ts'
import type { Config } from '../config/config.ts'
import type { Offer } from './offers.ts'
import type { RetentionPolicy } from '../results/retention.ts'

/** Of receipts and specs: well below what the journal holds, and they are in memory too. */
const MAX_KEPT_JOURNAL_BYTES = 128 * 1024 ** 2

/** What is kept of settled tasks. */
export function retentionOf({ retention, storage }: Config): RetentionPolicy {
  return {
    resultsMs: retention.resultsMs,
    most: {
      results: retention.maxResults,
      journaledBytes: MAX_KEPT_JOURNAL_BYTES,
      outputBytes: storage.quotaBytes,
    },
  }
}

/** What all tasks together may use. */
export function resourcesOf({ capacity, sandbox }: Config): Resources {
  return {
    slots: capacity.slots,
    cpuMilliCores: milliCoresOf(capacity.cpuCores),
    memoryBytes: capacity.memoryBytes,
    diskBytes: capacity.diskBytes,
    gpus: sandbox.docker.enabled ? sandbox.docker.gpus.length : 0,
  }
}

/** The admission policy that follows from the configuration. */
export function policyOf(options: {
  readonly config: Config
  readonly address: string
  /** As things stand now. */
  readonly offers: () => readonly Offer[]
}): AdmissionPolicy {
  const { config, address, offers } = options
  return {
    provider: address,
    chainId: config.chain.id,
    get offers() {
      return offers()
    },
    defaultRuntime: config.sandbox.defaultRuntime,
    prices: config.pricing.rates,
    maxQueueWaitMs: config.queue.maxWaitMs,
    maxTotalMs: config.timeouts.totalMs,
    maxRetries: config.retry.max,
    maxInputBytes: config.storage.taskInputLimitBytes,
    maxQueued: config.queue.maxTasks,
    shares: sharesOf(config),
    capacity: resourcesOf(config),
  }
}

/** The fractions that one requester, and all unknown ones together, may have. */
export function sharesOf({ peers }: Config): Shares {
  return { peer: peers.share, unknownPeers: peers.unknownShare }
}

/** The configuration with exactly these runtimes enabled. */
export function withRuntimes(config: Config, on: readonly RuntimeName[]): Config {
  const { wasm, native, docker } = config.sandbox
  return {
    ...config,
    sandbox: {
      ...config.sandbox,
      wasm: { ...wasm, enabled: on.includes('wasm') },
      native: { ...native, enabled: on.includes('native') },
      docker: { ...docker, enabled: on.includes('docker') },
    },
  }
}
