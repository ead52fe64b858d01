import { randomBytes } from 'node:crypto'
import { access, constants } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Execution } from '../../protocol/execution.ts'
import { boundedJob, type BoundedJob, type DockerTask, type Executor, type Job } from '../executor.ts'
import type { CappedStorage } from '../ports.ts'
import { makeContainer, type ReadyContainer, type Workshop } from './container.ts'
import { programOf } from './container-recipe.ts'
import { shapeOf, type ContainerShape } from './container-shape.ts'
import { connectEngine, type DockerEngine, type EngineInfo, type ImageFacts } from './engine.ts'
import { engineFailure, isEngineGone } from './engine-errors.ts'
import { watchEngine } from './engine-watch.ts'
import { notStarted } from '../run-failures.ts'
import { dockerUnavailable } from './failures.ts'
import { createImageFolders } from './image-folders.ts'
import { resolveImage } from './image-policy.ts'
import { SECRET_BYTES, type InitOrder } from './init-frames.ts'
import { isolationOf } from './isolation.ts'
import { createKnownImages } from './known-images.ts'
import { probeDocker } from './probe.ts'
import { createRemovals } from './removals.ts'
import { runTask } from './run-task.ts'
import { readSeccompProfile } from './seccomp-profile.ts'
import { checkProgram, checkTask } from './task-checks.ts'
import { isWarm, makeWarmContainer, MOST_WARM_INPUT_BYTES, removeWarmDirs } from './warm-container.ts'
import { createWarmPool } from './warm-pool.ts'

export interface DockerExecutorOptions {
  /** Of an engine on this host. */
  readonly socketPath: string
  /** Where what a task writes is kept. */
  readonly storage: CappedStorage
  /** What containers of this instance are known by: 1 to 32 of `a` to `z`, `0` to `9` and `-`. */
  readonly instance: string
  /** Folder of this instance alone, in which its jobs' folders are. */
  readonly instanceDir: string
  readonly uid: number
  readonly gid: number
  /** What tasks may use, as `resolveImage` takes it; nothing when empty. */
  readonly images: readonly string[]
  /** Containers that wait for tasks like those that came before; 0 for none. */
  readonly prewarm: number
}

const INIT_PROGRAM = fileURLToPath(new URL('../../../build/souk-container-init', import.meta.url))

/**
 * The Docker runtime: each task in a container of its own, made of an image that the operator allows.
 *
 * `run` throws IMAGE_REFUSED, INVALID_INPUT, REFUSED (a limit that cannot be held), CANCELLED, RUNTIME_UNAVAILABLE (all
 * before the task has started), PROVIDER_STOPPED and EXECUTOR_FAILED.
 */
