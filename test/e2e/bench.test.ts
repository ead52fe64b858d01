import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)
const BENCH = join(import.meta.dirname, '../../bench/run.ts')
const measured = z.number().positive()
const reportSchema = z.strictObject({
  name: z.string(),
  cases: z.array(z.strictObject({ case: z.string(), n: z.int().positive(), p50Ms: measured, p95Ms: measured })).min(1),
  ratios: z.record(z.string(), measured),
  figures: z.record(z.string(), measured),
  missing: z.array(z.strictObject({ peer: z.string(), why: z.string() })).optional(),
})

/** What each benchmark has to tell, whatever the numbers are: those are for a quiet machine. */
const EXPECTED = {
  market: {
    ratios: ['blobVsBareStream'],
    figures: [
      'overheadP50Ms',
      'overheadFreeP50Ms',
      'noopTasksPerSecond',
      'tasksPerSecond',
      'quoteOf20Ms',
      'peersOnHub',
      'bytesPerPeerOnHub',
    ],
  },
  wasm: {
    ratios: ['helloVsColdNode', 'oneShotVsBareSpawn', 'cpuVsNative', 'cpuFuelVsNative'],
    figures: ['tasksPerSecondReused', 'pythonStartMs'],
  },
  native: {
    ratios: [
      'vsBwrap',
      'vsBwrapFromC',
      'vsRunc',
      'vsSpawn',
      'tailVsSpawn',
      'throughputVsBwrap',
      'throughputVsRunc',
      'grownVsSmall',
      'spawnGrownVsSmall',
    ],
    figures: ['tasksPerSecond', 'eventLoopDelayP99Ms'],
  },
  docker: { ratios: ['coldVsDockerRun', 'coldVsDockerode'], figures: ['coldTasksPerSecond'] },
} as const

describe('the benchmarks', function () {
  this.timeout(300_000)
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-bench-test-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const bench = (...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> =>
    run(process.execPath, [BENCH, ...args], { env: { ...process.env, TMPDIR: dir } })

  for (const [name, { ratios, figures }] of Object.entries(EXPECTED)) {
    it(`${name} prints one document, and leaves nothing behind`, async () => {
      const report = reportSchema.parse(JSON.parse((await bench(name, '--json', '--quick')).stdout))
      assert.equal(report.name, name)
      for (const ratio of ratios) assert(ratio in report.ratios, ratio)
      for (const figure of figures) assert(figure in report.figures, figure)
      assert.deepEqual(
        (await readdir(dir)).filter((entry) => entry !== 'node-compile-cache'),
        [],
      )
    })
  }

  it('say which there are', async () => {
    await assert.rejects(
      bench('nothing'),
      (error: { code: number; stderr: string }) =>
        error.code === 2 && error.stderr.includes('market, wasm, native, docker'),
    )
  })
})
