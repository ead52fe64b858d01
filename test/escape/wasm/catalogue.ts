import type { WasmExecutorOptions } from '../../../src/executors/wasm/executor.ts'
import type { WasmAttack } from './attack.ts'
import { ATTACKS_BY_FEATURES } from './attacks-by-features.ts'
import { ATTACKS_BY_FILES } from './attacks-by-files.ts'
import { ATTACKS_BY_MODULES, INVALID_MODULES } from './attacks-by-modules.ts'
import { ATTACKS_ON_CALLS } from './attacks-on-calls.ts'
import { ATTACKS_ON_LIMITS } from './attacks-on-limits.ts'
import { ATTACKS_BY_INDEX, ATTACKS_ON_GROWTH } from './attacks-on-growth.ts'

/** Attacks that are tried on one runtime after each other, before the host is looked at for what is left of them. */
export interface AttackGroup {
  readonly name: string
  readonly attacks: readonly WasmAttack[]
  /** How that runtime differs from a provider's. */
  readonly options?: Partial<Omit<WasmExecutorOptions, 'instanceDir' | 'confinement'>>
}

export const GROUPS: readonly AttackGroup[] = [
  { name: 'modules that are none, or too much', attacks: ATTACKS_BY_MODULES },
  { name: 'modules that are not valid', attacks: INVALID_MODULES },
  { name: 'what a module may not have', attacks: ATTACKS_BY_FEATURES },
  { name: 'growth', attacks: ATTACKS_ON_GROWTH },
  { name: 'indices', attacks: ATTACKS_BY_INDEX },
  { name: 'calls of the host', attacks: ATTACKS_ON_CALLS },
  { name: 'files', attacks: ATTACKS_BY_FILES },
  { name: 'limits', attacks: ATTACKS_ON_LIMITS },
]
