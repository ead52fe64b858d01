import { startSanitizedLauncher, type SanitizedLauncher } from '../fixtures/sanitized-launcher.ts'
import { COLUMNS } from './columns.ts'
import { executorConformance } from './executor-conformance.ts'
import { nativeSubject } from './native-subject.ts'

/* The same table with a launcher whose every process ends at its first wrong access to memory or undefined behaviour. */
describe('the launcher under the address and undefined behaviour sanitizers', () => {
  let place: SanitizedLauncher

  afterEach(() => place.assertQuiet())

  executorConformance({
    name: 'native, sanitized',
    // A copy: the column itself is run by native.test.ts, or by nobody.
    column: { ...COLUMNS['native-v1'] },
    async setup() {
      place = await startSanitizedLauncher()
      return nativeSubject(place)
    },
    teardown: () => place.remove(),
  })
})
