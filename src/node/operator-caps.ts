import type { Capability } from '../executors/executor.ts'
import type { RuntimeName } from '../protocol/execution.ts'
import { LIMIT_KEYS, type LimitKey, type Limits } from '../protocol/limits.ts'
import type { RuntimeStatus } from '../protocol/node-status.ts'
import type { Offer } from './offers.ts'
import type { Config } from './config.ts'

/** The most that the operator lets one task of a runtime have. */
export function capsOf({ config, runtime }: { readonly config: Config; readonly runtime: RuntimeName }): Limits {
  const { sandbox, capacity } = config
  const shared = {
    cpuCores: capacity.cpuCores,
    cpuTimeMs: sandbox.cpuTimeLimitMs,
    idleTimeMs: sandbox.idleTimeoutMs,
    diskBytes: sandbox.diskLimitBytes,
    inodes: sandbox.inodeLimit,
    outputBytes: sandbox.outputLimitBytes,
    openFiles: sandbox.openFilesLimit,
  }
  if (runtime === 'docker') {
    return {
      ...shared,
      cpuCores: sandbox.docker.cpuLimitCores,
      memoryBytes: sandbox.docker.memoryLimitBytes,
      wallTimeMs: sandbox.wasm.timeoutMs,
    }
  }
  return {
    ...shared,
    memoryBytes: sandbox.wasm.memoryLimitBytes,
    stackBytes: sandbox.wasm.stackSizeBytes,
    wallTimeMs: sandbox.wasm.timeoutMs,
    pids: 1024,
  }
}

/** What is offered: what the operator allows, as far as this host can enforce it. */
export function offersOf({
  config,
  capabilities,
}: {
  readonly config: Config
  readonly capabilities: readonly Capability[]
}): readonly Offer[] {
  return capabilities.map((capability) => ({
    runtime: capability.runtime,
    caps: capsOf({ config, runtime: capability.runtime }),
    ...(capability.runtime === 'wasm' && { defaults: { cpuCores: Math.min(1, config.capacity.cpuCores), pids: 1 } }),
    capability,
  }))
}

/** The caps that this host cannot enforce: they are not offered, and a task that needs one is refused. */
export function unenforced({ caps, capability }: Offer): readonly LimitKey[] {
  if (!capability.available) return []
  const proven = new Set(capability.proven.map(({ limit }) => limit))
  return LIMIT_KEYS.filter((key) => caps[key] !== undefined && !proven.has(key))
}

/** An offer as the local status shows it. */
export function runtimeStatusOf({ runtime, caps, capability }: Offer): RuntimeStatus {
  if (!capability.available) return { runtime, available: false, why: capability.why }
  const { isolation, proven, unproven } = capability
  return { runtime, available: true, caps, isolation, proven, unproven }
}
