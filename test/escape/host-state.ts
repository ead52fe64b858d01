import { readdirSync, readlinkSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { contentNow, descendantsIn, processTable } from '../fixtures/processes.ts'
import { waitingSlots } from '../fixtures/waiting-slots.ts'

/** Whatever a task could leave on its host, by kind, as a person would list it; each kind is sorted. */
export type HostState = Readonly<Record<string, readonly string[]>>

export interface Territory {
  /** Occurs in the environment of every process of a task. */
  readonly mark: string
  /** Folder of the runtime, with everything in it. */
  readonly folder: string
  /** Processes that stay, whose descriptors must not become more; and this one. */
  readonly kept: readonly number[]
  /** What names the runtime's control groups and mounts, so that those of others on this host are told from them. */
  readonly names: readonly string[]
}

/** Where tests that run beside these have their folders. */
const TEMPORARY = ['/tmp', tmpdir()]

/** Looks at the whole host, not only where a runtime says that it works; but not at what waits for its first task. */
export async function hostState({ mark, folder, kept, names }: Territory): Promise<HostState> {
  const running = processTable()
  const below = new Set(descendantsIn(running, process.pid))
  const waiting = waitingSlots(running)
  const processes: string[] = []
  const networks = new Set([targetOf('/proc/self/ns/net') ?? 'none'])
  for (const pid of running.keys()) {
    if (waiting.processes.has(pid)) continue
    if (!below.has(pid) && !contentNow(`/proc/${pid}/environ`).includes(mark)) continue
    processes.push(`${pid} ${contentNow(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`)
    networks.add(targetOf(`/proc/${pid}/ns/net`) ?? 'none')
  }
  return {
    processes,
    'network namespaces': [...networks].sort(),
    mounts: mounts(names, (pid) => running.has(pid) && !below.has(pid)),
    'control groups': controlGroups(names).filter((group) => !waiting.keepers.has(Number(basename(group)))),
    files: (await readdir(folder, { recursive: true })).sort(),
    descriptors: kept.flatMap(descriptorsOf),
  }
}

/** What is there now and was not before, kind by kind; empty where nothing is. */
export function additions(before: HostState, now: HostState): string {
  const found: string[] = []
  for (const [kind, entries] of Object.entries(now)) {
    const known = new Set(before[kind])
    const more = entries.filter((entry) => !known.has(entry))
    if (more.length > 0) found.push(`${kind}: ${more.join(', ')}`)
  }
  return found.join('; ')
}

/**
 * `mount point (type)` of each line of proc_pid_mountinfo(5), network namespaces that are kept by a mount included, but
 * for what other tests make meanwhile: mounts in their temporary folders, and networks with the number of their process
 * in their name (test/fixtures/network-namespaces.ts).
 */
function mounts(names: readonly string[], isOthers: (pid: number) => boolean): string[] {
  const lines = contentNow('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line !== '')
  const found = lines.flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const point = before.split(' ')[4] ?? ''
    const ours = names.some((name) => line.includes(name))
    const network = /^\/run\/netns\/souk-(\d+)-/.exec(point)?.[1]
    if (network !== undefined && isOthers(Number(network))) return []
    return ours || !TEMPORARY.some((folder) => point.startsWith(`${folder}/`))
      ? [`${point} (${after.split(' ')[0]})`]
      : []
  })
  return found.sort()
}

/** Control groups in every hierarchy that have one of the names in their own, with all below them. */
function controlGroups(names: readonly string[]): string[] {
  const found: string[] = []
  const look = (group: string, named: boolean): void => {
    if (named) found.push(group)
    for (const below of foldersIn(group)) {
      const name = basename(below)
      look(below, named || names.some((each) => name.includes(each)))
    }
  }
  look('/sys/fs/cgroup', false)
  return found.sort()
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name))
  } catch {
    return [] // it may be gone by now
  }
}

/** `pid: how many of what`, so that one closed and another opened in its place count as the same. */
function descriptorsOf(pid: number): string[] {
  const kinds = new Map<string, number>()
  for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
    const target = targetOf(`/proc/${pid}/fd/${descriptor}`)
    // Node keeps one of /dev/null for itself now and then; the folder that is being read has one too.
    if (target === undefined || target === '/dev/null' || target.endsWith('/fd')) continue
    const kind = target.replace(/:\[\d+\]$/, '')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  return [...kinds].flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => `${pid}: ${kind} ${index + 1}`),
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // the process is gone
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch {
    return undefined // the process or the descriptor is gone
  }
}
