import { readdir } from 'node:fs/promises'
import { buildPrograms } from '../../scripts/build-programs.ts'
import type { NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import type { TestLauncher } from '../fixtures/native-launcher.ts'
import type { ConformanceSubject } from './executor-conformance.ts'

/** The native runtime with a launcher, which ends with it; each program is alone in an empty root. */
export async function nativeSubject(place: TestLauncher): Promise<ConformanceSubject<NativeTask>> {
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
}
