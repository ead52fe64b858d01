import type { RuntimeStatus } from '../protocol/node-status.ts'
import { formatBytes, formatDurationMs } from '../protocol/units.ts'
import { printable } from './printable.ts'
import type { Colors } from './terminal.ts'

/** One line on a runtime: what it is and what it offers, or why not. */
export function describeRuntime({
  runtime,
  colors,
}: {
  readonly runtime: RuntimeStatus
  readonly colors: Colors
}): string {
  const name = runtime.runtime.padEnd(NAME_WIDTH)
  if (!runtime.available) return `${name} ${colors.yellow('not available')}: ${printable(runtime.why)}`
  const { memoryBytes, wallTimeMs } = runtime.caps
  return `${name} ${colors.green('available')}: a task has up to ${formatBytes(memoryBytes)} of memory and ${formatDurationMs(wallTimeMs)} of time`
}

/** The longest name of a runtime. */
const NAME_WIDTH = 'docker'.length
