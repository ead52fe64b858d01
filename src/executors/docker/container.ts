import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SoukError } from '../../protocol/errors.ts'
import type { CappedStorage, StorageLease } from '../ports.ts'
import { containerRecipe } from './container-recipe.ts'
import type { ContainerShape } from './container-shape.ts'
import { controlGroupsLike, controlGroupsOf, openCounters, type ControlGroups, type Counters } from './counters.ts'
import type { ContainerState, DockerEngine } from './engine.ts'
import { hostUserOf, type EngineInfo } from './engine-info.ts'
import { engineFailure } from './engine-errors.ts'
import { containerFailed, imageRefused } from './failures.ts'
import { mountsOf } from './folders.ts'
import { differencesOf } from './hardening.ts'
import { openInitChannel, type InitChannel } from './init-channel.ts'
import { inDockersWords } from './podman-answers.ts'
import type { Removals } from './removals.ts'
import type { RuntimeClass, RuntimeClasses } from './runtime-classes.ts'

/** What is the same for every container of an executor. */
export interface Workshop {
  readonly engine: DockerEngine
  readonly info: EngineInfo
  /** What starts them, by class. */
  readonly offered: RuntimeClasses
  readonly storage: CappedStorage
  readonly removals: Removals
  readonly instance: string
  readonly user: { readonly uid: number; readonly gid: number }
  /** Path of the program that is pid 1. */
  readonly initProgram: string
  readonly seccomp: string
  readonly places: ControlGroupPlaces
  /** For how long a container waits for another node when this one is gone; 0: it ends at once. */
  readonly reattachMs: number
  /** Cores that tasks may run on, as cpuset(7) lists them; all where absent. */
  readonly cpuset?: string | undefined
}

/** A container whose first process runs, and is connected. */
export interface RunningContainer {
  readonly id: string
  readonly name: string
  /** The folder with its socket and its disk. */
  readonly dir: string
  /** Paths inside of the folders on its disk. */
  readonly leased: readonly string[]
  readonly channel: InitChannel
  /** What started it. */
  readonly runtime: RuntimeClass
  readonly counters: Counters
  readonly lease: StorageLease
  /** What the engine knows of it; rejects as {@link DockerEngine} does when it knows nothing any more. */
  state(): Promise<ContainerState | undefined>
  /** Gives it every core. Dying takes CPU time too, and many processes with little of it could put that off for minutes. */
  hurry(): Promise<void>
  /** Has the engine end everything in it, its first process too. */
  kill(): Promise<void>
  /** Ends everything that is in it and gives its file system back; the engine's part is removed in the background. */
  dispose(): Promise<void>
  /** Lets go of it as it is, for the next node. */
  leave(): void
}

/** One in which nothing of a task has run: its first process waits for the word. */
export interface ReadyContainer extends RunningContainer {
  readonly shape: ContainerShape
}

export interface MakeOptions {
  readonly shape: ContainerShape
  /** Files of this host, one for each of the shape's `inputTargets`. */
  readonly inputSources: readonly string[]
  /** An own, empty folder, which nobody else may enter. */
  readonly dir: string
  readonly workshop: Workshop
}

/** From the engine's word that it has started to that of its first process. */
const READY_TIMEOUT_MS = 30_000

/** Where in `dir` the socket is, and where the disk is mounted. */
export const INIT_DIR = 'init'
export const DISK_DIR = 'disk'

/** @throws SoukError EXECUTOR_FAILED, RUNTIME_UNAVAILABLE, IMAGE_REFUSED, REFUSED; nothing is left then. */
export async function makeContainer(options: MakeOptions): Promise<ReadyContainer> {
  const leftovers = new AsyncDisposableStack()
  try {
    return await make(options, leftovers)
  } catch (error) {
    await leftovers.disposeAsync()
    throw error
  }
}

async function make(options: MakeOptions, leftovers: AsyncDisposableStack): Promise<ReadyContainer> {
  const { shape, inputSources, dir, workshop } = options
  const { engine, removals, user } = workshop
  const runtime = workshop.offered.of(shape.runtimeClass)
  const [initDir, mountPoint] = [join(dir, INIT_DIR), join(dir, DISK_DIR)]
  // The container's user goes through the one; the other is the launcher's to mount on.
  await Promise.all([mkdir(initDir, { mode: 0o755 }), mkdir(mountPoint, { mode: 0o700 })])
  const [lease, channel] = await bothOrNeither(
    leaseFor({ shape, mountPoint, workshop }),
    openInitChannel({ dir: initDir }),
    leftovers,
  )
  const name = `souk-${workshop.instance}-${randomBytes(8).toString('hex')}`
  const recipe = containerRecipe({
    ...shape,
    mounts: mountsOf({ ...shape, inputSources, lease, ownTmpfs: workshop.info.ownTmpfs }),
    init: { program: workshop.initProgram, folder: initDir },
    user,
    engine: workshop.info,
    cpuset: workshop.cpuset,
    runtime,
    seccomp: workshop.seccomp,
    instance: workshop.instance,
  })
  // By its name it is found even where the engine makes it, and does not come to say so.
  removals.own(name)
  // Init may be here, and even gone again, before the engine is done with starting it: it is not disturbed in that.
  const underWay: { start?: Promise<void> } = {}
  leftovers.defer(() => removals.remove(name, underWay.start))
  // Last in, first out: with its first process everything in it ends, before anything is taken away.
  leftovers.defer(() => channel.close())
  const id = await asking(options, 'creating the container', () => engine.create(name, recipe))
  const made = await asking(options, 'inspecting the container', () => engine.made(id))
  const said = workshop.info.product === 'Podman' ? inDockersWords(recipe, made) : { recipe, made }
  const [different] = differencesOf(said.recipe, said.made)
  if (different !== undefined)
    throw containerFailed(`the engine did not make it as it was asked to, and it was not started: ${different}`)
  const started = asking(options, 'starting the container', () => engine.start(id))
  underWay.start = started
  // Init speaks before the engine does, which has yet to write down what it has done.
  await Promise.race([channel.ready, started.then(() => initIsReady(channel))])
  const counters = await countersOf({ workshop, id, runtimeClass: shape.runtimeClass, started })
  leftovers.defer(() => counters.close())
  const { leased } = shape.folders
  return {
    ...containerAround({ id, name, dir, runtime, channel, counters, lease, leased, leftovers, workshop }),
    shape,
  }
}

