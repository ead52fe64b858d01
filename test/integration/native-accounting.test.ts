import { buildPrograms, type BuiltProgram } from '../../scripts/build-programs.ts'
import type { Executor, NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { nativeAccounting } from '../conformance/native-accounting.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'

describe('native accounting', function () {
  this.timeout(120_000)
  let place: TestLauncher
  let executor: Executor<NativeTask>
  let programs: ReadonlyMap<string, BuiltProgram>

  before(async () => {
    programs = await buildPrograms({ runtime: 'native' })
    place = await startNativeLauncher()
    executor = createNativeExecutor({ launcher: place.launcher })
  })
  after(async () => {
    await executor.close()
    await place.remove()
  })

  nativeAccounting({
    groups: true,
    subject: () => ({
      executor,
      task(program, base) {
        const built = programs.get(program)
        if (built === undefined) throw new Error(`no program ${program}`)
        return { ...base, runtime: 'native', name: program, root: { kind: 'program', ...built } }
      },
    }),
  })
})
