import type { Isolation, RuntimeName } from './execution.ts'
import type { BoundedLimits, LimitKey, Limits } from './limits.ts'
import type { OfferDocument } from './offer-document.ts'

/** What `souk node status` shows: the answer of a node's local socket to `GET /status`. */
export interface NodeStatus {
  readonly version: string
  readonly pid: number
  readonly peerId: string
  readonly address: string
  readonly multiaddrs: readonly string[]
  readonly startedAtMs: number
  readonly stopping: boolean
  readonly chainId: number
  readonly connections: number
  readonly tasks: {
    readonly queued: number
    readonly preparing: number
    readonly running: number
    readonly finished: number
    readonly failed: number
  }
  /** What runs now, in the order in which it was accepted. */
  readonly running: readonly RunningTask[]
  readonly capacity: {
    readonly total: StatusResources
    readonly used: StatusResources
  }
  readonly storage: { readonly bytes: number; readonly quotaBytes: number }
  readonly runtimes: readonly RuntimeStatus[]
  /** What sandboxes denied to tasks since the node started; runtimes that denied nothing are not in it. */
  readonly denied: readonly DeniedTotals[]
}

/** What `souk peers` shows: the answer of a node's local socket to `GET /peers`. */
export interface PeersStatus {
  /** In the order in which they came. */
  readonly connected: readonly PeerStatus[]
  /** The offers that the node knows, its own included. */
  readonly offers: readonly OfferDocument[]
}

/** What `souk earnings` shows: the answer of a node's local socket to `GET /earnings`. */
export interface EarningsStatus {
  readonly chainId: number
  /** One for each token that there are channels in. */
  readonly sums: readonly (Earned & { readonly token: string; readonly channels: number })[]
  /** Those with the most to be redeemed, at most 1,000 of them. */
  readonly channels: readonly (Earned & {
    readonly channelId: string
    readonly payer: string
    readonly token: string
  })[]
}

/** In wei, or in a token's own smallest unit. */
export interface Earned {
  /** What the newest vouchers are worth. */
  readonly receivedWei: string
  /** What the tasks that have finished came to. */
  readonly chargedWei: string
  /** What the chain has paid out. */
  readonly redeemedWei: string
  /** What is received and not redeemed. */
  readonly pendingWei: string
}

/** A peer with which there is a connection. */
export interface PeerStatus {
  readonly peerId: string
  /** Absent where its key is not one of the kind that has an address. */
  readonly address?: string
  readonly multiaddr: string
  readonly direction: 'inbound' | 'outbound'
  readonly openedAtMs: number
  /** Through a relay, which cuts it off after a small amount. */
  readonly limited: boolean
}

export interface RunningTask {
  readonly taskId: string
  readonly name: string
  /** Ethereum address. */
  readonly requester: string
  readonly runtime: RuntimeName
  readonly startedAtMs: number
  readonly limits: Limits
  /** Absent where its runtime does not tell, and in its first second. */
  readonly usage?: RunningUsage
}

/** What a task used at a time, Unix time in milliseconds. */
export interface RunningUsage {
  readonly atMs: number
  readonly cpuTimeMs: number
  /** Cores used since the time before; absent the first time. */
  readonly cpuCores?: number
  readonly memoryBytes: number
  readonly pids?: number
}

/** Of `tasks` that were denied something, each as often as it was. */
export interface DeniedTotals {
  readonly runtime: RuntimeName
  readonly tasks: number
  readonly systemCalls: number
  /** Processes that were killed for lack of memory. */
  readonly oomKills: number
  /** Times that memory had to be taken back because a task was at its limit. */
  readonly memoryReclaims: number
  /** Processes and threads that were not started. */
  readonly pids: number
  /** Tasks whose disk was full at their end, in bytes or in inodes. */
  readonly fullDisks: number
  /** Tasks that were refused because of their image. */
  readonly images: number
}

export interface StatusResources {
  readonly slots: number
  readonly cpuMilliCores: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly gpus: number
}

/** A low-level runtime that the operator names. */
export type RuntimeClassStatus =
  | {
      readonly name: string
      readonly available: true
      readonly isolation: Isolation
      readonly proven: readonly { readonly limit: LimitKey; readonly how: string }[]
      readonly unproven: readonly { readonly limit: LimitKey; readonly why: string }[]
    }
  | { readonly name: string; readonly available: false; readonly why: string }

export type RuntimeStatus =
  | {
      readonly runtime: RuntimeName
      readonly available: true
      readonly caps: BoundedLimits
      readonly isolation: Isolation
      readonly proven: readonly { readonly limit: LimitKey; readonly how: string }[]
      readonly unproven: readonly { readonly limit: LimitKey; readonly why: string }[]
      /** Those of them that tasks run without: not empty in degraded mode alone. */
      readonly waived: readonly LimitKey[]
      /** What its tasks may ask for besides, or use: `deterministic`, `mount:datasets`, `simd`. */
      readonly features: readonly string[]
      /** Where the operator names any: what tasks get that name none, and what is said of the runtime here, is the first. */
      readonly classes?: readonly RuntimeClassStatus[]
    }
  | { readonly runtime: RuntimeName; readonly available: false; readonly why: string }
