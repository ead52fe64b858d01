import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Execution } from '../../protocol/execution.ts'
import { boundedJob, type BoundedJob, type DockerTask, type Executor, type Job, type ResumedJob } from '../executor.ts'
import type { CappedStorage } from '../ports.ts'
import { makeContainer, type ReadyContainer, type RunningContainer, type Workshop } from './container.ts'
import { shapeOf, type ContainerShape } from './container-shape.ts'
import { connectEngine, type ImageFacts } from './engine.ts'
import { engineFailure, isEngineGone } from './engine-errors.ts'
import { factsOf, INIT_PROGRAM, type EngineFacts } from './engine-facts.ts'
import { watchEngine } from './engine-watch.ts'
import { isShutdown, notStarted, throwIfStopped } from '../run-failures.ts'
import { dockerUnavailable } from './failures.ts'
import { createGpuPool, gpuFailure } from './gpus.ts'
import { createImageFolders } from './image-folders.ts'
import { createTaskImages, type ImageSupply, type TaskImages } from './images/task-images.ts'
import { SECRET_BYTES } from './init-frames.ts'
import { isolationOf } from './isolation.ts'
import { readLeftContainer, writeLeftContainer } from './left-container.ts'
import { probeDocker } from './probe.ts'
import { createRemovals } from './removals.ts'
import { runTask, type Begin } from './run-task.ts'
import { checkClass } from './runtime-classes.ts'
import { orderOf } from './task-order.ts'
import { orPutAway, takeOver } from './take-over.ts'
import { checkProgram, checkTask } from './task-checks.ts'
import { isWarm, makeWarmContainer, MOST_WARM_INPUT_BYTES, removeWarmDirs } from './warm-container.ts'
import { createWarmPool, type WarmPool } from './warm-pool.ts'

export interface DockerExecutorOptions {
  /** The unix socket of an engine on this host. */
  readonly socketPath: string
  /** Makes the file systems that tasks write to. */
  readonly storage: CappedStorage
  /** The id that marks the containers of this instance: 1 to 32 of `a` to `z`, `0` to `9` and `-`. */
  readonly instance: string
  /** Folder of this instance alone, in which its jobs' folders are. */
  readonly instanceDir: string
  readonly uid: number
  readonly gid: number
  /** The images that tasks may name, in the form that `allowedReference` takes; none if empty. */
  readonly images: readonly string[]
  /** How many containers are made ahead for tasks like those that came before. */
  readonly prewarm: number
  /** How long the container of a started task waits for another node process when this one is gone; 0: it ends with the node. */
  readonly reattachMs: number
  /** Where images are fetched from that the engine does not have. */
  readonly supply: ImageSupply
  /** Cores that tasks may run on, as cpuset(7) lists them; all where absent. */
  readonly cpuset?: string
  /** Ids of GPUs that tasks may ask for; none where empty. */
  readonly gpus: readonly string[]
  /**
   * The OCI runtimes that tasks may ask for, by the engine's names for them; the first is for tasks that name none. If empty, only the
   * engine's default is used.
   */
  readonly classes?: readonly string[]
}

/**
 * The Docker runtime: each task in a container of its own, made of an image that the operator allows.
 *
 * `run` throws IMAGE_REFUSED, INVALID_INPUT, REFUSED (a limit that cannot be held), CANCELLED, RUNTIME_UNAVAILABLE (all
 * before the task has started), PROVIDER_STOPPED and EXECUTOR_FAILED.
 */
