import { readFileSync } from 'node:fs'
import type { NativeTask } from '../executors/executor.ts'
import type { LimitKey, Limits } from '../protocol/limits.ts'
import type { Refusal } from '../protocol/refusals.ts'
import { invalidTask, throwIfRefused } from '../executors/run-failures.ts'
import { PROGRAM_PATH } from './request.ts'

/** The least and the most that a task can be held to, by limit. */
export type NativeBounds = { readonly [K in LimitKey]?: { readonly min?: number; readonly max?: number } }

/** Limits that this runtime does not have. */
export const UNENFORCEABLE: readonly { readonly limit: LimitKey; readonly why: string }[] = [
  {
    limit: 'ioWeight',
    why: 'its files are in memory, where nothing queues for a disk, and reads of its inputs are not weighted',
  },
  { limit: 'fuel', why: 'instructions are not metered' },
  { limit: 'gpus', why: 'the devices of this host are not in its sandbox' },
]

/** A quota is given in whole milliseconds of a period of 100 ms. */
const MIN_CPU_CORES = 0.01
/** The kernel takes less for this (cpu.shares). */
const MIN_CPU_SHARES = 2
/** A static program needs about half of it before its first instruction. */
const MIN_MEMORY_BYTES = 1024 * 1024
/** The kernel gives arguments and environment a quarter of the stack (execve(2)), and at least 128 KiB. */
const MIN_STACK_BYTES = 128 * 1024
/** Standard input, output, error, and one. */
const MIN_OPEN_FILES = 4

/** What limits are possible under those of this process, which what it starts cannot raise. */
export function nativeBounds(): NativeBounds {
  const most = (name: string): { readonly max?: number } => {
    const line = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))
    const max = Number(line?.[1])
    return Number.isFinite(max) ? { max } : {}
  }
  return {
    cpuCores: { min: MIN_CPU_CORES },
    cpuShares: { min: MIN_CPU_SHARES },
    memoryBytes: { min: MIN_MEMORY_BYTES },
    stackBytes: { min: MIN_STACK_BYTES, ...most('Max stack size') },
    openFiles: { min: MIN_OPEN_FILES, ...most('Max open files') },
    pids: { min: 1 },
  }
}

/** Refuses, before anything is started, a task that cannot be run as it asks. Throws SoukError INVALID_INPUT, REFUSED. */
export function checkTask({
  task,
  limits,
  bounds,
}: {
  readonly task: NativeTask
  readonly limits: Limits
  readonly bounds: NativeBounds
}): void {
  // An image may say what to run; it is asked later.
  if (task.root.kind !== 'program' && task.root.kind !== 'image' && (task.command[0] ?? '') === '')
    throw invalidTask('command', 'its first word is the program to run, and there is none')
  if (task.root.kind === 'program' && task.writable === true)
    throw invalidTask('runtime.writable', 'a program that is alone in its root has none to change')
  checkPaths(task)
  const refusals = [...unenforceable(limits), ...outOfBounds(limits, bounds)]
  throwIfRefused(refusals)
}

const isAtOrBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

function checkPaths(task: NativeTask): void {
  const outputs = task.outputs.map(({ path }) => path)
  const folders = ['/tmp', ...(task.workdir === undefined ? [] : [task.workdir]), ...outputs]
  const taken = ['/proc', '/dev', ...(task.root.kind === 'program' ? [PROGRAM_PATH] : [])]
  const targets = [...task.inputs, ...(task.mounts ?? [])].map(({ target }) => target)
  for (const path of [...folders, ...targets]) {
    const reserved = taken.find((each) => isAtOrBelow(path, each))
    if (reserved !== undefined)
      throw invalidTask(pathKind(path, task), `${path} is in ${reserved}, which the sandbox makes`)
  }
  for (const target of targets) {
    // What is offered may be the folder to work in, too.
    const may = task.mounts?.some((mount) => mount.target === target) === true ? task.workdir : undefined
    const folder = folders.find((path) => path !== may && isAtOrBelow(path, target))
    if (folder !== undefined)
      throw invalidTask(pathKind(target, task), `the target ${target} is, or lies above, the folder ${folder}`)
  }
}

function pathKind(path: string, task: NativeTask): string {
  if (path === task.workdir) return 'workdir'
  if (task.outputs.some((output) => output.path === path)) return 'outputs'
  return task.mounts?.some(({ target }) => target === path) === true ? 'runtime.mounts' : 'inputs'
}

function unenforceable(limits: Limits): Refusal[] {
  return UNENFORCEABLE.filter(({ limit }) => limits[limit] !== undefined).map(({ limit, why }) => ({
    reason: 'CAP_UNPROVEN',
    message: `Native tasks cannot be held to ${limit}: ${why}.`,
    subject: limit,
  }))
}

function outOfBounds(limits: Limits, bounds: NativeBounds): Refusal[] {
  return (Object.entries(bounds) as [LimitKey, { min?: number; max?: number }][]).flatMap(([limit, { min, max }]) => {
    const asked = limits[limit]
    if (asked === undefined) return []
    const above = max !== undefined && asked > max
    if (!above && (min === undefined || asked >= min)) return []
    const bound = above ? max : min
    return [
      {
        reason: above ? 'CAP_ABOVE_OFFER' : 'CAP_UNPROVEN',
        message: `Native tasks are held to ${limit} of ${above ? 'at most' : 'at least'} ${bound} here.`,
        subject: limit,
        asked: String(asked),
        offered: String(bound),
      },
    ]
  })
}
