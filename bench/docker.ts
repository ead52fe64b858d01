import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { buildProgram } from '../scripts/build-programs.ts'
import { makeImage } from '../scripts/docker-images.ts'
import { startOwnDockerEngine } from '../scripts/own-docker-engine.ts'
import { DOCKER_ENGINE, ensurePackages, withProgram } from '../scripts/toolchain.ts'
import { INSTANCE_LABEL } from '../src/executors/docker/container-recipe.ts'
import { createDockerExecutor } from '../src/executors/docker/executor.ts'
import type { CappedStorage } from '../src/executors/ports.ts'
import { createCappedStorage } from '../src/native/capped-storage.ts'
import { dockerodePeer, dockerRunPeer } from './docker-peers.ts'
import { BENCH_LIMITS, executorSubject } from './executor-subject.ts'
import { interleaved, throughputs, type Subject } from './interleaved.ts'
import { benchLauncher } from './launcher.ts'
import { benchCase, percentile, round, type BenchOptions, type BenchReport } from './report.ts'

const IN_FLIGHT = 8
const GAP_MS = 50
const NOBODY = 65_534
const NS_PER_MS = 1e6
/** Containers that wait, as the node has them unless told otherwise. */
const WARM = 2
const REATTACH_MS = 120_000
const SETTLE_MS = 100
const SETTLED_WITHIN_MS = 20_000
const COMMAND = ['/bin/true']

