import { escapeTests } from '../escape-tests.ts'
import { nativeTarget } from './target.ts'

escapeTests({ runtime: 'native', setup: nativeTarget })
