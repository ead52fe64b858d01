import type { Outcome, Usage } from '../../protocol/execution.ts'
import { LIMIT_NAMES, type BoundedLimits, type LimitName } from '../../protocol/limits.ts'
import type { Report } from './channel.ts'
import type { Ended } from './host-process.ts'

/** Why a run is over, as far as the task is concerned; whichever comes first. */
export type Ending =
  | { readonly kind: 'guest'; readonly report: Extract<Report, { event: 'ended' }> }
  | { readonly kind: 'stopped'; readonly outcome: Outcome }
  | { readonly kind: 'failed'; readonly error: unknown }

type TaskEnding = Exclude<Ending, { readonly kind: 'failed' }>

/** Signals by which V8 gives up: while it compiles that is the module's doing, while it runs it the task's. */
const CRASH_SIGNALS: ReadonlySet<NodeJS.Signals | null> = new Set<NodeJS.Signals>([
  'SIGABRT',
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGTRAP',
])
/** What V8 says before it gives up: lists that a component passes to its host are arrays of JavaScript there. */
const OUT_OF_HEAP = /JavaScript heap out of memory/

/** The signal by which V8 gave up; null where the process ended otherwise. */
export function crashOf({ signal }: Ended): NodeJS.Signals | null {
  return CRASH_SIGNALS.has(signal) ? signal : null
}

/** What a task has come to whose process has crashed, or was killed for what it said. */
export function outcomeOfCrash(signal: NodeJS.Signals, { message }: Error): Outcome {
  return OUT_OF_HEAP.test(message) ? { kind: 'limit', limit: 'memory' } : { kind: 'killed', signal }
}

/** What was seen of a run from outside its process. */
export interface Seen {
  readonly wallTimeMs: number
  readonly cpuTimeMs: number
  readonly memoryPeakBytes: number
  readonly outputBytes: number
}

export function outcomeOf(ending: TaskEnding): Outcome {
  if (ending.kind === 'stopped') return ending.outcome
  const { end } = ending.report
  return end.kind === 'output' || end.kind === 'fuel' ? { kind: 'limit', limit: end.kind } : end
}

/**
 * What a task used: as its process says where it came to its end there, believed only as far as that can be (one thread, and
 * its own limits), and as it was seen where it was stopped.
 */
export function usageOf(ending: TaskEnding, limits: BoundedLimits, seen: Seen): Usage {
  const outcome = outcomeOf(ending)
  const said = ending.kind === 'guest' ? ending.report : undefined
  const hit = new Set<LimitName>(said?.limitsHit)
  if (outcome.kind === 'limit') hit.add(outcome.limit)
  return {
    wallTimeMs: seen.wallTimeMs,
    cpuTimeMs: said === undefined ? seen.cpuTimeMs : Math.min(said.cpuTimeMs, seen.wallTimeMs),
    memoryPeakBytes: Math.min(limits.memoryBytes, said?.memoryPeakBytes ?? seen.memoryPeakBytes),
    outputBytes: seen.outputBytes,
    limitsHit: LIMIT_NAMES.filter((limit) => hit.has(limit)),
    ...(said?.fuelUsed !== undefined && { fuelUsed: Math.min(limits.fuel ?? Infinity, said.fuelUsed) }),
  }
}
