import { posix } from 'node:path'
import type { StorageLease } from '../ports.ts'
import type { ResultCollector } from '../results.ts'
import type { DockerTask } from '../executor.ts'
import type { ImageFacts } from './engine.ts'
import { imageRefused } from './failures.ts'

/** A folder or file of this host and where a container sees it. */
export interface ContainerMount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

/** Everything that a task may write to, before there is a place for it. */
export interface WritableFolders {
  /** Paths inside for which the lease is to have a folder each: the task's outputs, then the image's volumes. */
  readonly leased: readonly string[]
  /** The working folder where it is one of its own; undefined where the image has it, or another folder holds it. */
  readonly work: string | undefined
  /** Folders that the task does not make itself, inside the others: the places where something is mounted. */
  readonly madeInodes: number
}

const TMP = '/tmp'
/** Shared memory that has a name is a file, and counts like one: it is kept where /tmp is. */
const SHARED_MEMORY = '/dev/shm'
/** The kernel's; what an image wants to keep there is not to be had. */
export const RESERVED = ['/proc', '/sys', '/dev']
const MAX_VOLUMES = 32

/**
 * Plans the writable folders of a task. A volume that an image declares would be writable without a bound: it gets a
 * folder that counts like every other one, and is as empty.
 *
 * @throws SoukError IMAGE_REFUSED for a volume where none can be.
 */
export function planFolders({
  task,
  image,
  ownWorkdir,
}: {
  readonly task: DockerTask
  readonly image: ImageFacts
  /** The image has no such folder as the task's working folder. */
  readonly ownWorkdir: boolean
}): WritableFolders {
  const outputs = task.outputs.map(({ path }) => path)
  const work =
    task.workdir !== undefined && ownWorkdir && ![TMP, ...outputs].includes(task.workdir) ? task.workdir : undefined
  const taken = new Set([TMP, SHARED_MEMORY, ...outputs, ...(work === undefined ? [] : [work])])
  const inputs = task.inputs.map(({ target }) => target)
  const volumes = volumesOf(image, task.image).filter((path) => !taken.has(path) && !inputs.includes(path))
  const leased = [...outputs, ...volumes]
  const writable = [TMP, ...(work === undefined ? [] : [work]), ...leased]
  return { leased, work, madeInodes: placesIn(writable, [...writable, ...inputs]).size }
}

/**
 * Where an image declares volumes.
 *
 * @throws SoukError IMAGE_REFUSED for one where none can be.
 */
export function volumesOf(image: ImageFacts, name: string): string[] {
  const refuse = (reason: string): never => {
    throw imageRefused({ image: name, reason })
  }
  if (image.volumes.length > MAX_VOLUMES) refuse(`it declares more than ${MAX_VOLUMES} volumes`)
  return image.volumes.map((declared) => {
    const path = posix.normalize(declared).replace(/(?<=.)\/$/, '')
    if (!path.startsWith('/') || path === '/') refuse(`it declares a volume at ${JSON.stringify(declared)}`)
    if (RESERVED.some((reserved) => isAtOrBelow(path, reserved)) && path !== SHARED_MEMORY)
      refuse(`it declares a volume at ${path}, which is the kernel's`)
    return path
  })
}

/** The files and folders that mounting `targets` makes inside `folders`. */
function placesIn(folders: readonly string[], targets: readonly string[]): ReadonlySet<string> {
  const places = new Set<string>()
  for (const target of targets) {
    for (let path = target; path !== '/'; path = posix.dirname(path)) {
      if (folders.includes(path) && path !== target) break
      if (folders.some((folder) => path !== folder && isAtOrBelow(path, folder))) places.add(path)
    }
  }
  return places
}

/** What a container sees of this host: folders of the lease, and the inputs, which it cannot change. */
export function mountsOf({
  folders,
  lease,
  inputTargets,
  inputSources,
  ownTmpfs = [],
}: {
  readonly folders: WritableFolders
  readonly lease: Pick<StorageLease, 'tmp' | 'work' | 'outputs'>
  readonly inputTargets: readonly string[]
  /** A file of this host for each of them. */
  readonly inputSources: readonly string[]
  /** Where the engine would mount something writable itself: there is /tmp instead, where nothing of the task's is. */
  readonly ownTmpfs?: readonly string[]
}): ContainerMount[] {
  const writable = (source: string, target: string): ContainerMount => ({ source, target, readOnly: false })
  return [
    writable(lease.tmp, TMP),
    writable(lease.tmp, SHARED_MEMORY),
    ...(folders.work === undefined ? [] : [writable(lease.work, folders.work)]),
    ...folders.leased.map((target, index) => writable(lease.outputs[index] ?? '', target)),
    ...inputTargets.map((target, index) => ({ source: inputSources[index] ?? '', target, readOnly: true })),
    ...ownTmpfs.map((target) => writable(lease.tmp, target)),
  ].filter(({ target }, index, all) => all.findIndex((other) => other.target === target) === index)
}

/** Passes on what is the task's result: not the places where inputs were mounted, and nothing of the image's volumes. */
export function resultsOf(task: DockerTask, collector: ResultCollector): ResultCollector {
  const inputs = new Set(task.inputs.map(({ target }) => target))
  const isResult = (path: string): boolean =>
    !inputs.has(path) && task.outputs.some((output) => isAtOrBelow(path, output.path))
  return {
    async collect(file) {
      if (isResult(file.path)) return collector.collect(file)
      for await (const _chunk of file.content) continue
    },
    refuse(refusal) {
      if (isResult(refusal.path)) collector.refuse(refusal)
    },
    outputs: () => collector.outputs(),
  }
}

const isAtOrBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
