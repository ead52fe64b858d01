import { startSanitizedLauncher, type SanitizedLauncher } from '../../fixtures/sanitized-launcher.ts'
import { escapeTests } from '../escape-tests.ts'
import { nativeTarget } from './target.ts'

/* The same attacks on a launcher whose every process ends at its first wrong access to memory or undefined behaviour. */
describe('the launcher under the address and undefined behaviour sanitizers', () => {
  let place: SanitizedLauncher

  afterEach(() => place.assertQuiet())

  escapeTests({
    runtime: 'native',
    proof: 'at the end',
    setup: (programs) =>
      nativeTarget(programs, new Map(), async () => {
        place = await startSanitizedLauncher()
        return place
      }),
  })
})
