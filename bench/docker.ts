import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram } from '../scripts/build-programs.ts'
import { makeImage } from '../scripts/docker-images.ts'
import { startOwnDockerEngine } from '../scripts/own-docker-engine.ts'
import { DOCKER_ENGINE, ensurePackages } from '../scripts/toolchain.ts'
import { createDockerExecutor } from '../src/executors/docker/executor.ts'
import { createCappedStorage } from '../src/native/capped-storage.ts'
import { dockerodePeer, dockerRunPeer } from './docker-peers.ts'
import { BENCH_LIMITS, executorSubject } from './executor-subject.ts'
import { interleaved, throughputs } from './interleaved.ts'
import { benchLauncher } from './launcher.ts'
import { benchCase, percentile, round, type BenchOptions, type BenchReport } from './report.ts'

const IN_FLIGHT = 8
const GAP_MS = 50
const NOBODY = 65_534

/** A program that does nothing, in a container made for it and removed after it: ours, Docker's own, and bare dockerode's. */
export async function docker({ quick }: BenchOptions): Promise<BenchReport> {
  await ensurePackages({
    required: DOCKER_ENGINE,
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
  const instanceDir = join(dir, 'instance')
  await mkdir(instanceDir)
  const executor = createDockerExecutor({
    socketPath,
    storage: createCappedStorage(launcher),
    instance: `bench-${randomBytes(6).toString('hex')}`,
    instanceDir,
    uid: NOBODY,
    gid: NOBODY,
    images: [image],
    prewarm: 0,
    reattachMs: 0,
  })
  cleanUp.defer(() => executor.close())
  const capability = await executor.probe(AbortSignal.timeout(120_000))
  if (!capability.available) throw new Error(`the Docker runtime is not available here: ${capability.why}`)

  const command = ['/bin/true']
  const ours = executorSubject({
    name: 'souk docker, cold',
    executor,
    dir: join(instanceDir, 'jobs'),
    task: { runtime: 'docker', image, command, env: {}, inputs: [], outputs: [] },
  })
  const peerOptions = { socketPath, image, command, limits: BENCH_LIMITS }
  const [dockerRun, dockerode] = [dockerRunPeer(peerOptions), dockerodePeer(peerOptions)]
  const times = await interleaved({
    subjects: [ours, dockerRun, dockerode],
    rounds: quick ? 1 : 25,
    gapMs: GAP_MS,
    burst: 1,
  })
  const perSecond = await throughputs({
    subjects: [ours, dockerRun],
    inFlight: IN_FLIGHT,
    slices: quick ? 1 : 4,
    sliceMs: quick ? 500 : 2500,
  })
  const [ourPerSecond = 0, dockerRunPerSecond = 0] = [ours, dockerRun].map(({ name }) => perSecond.get(name))
  const p50 = (name: string): number => percentile(times.get(name) ?? [], 0.5)
  return {
    name: 'docker',
    cases: [...times].map(([name, timesMs]) => benchCase(name, timesMs)),
    ratios: {
      coldVsDockerRun: round(p50(ours.name) / p50(dockerRun.name)),
      coldVsDockerode: round(p50(ours.name) / p50(dockerode.name)),
      throughputVsDockerRun: round(ourPerSecond / dockerRunPerSecond),
    },
    figures: { coldTasksPerSecond: round(ourPerSecond), dockerRunsPerSecond: round(dockerRunPerSecond) },
  }
}
