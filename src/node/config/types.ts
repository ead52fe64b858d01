import type { OfferedRegistry } from '../../executors/docker/images/registries.ts'
import type { WasmHost, WasmReuse } from '../../executors/wasm/choices.ts'
import type { OfferedImage } from '../../native/images.ts'
import type { NativeMode } from '../../native/mode.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import type { Rates } from '../../protocol/price.ts'
import type { DiscoveryKind, RelayRole } from './network-keys.ts'
import type { OfferedMount, OfferedRoot } from './items.ts'
import type { SettlementConfig } from './settlement-keys.ts'

/** What tasks of each runtime cost. */
export type Prices = { readonly [R in RuntimeName]: Rates }

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * The operator's configuration as the node reads it: effective values, deeply frozen. Sizes are bytes, times
 * milliseconds, money is wei, paths are absolute. Which key of the file each comes from, and what it means,
 * is in schema.ts (and, generated from it, in docs/CONFIG.md).
 */
export interface Config {
  readonly node: {
    readonly dataDir: string
    /** `souk`, `990` or `990:990`; absent where the node stays who starts it. */
    readonly user?: string
    readonly logLevel: LogLevel
  }
  readonly network: {
    /** Multiaddrs that the node listens on. */
    readonly listen: readonly string[]
    /** Multiaddrs that it tells others; those it listens on where empty. */
    readonly announce: readonly string[]
    readonly maxConnections: number
    /** How others are found and find this node; nothing of it where empty. */
    readonly discovery: readonly DiscoveryKind[]
    /** Multiaddrs of peers, with their peer ids. */
    readonly bootstrap: readonly string[]
    readonly mdns: boolean
    readonly relay: RelayRole
    /** What a relay does for others at most; bytes and time of one connection. */
    readonly relayLimits: { readonly reservations: number; readonly bytes: number; readonly durationMs: number }
    readonly holePunching: boolean
    readonly autonat: boolean
    readonly upnp: boolean
    /** Of a private network; an open one where absent. */
    readonly privateKeyFile?: string
  }
  readonly chain: {
    /** EIP-155 chain id; 0 without a chain. */
    readonly id: number
  }
  /** What all tasks together may use. */
  readonly capacity: {
    readonly slots: number
    readonly cpuCores: number
    readonly memoryBytes: number
    readonly diskBytes: number
  }
  readonly queue: {
    readonly maxTasks: number
    /** The longest queue timeout a task may ask for, and what it has where it asks for none. */
    readonly maxWaitMs: number
  }
  readonly peers: {
    /** Ethereum addresses, lower case. */
    readonly known: readonly string[]
    /** Fraction of slots, queue and storage that one peer may hold (at least one slot and one place). */
    readonly share: number
    /** The same, for all peers together that are not known. */
    readonly unknownShare: number
  }
  readonly timeouts: {
    /** From acceptance to the end of the last attempt: the most, and the default. */
    readonly totalMs: number
    /** How long a stopping node waits for running tasks. */
    readonly drainMs: number
  }
  readonly storage: {
    readonly quotaBytes: number
    /** All blobs that one task names, together. */
    readonly taskInputLimitBytes: number
  }
  readonly retention: {
    readonly resultsMs: number
    readonly maxResults: number
  }
  /** Results of deterministic tasks that are given again. */
  readonly cache: {
    readonly enabled: boolean
    readonly maxEntries: number
    readonly maxBytes: number
    /** What an answer costs, in percent of what computing it did. */
    readonly percent: number
  }
  readonly retry: {
    readonly max: number
  }
  readonly pricing: {
    readonly rates: Prices
    /** What is run for nothing per day: for each known peer, and for all others together. */
    readonly freeAllowanceWei: bigint
  }
  readonly settlement: SettlementConfig
  /** The caps that this provider offers; each is also what a task has that does not ask. */
  readonly sandbox: {
    readonly defaultRuntime: RuntimeName
    readonly diskLimitBytes: number
    readonly inodeLimit: number
    readonly outputLimitBytes: number
    readonly openFilesLimit: number
    readonly cpuTimeLimitMs: number
    readonly idleTimeoutMs: number
    /** Weight against other tasks, of runtimes that have one. */
    readonly cpuSharesLimit: number
    readonly wasm: {
      readonly enabled: boolean
      readonly memoryLimitBytes: number
      readonly stackSizeBytes: number
      /** The wall time of one attempt. */
      readonly timeoutMs: number
      readonly maxModuleBytes: number
      readonly compileTimeoutMs: number
      /** Sandbox processes kept ready for the next task. */
      readonly prewarm: number
      readonly host: WasmHost
      readonly reuse: WasmReuse
      /** Instructions of one task; only those are metered that ask for it where absent. */
      readonly fuelLimit?: number
    }
    readonly native: {
      readonly enabled: boolean
      readonly mode: NativeMode
      readonly memoryLimitBytes: number
      readonly cpuLimitCores: number
      readonly pidsLimit: number
      /** The wall time of one attempt. */
      readonly timeoutMs: number
      readonly stackSizeBytes: number
      /** Absent: nobody, or without root the launcher's own. */
      readonly uid?: number
      readonly gid?: number
      /** Without a path: this host's /usr. */
      readonly rootfs: readonly OfferedRoot[]
      /** Folders that tasks may read. */
      readonly mounts: readonly OfferedMount[]
      /** What a tar file, or an image that a task brings, may come to, unpacked. */
      readonly maxRootBytes: number
      readonly images: readonly OfferedImage[]
      /** What unpacked images may take of the disk. */
      readonly imageCacheBytes: number
      /** Of a launcher that the operator runs; the node starts its own where absent. */
      readonly launcherSocket?: string
    }
    readonly docker: {
      readonly enabled: boolean
      readonly socket: string
      /** Image ids, pinned images, repositories, and `NAME/*`. */
      readonly images: readonly string[]
      /** Runtimes of the engine, the first for tasks that name none; the engine's own default where empty. */
      readonly classes: readonly string[]
      /** Containers that wait for tasks. */
      readonly prewarm: number
      /** How long a running task waits for the node to come back; 0: not at all. */
      readonly reattachMs: number
      /** Those that images are pulled from. */
      readonly registries: readonly OfferedRegistry[]
      /** Whether a task may bring an image. */
      readonly archives: boolean
      /** Of one image that comes from elsewhere, compressed, and unpacked. */
      readonly maxImageBytes: number
      readonly pullTimeoutMs: number
      /** What all of those may take of the disk, unpacked. */
      readonly imageCacheBytes: number
      readonly memoryLimitBytes: number
      readonly cpuLimitCores: number
      /** As cpuset(7) lists cores; all where absent. */
      readonly cpuset?: string
      readonly pidsLimit: number
      /** The wall time of one attempt. */
      readonly timeoutMs: number
      readonly uid: number
      readonly gid: number
      /** Ids of GPUs that tasks may have, each one task at a time. */
      readonly gpus: readonly string[]
      readonly networkMode: 'none'
      readonly privileged: false
    }
  }
}
