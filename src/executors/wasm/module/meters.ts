import type { ModuleShape } from './inspect.ts'
import { VALUE } from './types.ts'

/** How a module is rewritten; nothing here depends on a task's limits, so that the result can be kept. */
export interface RewriteOptions {
  /** Count what is executed, and end the task where there is no fuel left. */
  readonly fuel: boolean
  /** Implies `fuel`; NaNs are canonical and the depth of calls is metered, so that every provider comes to the same. */
  readonly deterministic: boolean
  /**
   * `own`: the module defines the meters and exports them. `imported`: it imports them from module `souk` under the
   * names of {@link METERS}, and may import memories, tables and globals: for modules that share one budget.
   */
  readonly meters: 'own' | 'imported'
}

/** The meters, all of them mutable globals, in the order of their indices. */
export const METERS = {
  /** Bytes that memory, tables and the file system may still take. */
  budget: VALUE.i64,
  /** One of {@link REFUSED} where a growth was refused. */
  refused: VALUE.i32,
  /** Fuel that is left; below 0 where there was too little. */
  fuel: VALUE.i64,
  /** Bytes of stack that calls may still take, as {@link Operands.frameBytes} counts them; below 0 where there were too few. */
  depth: VALUE.i32,
} as const
export type Meter = keyof typeof METERS

export const REFUSED = {
  /** For want of budget; the module went on. */
  budget: 1,
  /** By the engine, with budget and maximum left: deterministic modules trap then, as elsewhere they would not have. */
  engine: 2,
} as const

/**
 * The depth to start a deterministic module with, in a process whose stack V8 takes to have `stackBytes`: the rest is for
 * the frames of the host's calls and of the functions too small to be counted.
 */
export const depthOf = (stackBytes: number): number => Math.floor((stackBytes * 3) / 4)

export const PAGE_BYTES = 65_536
/** What one element of a table is counted as: a reference and V8's dispatch entry beside it. */
export const TABLE_ELEMENT_BYTES = 32
/** Fuel of a page that memory grows by, for its zeros: 1 for 8 bytes, as of the bulk instructions. */
export const PAGE_FUEL = 8192

/** The meters that a module gets, with the index of each. */
export function meterIndices(
  shape: ModuleShape,
  { fuel, deterministic, meters }: RewriteOptions,
): ReadonlyMap<Meter, number> {
  const wanted: readonly Meter[] = [
    'budget',
    'refused',
    ...(fuel || deterministic ? ['fuel' as const] : []),
    ...(deterministic ? ['depth' as const] : []),
  ]
  const first = meters === 'own' ? shape.globalCount : shape.importedGlobals
  return new Map(wanted.map((meter, place) => [meter, first + place]))
}
