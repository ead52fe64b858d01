import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Denials } from '../../protocol/execution.ts'
import type { LiveUsage } from '../executor.ts'
import { OWN_PIDS } from './container-recipe.ts'

/** What the kernel counts of a container. Each is what it was last where it cannot be read any more. */
export interface Counters {
  readonly base: CountersBase
  cpuTimeMs(): number
  memoryPeakBytes(): number
  /** Processes that were killed because there was no memory left. */
  oomKills(): number
  /** Times that a process or thread could not be made. */
  pidsDenied(): number
  denials(): Denials
  /** What it uses now; undefined where that cannot be read. */
  now(): LiveUsage | undefined
  close(): void
}

/** The files of one version of control groups, each with how its text becomes a number. */
interface CounterFile {
  readonly controller: string
  readonly file: string
  read(text: string): number
}

const field =
  (name: string, scale = 1) =>
  (text: string): number =>
    Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN) * scale

/** https://docs.kernel.org/admin-guide/cgroup-v1/ and cgroup-v2.html */
const FILES = {
  1: {
    cpu: { controller: 'cpuacct', file: 'cpuacct.usage', read: (text) => Number(text) * 1e-6 },
    memory: { controller: 'memory', file: 'memory.max_usage_in_bytes', read: Number },
    oom: { controller: 'memory', file: 'memory.oom_control', read: field('oom_kill') },
    pids: { controller: 'pids', file: 'pids.events', read: field('max') },
    memoryNow: { controller: 'memory', file: 'memory.usage_in_bytes', read: Number },
    pidsNow: { controller: 'pids', file: 'pids.current', read: Number },
    // Which of the two is met depends on whether the host counts swap.
    reclaims: [
      { controller: 'memory', file: 'memory.failcnt', read: Number },
      { controller: 'memory', file: 'memory.memsw.failcnt', read: Number },
    ],
  },
  2: {
    cpu: { controller: '', file: 'cpu.stat', read: field('usage_usec', 1e-3) },
    memory: { controller: '', file: 'memory.peak', read: Number },
    oom: { controller: '', file: 'memory.events', read: field('oom_kill') },
    pids: { controller: '', file: 'pids.events', read: field('max') },
    memoryNow: { controller: '', file: 'memory.current', read: Number },
    pidsNow: { controller: '', file: 'pids.current', read: Number },
    reclaims: [{ controller: '', file: 'memory.events', read: field('max') }],
  },
} as const satisfies Record<1 | 2, Record<string, CounterFile | readonly CounterFile[]>>

const CGROUP_ROOT = '/sys/fs/cgroup'

/** Path of a container in each hierarchy, by controller, below where that is mounted. */
export type ControlGroups = ReadonlyMap<string, string>

/**
 * The control groups that a process is in, which have to be those of the container: its id is in their path.
 *
 * @throws Error when the process is not of this host or not of that container.
 */
export function controlGroupsOf({
  pid,
  containerId,
}: {
  readonly pid: number
  readonly containerId: string
}): ControlGroups {
  const groups = groupsOf(pid)
  const own = groups.get(groups.has('memory') ? 'memory' : '')
  if (own?.includes(containerId) !== true)
    throw new Error(`process ${pid} is not in a control group of container ${containerId}`)
  return groups
}

/** Where an engine puts another container, given where it has put one: their ids are all that differs. */
export function controlGroupsLike(
  groups: ControlGroups,
  { of, containerId }: { readonly of: string; readonly containerId: string },
): ControlGroups {
  return new Map([...groups].map(([controller, path]) => [controller, path.replace(of, containerId)]))
}

/** What counters said when the task began, for one who goes on with it. */
export interface CountersBase {
  readonly cpuTimeMs: number
  readonly oomKills: number
  readonly pidsDenied: number
}

/**
 * Opens the counters of a container. Counting starts from what they say now, or from `base`.
 *
 * @throws Error when a counter is missing, or the group is not the container's.
 */
