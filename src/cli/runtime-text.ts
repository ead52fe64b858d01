import type { RuntimeStatus } from '../protocol/node-status.ts'
import { printable } from './printable.ts'
import { formatSize } from './quantities.ts'
import type { Colors } from './terminal.ts'

/** One line on a runtime: what it is and what it offers, or why not. */
export function describeRuntime({ runtime, colors }: { readonly runtime: RuntimeStatus; readonly colors: Colors }): string {
  const name = runtime.runtime.padEnd(NAME_WIDTH)
  if (!runtime.available) return `${name} ${colors.yellow('not available')}: ${printable(runtime.why)}`
  const { caps, isolation } = runtime
  return `${name} ${colors.green('available')}: ${isolation.engine}; a task has up to ${formatSize(caps.memoryBytes)} memory, ${caps.wallTimeMs / 1000} s`
}

/** The longest name of a runtime. */
const NAME_WIDTH = 'docker'.length
