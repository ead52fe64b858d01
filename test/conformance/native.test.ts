import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { executorConformance } from './executor-conformance.ts'
import { nativeSubject } from './native-subject.ts'

let place: TestLauncher

executorConformance({
  name: 'native',
  documented: 'native',
  async setup() {
    place = await startNativeLauncher()
    return nativeSubject(place)
  },
  teardown: () => place.remove(),
})
