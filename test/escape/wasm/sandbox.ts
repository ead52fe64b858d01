import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProgram, PROGRAMS_DIR, type BuiltProgram } from '../../../scripts/build-programs.ts'
import type { Executor, WasmTask } from '../../../src/executors/executor.ts'
import { createWasmExecutor, type WasmExecutorOptions } from '../../../src/executors/wasm/executor.ts'
import type { Behaviour } from '../../conformance/behaviours.ts'
import { runBehaviour, type Ran } from '../../conformance/executor-conformance.ts'
import { childrenNaming, settled } from '../../conformance/leftovers.ts'

const ATTACKS_DIR = fileURLToPath(new URL('./programs', import.meta.url))

export type Attack = Omit<Behaviour, 'name' | 'program' | 'expected'>

/** An executor to attack, and the proof after each attack that it did no harm. */
export interface AttackedSandbox {
  readonly executor: Executor<WasmTask>
  /** Runs a C program of test/escape/wasm/programs. */
  program(name: string, attack?: Attack): Promise<Ran>
  module(bytes: Uint8Array, attack?: Attack): Promise<Ran>
  /** A clean task runs and succeeds, and nothing is left of those before it. */
  assertUnharmed(): Promise<void>
  close(): Promise<void>
}

export async function attackedSandbox(
  options: Omit<WasmExecutorOptions, 'instanceDir'> = {},
): Promise<AttackedSandbox> {
  const instanceDir = await mkdtemp(join(tmpdir(), 'souk-escape-'))
  const prewarm = options.prewarm ?? 1
  const executor = createWasmExecutor({ prewarm, ...options, instanceDir })
  const run = (built: BuiltProgram, attack: Attack = {}): Promise<Ran> =>
    runBehaviour(
      { executor, task: (program, base) => ({ ...base, runtime: 'wasm', name: program, module: built }) },
      { ...attack, name: 'attack', program: 'attack', expected: { outcome: { kind: 'cancelled' } } },
    )
  return {
    executor,
    program: async (name, attack) =>
      run(await buildProgram({ file: join(ATTACKS_DIR, `${name}.c`), runtime: 'wasm' }), attack),
    async module(bytes, attack) {
      const source = join(instanceDir, 'attack.wasm')
      await writeFile(source, bytes)
      return run({ source, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }, attack)
    },
    async assertUnharmed() {
      const clean = await run(await buildProgram({ file: join(PROGRAMS_DIR, 'exit-code.c'), runtime: 'wasm' }), {
        command: ['5'],
      })
      assert.deepEqual(clean.execution.outcome, { kind: 'exited', code: 5 })
      await settled('processes', async () => String((await childrenNaming('wasm/child')).length <= prewarm), 'true')
      await settled(
        'records',
        async () => String((await readdir(join(instanceDir, 'wasm-processes'))).length <= prewarm),
        'true',
      )
    },
    async close() {
      await executor.close()
      await settled('processes', async () => (await childrenNaming('wasm/child')).join(), '')
      await rm(instanceDir, { recursive: true })
    },
  }
}
