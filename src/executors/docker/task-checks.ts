import { posix } from 'node:path'
import type { DockerTask } from '../executor.ts'
import type { ImageFacts } from './engine.ts'
import type { LimitKey, Limits } from '../../protocol/limits.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { imageRefused } from './failures.ts'
import { RESERVED } from './folders.ts'
import { programOf } from './container-recipe.ts'
import { invalidTask, throwIfRefused } from '../run-failures.ts'

/** Limits that this runtime does not have. */
export const UNENFORCEABLE: readonly { readonly limit: LimitKey; readonly why: string }[] = [
  { limit: 'ioWeight', why: 'its files are in memory, where nothing queues for a disk' },
  { limit: 'fuel', why: 'instructions are not metered' },
]

/** The least that a task can be held to, by limit. */
export const LEAST: { readonly [K in LimitKey]?: number } = {
  /** The engine starts no container with less. */
  memoryBytes: 6 * 1024 * 1024,
  cpuCores: 0.01,
  /** The kernel gives arguments and environment a quarter of the stack (execve(2)), and at least 128 KiB. */
  stackBytes: 128 * 1024,
  /** Standard input, output, error, and one. */
  openFiles: 4,
  pids: 1,
  cpuShares: 2,
}

/** execve(2): each argument and each variable is at most this long, with its NUL. */
const MAX_STRING_BYTES = 131_072

/** Refuses, before anything is started, a task that cannot be run as it asks. Throws SoukError INVALID_INPUT, REFUSED. */
export function checkTask(task: DockerTask, limits: Limits): void {
  checkPaths(task)
  const words = [...task.command, ...Object.entries(task.env).map(([name, value]) => `${name}=${value}`)]
  if (words.some((word) => Buffer.byteLength(word) >= MAX_STRING_BYTES))
    throw invalidTask('command', `an argument or variable has more than ${MAX_STRING_BYTES - 1} bytes`)
  const refusals = [...unenforceable(limits), ...tooLittle(limits)]
  throwIfRefused(refusals)
}

/**
 * Refuses what the task and its image come to together.
 *
 * @throws SoukError INVALID_INPUT when neither says what to run; IMAGE_REFUSED where the image's working folder is one of
 * what the engine makes: descriptors of whoever starts the container can be below /proc (CVE-2024-21626 of runc).
 */
export function checkProgram(task: DockerTask, image: ImageFacts): void {
  const workdir = posix.normalize(image.workdir === '' ? '/' : image.workdir)
  if (
    task.workdir === undefined &&
    (!workdir.startsWith('/') || RESERVED.some((folder) => isAtOrBelow(workdir, folder)))
  )
    throw imageRefused({ image: task.image, reason: `its working folder is ${JSON.stringify(image.workdir)}` })
  if ((programOf(task, image)[0] ?? '') === '')
    throw invalidTask('command', 'it is empty, and the image says nothing of what to run')
}

const isAtOrBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

function checkPaths(task: DockerTask): void {
  const { workdir, inputs, outputs } = task
  const folders = ['/tmp', ...(workdir === undefined ? [] : [workdir]), ...outputs.map(({ path }) => path)]
  for (const [kind, paths] of [
    ['workdir', workdir === undefined ? [] : [workdir]],
    ['inputs', inputs.map(({ target }) => target)],
    ['outputs', outputs.map(({ path }) => path)],
  ] as const) {
    for (const path of paths) {
      const reserved = RESERVED.find((folder) => isAtOrBelow(path, folder))
      if (reserved !== undefined) throw invalidTask(kind, `${path} is in ${reserved}, which the engine makes`)
    }
  }
  for (const { target } of inputs) {
    const folder = folders.find((path) => isAtOrBelow(path, target))
    if (folder !== undefined)
      throw invalidTask('inputs', `the target ${target} is, or lies above, the folder ${folder}`)
  }
}

function unenforceable(limits: Limits): Refusal[] {
  return UNENFORCEABLE.filter(({ limit }) => limits[limit] !== undefined).map(({ limit, why }) => ({
    reason: 'CAP_UNPROVEN',
    message: `Docker tasks cannot be held to ${limit}: ${why}.`,
    subject: limit,
  }))
}

function tooLittle(limits: Limits): Refusal[] {
  return (Object.entries(LEAST) as [LimitKey, number][]).flatMap(([limit, min]) => {
    const asked = limits[limit]
    if (asked === undefined || asked >= min) return []
    return [
      {
        reason: 'CAP_UNPROVEN',
        message: `Docker tasks are held to ${limit} of at least ${min} here.`,
        subject: limit,
        asked: String(asked),
        offered: String(min),
      },
    ]
  })
}
