import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXAMPLES_DIR } from '../../scripts/build-programs.ts'
import type { Executor, WasmTask } from '../../src/executors/executor.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { runBehaviour, type Ran } from '../conformance/executor-conformance.ts'
import { assertDone, REAL_PROGRAMS, runReal } from '../fixtures/real-programs.ts'

const SEED = '5e'.repeat(32)
const OTHER_SEED = 'a7'.repeat(32)
/** More than any of them needs. */
const AMPLE_FUEL = 1e12

/** All of a run that another provider has to come to as well. */
function comparable({ execution, stdout, stderr, files }: Ran): object {
  const { outcome, usage, outputs } = execution
  const { fuelUsed, outputBytes, limitsHit } = usage
  return {
    outcome,
    outputs,
    files,
    stdout: stdout.toString(),
    stderr: stderr.toString(),
    fuelUsed,
    outputBytes,
    limitsHit,
  }
}

describe('real programs, metered', function () {
  this.timeout(240_000)
  let dir: string
  let executors: readonly Executor<WasmTask>[]

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-wasm-metered-'))
    // Two providers, for what is kept of a module by one the other has to make anew.
    executors = ['one', 'another'].map((name) => createWasmExecutor({ instanceDir: join(dir, name), prewarm: 1 }))
    await Promise.all(REAL_PROGRAMS.map((program) => program.build()))
  })
  after(async () => {
    await Promise.all(executors.map((executor) => executor.close()))
    await rm(dir, { recursive: true })
  })

  it('come out as they once did, whatever the machine and the version', async () => {
    // The module as committed: what a compiler makes of its source may change.
    const source = join(EXAMPLES_DIR, 'estimate-pi.wasm')
    const module = { source, sha256: '', bytes: (await stat(source)).size }
    const [executor] = executors
    assert.ok(executor)
    const { stdout, execution, files } = await runBehaviour(
      {
        executor,
        task: (name, base) => ({ ...base, runtime: 'wasm', name, module, deterministic: { seed: SEED } }),
      },
      {
        name: 'estimate-pi',
        program: 'estimate-pi',
        command: ['1000'],
        outputs: ['/out'],
        expected: { outcome: { kind: 'exited', code: 0 } },
      },
    )
    assert.equal(stdout.toString(), 'pi is about 3.068000, says 2000-01-01T00:00:00Z\n')
    assert.equal(files['/out/estimate.json']?.toString(), '{"points": 1000, "inside": 767, "pi": 3.0680000000000001}\n')
    assert.equal(execution.usage.fuelUsed, 92_982)
  })

  for (const program of REAL_PROGRAMS) {
    describe(program.name, () => {
      const run = (changes: Parameters<typeof runReal>[2] = {}, at = 0): Promise<Ran> => {
        const executor = executors[at]
        assert.ok(executor)
        return runReal({ executor }, program, changes)
      }
      let fuel = 0

      it('comes out the same at another provider from the same seed, to the last unit of fuel', async () => {
        const [ran, there] = await Promise.all([run({ seed: SEED }), run({ seed: SEED }, 1)])
        assertDone(ran, program)
        assert.deepEqual(comparable(there), comparable(ran))
        fuel = ran.execution.usage.fuelUsed ?? 0
        assert.ok(fuel > 1000, `it used ${fuel}`)
      })

      it(
        program.isDifferentEachTime
          ? 'comes out differently from another seed, and without one'
          : 'comes out the same whatever the seed, with it and without, as it asks for nothing that chance decides',
        async () => {
          const ran = await run({ seed: SEED })
          const others = [await run({ seed: OTHER_SEED }), await run({ limits: { fuel: AMPLE_FUEL } })]
          for (const other of others) {
            assertDone(other, program)
            if (program.isDifferentEachTime) assert.notEqual(other.stdout.toString(), ran.stdout.toString())
            else assert.deepEqual(comparable(other), comparable(ran))
          }
        },
      )

      it('ends where its fuel ends, and not one unit before', async () => {
        assert.ok(fuel > 0, 'it is known what it uses')
        const enough = await run({ seed: SEED, limits: { fuel } })
        assertDone(enough, program)
        assert.equal(enough.execution.usage.fuelUsed, fuel)
        for (const limit of [fuel - 1, Math.floor(fuel / 2), 1]) {
          const { outcome, usage } = (await run({ seed: SEED, limits: { fuel: limit } })).execution
          assert.deepEqual(outcome, { kind: 'limit', limit: 'fuel' }, `${limit} of ${fuel}`)
          assert.deepEqual(usage.limitsHit, ['fuel'])
          assert.ok(usage.fuelUsed !== undefined && usage.fuelUsed >= limit, `${usage.fuelUsed} of ${limit}`)
        }
      })
    })
  }
})
