import { randomBytes } from 'node:crypto'
import { access, constants } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Execution } from '../../protocol/execution.ts'
import { boundedJob, type BoundedJob, type DockerTask, type Executor, type Job } from '../executor.ts'
import type { CappedStorage } from '../ports.ts'
import { makeContainer, type Workshop } from './container.ts'
import { programOf } from './container-recipe.ts'
import { shapeOf } from './container-shape.ts'
import { connectEngine, type DockerEngine, type EngineInfo, type ImageFacts } from './engine.ts'
import { engineFailure, isEngineGone } from './engine-errors.ts'
import { watchEngine } from './engine-watch.ts'
import { notStarted } from '../run-failures.ts'
import { dockerUnavailable } from './failures.ts'
import { createImageFolders } from './image-folders.ts'
import { resolveImage } from './image-policy.ts'
import { SECRET_BYTES, type InitOrder } from './init-frames.ts'
import { isolationOf } from './isolation.ts'
import { probeDocker } from './probe.ts'
import { createRemovals } from './removals.ts'
import { runTask } from './run-task.ts'
import { readSeccompProfile } from './seccomp-profile.ts'
import { checkProgram, checkTask } from './task-checks.ts'

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
}

const INIT_PROGRAM = fileURLToPath(new URL('../../../build/souk-container-init', import.meta.url))

/**
 * The Docker runtime: each task in a container of its own, made of an image that the operator allows.
 *
 * `run` throws IMAGE_REFUSED, INVALID_INPUT, REFUSED (a limit that cannot be held), CANCELLED, RUNTIME_UNAVAILABLE (all
 * before the task has started), PROVIDER_STOPPED and EXECUTOR_FAILED.
 */
export function createDockerExecutor(options: DockerExecutorOptions): Executor<DockerTask> {
  const { socketPath, storage, instance, instanceDir, uid, gid, images } = options
  const engine = connectEngine({ socketPath })
  const removals = createRemovals({ engine, instance })
  const watch = watchEngine({
    engine,
    onBack: () => {
      facts = undefined
      // What it could not remove while it was away.
      removals.reap().catch(() => {})
    },
  })
  const folders = createImageFolders({ engine, removals, instance })
  const places: Workshop['places'] = new Map()
  let facts: Promise<EngineFacts> | undefined
  /** Tasks that have a file system mounted. */
  let active = 0

  const engineFacts = async (): Promise<EngineFacts> => {
    facts ??= factsOf(engine)
    try {
      return await facts
    } catch (error) {
      facts = undefined
      throw error
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
      const image = await resolveImage({ image: job.task.image, allowed: images, engine })
      return await runImage(job, image)
    } catch (error) {
      if (isEngineGone(error) || isEngineGone((error as Error).cause)) await watch.look()
      throw engineFailure({ doing: 'running a task', error, socketPath })
    } finally {
      job.stdin.off('error', ignore)
    }
  }
  const runImage = async (job: BoundedJob<DockerTask>, image: ImageFacts): Promise<Execution> => {
    checkProgram(job.task, image)
    const { info, seccomp } = await engineFacts()
    const workshop: Workshop = {
      engine,
      info,
      storage,
      removals,
      instance,
      user: { uid, gid },
      initProgram: INIT_PROGRAM,
      seccomp,
      places,
    }
    const ownWorkdir = job.task.workdir !== undefined && !(await folders.has(image, job.task.workdir))
    throwIfStopped(job.signal)
    active += 1
    try {
      const shape = shapeOf({ job, image, ownWorkdir })
      const inputSources = job.task.inputs.map(({ source }) => source)
      const container = await makeContainer({ shape, inputSources, dir: job.dir, workshop })
      try {
        return await runTask({ job, container, order: orderOf(job, image), isolation: isolationOf(info, uid), watch })
      } finally {
        await container.dispose()
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
      const unmounted = active === 0 ? await storage.unmountLeftovers({ folder: instanceDir, keep }) : 0
      if (!(await watch.look()).present) return unmounted
      return unmounted + (await removals.reap())
    },
    async close() {
      watch.close()
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
