import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { SoukError } from '../../protocol/errors.ts'
import type { DockerTask, BoundedJob } from '../executor.ts'
import type { CappedStorage, StorageLease } from '../ports.ts'
import { containerRecipe } from './container-recipe.ts'
import { openCounters, type Counters } from './counters.ts'
import type { ContainerState, DockerEngine, EngineInfo, ImageFacts } from './engine.ts'
import { engineFailure } from './engine-errors.ts'
import { containerFailed, imageRefused } from './failures.ts'
import { mountsOf, planFolders } from './folders.ts'
import { openInitControl, type InitControl } from './init-control.ts'
import { createOutputFrames, type OutputFrames } from './output-frames.ts'
import type { Removals } from './removals.ts'

/** What is the same for every container of an executor. */
export interface Workshop {
  readonly engine: DockerEngine
  readonly info: EngineInfo
  readonly storage: CappedStorage
  readonly removals: Removals
  readonly instance: string
  readonly user: { readonly uid: number; readonly gid: number }
  /** Path of the program that is pid 1. */
  readonly initProgram: string
  readonly seccomp: string
}

/** A container that runs, in which nothing of the task has: its first process waits for the word. */
export interface WaitingContainer {
  readonly control: InitControl
  readonly counters: Counters
  readonly lease: StorageLease
  /** The task's standard input. */
  readonly stdin: Duplex
  readonly frames: OutputFrames
  /** Resolves when the engine has nothing more to pass on, or is gone. */
  readonly outputEnded: Promise<void>
  /** What the engine knows of it; rejects as {@link DockerEngine} does when it knows nothing any more. */
  state(): Promise<ContainerState | undefined>
  /** Gives it every core. Dying takes CPU time too, and many processes with little of it could put that off for minutes. */
  hurry(): Promise<void>
  /** Ends everything that is in it and gives its file system back; the engine's part is removed in the background. */
  dispose(): Promise<void>
}

export interface PrepareOptions {
  readonly job: BoundedJob<DockerTask>
  readonly image: ImageFacts
  readonly ownWorkdir: boolean
  readonly workshop: Workshop
}

/** From the engine's word that it has started to that of its first process. */
const READY_TIMEOUT_MS = 30_000

/** @throws SoukError EXECUTOR_FAILED, RUNTIME_UNAVAILABLE, IMAGE_REFUSED; nothing is left then. */
export async function prepareContainer(options: PrepareOptions): Promise<WaitingContainer> {
  const leftovers = new AsyncDisposableStack()
  try {
    return await prepare(options, leftovers)
  } catch (error) {
    await leftovers.disposeAsync()
    throw error
  }
}

async function prepare(options: PrepareOptions, leftovers: AsyncDisposableStack): Promise<WaitingContainer> {
  const { job, image, workshop } = options
  const { engine, storage, removals, user } = workshop
  const { task, limits } = job
  const folders = planFolders({ task, image, ownWorkdir: options.ownWorkdir })
  const [initDir, mountPoint] = [join(job.dir, 'init'), join(job.dir, 'disk')]
  await Promise.all([initDir, mountPoint].map((dir) => mkdir(dir, { mode: 0o700 })))

  const lease = await storage.lease({
    mountPoint,
    diskBytes: limits.diskBytes,
    inodes: limits.inodes + folders.madeInodes,
    ...user,
    outputs: folders.leased,
  })
  leftovers.defer(async () => release(lease, { storage, mountPoint }))
  const control = await openInitControl(initDir)

  const name = `souk-${workshop.instance}-${randomBytes(8).toString('hex')}`
  const recipe = containerRecipe({
    task,
    limits,
    image,
    mounts: mountsOf({ task, folders, lease }),
    init: { program: workshop.initProgram, socket: control.socketPath },
    user,
    engine: workshop.info,
    seccomp: workshop.seccomp,
    instance: workshop.instance,
  })
  // By its name it is found even where the engine makes it, and does not come to say so.
  removals.own(name)
  leftovers.defer(() => removals.remove(name))
  // Last in, first out: with its first process everything in it ends, before anything is taken away.
  leftovers.defer(() => control.close())
  const id = await asking(options, 'creating the container', () => engine.create(name, recipe))
  const connection = await asking(options, 'attaching to the container', () => engine.attach(id))
  const frames = createOutputFrames()
  const outputEnded = follow(connection, frames)
  leftovers.defer(() => void connection.destroy())
  await asking(options, 'starting the container', () => engine.start(id))
  await inTime(control.ready)
  const counters = await countersOf({ engine, id })
  leftovers.defer(() => counters.close())
  return {
    control,
    counters,
    lease,
    stdin: connection,
    frames,
    outputEnded,
    state: () => engine.state(id),
    hurry: () => engine.setCores(id, workshop.info.cpus),
    dispose: () => leftovers.disposeAsync(),
  }
}

/** Takes the connection apart into streams, for as long as there is one. */
function follow(connection: Duplex, frames: OutputFrames): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  connection.on('error', () => frames.sink.end())
  connection.once('close', () => {
    frames.sink.end()
    resolve()
  })
  frames.sink.on('error', () => connection.destroy())
  connection.pipe(frames.sink)
  return promise
}

async function release(
  lease: StorageLease,
  { storage, mountPoint }: { readonly storage: CappedStorage; readonly mountPoint: string },
): Promise<void> {
  try {
    await lease.release()
  } catch {
    await storage.unmountLeftovers(mountPoint)
  }
}

async function countersOf({ engine, id }: { readonly engine: DockerEngine; readonly id: string }): Promise<Counters> {
  try {
    const state = await engine.state(id)
    return openCounters({ pid: state?.pid ?? 0, containerId: id })
  } catch (error) {
    throw engineFailure({ doing: 'opening the counters of the container', error, socketPath: engine.socketPath })
  }
}

/** What runc says when something is to be mounted where the image has something else. */
const NO_PLACE =
  /error mounting .* to rootfs|mount destination|not a directory|cannot create .* mountpoint|must be mounted on ordinary directory/i

async function asking<T>({ job, workshop }: PrepareOptions, doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const failure = engineFailure({ doing, error, socketPath: workshop.engine.socketPath })
    if (TOO_MUCH.test(failure.message)) throw aboveEngine(failure)
    const place = NO_PLACE.exec(failure.message)?.[0]
    if (place === undefined) throw failure
    const reason = `the task's folders or inputs cannot be put into it (${place})`
    throw imageRefused({ image: job.task.image, reason })
  }
}

/** What runc says when it may not raise a limit of processes as far (setrlimit(2)). */
const TOO_MUCH = /error setting rlimit/

function aboveEngine(cause: Error): SoukError<'REFUSED'> {
  const message = 'The engine may not give a task as many open files, or as much stack, as it asks for.'
  return new SoukError({
    code: 'REFUSED',
    message,
    details: { reasons: [{ reason: 'CAP_ABOVE_OFFER', message, subject: 'openFiles' }] },
    phase: 'prepare',
    cause,
  })
}

async function inTime(ready: Promise<void>): Promise<void> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`it said nothing for ${READY_TIMEOUT_MS} ms`)), READY_TIMEOUT_MS)
  try {
    await Promise.race([ready, timeout])
  } catch (error) {
    throw containerFailed('its first process did not start', error)
  } finally {
    clearTimeout(timer)
  }
}
