import { escapeTests } from '../escape-tests.ts'
import { dockerTarget } from './target.ts'

escapeTests({ runtime: 'docker', setup: dockerTarget })
