import { isSoukError } from '../../protocol/errors.ts'
import type { Execution } from '../../protocol/execution.ts'
import type { LimitKey } from '../../protocol/limits.ts'
import { boundedJob, type BoundedJob, type DockerTask, type Holds, type ProvenLimit } from '../executor.ts'
import { findGap, hitLimits, runProbeProgram, type ProbeRuns } from '../hit-limits.ts'
import type { Verdict } from '../probe-trials.ts'
import { coresIn } from './cpuset.ts'
import type { ImageFacts } from './engine.ts'
import type { EngineInfo } from './engine-info.ts'
import { dockerUnavailable } from './failures.ts'
import { tryGpus } from './gpu-probe.ts'
import { isolationOf } from './isolation.ts'
import { OWN_KERNEL, UNCOUNTED_PIDS, type RuntimeClass } from './runtime-classes.ts'
import { LEAST, UNENFORCEABLE } from './task-checks.ts'

/** Of the program that hits limits, in the image that is made of it. */
export const PROBE_PATH = '/souk-probe'

export interface ClassProbe {
  readonly info: EngineInfo
  readonly runtime: RuntimeClass
  /** The class as the runs are to name it; undefined for that of tasks that name none. */
  readonly asked: string | undefined
  readonly image: ImageFacts
  /** An empty folder for jobs. */
  readonly dir: string
  readonly uid: number
  /** How many GPUs the operator offers. */
  readonly gpus: number
  /** Cores that tasks may run on, as cpuset(7) lists them. */
  readonly cpuset: string | undefined
  readonly runImage: (run: { readonly job: BoundedJob<DockerTask>; readonly image: ImageFacts }) => Promise<Execution>
  readonly signal: AbortSignal
}

/** What holds in containers of one class. Throws SoukError RUNTIME_UNAVAILABLE where a wall does not stand, and what `runImage` throws. */
export async function probeClass(probe: ClassProbe): Promise<Holds> {
  const { info, runtime, uid } = probe
  const { ownKernel } = runtime
  const runs = runsOf(probe)
  const gap = await findGap(runs, { uid, seccomp: ownKernel?.seccomp !== false })
  if (gap !== undefined) throw dockerUnavailable(`a wall of the container does not stand: ${gap}`)
  const verdicts = [
    ...(await hitLimits(runs)),
    ...(ownKernel === undefined ? [] : [await fearNoProcesses(runs)]),
    await tryGpus(runs, probe.gpus),
  ]
  const bounds: Bounds = {
    cpuCores: { max: coresOf(info, probe.cpuset) },
    openFiles: { max: await mostOpenFiles(runs) },
    gpus: { max: probe.gpus },
  }
  const least = { ...LEAST, ...(ownKernel !== undefined && { memoryBytes: OWN_KERNEL.leastMemoryBytes }) }
  return {
    isolation: isolationOf({ info, runtime, uid }),
    proven: verdicts.flatMap(({ limit, proven }) => {
      if (proven === undefined) return []
      const min = least[limit]
      return [{ limit, how: proven, ...(min !== undefined && { min }), ...bounds[limit] } satisfies ProvenLimit]
    }),
    unproven: [
      ...verdicts.flatMap(({ limit, unproven }) => (unproven === undefined ? [] : [{ limit, why: unproven }])),
      ...UNENFORCEABLE,
    ],
    ...(ownKernel !== undefined && { backstops: ['pids'] }),
  }
}

const coresOf = ({ cpus }: EngineInfo, cpuset = ''): number => Math.min(cpus, coresIn(cpuset) ?? cpus)

type Bounds = { readonly [K in LimitKey]?: { readonly max: number } }

function runsOf({ image, dir, asked, runtime, runImage, signal }: ClassProbe): ProbeRuns<DockerTask> {
  return {
    dir,
    signal,
    ...(runtime.ownKernel !== undefined && {
      without: ['pids'],
      leastMemoryBytes: OWN_KERNEL.leastMemoryBytes,
    }),
    run: (job) => runImage({ job: boundedJob(job), image }),
    task: (base) => ({
      ...base,
      runtime: 'docker',
      image: image.id,
      ...(asked !== undefined && { runtimeClass: asked }),
      command: [PROBE_PATH, ...base.command],
    }),
  }
}

/** For processes alone to be too many. */
const STORM_MEMORY_BYTES = 1024 * 1024 * 1024
const STORM_PROCESSES = 100_000

/**
 * Has a kernel of a task's own make processes without end: that must end the task, and not harm the host. Throws
 * SoukError RUNTIME_UNAVAILABLE where the task goes on.
 */
async function fearNoProcesses(runs: ProbeRuns<DockerTask>): Promise<Verdict> {
  const { execution } = await runProbeProgram(
    { command: ['fork', String(STORM_PROCESSES)], limits: { memoryBytes: STORM_MEMORY_BYTES } },
    runs,
  )
  const { outcome } = execution
  if (outcome.kind !== 'limit' || (outcome.limit !== 'pids' && outcome.limit !== 'memory'))
    throw dockerUnavailable(
      `nothing ends a task that makes processes without end: it ended with ${JSON.stringify(outcome)}`,
    )
  return {
    limit: 'pids',
    unproven: `${UNCOUNTED_PIDS}; one that made them without end was ended by its ${outcome.limit}`,
  }
}

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