/** A program that does nothing, in a container of its own: ours, made for it and made before it, Docker's own, and bare dockerode's. */
export async function docker({ quick }: BenchOptions): Promise<BenchReport> {
  await ensurePackages({
    required: [...DOCKER_ENGINE, withProgram('crun', 'crun')],
    whoNeeds: 'the benchmarks compare with',
    signal: AbortSignal.timeout(600_000),
  })
  const dir = await mkdtemp(join(tmpdir(), 'souk-bench-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  const launcher = benchLauncher({ dir, cleanUp })
  const engine = await startOwnDockerEngine()
  cleanUp.defer(() => engine.stop())
  const { socketPath } = engine
  const file = join(import.meta.dirname, 'programs', 'true.c')
  const { source } = await buildProgram({ file, runtime: 'docker' })
  const image = await makeImage({ socketPath, programs: [{ source, path: '/bin/true' }] })
  const storage = createCappedStorage(launcher)
  const place = { dir, socketPath, image, storage, cleanUp }
  const crun = await crunSubjects({ ...place, source })
  const ours = await subject({ ...place, name: 'souk docker, cold', prewarm: 0 })
  const warm = await subject({ ...place, name: 'souk docker, warm', prewarm: WARM })
  const peerOptions = { socketPath, image, command: COMMAND, limits: BENCH_LIMITS }
  const [dockerRun, dockerode] = [dockerRunPeer(peerOptions), dockerodePeer(peerOptions)]
  const times = await interleaved({
    subjects: [ours, warm, dockerRun, dockerode, ...crun],
    rounds: quick ? 1 : 25,
    gapMs: GAP_MS,
    burst: 1,
  })
  const loopDelay = monitorEventLoopDelay({ resolution: 1 })
  const perSecond = await throughputs({
    subjects: [ours, dockerRun],
    watch(running) {
      if (running === ours) loopDelay.enable()
      return () => void loopDelay.disable()
    },
    inFlight: IN_FLIGHT,
    slices: quick ? 1 : 4,
    sliceMs: quick ? 500 : 2500,
  })
  const [ourPerSecond = 0, dockerRunPerSecond = 0] = [ours, dockerRun].map(({ name }) => perSecond.get(name))
  const p50 = (name: string): number => percentile(times.get(name) ?? [], 0.5)
  const [oursOnCrun, dockerRunOnCrun] = crun
  return {
    name: 'docker',
    cases: [...times].map(([name, timesMs]) => benchCase(name, timesMs)),
    ratios: {
      coldVsDockerRun: round(p50(ours.name) / p50(dockerRun.name)),
      coldVsDockerode: round(p50(ours.name) / p50(dockerode.name)),
      warmVsDockerRun: round(p50(warm.name) / p50(dockerRun.name)),
      coldOnCrunVsDockerRun: round(p50(oursOnCrun.name) / p50(dockerRun.name)),
      coldOnCrunVsDockerRunOnCrun: round(p50(oursOnCrun.name) / p50(dockerRunOnCrun.name)),
      throughputVsDockerRun: round(ourPerSecond / dockerRunPerSecond),
    },
    figures: {
      coldTasksPerSecond: round(ourPerSecond),
      dockerRunsPerSecond: round(dockerRunPerSecond),
      eventLoopDelayP99Ms: round(loopDelay.percentile(99) / NS_PER_MS),
    },
  }
}

/** The same on an engine whose containers crun starts: it sees no v2 mount beside the controllers of v1, with which it starts none. */
async function crunSubjects({
  source,
  ...place
}: Omit<SubjectOptions, 'name' | 'prewarm' | 'classes' | 'image'> & {
  readonly source: string
}): Promise<[Subject, Subject]> {
  // Disks are mounted below it, which this engine has to see.
  const shared = join(place.dir, 'crun')
  await mkdir(shared)
  const engine = await startOwnDockerEngine({
    runtimes: { crun: { path: '/usr/bin/crun' } },
    mounts: { withoutUnified: true, shared },
  })
  place.cleanUp.defer(() => engine.stop())
  const { socketPath } = engine
  const image = await makeImage({ socketPath, programs: [{ source, path: '/bin/true' }] })
  const ours = await subject({
    ...place,
    dir: shared,
    socketPath,
    image,
    name: 'souk docker, cold, crun',
    prewarm: 0,
    classes: ['crun'],
  })
  const peer = { socketPath, image, command: COMMAND, limits: BENCH_LIMITS, runtime: 'crun' }
  return [ours, dockerRunPeer(peer)]
}

interface SubjectOptions {
  readonly dir: string
  readonly socketPath: string
  readonly image: string
  readonly storage: CappedStorage
  readonly cleanUp: AsyncDisposableStack
  readonly name: string
  readonly prewarm: number
  /** The engine's runtimes; its own default where empty. */
  readonly classes?: readonly string[]
}

/** The program, through an executor of its own: one that has containers ready, or one that has not. */
async function subject({
  dir,
  socketPath,
  image,
  storage,
  cleanUp,
  name,
  prewarm,
  classes = [],
}: SubjectOptions): Promise<Subject> {
  const instance = `bench-${randomBytes(6).toString('hex')}`
  const instanceDir = join(dir, instance)
  await mkdir(instanceDir)
  const executor = createDockerExecutor({
    ...{ socketPath, storage, instance, instanceDir, prewarm, classes },
    uid: NOBODY,
    gid: NOBODY,
    gpus: [],
    images: [image],
    reattachMs: REATTACH_MS,
    supply: {
      ...{ registries: [], archives: false, maxImageBytes: 0, pullTimeoutMs: 0, cacheBytes: 0, keep: false },
      dir: join(dir, 'images', instance),
    },
  })
  cleanUp.defer(() => executor.close())
  const capability = await executor.probe(AbortSignal.timeout(120_000))
  if (!capability.available) throw new Error(`the Docker runtime is not available here: ${capability.why}`)
  const task = { runtime: 'docker', image, command: COMMAND, env: {}, inputs: [], outputs: [] } as const
  const docker = new Docker({ socketPath })
  const containers = async (): Promise<number> =>
    (await docker.listContainers({ filters: { label: [`${INSTANCE_LABEL}=${instance}`] } })).length
  const measured = executorSubject({ name, executor, dir: join(instanceDir, 'jobs'), task })
  const settled = async (): Promise<void> => {
    const deadlineMs = performance.now() + SETTLED_WITHIN_MS
    do await sleep(SETTLE_MS)
    while ((await containers()) !== prewarm && performance.now() < deadlineMs)
    if (performance.now() >= deadlineMs) throw new Error(`${name} has not ${prewarm} containers that wait`)
  }
  // The first use of a recipe tells nothing of a second.
  for (const _use of [1, 2]) await measured.run()
  await settled()
  return { ...measured, settled }
}
