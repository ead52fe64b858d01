import type { BoundedLimits } from '../../protocol/limits.ts'
import type { BoundedJob, DockerTask } from '../executor.ts'
import type { ImageFacts } from './engine.ts'
import { planFolders, type WritableFolders } from './folders.ts'

/** All that decides how a container is made. Two tasks of one shape can be run by containers that do not differ. */
export interface ContainerShape {
  readonly image: ImageFacts
  /** As the task named it, for its errors. */
  readonly imageName: string
  readonly workdir: string | undefined
  readonly folders: WritableFolders
  /** Where the inputs are to be seen. */
  readonly inputTargets: readonly string[]
  readonly limits: BoundedLimits
  readonly runtimeClass: string | undefined
  /** GPUs that no other container has meanwhile: one that has any is made for one task, never ahead of it. */
  readonly gpus: readonly string[] | undefined
}

/** @throws SoukError IMAGE_REFUSED for a volume where none can be. */
export function shapeOf({
  job,
  image,
  ownWorkdir,
  gpus,
}: {
  readonly job: BoundedJob<DockerTask>
  readonly image: ImageFacts
  /** The image has no such folder as the task's working folder. */
  readonly ownWorkdir: boolean
  readonly gpus: readonly string[] | undefined
}): ContainerShape {
  const { task, limits } = job
  return {
    image,
    imageName: task.image,
    workdir: task.workdir,
    folders: planFolders({ task, image, ownWorkdir }),
    inputTargets: task.inputs.map(({ target }) => target),
    limits,
    runtimeClass: task.runtimeClass,
    gpus,
  }
}

/** The limits that a container is made with, or that are changed in it afterwards. Times and output are held by the node. */
const MADE_WITH = [
  'memoryBytes',
  'cpuCores',
  'cpuShares',
  'pids',
  'openFiles',
  'stackBytes',
  'diskBytes',
  'inodes',
] as const satisfies readonly (keyof BoundedLimits)[]
export type MadeLimit = (typeof MADE_WITH)[number]

/** What cannot be changed in a container once it is there, as a key. */
export function keyOf({ image, workdir, folders, inputTargets, runtimeClass, gpus }: ContainerShape): string {
  return JSON.stringify([image.id, workdir, folders.leased, folders.work, inputTargets, runtimeClass, gpus])
}

/** The limits by which a container of one shape differs from another one's. */
export function differingLimits(one: BoundedLimits, other: BoundedLimits): readonly MadeLimit[] {
  return MADE_WITH.filter((limit) => one[limit] !== other[limit])
}
