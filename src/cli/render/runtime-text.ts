import type { RuntimeStatus } from '../../protocol/node-status.ts'
import { formatBytes, formatDurationMs } from '../../protocol/units.ts'
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
  const { waived } = runtime
  const state = waived.length === 0 ? colors.green('available') : colors.yellow('degraded')
  const memory = waived.includes('memoryBytes') ? '' : `${formatBytes(memoryBytes)} of memory and `
  const without = waived.length === 0 ? '' : `; nothing holds it to a limit on ${waived.join(', ')}`
  return `${name} ${state}: a task has up to ${memory}${formatDurationMs(wallTimeMs)} of time${without}`
}

/** The longest name of a runtime. */
const NAME_WIDTH = 'docker'.length