export function openCounters({
  groups,
  containerId,
  base,
}: {
  readonly groups: ControlGroups
  readonly containerId: string
  readonly base?: CountersBase
}): Counters {
  const version = groups.has('memory') ? 1 : 2
  const opened: Counter[] = []
  const open = ({ controller, file, read }: CounterFile): Counter => {
    const group = groups.get(controller)
    if (group === undefined || !group.includes(containerId))
      throw new Error(`there is no control group of container ${containerId} for ${controller || 'its counters'}`)
    const counter = openCounter(join(CGROUP_ROOT, controller, group, file), read)
    opened.push(counter)
    return counter
  }
  try {
    const { cpu, memory, oom, pids } = FILES[version]
    const [cpuTime, memoryPeak, oomKills, pidsDenied] = [open(cpu), open(memory), open(oom), open(pids)]
    if (version === 1 && base === undefined)
      resetPeak(join(CGROUP_ROOT, memory.controller, groups.get(memory.controller) ?? '', memory.file))
    const later = (file: CounterFile): (() => number | undefined) => openedLater(() => open(file))
    const [memoryNow, pidsNow] = [later(FILES[version].memoryNow), later(FILES[version].pidsNow)]
    const reclaims = FILES[version].reclaims.map(later)
    const from: CountersBase = base ?? {
      cpuTimeMs: cpuTime.read(),
      oomKills: oomKills.read(),
      pidsDenied: pidsDenied.read(),
    }
    return {
      base: from,
      cpuTimeMs: () => cpuTime.read() - from.cpuTimeMs,
      memoryPeakBytes: () => memoryPeak.read(),
      oomKills: () => oomKills.read() - from.oomKills,
      pidsDenied: () => pidsDenied.read() - from.pidsDenied,
      denials() {
        const counted = reclaims.map((read) => read()).filter((count) => count !== undefined)
        return {
          oomKills: oomKills.read() - from.oomKills,
          pids: pidsDenied.read() - from.pidsDenied,
          ...(counted.length > 0 && { memoryReclaims: counted.reduce((sum, count) => sum + count, 0) }),
        }
      },
      now() {
        const [memoryBytes, processes] = [memoryNow(), pidsNow()]
        if (memoryBytes === undefined) return undefined
        // The first of them is ours.
        const pids = processes === undefined ? undefined : Math.max(0, processes - OWN_PIDS)
        const cpuTimeMs = Math.round(cpuTime.read() - from.cpuTimeMs)
        return { cpuTimeMs, memoryBytes, ...(pids !== undefined && { pids }) }
      },
      close: () => {
        for (const counter of opened) counter.close()
      },
    }
  } catch (error) {
    for (const counter of opened) counter.close()
    throw error
  }
}

/** Opens a counter that not every run needs when it is asked for; undefined where there is none. */
function openedLater(open: () => Counter): () => number | undefined {
  let counter: Counter | undefined
  let missing = false
  return () => {
    if (missing) return undefined
    try {
      counter ??= open()
      return counter.read()
    } catch {
      missing = true
      return undefined
    }
  }
}

/** What the engine needed to start the container is not the task's. Only root may forget it; else it stays in. */
function resetPeak(path: string): void {
  try {
    writeFileSync(path, '0')
  } catch {
    // Then the peak is at least that of the start, some megabytes.
  }
}

/** Path of a process in each hierarchy, by controller; v2 has the one named '' (cgroups(7), /proc/PID/cgroup). */
function groupsOf(pid: number): ReadonlyMap<string, string> {
  const groups = new Map<string, string>()
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    for (const controller of controllers.split(',')) groups.set(controller, path)
  }
  return groups
}

interface Counter {
  read(): number
  close(): void
}

/** Its file stays open, so that a look costs one system call. */
function openCounter(path: string, parse: (text: string) => number): Counter {
  const descriptor = openSync(path, 'r')
  const buffer = Buffer.alloc(4096)
  let last = 0
  let closed = false
  return {
    read() {
      if (closed) return last
      try {
        const value = parse(buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, 0)))
        if (Number.isFinite(value)) last = value
      } catch {
        // The container is gone, and its control group with it (ENODEV).
      }
      return last
    },
    close() {
      if (closed) return
      closed = true
      closeSync(descriptor)
    },
  }
}
