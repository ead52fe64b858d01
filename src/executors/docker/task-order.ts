import type { BoundedJob, DockerTask } from '../executor.ts'
import { programOf } from './container-recipe.ts'
import type { ImageFacts } from './engine.ts'
import type { InitOrder } from './init-frames.ts'

/** A node that is there ends the task in time: the first process comes after it, where no node is. */
const WALL_TIME_SLACK_MS = 2_000

/** What the first process is told of a task. */
export function orderOf({
  job: { task, limits },
  image,
  ...rest
}: {
  readonly job: BoundedJob<DockerTask>
  readonly image: ImageFacts
  readonly secret: Uint8Array
  readonly reattachMs: number
}): InitOrder {
  return {
    ...rest,
    wallTimeMs: limits.wallTimeMs + WALL_TIME_SLACK_MS,
    openFiles: limits.openFiles,
    fileBytes: limits.diskBytes,
    ...(limits.stackBytes !== undefined && { stackBytes: limits.stackBytes }),
    command: programOf(task, image),
    env: task.env,
  }
}
