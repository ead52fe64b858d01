import type { BuiltProgram } from '../../../scripts/build-programs.ts'
import type { NativeTask } from '../../../src/executors/executor.ts'
import { createNativeExecutor } from '../../../src/native/executor.ts'
import type { NamedRoot } from '../../../src/native/roots.ts'
import { mountsBelow } from '../../fixtures/left-on-host.ts'
import { startNativeLauncher, type TestLauncher } from '../../fixtures/native-launcher.ts'
import { launchersOf } from '../launchers.ts'
import type { Target } from '../escape-tests.ts'

/** The native runtime with a launcher of its own; each program is alone in an empty root. */
export async function nativeTarget(
  programs: ReadonlyMap<string, BuiltProgram>,
  roots: ReadonlyMap<string, NamedRoot> = new Map(),
  start: () => Promise<TestLauncher> = startNativeLauncher,
): Promise<Target<NativeTask>> {
  const { launcher, stateDir, instance, remove } = await start()
  const executor = createNativeExecutor({ launcher, roots })
  await launcher.hello()
  const launchers = await launchersOf(instance)
  return {
    executor,
    folder: stateDir,
    files: [...launchers.map((pid) => `/proc/${pid}/exe`), ...[...programs.values()].map(({ source }) => source)],
    kept: launchers,
    names: [instance],
    task(program, base) {
      const built = programs.get(program)
      if (built === undefined) throw new Error(`no program ${program}`)
      return { ...base, runtime: 'native', name: program, root: { kind: 'program', ...built } }
    },
    leftovers: () => mountsBelow(stateDir),
    async close() {
      await executor.close()
      await remove()
    },
  }
}
