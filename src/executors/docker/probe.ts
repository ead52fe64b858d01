import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pack } from 'tar-stream'
import { ERROR_CODES, isSoukError } from '../../protocol/errors.ts'
import type { Execution } from '../../protocol/execution.ts'
import type { LimitKey } from '../../protocol/limits.ts'
import { boundedJob, FEATURES } from '../executor.ts'
import type { BoundedJob, Capability, DockerTask, ProvenLimit } from '../executor.ts'
import { findGap, hitLimits, runProbeProgram, type ProbeRuns } from '../hit-limits.ts'
import type { CappedStorage } from '../ports.ts'
import { coresIn } from './cpuset.ts'
import type { DockerEngine, EngineInfo, ImageFacts } from './engine.ts'
import type { EngineWatch } from './engine-watch.ts'
import { dockerUnavailable } from './failures.ts'
import { tryGpus } from './gpu-probe.ts'
import { isolationOf } from './isolation.ts'
import { LEAST, UNENFORCEABLE } from './task-checks.ts'

export interface ProbeOptions {
  readonly engine: DockerEngine
  readonly watch: EngineWatch
  readonly storage: CappedStorage
  readonly instance: string
  readonly instanceDir: string
  readonly uid: number
  /** What the operator allows. */
  readonly images: readonly string[]
  /** Whether he lets tasks bring others. */
  readonly archives: boolean
  /** Throws SoukError CONFIG_INVALID where a login for a registry cannot be used. */
  readonly checkLogins: () => Promise<void>
  /** Cores that tasks may run on, as cpuset(7) lists them. */
  readonly cpuset: string | undefined
  /** How many GPUs he offers. */
  readonly gpus: number
  readonly engineInfo: () => Promise<EngineInfo>
  readonly runImage: (run: { readonly job: BoundedJob<DockerTask>; readonly image: ImageFacts }) => Promise<Execution>
  readonly signal: AbortSignal
}

/** Hits every limit (src/native/launcher/probe/probe.c), and is alone in the image that is made for it. */
const PROBE_PROGRAM = fileURLToPath(new URL('../../../build/souk-probe', import.meta.url))
const PROGRAM_NAME = 'souk-probe'
const REPOSITORY = 'souk-probe'

/** Hits every limit with a container of our own through the executor's own `run`. Never rejects. */
export async function probeDocker(options: ProbeOptions): Promise<Capability> {
  const { engine, instance } = options
  const name = { repo: REPOSITORY, tag: instance }
  let dir: string | undefined
  try {
    const info = await needed(options)
    dir = await mkdtemp(join(options.instanceDir, 'docker-probe-'))
    const image = await probeImage(engine, name)
    const runs = runsOf(options, { image, dir })
    const gap = await findGap(runs, options.uid)
    if (gap !== undefined) throw dockerUnavailable(`a wall of the container does not stand: ${gap}`)
    const verdicts = [...(await hitLimits(runs)), await tryGpus(runs, options.gpus)]
    const bounds = {
      cpuCores: { max: coresOf(info, options.cpuset) },
      openFiles: { max: await mostOpenFiles(runs) },
      gpus: { max: options.gpus },
    }
    return {
      runtime: 'docker',
      available: true,
      isolation: isolationOf(info, options.uid),
      proven: verdicts.flatMap(({ limit, proven }) =>
        proven === undefined ? [] : [{ limit, how: proven, ...boundsOf(limit, bounds) } satisfies ProvenLimit],
      ),
      unproven: [
        ...verdicts.flatMap(({ limit, unproven }) => (unproven === undefined ? [] : [{ limit, why: unproven }])),
        ...UNENFORCEABLE,
      ],
      features: [...options.images.map((image) => `image:${image}`), ...(options.archives ? [FEATURES.archive] : [])],
    }
  } catch (error) {
    return { runtime: 'docker', available: false, why: sentence(error) }
  } finally {
    await engine.removeImage(`${name.repo}:${name.tag}`).catch(() => {})
    if (dir !== undefined) await rm(dir, { recursive: true, force: true }).catch(() => {})
  }
}

/** Throws SoukError RUNTIME_UNAVAILABLE where something is missing without which there is no task. */
async function needed({ watch, storage, checkLogins, engineInfo }: ProbeOptions): Promise<EngineInfo> {
  const presence = await watch.look()
  if (!presence.present) throw dockerUnavailable(presence.why)
  const why = await storage.unavailable()
  if (why !== undefined)
    throw dockerUnavailable(`there is nothing that bounds what a container writes, which the launcher does: ${why}.`)
  await checkLogins()
  return engineInfo()
}

async function probeImage(
  engine: DockerEngine,
  name: { readonly repo: string; readonly tag: string },
): Promise<ImageFacts> {
  const content = await readFile(PROBE_PROGRAM).catch((error: unknown) => {
    throw dockerUnavailable(
      `${PROBE_PROGRAM} is missing; install a C compiler (Debian: apt-get install gcc libc6-dev) and install souk again.`,
      error,
    )
  })
  // One of a probe that did not come to its end.
  await engine.removeImage(`${name.repo}:${name.tag}`)
  const archive = pack()
  archive.entry({ name: PROGRAM_NAME, mode: 0o755 }, content)
  archive.finalize()
  const id = await engine.importImage(Readable.from(archive), name)
  const image = await engine.image(id)
  if (image === undefined) throw dockerUnavailable('the engine does not have the image that it has just made.')
  return image
}

function runsOf(
  { runImage, signal }: ProbeOptions,
  { image, dir }: { readonly image: ImageFacts; readonly dir: string },
): ProbeRuns<DockerTask> {
  return {
    dir,
    signal,
    run: (job) => runImage({ job: boundedJob(job), image }),
    task: (base) => ({
      ...base,
      runtime: 'docker',
      image: image.id,
      command: [`/${PROGRAM_NAME}`, ...base.command],
    }),
  }
}

type Bounds = { readonly [K in LimitKey]?: { readonly max: number } }

function boundsOf(limit: LimitKey, bounds: Bounds): { min?: number; max?: number } {
  const min = LEAST[limit]
  return { ...(min !== undefined && { min }), ...bounds[limit] }
}

const coresOf = ({ cpus }: EngineInfo, cpuset = ''): number => Math.min(cpus, coresIn(cpuset) ?? cpus)

/** An engine cannot give more than it may have itself, and does not say how much that is. */
const OPEN_FILES_TRIED = [1_048_576, 524_288, 65_536, 16_384, 4096]
const LEAST_OPEN_FILES = 1024

/** The most descriptors that a container was started with. */
async function mostOpenFiles(runs: ProbeRuns<DockerTask>): Promise<number> {
  for (const openFiles of OPEN_FILES_TRIED) {
    try {
      await runProbeProgram({ command: ['inodes', '0'], limits: { openFiles } }, runs)
      return openFiles
    } catch (error) {
      if (!isSoukError(error, 'REFUSED')) throw error
    }
  }
  return LEAST_OPEN_FILES
}

/** What is missing, and how to get it. */
function sentence(error: unknown): string {
  if (!isSoukError(error, 'RUNTIME_UNAVAILABLE')) return error instanceof Error ? error.message : String(error)
  const { why } = error.details
  return error.hint === ERROR_CODES.RUNTIME_UNAVAILABLE.hint ? why : `${why}. ${error.hint}`
}
