import type { Outcome, Usage } from '../../protocol/execution.ts'
import type { LimitName } from '../../protocol/limits.ts'
import { counted, formatCount, formatElapsed, formatSize } from './quantities.ts'
import type { Colors } from './terminal.ts'

const LIMITS: { readonly [L in LimitName]: string } = {
  wallTime: 'wall time',
  cpuTime: 'CPU time',
  idleTime: 'idle time',
  memory: 'memory',
  pids: 'pids',
  disk: 'disk',
  inodes: 'inodes',
  output: 'output',
  openFiles: 'open files',
  fuel: 'fuel',
}

/** How a task ended, in a few words. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'exited':
      return `exited ${outcome.code}`
    case 'killed':
      return `killed by ${outcome.signal}`
    case 'trapped':
      return `trapped: ${outcome.trap}`
    case 'limit':
      return `${LIMITS[outcome.limit]} limit`
    case 'cancelled':
      return 'cancelled'
  }
}

/** The same in the colour of how it went. */
export function colouredOutcome(outcome: Outcome, colors: Colors): string {
  const text = outcomeText(outcome)
  if (outcome.kind === 'cancelled') return colors.yellow(text)
  return outcome.kind === 'exited' && outcome.code === 0 ? colors.green(text) : colors.red(text)
}

/** What a task used that a person may want to know, but for the limit that ended it: `1.20s, 0.90s CPU, 12.3m memory, 3 output files`. */
export function usageText({
  outcome,
  usage,
  outputs,
}: {
  readonly outcome: Outcome
  readonly usage: Usage
  readonly outputs: number
}): string {
  const { wallTimeMs, cpuTimeMs, memoryPeakBytes, pidsPeak = 1, ioReadBytes = 0, ioWriteBytes = 0 } = usage
  const parts = [formatElapsed(wallTimeMs), `${formatElapsed(cpuTimeMs)} CPU`]
  // Of a task that was killed nobody may know.
  if (memoryPeakBytes > 0) parts.push(`${formatSize(memoryPeakBytes)} memory`)
  if (pidsPeak > 1) parts.push(`${pidsPeak} processes at once`)
  if (ioReadBytes > 0) parts.push(`${formatSize(ioReadBytes)} read from disk`)
  if (ioWriteBytes > 0) parts.push(`${formatSize(ioWriteBytes)} written to disk`)
  if (usage.fuelUsed !== undefined) parts.push(`${formatCount(usage.fuelUsed)} fuel`)
  if (usage.overshootMs !== undefined) parts.push(`${formatElapsed(usage.overshootMs)} past its limit`)
  if (outputs > 0) parts.push(counted(outputs, 'output file'))
  const alsoHit = usage.limitsHit.filter((limit) => outcome.kind !== 'limit' || outcome.limit !== limit)
  if (alsoHit.length > 0)
    parts.push(`met its ${alsoHit.map((limit) => LIMITS[limit]).join(', ')} limit${alsoHit.length === 1 ? '' : 's'}`)
  return parts.join(', ')
}
