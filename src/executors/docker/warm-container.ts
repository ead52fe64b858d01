import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BoundedLimits } from '../../protocol/limits.ts'
import type { InputFile } from '../executor.ts'
import type { EngineInfo } from './engine-info.ts'
import { ENGINE_LIMITS, limitsOfEngine } from './container-recipe.ts'
import { differingLimits, type ContainerShape } from './container-shape.ts'
import { makeContainer, type ReadyContainer, type Workshop } from './container.ts'

/** A container that was made before there was a task. */
export interface WarmContainer extends ReadyContainer {
  /** Whether it can be given these limits. */
  canHold(limits: BoundedLimits): boolean
  /** Puts a task's inputs in, and gives it the task's limits. Rejects as the engine and the storage do: it is of no use then. */
  enter(task: { readonly inputs: readonly InputFile[]; readonly limits: BoundedLimits }): Promise<void>
}

/** Inputs of a task are copied, which for large ones takes longer than to make a container. */
export const MOST_WARM_INPUT_BYTES = 8 * 1024 * 1024
/** Folders of containers, in that of the instance. */
const DIR_PREFIX = 'docker-warm-'

export const isWarm = (container: ReadyContainer): container is WarmContainer => 'enter' in container

/** Removes folders of such containers that a dead node has left, but for those in `keep`. */
export async function removeWarmDirs({
  instanceDir,
  keep,
}: {
  readonly instanceDir: string
  readonly keep: readonly string[]
}): Promise<void> {
  const found = (await readdir(instanceDir)).filter((name) => name.startsWith(DIR_PREFIX))
  const left = found.map((name) => join(instanceDir, name)).filter((dir) => !keep.includes(dir))
  await Promise.all(left.map((dir) => rm(dir, { recursive: true, force: true })))
}

/**
 * Whether a container can be given other limits than it has: a process's own can be lowered but not raised, and the engine's
 * need its call for that, which podman's service does not have in one version and has in its own way in another: nothing says
 * afterwards what it did.
 */
export function canBecome({
  held,
  asked,
  product,
}: {
  readonly held: BoundedLimits
  readonly asked: BoundedLimits
  readonly product: EngineInfo['product']
}): boolean {
  if (product !== 'Docker' && differingLimits(held, asked).some((limit) => ENGINE_LIMITS.has(limit))) return false
  const sameKind = (['pids', 'cpuShares', 'stackBytes'] as const).every(
    (limit) => (held[limit] === undefined) === (asked[limit] === undefined),
  )
  return (
    sameKind &&
    asked.openFiles <= held.openFiles &&
    asked.diskBytes <= held.diskBytes &&
    (asked.stackBytes ?? 0) <= (held.stackBytes ?? 0)
  )
}

/** @throws as {@link makeContainer} does. */
export async function makeWarmContainer({
  shape,
  workshop,
  instanceDir,
  dirs,
}: {
  readonly shape: ContainerShape
  readonly workshop: Workshop
  readonly instanceDir: string
  /** The folders of those that are there; this one's is added, and taken away again. */
  readonly dirs: Set<string>
}): Promise<WarmContainer> {
  const dir = await mkdtemp(join(instanceDir, DIR_PREFIX))
  dirs.add(dir)
  const removeDir = async (): Promise<void> => {
    await rm(dir, { recursive: true, force: true })
    dirs.delete(dir)
  }
  try {
    const inputSources = await makePlaces(dir, shape.inputTargets.length)
    const container = await makeContainer({ shape, inputSources, dir, workshop })
    const { engine, info } = workshop
    const { id, lease } = container
    return {
      ...container,
      canHold: (asked) => canBecome({ held: shape.limits, asked, product: info.product }),
      async enter({ inputs, limits }) {
        const different = differingLimits(shape.limits, limits)
        const { diskBytes, inodes } = limits
        const isDisk = different.some((limit) => limit === 'diskBytes' || limit === 'inodes')
        await Promise.all([
          ...inputs.map(({ source }, index) => copyFile(source, inputSources[index] ?? '')),
          different.some((limit) => ENGINE_LIMITS.has(limit)) && engine.setLimits(id, limitsOfEngine(limits, info)),
          isDisk && lease.resize({ diskBytes, inodes: inodes + shape.folders.madeInodes }),
        ])
      },
      async dispose() {
        await container.dispose()
        await removeDir()
      },
    }
  } catch (error) {
    await removeDir()
    throw error
  }
}

/** Empty files that the container sees in the place of inputs. A copy brings the mode along. */
async function makePlaces(dir: string, count: number): Promise<readonly string[]> {
  const folder = join(dir, 'inputs')
  await mkdir(folder, { mode: 0o700 })
  const paths = Array.from({ length: count }, (_none, index) => join(folder, String(index)))
  await Promise.all(paths.map((path) => writeFile(path, '', { mode: 0o600 })))
  return paths
}
