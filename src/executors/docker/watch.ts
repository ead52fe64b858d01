import type { LiveUsage } from '../executor.ts'
import type { Counters } from './counters.ts'

export interface WatchLimits {
  readonly cpuTimeMs: number | undefined
  readonly idleTimeMs: number | undefined
  /** How many cores can be used at once, and so how fast CPU time can pass. */
  readonly cpuCores: number
}

export interface WatchOptions {
  readonly counters: Counters
  readonly limits: WatchLimits
  /** The task may be waiting for a reader of its output, so it is not idle of its own will. */
  isBlocked(): boolean
  /** Called once, with the first limit that is met. */
  onLimit(limit: 'cpuTime' | 'idleTime' | 'memory'): void
  /** Called about once a second with what the task uses now. */
  onUsage(usage: LiveUsage): void
}

const LONGEST_INTERVAL_MS = 50
const SHORTEST_INTERVAL_MS = 2
const USAGE_INTERVAL_MS = 1000

/**
 * Watches a container from outside, from now on. The next look is due when the CPU or idle time could be used up at
 * the earliest, and at least every 50 ms. One process that was killed for want of memory ends the whole task.
 *
 * @returns how to stop it.
 */
export function watchContainer({ counters, limits, isBlocked, onLimit, onUsage }: WatchOptions): () => void {
  const { cpuTimeMs = Infinity, idleTimeMs = Infinity, cpuCores } = limits
  let timer: NodeJS.Timeout | undefined
  let cpuMs = 0
  let lastActiveMs = performance.now()
  let lastUsageMs = lastActiveMs

  const limitMet = (): 'cpuTime' | 'idleTime' | 'memory' | undefined => {
    if (counters.oomKills() > 0) return 'memory'
    if (cpuMs >= cpuTimeMs) return 'cpuTime'
    return performance.now() - lastActiveMs >= idleTimeMs ? 'idleTime' : undefined
  }
  const tellUsage = (): void => {
    if (performance.now() - lastUsageMs < USAGE_INTERVAL_MS) return
    lastUsageMs = performance.now()
    const usage = counters.now()
    if (usage !== undefined) onUsage(usage)
  }
  const look = (): void => {
    const now = counters.cpuTimeMs()
    // Kept for later: a kernel of the task's own dies of it, and its control group may be gone before its end is heard of.
    counters.pidsDenied()
    if (now > cpuMs || isBlocked()) lastActiveMs = performance.now()
    cpuMs = Math.max(cpuMs, now)
    const limit = limitMet()
    if (limit !== undefined) return onLimit(limit)
    tellUsage()
    const idleLeftMs = idleTimeMs - (performance.now() - lastActiveMs)
    const nextMs = Math.min(LONGEST_INTERVAL_MS, (cpuTimeMs - cpuMs) / cpuCores, idleLeftMs)
    timer = setTimeout(look, Math.max(SHORTEST_INTERVAL_MS, nextMs))
  }
  look()
  return () => clearTimeout(timer)
}
