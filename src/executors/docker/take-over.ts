import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { containerAround, DISK_DIR, INIT_DIR, initIsReady, type RunningContainer, type Workshop } from './container.ts'
import { controlGroupsOf, openCounters } from './counters.ts'
import { openInitChannel, SOCKET_NAME } from './init-channel.ts'
import type { LeftContainer } from './left-container.ts'

/**
 * Takes over a container that another node has left. Undefined where there is nothing more to take over: it has ended,
 * or its first process does not come. It, and what it had, is away then.
 *
 * @throws what the engine and the storage throw.
 */
export async function takeOver({
  left,
  jobDir,
  workshop,
}: {
  readonly left: LeftContainer
  readonly jobDir: string
  readonly workshop: Workshop
}): Promise<RunningContainer | undefined> {
  const { engine, storage } = workshop
  const { id, name, dir, runtime } = left
  const mountPoint = join(dir, DISK_DIR)
  const leftovers = leftoversOf({ left, jobDir, workshop })
  try {
    const state = await engine.state(id)
    if (state?.running !== true) return await nothing(leftovers)
    const groups = controlGroupsOf({ pid: state.pid, containerId: id })
    const counters = openCounters({ groups, containerId: id, base: left.counters })
    leftovers.defer(() => counters.close())
    const lease = await storage.adopt({ mountPoint, outputs: left.leased })
    leftovers.defer(() => lease.release())
    const initDir = join(dir, INIT_DIR)
    // One that a crash has left in the place.
    await rm(join(initDir, SOCKET_NAME), { force: true })
    const channel = await openInitChannel({ dir: initDir, secret: left.secret })
    leftovers.defer(() => channel.close())
    try {
      await initIsReady(channel)
    } catch {
      return await nothing(leftovers)
    }
    return containerAround({
      id,
      name,
      dir,
      runtime,
      channel,
      counters,
      lease,
      leased: left.leased,
      leftovers,
      workshop,
    })
  } catch (error) {
    await leftovers.disposeAsync()
    throw error
  }
}

/**
 * What is needed to take a container over. Where that cannot be had the container is put away with what it had: it would run
 * for nobody, and a disk in the job's folder would be in the way of the next attempt.
 *
 * @throws what `needed` rejects with.
 */
export async function orPutAway<T>(needed: Promise<T>, options: LeftoversOptions): Promise<T> {
  try {
    return await needed
  } catch (error) {
    await leftoversOf(options).disposeAsync()
    throw error
  }
}

interface LeftoversOptions {
  readonly left: LeftContainer
  readonly jobDir: string
  readonly workshop: Pick<Workshop, 'storage' | 'removals'>
}

/** What there is of it whether or not it runs. */
function leftoversOf({ left: { name, dir }, jobDir, workshop }: LeftoversOptions): AsyncDisposableStack {
  const { storage, removals } = workshop
  const leftovers = new AsyncDisposableStack()
  removals.own(name)
  // Only that of a container which was made ahead is its own.
  if (dir !== jobDir) leftovers.defer(() => rm(dir, { recursive: true, force: true }))
  leftovers.defer(async () => void (await storage.unmountLeftovers({ folder: join(dir, DISK_DIR), keep: [] })))
  leftovers.defer(() => removals.remove(name))
  return leftovers
}

async function nothing(leftovers: AsyncDisposableStack): Promise<undefined> {
  await leftovers.disposeAsync()
  return undefined
}
