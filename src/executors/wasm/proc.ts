import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** Linux's page size wherever souk runs; statm counts in it (proc_pid_statm(5)). */
const PAGE_BYTES = 4096
const START_TIME_FIELD = 22

/** What tells one process from every other one that has or will have its number (proc_pid_stat(5)). */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from boot to the start of the process. */
  readonly startTicks: string
  readonly bootId: string
}

let bootId: string | undefined

/** Identifies a process, or tells that there is none of that number. */
export function identify(pid: number): ProcessIdentity | undefined {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const startTicks = statFields(pid)?.[START_TIME_FIELD - 3]
  return startTicks === undefined ? undefined : { pid, startTicks, bootId }
}

/** The fields of /proc/PID/stat from the third on: the second, the name, may hold anything. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Soft limit on the size of a main thread's stack, which a child inherits; undefined where there is none. */
export function stackLimitBytes(): number | undefined {
  const line = /^Max stack size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  const bytes = Number(line?.[1])
  return Number.isFinite(bytes) ? bytes : undefined
}

/** Reads what a process uses; its files stay open, so the number cannot come to mean another process. */
export interface UsageReader {
  /** CPU time of the main thread, or undefined once it is gone. */
  cpuTimeMs(): number | undefined
  residentBytes(): number | undefined
  close(): void
}

/** @throws the error of open(2) when the process is gone or the kernel keeps no schedstat. */
export function openUsage(pid: number): UsageReader {
  const schedstat = openSync(`/proc/${pid}/task/${pid}/schedstat`, 'r')
  let statm: number
  try {
    statm = openSync(`/proc/${pid}/statm`, 'r')
  } catch (error) {
    closeSync(schedstat)
    throw error
  }
  const buffer = Buffer.alloc(256)
  const field = (descriptor: number, index: number): number | undefined => {
    try {
      const length = readSync(descriptor, buffer, 0, buffer.length, 0)
      const value = Number(buffer.toString('latin1', 0, length).split(' ')[index])
      return Number.isFinite(value) ? value : undefined
    } catch {
      return undefined
    }
  }
  const scaled = (value: number | undefined, factor: number): number | undefined =>
    value === undefined ? undefined : value * factor
  return {
    cpuTimeMs: () => scaled(field(schedstat, 0), 1e-6),
    residentBytes: () => scaled(field(statm, 1), PAGE_BYTES),
    close: () => {
      closeSync(schedstat)
      closeSync(statm)
    },
  }
}
