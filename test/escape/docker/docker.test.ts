import { fileURLToPath } from 'node:url'
import { escapeTests } from '../escape-tests.ts'
import { ATTACKS_ON_CONTAINERS } from './attacks.ts'
import { dockerTarget } from './target.ts'

escapeTests({
  runtime: 'docker',
  setup: dockerTarget,
  own: { attacks: ATTACKS_ON_CONTAINERS, programs: fileURLToPath(new URL('./programs', import.meta.url)) },
})