export function createDockerExecutor(options: DockerExecutorOptions): Executor<DockerTask> {
  const { socketPath, storage, instance, instanceDir, uid, gid, images, prewarm } = options
  const engine = connectEngine({ socketPath })
  const removals = createRemovals({ engine, instance })
  const watch = watchEngine({
    engine,
    onBack: () => {
      facts = undefined
      knownImages.forget()
      // What it could not remove while it was away.
      removals.reap().catch(() => {})
    },
  })
  const folders = createImageFolders({ engine, removals, instance })
  /** Folders of containers that were made ahead. */
  const warmDirs = new Set<string>()
  const knownImages = createKnownImages(engine)
  const places: Workshop['places'] = new Map()
  let facts: Promise<EngineFacts> | undefined
  /** Tasks that have a file system mounted. */
  let active = 0
  /** Those for which a container is being made. */
  let preparing = 0

  const engineFacts = async (): Promise<EngineFacts> => {
    facts ??= factsOf(engine)
    try {
      return await facts
    } catch (error) {
      facts = undefined
      throw error
    }
  }
  const workshopNow = async (): Promise<Workshop> => ({
    ...(await engineFacts()),
    ...{ engine, storage, removals, instance, user: { uid, gid }, initProgram: INIT_PROGRAM, places },
  })
  const pool = createWarmPool({
    size: prewarm,
    make: async (shape) => makeWarmContainer({ shape, workshop: await workshopNow(), instanceDir, dirs: warmDirs }),
    isBusy: () => preparing > 0 || !watch.state.present,
  })
  /** One that waits for such a task, or else one that is made for it. */
  const containerFor = async ({
    job,
    shape,
    workshop,
  }: {
    readonly job: BoundedJob<DockerTask>
    readonly shape: ContainerShape
    readonly workshop: Workshop
  }): Promise<ReadyContainer> => {
    const { inputs } = job.task
    const copied = inputs.reduce((sum, { bytes }) => sum + bytes, 0)
    const warm = copied > MOST_WARM_INPUT_BYTES ? undefined : pool.take(shape)
    if (warm !== undefined) {
      try {
        await warm.enter({ inputs, limits: job.limits })
        return warm
      } catch {
        // What it is for is no worse off: another one is made.
        await warm.dispose()
      }
    }
    preparing += 1
    try {
      return await makeContainer({ shape, inputSources: inputs.map(({ source }) => source), dir: job.dir, workshop })
    } finally {
      preparing -= 1
    }
  }
  const run = async (asked: Job<DockerTask>): Promise<Execution> => {
    const job = boundedJob(asked)
    checkTask(job.task, job.limits)
    throwIfStopped(job.signal)
    if (!watch.state.present) throw dockerUnavailable(watch.state.why)
    // Nobody else listens yet, and an error that nobody hears ends the process; it is looked at once the task runs.
    job.stdin.on('error', ignore)
    try {
      const image = await resolveImage({ image: job.task.image, allowed: images, engine: knownImages })
      return await runImage(job, image)
    } catch (error) {
      // It may be that an image is not there any more.
      knownImages.forget()
      if (isEngineGone(error) || isEngineGone((error as Error).cause)) await watch.look()
      throw engineFailure({ doing: 'running a task', error, socketPath })
    } finally {
      job.stdin.off('error', ignore)
    }
  }
  const runImage = async (job: BoundedJob<DockerTask>, image: ImageFacts): Promise<Execution> => {
    checkProgram(job.task, image)
    const workshop = await workshopNow()
    const { info } = workshop
    const ownWorkdir = job.task.workdir !== undefined && !(await folders.has(image, job.task.workdir))
    throwIfStopped(job.signal)
    active += 1
    try {
      const container = await containerFor({ job, shape: shapeOf({ job, image, ownWorkdir }), workshop })
      let over = false
      try {
        const execution = await runTask({
          ...{ job, container, watch },
          order: orderOf(job, image),
          isolation: isolationOf(info, uid),
        })
        over = true
        return execution
      } finally {
        // Everything of the task is dead, and nothing of this one is in the job's folder.
        if (over && isWarm(container)) pool.discard(container)
        else await container.dispose()
      }
    } finally {
      active -= 1
    }
  }
  return {
    runtime: 'docker',
    run,
    probe: (signal) =>
      probeDocker({
        ...{ engine, watch, storage, instance, instanceDir, uid, images, runImage, signal },
        engineInfo: async () => (await engineFacts()).info,
      }),
    watch: (listener) => watch.listen(listener),
    async reap({ keep }) {
      const inUse = [...keep, ...warmDirs]
      const unmounted = active === 0 ? await storage.unmountLeftovers({ folder: instanceDir, keep: inUse }) : 0
      await removeWarmDirs({ instanceDir, keep: inUse })
      if (!(await watch.look()).present) return unmounted
      return unmounted + (await removals.reap())
    },
    async close() {
      watch.close()
      await pool.close()
      await removals.settled()
      engine.close()
    },
  }
}

const ignore = (): void => {}

/** A node that is there ends the task in time: the first process comes after it, where no node is. */
const WALL_TIME_SLACK_MS = 2_000

function orderOf({ task, limits }: BoundedJob<DockerTask>, image: ImageFacts): InitOrder {
  return {
    secret: randomBytes(SECRET_BYTES),
    wallTimeMs: limits.wallTimeMs + WALL_TIME_SLACK_MS,
    reattachMs: 0,
    openFiles: limits.openFiles,
    fileBytes: limits.diskBytes,
    ...(limits.stackBytes !== undefined && { stackBytes: limits.stackBytes }),
    command: programOf(task, image),
    env: task.env,
  }
}

interface EngineFacts {
  readonly info: EngineInfo
  readonly seccomp: string
}

/** Throws SoukError RUNTIME_UNAVAILABLE where something is missing that no task can do without. */
async function factsOf(engine: DockerEngine): Promise<EngineFacts> {
  await access(INIT_PROGRAM, constants.X_OK).catch((error: unknown) => {
    throw dockerUnavailable(
      `${INIT_PROGRAM} is missing; install a C compiler (Debian: apt-get install gcc libc6-dev) and install souk again.`,
      error,
    )
  })
  const [info, seccomp] = await Promise.all([engine.info(), readSeccompProfile()])
  if (!info.security.includes('seccomp'))
    throw dockerUnavailable('the engine has no seccomp filters; use a kernel with CONFIG_SECCOMP_FILTER.')
  return { info, seccomp }
}

function throwIfStopped(signal: AbortSignal): void {
  if (!signal.aborted) return
  throw notStarted(signal.reason)
}
