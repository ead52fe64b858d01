import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Executor, WasmTask } from '../src/executors/executor.ts'
import type { Confinement } from '../src/executors/ports.ts'
import { createWasmExecutor } from '../src/executors/wasm/executor.ts'
import { createConfinement } from '../src/native/confinement.ts'
import { interleaved, throughputs, type Subject } from './interleaved.ts'
import { benchLauncher } from './launcher.ts'
import { benchCase, percentile, round, type BenchCase, type BenchOptions, type BenchReport } from './report.ts'
import {
  bareNodeSubject,
  CPU_PROGRAMS,
  cpuSubjects,
  helloFile,
  helloSubject,
  nodeWasiSubject,
  pythonSubject,
} from './wasm-subjects.ts'

const GAP_MS = 50
const IN_FLIGHT = 4
const PREWARMED = 4
const SETTLE_MS = 1_500
const NOBODY = 65_534
const MAX_MEMORY_BYTES = 512 * 1024 * 1024

/**
 * The WebAssembly runtime with both of its walls, in one interleaved run: hello, world beside a `node` that starts for it;
 * one-shot tasks beside one-shot processes of Node's; computing beside the same program compiled for this machine; CPython.
 */
export async function wasm({ quick }: BenchOptions): Promise<BenchReport> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-bench-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  const confinement = await confine({ dir, cleanUp })
  const start = async (name: string, reuse: 'never' | 'same-requester'): Promise<Executor<WasmTask>> => {
    const instanceDir = join(dir, name)
    await mkdir(instanceDir)
    const executor = createWasmExecutor({
      instanceDir,
      prewarm: PREWARMED,
      reuse,
      confinement,
      maxMemoryBytes: MAX_MEMORY_BYTES,
    })
    cleanUp.defer(() => executor.close())
    return executor
  }
  const oneShot = { executor: await start('one-shot', 'never'), dir: join(dir, 'one-shot-jobs') }
  const reusing = { executor: await start('reusing', 'same-requester'), dir: join(dir, 'reusing-jobs') }
  const module = await helloFile(dir)
  const hello = helloSubject({ ...oneShot, name: 'hello', module })
  const reused = helloSubject({ ...reusing, name: 'hello, process reused', module, requester: 'requester' })
  const nodeWasi = await nodeWasiSubject({ dir, module: module.source })
  const bareNode = await bareNodeSubject(dir)
  const python = await pythonSubject(oneShot)
  await sleep(SETTLE_MS)

  const latencies = await interleaved({
    subjects: [hello, reused, nodeWasi, bareNode],
    rounds: quick ? 2 : 60,
    gapMs: GAP_MS,
    burst: 1,
  })
  const loaded = await throughputs({
    subjects: [hello, nodeWasi, bareNode, reused],
    inFlight: IN_FLIGHT,
    slices: quick ? 1 : 4,
    sliceMs: quick ? 200 : 4_000,
  })
  const cpu = await compute({ place: oneShot, quick })
  const pythonMs = (await interleaved({ subjects: [python], rounds: quick ? 1 : 10, gapMs: GAP_MS, burst: 1 })).get(
    python.name,
  )
  const all = new Map([...latencies, ...cpu.times, [python.name, pythonMs ?? []]])
  const p50 = (subject: Subject): number => percentile(all.get(subject.name) ?? [], 0.5)
  const perSecond = (subject: Subject): number => loaded.get(subject.name) ?? 0
  return {
    name: 'wasm',
    cases: [...all].map(([name, timesMs]): BenchCase => benchCase(name, timesMs)),
    ratios: {
      helloVsColdNode: round(p50(hello) / p50(nodeWasi)),
      oneShotVsBareSpawn: round(perSecond(hello) / perSecond(bareNode)),
      oneShotVsNodeWasi: round(perSecond(hello) / perSecond(nodeWasi)),
      cpuVsNative: round(cpu.vsNative),
      cpuFuelVsNative: round(cpu.meteredVsNative),
    },
    figures: {
      helloP50Ms: round(p50(hello)),
      helloReusedP50Ms: round(p50(reused)),
      tasksPerSecond: round(perSecond(hello)),
      tasksPerSecondReused: round(perSecond(reused)),
      pythonStartMs: round(p50(python)),
      executorRssBytes: process.memoryUsage.rss(),
    },
  }
}

async function confine({
  dir,
  cleanUp,
}: {
  readonly dir: string
  readonly cleanUp: AsyncDisposableStack
}): Promise<Confinement> {
  const launcher = benchLauncher({ dir, cleanUp })
  return createConfinement({ launcher, hello: await launcher.hello(), uid: NOBODY, gid: NOBODY })
}

/** Every program beside itself compiled for this machine, and the geometric means of what it takes in times of that. */
async function compute({
  place,
  quick,
}: {
  readonly place: Parameters<typeof pythonSubject>[0]
  readonly quick: boolean
}): Promise<{
  readonly times: ReadonlyMap<string, readonly number[]>
  readonly vsNative: number
  readonly meteredVsNative: number
}> {
  const programs = await Promise.all(
    CPU_PROGRAMS.slice(0, quick ? 1 : CPU_PROGRAMS.length).map((program) => cpuSubjects({ ...place, program })),
  )
  const times = await interleaved({
    subjects: programs.flatMap(({ native, wasm: plain, metered }) => [native, plain, metered]),
    rounds: quick ? 1 : 7,
    gapMs: 0,
    burst: 1,
  })
  const mean = (of: 'wasm' | 'metered'): number =>
    Math.exp(
      programs.reduce((sum, program) => {
        const p50 = (subject: Subject): number => percentile(times.get(subject.name) ?? [], 0.5)
        return sum + Math.log(p50(program[of]) / p50(program.native))
      }, 0) / programs.length,
    )
  return { times, vsNative: mean('wasm'), meteredVsNative: mean('metered') }
}
