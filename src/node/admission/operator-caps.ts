import type { AvailableRuntime, Capability } from '../../executors/executor.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import { LIMIT_KEYS, type BoundedLimits, type LimitKey, type RequestedLimits } from '../../protocol/limits.ts'
import type { RuntimeClassStatus, RuntimeStatus } from '../../protocol/node-status.ts'
import type { Offer } from './offers.ts'
import type { Config } from '../config/config.ts'

/** The weight that everybody has (cgroups: cpu.shares). */
const USUAL_SHARES = 1024

/** The most that the operator lets one task of a runtime have. */
export function capsOf({ config, runtime }: { readonly config: Config; readonly runtime: RuntimeName }): BoundedLimits {
  const { sandbox, capacity } = config
  const shared = {
    cpuTimeMs: sandbox.cpuTimeLimitMs,
    idleTimeMs: sandbox.idleTimeoutMs,
    diskBytes: sandbox.diskLimitBytes,
    inodes: sandbox.inodeLimit,
    outputBytes: sandbox.outputLimitBytes,
    openFiles: sandbox.openFilesLimit,
    memoryBytes: sandbox[runtime].memoryLimitBytes,
    wallTimeMs: sandbox[runtime].timeoutMs,
  }
  if (runtime === 'wasm') {
    const { stackSizeBytes: stackBytes, fuelLimit } = sandbox.wasm
    const fuel = fuelLimit === undefined ? {} : { fuel: fuelLimit }
    return { ...shared, cpuCores: capacity.cpuCores, stackBytes, pids: 1024, ...fuel }
  }
  const { cpuLimitCores, pidsLimit } = sandbox[runtime]
  const gpus = runtime === 'docker' ? sandbox.docker.gpus.length : 0
  return {
    ...shared,
    cpuCores: cpuLimitCores,
    cpuShares: sandbox.cpuSharesLimit,
    pids: pidsLimit,
    ...(runtime === 'native' && { stackBytes: sandbox.native.stackSizeBytes }),
    ...(gpus > 0 && { gpus }),
  }
}

/** What a task has that does not ask, where that is not the cap. */
function defaultsOf({ config, runtime }: { readonly config: Config; readonly runtime: RuntimeName }): RequestedLimits {
  return runtime === 'wasm'
    ? { cpuCores: Math.min(1, config.capacity.cpuCores), pids: 1 }
    : { cpuShares: Math.min(USUAL_SHARES, config.sandbox.cpuSharesLimit) }
}

/** What is offered: what the operator allows, as far as this host can enforce it. */
export function offersOf({
  config,
  capabilities,
  waivesAsked = false,
}: {
  readonly config: Config
  readonly capabilities: readonly Capability[]
  readonly waivesAsked?: boolean
}): readonly Offer[] {
  return capabilities.map((capability) => ({
    runtime: capability.runtime,
    caps: capsOf({ config, runtime: capability.runtime }),
    defaults: defaultsOf({ config, runtime: capability.runtime }),
    ...(capability.runtime !== 'wasm' && { required: ['pids'] }),
    waivesAsked,
    capability,
  }))
}

/** The caps that this host cannot enforce: they are not offered, and a task that needs one is refused. Waived ones are none of them. */
export function unenforced({ caps, capability }: Offer): readonly LimitKey[] {
  if (!capability.available) return []
  const known = new Set([...capability.proven.map(({ limit }) => limit), ...(capability.waived ?? [])])
  return LIMIT_KEYS.filter((key) => caps[key] !== undefined && !known.has(key))
}

/** An offer as the local status shows it. */
export function runtimeStatusOf({ runtime, caps, capability }: Offer): RuntimeStatus {
  if (!capability.available) return { runtime, available: false, why: capability.why }
  const { isolation, proven, unproven, waived = [], features } = capability
  const classes = classStatusesOf(capability)
  return {
    ...{ runtime, available: true, caps, isolation, proven, unproven, waived, features },
    ...(classes.length > 0 && { classes }),
  }
}

function classStatusesOf({ classes = [], refusedClasses = [] }: AvailableRuntime): readonly RuntimeClassStatus[] {
  return [
    ...classes.map(({ name, isolation, proven, unproven }) => ({
      ...{ name, isolation, proven, unproven },
      available: true as const,
    })),
    ...refusedClasses.map(({ name, why }) => ({ name, available: false as const, why })),
  ]
}
