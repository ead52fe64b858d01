import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { executorConformance } from './executor-conformance.ts'
import { childrenNaming } from './leftovers.ts'

let instanceDir: string

executorConformance({
  name: 'wasm',
  documented: true,
  async setup() {
    instanceDir = await mkdtemp(join(tmpdir(), 'souk-wasm-'))
    const programs = await buildPrograms({ runtime: 'wasm' })
    const executor = createWasmExecutor({ instanceDir, prewarm: 1 })
    return {
      executor,
      task(program, base) {
        const module = programs.get(program)
        if (module === undefined) throw new Error(`no program ${program}`)
        return { ...base, runtime: 'wasm', name: program, module }
      },
      leftovers: async () => [
        ...(await childrenNaming('wasm/child')),
        ...(await readdir(join(instanceDir, 'wasm-processes'))),
      ],
    }
  },
  teardown: () => rm(instanceDir, { recursive: true }),
})
