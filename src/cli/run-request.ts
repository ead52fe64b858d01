import type { Cli } from './cli.ts'
import type { ResultOptions } from './see-through.ts'
import type { TaskOptions } from './task-overrides.ts'

/** The options of `souk run`, as commander parses them; those of LIMIT_OPTIONS are there as well. */
export interface RunOptions extends TaskOptions, ResultOptions {
  readonly to?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly local?: boolean
  readonly degraded?: boolean
  readonly config?: string
  readonly key?: string
  readonly chainId?: string
  readonly wasm?: string
  readonly native?: string
  readonly docker?: string
  readonly rootfs?: string
  readonly insecureRegistry?: readonly string[]
  readonly detach?: boolean
}

export interface RunRequest {
  readonly cli: Cli
  readonly file: string | undefined
  readonly args: readonly string[]
  readonly options: RunOptions
}
