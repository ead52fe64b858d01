import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Executor, WasmTask } from '../src/executors/executor.ts'
import { createWasmExecutor } from '../src/executors/wasm/executor.ts'
import { GREETING, HELLO_MODULE } from './hello-module.ts'
import { benchCase, percentile, round, type BenchOptions, type BenchReport } from './report.ts'

const MIB = 1024 * 1024
/** Long enough for the executor to have the next process ready. */
const REFILL_MS = 1_000

/** Hello, world through the WebAssembly executor, without a marketplace around it: from `run` to its execution. */
export async function wasm({ quick }: BenchOptions): Promise<BenchReport> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-bench-'))
  try {
    const prewarmedMs = await measure({ dir: join(dir, 'prewarmed'), prewarm: 1, count: quick ? 2 : 30 })
    const coldMs = await measure({ dir: join(dir, 'cold'), prewarm: 0, count: quick ? 2 : 15 })
    const [prewarmedP50Ms, coldP50Ms] = [percentile(prewarmedMs, 0.5), percentile(coldMs, 0.5)]
    return {
      name: 'wasm',
      cases: [
        benchCase('hello in a prewarmed process', prewarmedMs),
        benchCase('hello in a process that has to start', coldMs),
      ],
      ratios: { coldVsPrewarmed: round(coldP50Ms / prewarmedP50Ms) },
      figures: {
        helloPrewarmedP50Ms: round(prewarmedP50Ms),
        helloColdP50Ms: round(coldP50Ms),
        executorRssBytes: process.memoryUsage.rss(),
      },
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function measure({
  dir,
  prewarm,
  count,
}: {
  readonly dir: string
  readonly prewarm: number
  readonly count: number
}): Promise<readonly number[]> {
  await mkdir(dir)
  const module = join(dir, 'hello.wasm')
  await writeFile(module, HELLO_MODULE)
  const executor = createWasmExecutor({ instanceDir: join(dir, 'instance'), prewarm })
  try {
    const timesMs: number[] = []
    for (let index = -1; index < count; index++) {
      await sleep(REFILL_MS)
      const jobDir = join(dir, `job-${index}`)
      await mkdir(jobDir)
      const timeMs = await runHello({ executor, module, jobDir })
      // The first run reads the code of souk itself.
      if (index >= 0) timesMs.push(timeMs)
    }
    return timesMs
  } finally {
    await executor.close()
  }
}

async function runHello({
  executor,
  module,
  jobDir,
}: {
  readonly executor: Executor<WasmTask>
  readonly module: string
  readonly jobDir: string
}): Promise<number> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const output = text(stdout)
  const sha256 = createHash('sha256').update(HELLO_MODULE).digest('hex')
  const startMs = performance.now()
  const { outcome } = await executor.run({
    task: {
      runtime: 'wasm',
      name: 'hello',
      module: { source: module, sha256, bytes: HELLO_MODULE.byteLength },
      command: [],
      env: {},
      inputs: [],
      outputs: [],
    },
    limits: {
      cpuCores: 1,
      wallTimeMs: 10_000,
      memoryBytes: 16 * MIB,
      diskBytes: MIB,
      inodes: 100,
      outputBytes: MIB,
      openFiles: 16,
    },
    dir: jobDir,
    stdin: Readable.from([]),
    stdout,
    stderr: stderr.resume(),
    signal: AbortSignal.timeout(10_000),
    onStarted: () => undefined,
  })
  const timeMs = performance.now() - startMs
  stdout.end()
  if (outcome.kind !== 'exited' || outcome.code !== 0 || (await output) !== GREETING)
    throw new Error(`hello ended with ${JSON.stringify(outcome)}`)
  return timeMs
}
