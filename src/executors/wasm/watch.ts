import { openUsage } from './proc.ts'

export interface WatchLimits {
  readonly cpuTimeMs: number | undefined
  readonly idleTimeMs: number | undefined
  /** Of the whole process: a backstop for memory that no counter of ours sees. */
  readonly residentBytes: number
}

export interface WatchOptions {
  readonly pid: number
  readonly limits: WatchLimits
  /** The task may be waiting for a reader of its output, so it is not idle of its own will. */
  isBlocked(): boolean
  /** Called once, with the first limit that is met. */
  onLimit(limit: 'cpuTime' | 'idleTime' | 'memory'): void
}

export interface Watch {
  /** The task's first instruction runs now: CPU and idle time count from here. */
  start(): void
  /** CPU time of the task so far; what was last seen once it is dead. */
  cpuTimeMs(): number
  /** Of the whole process, now; Infinity once it is gone or no longer watched. */
  residentBytes(): number
  stop(): void
}

const LONGEST_INTERVAL_MS = 50
const SHORTEST_INTERVAL_MS = 2

/**
 * Watches a process from outside. One thread cannot use CPU faster than time passes, so the next look is due when
 * the limit could be met at the earliest, and at least every 50 ms.
 */
export function watchProcess({ pid, limits, isBlocked, onLimit }: WatchOptions): Watch {
  const usage = openUsage(pid)
  let timer: NodeJS.Timeout | undefined
  let startCpuMs: number | undefined
  let cpuMs = 0
  let lastActiveMs = performance.now()
  let stopped = false

  const sample = (): void => {
    const now = usage.cpuTimeMs()
    if (now === undefined || startCpuMs === undefined) return
    if (now - startCpuMs > cpuMs || isBlocked()) lastActiveMs = performance.now()
    cpuMs = Math.max(cpuMs, now - startCpuMs)
  }
  const limitMet = (): 'cpuTime' | 'idleTime' | 'memory' | undefined => {
    if ((usage.residentBytes() ?? 0) > limits.residentBytes) return 'memory'
    if (startCpuMs === undefined) return undefined
    if (limits.cpuTimeMs !== undefined && cpuMs >= limits.cpuTimeMs) return 'cpuTime'
    if (limits.idleTimeMs !== undefined && performance.now() - lastActiveMs >= limits.idleTimeMs) return 'idleTime'
    return undefined
  }
  const nextMs = (): number => {
    const started = startCpuMs !== undefined
    const cpuLeftMs = started && limits.cpuTimeMs !== undefined ? limits.cpuTimeMs - cpuMs : Infinity
    const idleLeftMs =
      started && limits.idleTimeMs !== undefined ? limits.idleTimeMs - (performance.now() - lastActiveMs) : Infinity
    return Math.max(SHORTEST_INTERVAL_MS, Math.min(LONGEST_INTERVAL_MS, cpuLeftMs, idleLeftMs))
  }
  const tick = (): void => {
    sample()
    const limit = limitMet()
    if (limit === undefined) timer = setTimeout(tick, nextMs())
    else onLimit(limit)
  }
  const stop = (): void => {
    if (stopped) return
    stopped = true
    clearTimeout(timer)
    usage.close()
  }
  tick()
  return {
    start() {
      if (stopped) return
      startCpuMs = usage.cpuTimeMs() ?? 0
      lastActiveMs = performance.now()
      clearTimeout(timer)
      timer = setTimeout(tick, nextMs())
    },
    cpuTimeMs() {
      if (!stopped) sample()
      return cpuMs
    },
    residentBytes: () => (stopped ? Infinity : (usage.residentBytes() ?? Infinity)),
    stop,
  }
}
