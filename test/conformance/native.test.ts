import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { COLUMNS } from './columns.ts'
import { DEFINED_COLUMNS, executorConformance } from './executor-conformance.ts'
import { nativeSubject } from './native-subject.ts'

let place: TestLauncher

/** A host has controllers of one version or of the other. */
const version = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1'

executorConformance({
  name: `native, on cgroup ${version}`,
  column: COLUMNS[`native-${version}`],
  async setup() {
    place = await startNativeLauncher()
    assert.equal((await place.launcher.hello()).cgroup, version)
    return nativeSubject(place)
  },
  teardown: () => place.remove(),
})

if (version === 'v2') {
  DEFINED_COLUMNS.add(COLUMNS['native-v1'])
  it.skip('executor conformance: native, on cgroup v1 (needs a host with its controllers)')
}
