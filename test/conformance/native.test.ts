import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { COLUMNS } from './columns.ts'
import { DEFINED_COLUMNS, executorConformance } from './executor-conformance.ts'

let place: TestLauncher

/** A host has controllers of one version or of the other. */
const version = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1'

executorConformance({
  name: `native, on cgroup ${version}`,
  column: COLUMNS[`native-${version}`],
  async setup() {
    place = await startNativeLauncher()
    assert.equal((await place.launcher.hello()).cgroup, version)
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

if (version === 'v2') {
  DEFINED_COLUMNS.add(COLUMNS['native-v1'])
  it.skip('executor conformance: native, on cgroup v1 (needs a host with its controllers)')
}