export function createDockerExecutor(options: DockerExecutorOptions): Executor<DockerTask> {
  const {
    socketPath,
    storage,
    instance,
    instanceDir,
    uid,
    gid,
    images: allowed,
    supply,
    prewarm,
    reattachMs,
    cpuset,
    classes = [],
  } = options
  const engine = connectEngine({ socketPath })
  const removals = createRemovals({ engine, instance })
  const watch = watchEngine({
    engine,
    onBack: () => {
      facts = undefined
      images.forget()
      // Removes what could not be removed while the engine was away.
      removals.reap().catch(() => {})
      images.reap().catch(() => {})
    },
  })
  const images = createTaskImages({
    ...{ engine, instance, allowed, supply },
    async letGo(id) {
      await pool.letGo(id)
      await removals.settled()
    },
  })
  const folders = createImageFolders({ engine, removals, instance })
  /** The folders of containers that were made ahead of a task. */
  const warmDirs = new Set<string>()
  const places: Workshop['places'] = new Map()
  const gpuPool = createGpuPool(options.gpus)
  let facts: Promise<EngineFacts> | undefined
  /** How many tasks have a file system mounted. */
  let active = 0
  /** How many tasks have a container being made. */
  let preparing = 0

  const engineFacts = async (): Promise<EngineFacts> => {
    facts ??= factsOf(engine, classes)
    try {
      return await facts
    } catch (error) {
      facts = undefined
      throw error
    }
  }
  const workshopNow = async (): Promise<Workshop> => ({
    ...(await engineFacts()),
    ...{
      engine,
      storage,
      removals,
      instance,
      user: { uid, gid },
      initProgram: INIT_PROGRAM,
      places,
      reattachMs,
      cpuset,
    },
  })
  const pool = createWarmPool({
    size: prewarm,
    make: async (shape) => makeWarmContainer({ shape, workshop: await workshopNow(), instanceDir, dirs: warmDirs }),
    isBusy: () => preparing > 0 || !watch.state.present,
  })
  /** A container for the job: a warm one of its shape, or else a new one. */
  const containerFor = async ({
    job,
    shape,
    workshop,
    from,
  }: Omit<RunImageOptions, 'image'> & {
    readonly shape: ContainerShape
    readonly workshop: Workshop
  }): Promise<ReadyContainer> => {
    const { inputs } = job.task
    const copied = inputs.reduce((sum, { bytes }) => sum + bytes, 0)
    // A warm container with GPUs would keep them from all other tasks.
    const canBeWarm = copied <= MOST_WARM_INPUT_BYTES && !shape.gpus?.length
    const warm = canBeWarm ? from?.take(shape) : undefined
    if (warm !== undefined) {
      try {
        await warm.enter({ inputs, limits: job.limits })
        return warm
      } catch {
        // The warm container could not be adapted: a new one is made instead.
        pool.discard(warm)
      }
    }
    preparing += 1
    try {
      return await makeContainer({ shape, inputSources: inputs.map(({ source }) => source), dir: job.dir, workshop })
    } finally {
      preparing -= 1
    }
  }
  const acquire: TaskImages['acquire'] = async (wanted) => {
    if (!watch.state.present) throw dockerUnavailable(watch.state.why)
    try {
      return await images.acquire(wanted)
    } catch (error) {
      // If it was stopped, the signal's reason is thrown rather than what the stop has caused.
      wanted.signal.throwIfAborted()
      if (isEngineGone(error)) await watch.look()
      throw engineFailure({ doing: 'bringing the image in', error, socketPath })
    }
  }
  const run = async (asked: Job<DockerTask>): Promise<Execution> => {
    const job = boundedJob(asked)
    checkTask(job.task, job.limits)
    throwIfStopped(job.signal)
    // An 'error' event without a listener would end the node. The error itself is handled once the task runs.
    job.stdin.on('error', ignore)
    await mkdir(job.dir, { recursive: true, mode: 0o700 })
    try {
      const image = await acquire({ ...job, onProgress: ignore })
      try {
        return await runImage({ job, image: image.facts, from: pool })
      } finally {
        image.release()
      }
    } catch (error) {
      if (error === job.signal.reason) throw notStarted(job.signal)
      // The failure may mean that an image is gone: the engine is asked again the next time.
      images.doubt()
      if (isEngineGone(error) || isEngineGone((error as Error).cause)) await watch.look()
      throw engineFailure({ doing: 'running a task', error, socketPath })
    } finally {
      job.stdin.off('error', ignore)
    }
  }
  const runImage = async ({ job, image, from }: RunImageOptions): Promise<Execution> => {
    checkProgram(job.task, image)
    const workshop = await workshopNow()
    await folders.check(image)
    checkClass(workshop.offered.of(job.task.runtimeClass), job.limits)
    const ownWorkdir = job.task.workdir !== undefined && !(await folders.has(image, job.task.workdir))
    throwIfStopped(job.signal)
    const gpus = gpuPool.take(job.task.gpus ?? 0)
    active += 1
    try {
      const container = await containerFor({
        job,
        shape: shapeOf({ job, image, ownWorkdir, gpus: gpus.ids }),
        workshop,
        from,
      })
      let over = false
      try {
        const secret = randomBytes(SECRET_BYTES)
        if (reattachMs > 0)
          await writeLeftContainer(job.dir, {
            ...{ ...container, secret, gpus: gpus.ids ?? [] },
            counters: container.counters.base,
          })
        const execution = await runTask({
          ...{ job, container, watch },
          begin: { kind: 'go', order: orderOf({ job, image, secret, reattachMs }) },
          isolation: isolationOf({ ...workshop, runtime: container.runtime, uid }),
        })
        over = true
        return execution
      } finally {
        // A warm container has nothing in the job's folder, so it can be removed in the background.
        if (over && isWarm(container)) pool.discard(container)
        else await putAway(container, job)
      }
    } catch (error) {
      throw gpus.ids?.length ? gpuFailure(error) : error
    } finally {
      active -= 1
      gpus.release()
    }
  }
  /** Removes the container; but if the node stops, the container of a started task is left for the next process of the node. */
  const putAway = async (container: RunningContainer, job: Job<DockerTask>): Promise<void> => {
    if (reattachMs > 0 && isShutdown(job.signal) && container.channel.hasBegun()) container.leave()
    else await container.dispose()
  }
  const resume = async (asked: ResumedJob<DockerTask>): Promise<Execution | undefined> => {
    const job = boundedJob(asked)
    const left = await readLeftContainer(job.dir)
    const gpus = left && gpuPool.keep(left.name, left.gpus)
    try {
      if (left === undefined) {
        // The container was reaped, but its disk was kept together with the folder.
        await storage.unmountLeftovers({ folder: job.dir, keep: [] })
        return undefined
      }
      const workshop = await orPutAway(workshopNow(), { left, jobDir: job.dir, workshop: { storage, removals } })
      const container = await takeOver({ left, jobDir: job.dir, workshop })
      if (container === undefined) return undefined
      active += 1
      try {
        const begin: Begin = { kind: 'resume', before: asked.before }
        return await runTask({
          job,
          container,
          watch,
          begin,
          isolation: isolationOf({ info: workshop.info, runtime: left.runtime, uid }),
        })
      } finally {
        await putAway(container, job)
        active -= 1
      }
    } catch (error) {
      throw engineFailure({ doing: 'going on with a task', error, socketPath })
    } finally {
      gpus?.release()
    }
  }
  return {
    runtime: 'docker',
    run,
    ...(reattachMs > 0 && { resume }),
    hold: (task) => (watch.state.present ? images.hold(task) : undefined),
    prepare: acquire,
    probe: (signal) =>
      probeDocker({
        ...{ engine, watch, storage, instance, instanceDir, uid, images: allowed, cpuset, runImage, signal },
        checkLogins: () => images.checkLogins(),
        archives: options.supply.archives,
        gpus: gpuPool.total,
        engineFacts,
      }),
    watch: (listener) => watch.listen(listener),
    async reap({ keep }) {
      const left = (await Promise.all(keep.map(readLeftContainer))).filter((each) => each !== undefined)
      // Before any new task could be given the GPUs.
      for (const { name, gpus } of left) gpuPool.keep(name, gpus)
      const inUse = [...keep, ...warmDirs, ...left.map(({ dir }) => dir)]
      const unmounted = active === 0 ? await storage.unmountLeftovers({ folder: instanceDir, keep: inUse }) : 0
      await removeWarmDirs({ instanceDir, keep: inUse })
      // Even if the engine is not there yet: when it comes back, everything else is reaped.
      removals.spare(left.map(({ name }) => name))
      if (!(await watch.look()).present) return unmounted
      const removed = await removals.reap()
      return unmounted + removed + (await images.reap())
    },
    async close() {
      watch.close()
      await Promise.all([images.close(), pool.close()])
      await removals.settled()
      await images.clear()
      engine.close()
    },
  }
}

const ignore = (): void => {}

interface RunImageOptions {
  readonly job: BoundedJob<DockerTask>
  readonly image: ImageFacts
  /** The pool whose warm containers it may use. Absent for probes, which always get a new one. */
  readonly from?: WarmPool | undefined
}
