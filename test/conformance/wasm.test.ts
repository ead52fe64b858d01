import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { createConfinement } from '../../src/native/confinement.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { COLUMNS } from './columns.ts'
import { executorConformance } from './executor-conformance.ts'
import { childrenNaming } from './leftovers.ts'

/** In a process of its own, and in one that lives in the native sandbox: the table is the same. */
for (const confined of [false, true]) {
  let instanceDir: string
  let launcher: TestLauncher | undefined

  executorConformance({
    name: confined ? 'wasm, in the native sandbox' : 'wasm',
    column: COLUMNS.wasm,
    async setup() {
      instanceDir = await mkdtemp(join(tmpdir(), 'souk-wasm-'))
      const programs = await buildPrograms({ runtime: 'wasm' })
      launcher = confined ? await startNativeLauncher() : undefined
      const confinement =
        launcher &&
        createConfinement({
          launcher: launcher.launcher,
          hello: await launcher.launcher.hello(),
          uid: 65_534,
          gid: 65_534,
        })
      const executor = createWasmExecutor({ instanceDir, prewarm: 1, confinement })
      return {
        executor,
        task(program, base) {
          const module = programs.get(program)
          if (module === undefined) throw new Error(`no program ${program}`)
          return { ...base, runtime: 'wasm', name: program, module }
        },
        async leftovers() {
          await launcher?.launcher.close()
          return [
            ...(await childrenNaming('wasm/child')),
            ...(await readdir(join(instanceDir, 'wasm-processes'))),
            ...((await launcher?.leftovers()) ?? []),
          ]
        },
      }
    },
    async teardown() {
      await launcher?.remove()
      await rm(instanceDir, { recursive: true })
    },
  })
}
