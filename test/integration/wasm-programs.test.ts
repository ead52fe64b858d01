import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FEATURES, type Executor, type WasmTask } from '../../src/executors/executor.ts'
import { WASM_HOSTS } from '../../src/executors/wasm/choices.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { assertDone, REAL_PROGRAMS, runReal } from '../fixtures/real-programs.ts'

for (const host of WASM_HOSTS) {
  describe(`real programs, on the host ${host}`, function () {
    this.timeout(240_000)
    let dir: string
    let executor: Executor<WasmTask>

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'souk-wasm-programs-'))
      executor = createWasmExecutor({ instanceDir: join(dir, 'instance'), prewarm: 1, host })
      await Promise.all(REAL_PROGRAMS.map((program) => program.build()))
    })
    after(async () => {
      await executor.close()
      await rm(dir, { recursive: true })
    })

    it('says whether a task can be deterministic, and refuses it where it cannot', async () => {
      const capability = await executor.probe(new AbortController().signal)
      assert.ok(capability.available)
      assert.equal(capability.features.includes(FEATURES.deterministic), host === 'souk')
      assert.equal(capability.features.includes(FEATURES.component), host === 'souk')
      const [program] = REAL_PROGRAMS
      assert.ok(program)
      const run = runReal({ executor }, program, { seed: '5e'.repeat(32) })
      if (host === 'souk') assertDone(await run, program)
      else
        await assert.rejects(run, (error) => {
          assert.ok(isSoukError(error, 'REFUSED'))
          assert.deepEqual(
            error.details.reasons.map(({ reason, subject }) => [reason, subject]),
            [['FEATURE_UNPROVEN', 'runtime.deterministic']],
          )
          return true
        })
    })

    for (const program of REAL_PROGRAMS) {
      it(`${program.name}: reads what it is given, and leaves what it made`, async () => {
        const ran = await runReal({ executor }, program)
        assertDone(ran, program)
        assert.equal(ran.execution.usage.fuelUsed, undefined, 'nobody asked for its fuel')
      })

      if (program.missing === undefined) continue
      const { command, code, stderr: said } = program.missing
      it(`${program.name}: says so where a file is not there`, async () => {
        const { execution, stdout, stderr } = await runReal({ executor }, program, { command })
        assert.deepEqual(execution.outcome, { kind: 'exited', code })
        assert.match(stderr.toString(), said)
        assert.equal(stdout.toString(), '')
      })
    }
  })
}
