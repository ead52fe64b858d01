import { readdir } from 'node:fs/promises'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { executorConformance } from './executor-conformance.ts'

let place: TestLauncher

executorConformance({
  name: 'native',
  documented: 'native',
  async setup() {
    place = await startNativeLauncher()
    const programs = await buildPrograms({ runtime: 'native' })
    const executor = createNativeExecutor({ launcher: place.launcher })
    return {
      executor: {
        ...executor,
        // The launcher is not the executor's own; what they leave behind is looked at together.
        async close() {
          await executor.close()
          await place.launcher.close()
        },
      },
      task(program, base) {
        const built = programs.get(program)
        if (built === undefined) throw new Error(`no program ${program}`)
        return { ...base, runtime: 'native', name: program, root: { kind: 'program', ...built } }
      },
      leftovers: async () => [...(await place.leftovers()), ...(await readdir(place.stateDir, { recursive: true }))],
    }
  },
  teardown: () => place.remove(),
})
