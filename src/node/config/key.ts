import type { Kind } from './kinds.ts'

export interface ConfigKey<T> {
  readonly kind: Kind<T>
  /** As it would be written in an environment variable; what `auto` and `~` stand for depends on the machine. */
  readonly default: string
  /** What `auto` comes to. */
  readonly auto?: string
  readonly doc: string
}

export function key<T>(entry: ConfigKey<T>): ConfigKey<T> {
  return entry
}

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB
