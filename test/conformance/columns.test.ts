import assert from 'node:assert/strict'
import { MODES } from '../vm/modes.ts'
import { COLUMN_IDS, columnOf } from './columns.ts'
import { DEFINED_COLUMNS } from './executor-conformance.ts'

describe('docs/CONFORMANCE.md', () => {
  it('has no column whose table is not run', () => {
    // Every file of this folder has been loaded by now; the modes are run by test/vm.
    const run = new Set([...DEFINED_COLUMNS, ...MODES.map(({ column }) => column)])
    assert.deepEqual(
      COLUMN_IDS.filter((id) => !run.has(columnOf(id))),
      [],
      'this test runs together with those of every runtime',
    )
  })
})