export function containerAround({
  leftovers,
  workshop,
  ...container
}: Pick<RunningContainer, 'id' | 'name' | 'dir' | 'runtime' | 'leased' | 'channel' | 'counters' | 'lease'> & {
  readonly leftovers: AsyncDisposableStack
  readonly workshop: Workshop
}): RunningContainer {
  const { id, channel, counters } = container
  return {
    ...container,
    state: () => workshop.engine.state(id),
    hurry: () => workshop.engine.setCores(id, workshop.info.cpus),
    kill: () => workshop.engine.kill(id),
    dispose: () => leftovers.disposeAsync(),
    leave() {
      channel.leave()
      counters.close()
    },
  }
}

/** Whichever of them came to be is put away where the other did not. */
async function bothOrNeither(
  leasing: Promise<StorageLease>,
  opening: Promise<InitChannel>,
  leftovers: AsyncDisposableStack,
): Promise<[StorageLease, InitChannel]> {
  const [lease, channel] = await Promise.allSettled([leasing, opening])
  if (lease.status === 'fulfilled') leftovers.defer(() => lease.value.release())
  if (channel.status === 'fulfilled') leftovers.defer(() => channel.value.close())
  if (lease.status === 'rejected') throw lease.reason
  if (channel.status === 'rejected') throw channel.reason
  return [lease.value, channel.value]
}

async function leaseFor({
  shape,
  mountPoint,
  workshop,
}: {
  readonly shape: ContainerShape
  readonly mountPoint: string
  readonly workshop: Workshop
}): Promise<StorageLease> {
  const { storage, user } = workshop
  const { folders, limits } = shape
  const lease = await storage.lease({
    mountPoint,
    diskBytes: limits.diskBytes,
    inodes: limits.inodes + folders.madeInodes,
    ...hostUserOf(workshop.info, user),
    outputs: folders.leased,
    outlivesNode: workshop.reattachMs > 0,
  })
  return {
    ...lease,
    async release() {
      try {
        await lease.release()
      } catch {
        await storage.unmountLeftovers({ folder: mountPoint, keep: [] })
      }
    },
  }
}

/** Where the engine puts containers, by runtime class: what was seen of one tells of the next, without a call. */
export type ControlGroupPlaces = Map<string, { readonly groups: ControlGroups; readonly of: string }>

async function countersOf({
  workshop,
  id,
  runtimeClass = '',
  started,
}: {
  readonly workshop: Workshop
  readonly id: string
  readonly runtimeClass: string | undefined
  /** The engine's word. */
  readonly started: Promise<void>
}): Promise<Counters> {
  const { engine, places } = workshop
  const known = places.get(runtimeClass)
  if (known !== undefined) {
    try {
      return openCounters({
        groups: controlGroupsLike(known.groups, { of: known.of, containerId: id }),
        containerId: id,
      })
    } catch {
      // It puts them elsewhere now: it says where.
      places.delete(runtimeClass)
    }
  }
  try {
    await started
    const state = await engine.state(id)
    const groups = controlGroupsOf({ pid: state?.pid ?? 0, containerId: id })
    const counters = openCounters({ groups, containerId: id })
    places.set(runtimeClass, { groups, of: id })
    return counters
  } catch (error) {
    throw engineFailure({ doing: 'opening the counters of the container', error, socketPath: engine.socketPath })
  }
}

/** What runc says when something is to be mounted where the image has something else. */
const NO_PLACE =
  /error mounting .* to rootfs|mount destination|not a directory|cannot create .* mountpoint|must be mounted on ordinary directory|error reopening \/dev\/null|mkdir \S+: file exists|chdir to cwd|container breakout/i

async function asking<T>({ shape, workshop }: MakeOptions, doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const failure = engineFailure({ doing, error, socketPath: workshop.engine.socketPath })
    if (TOO_MUCH.test(failure.message)) throw aboveEngine(failure)
    const place = NO_PLACE.exec(failure.message)?.[0]
    if (place === undefined) throw failure
    const reason = `the task's folders or inputs cannot be put into it (${place})`
    throw imageRefused({ image: shape.imageName, reason })
  }
}

/** What runc and crun say when they may not raise a limit of processes as far (setrlimit(2)). */
const TOO_MUCH = /error setting rlimit|setrlimit `RLIMIT_/

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

/** @throws SoukError EXECUTOR_FAILED when it does not come, or not in time. */
export async function initIsReady({ ready }: Pick<InitChannel, 'ready'>): Promise<void> {
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
