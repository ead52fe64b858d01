import type { Isolation, RuntimeName } from './execution.ts'
import type { BoundedLimits, LimitKey } from './limits.ts'

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
  readonly capacity: {
    readonly total: StatusResources
    readonly used: StatusResources
  }
  readonly storage: { readonly bytes: number; readonly quotaBytes: number }
  readonly runtimes: readonly RuntimeStatus[]
  /** What sandboxes denied to tasks since the node started; runtimes that denied nothing are not in it. */
  readonly denied: readonly DeniedTotals[]
}

/** Of `tasks` that were denied something: system calls, memory to go on with, processes and threads. */
export interface DeniedTotals {
  readonly runtime: RuntimeName
  readonly tasks: number
  readonly systemCalls: number
  readonly oomKills: number
  readonly pids: number
}

export interface StatusResources {
  readonly slots: number
  readonly cpuMilliCores: number
  readonly memoryBytes: number
  readonly diskBytes: number
}

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
    }
  | { readonly runtime: RuntimeName; readonly available: false; readonly why: string }
