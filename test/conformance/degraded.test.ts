import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { ordinaryPlace } from '../fixtures/ordinary-user.ts'
import { MODES } from '../vm/modes.ts'
import { defineTests, guestCommand, markOf, parseResults, type Results } from '../vm/results.ts'
import { COLUMNS } from './columns.ts'
import { DEFINED_COLUMNS } from './executor-conformance.ts'

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** The table once more on this host, where an ordinary user has no control group, as on a laptop. */
describe('native runtime, by an ordinary user of this host', function () {
  this.timeout(300_000)
  const mode = MODES.find(({ column }) => column === COLUMNS['native-degraded']) ?? assert.fail('no such mode')
  let results: Results | undefined
  let said = ''
  DEFINED_COLUMNS.add(mode.column)

  before(async () => {
    await buildPrograms({ runtime: 'native' })
    const place = await ordinaryPlace()
    try {
      const line = `${markOf(mode.id)}; ${guestCommand(mode.id, place.node)} 2>&1`
      const [program, ...args] = place.command(line, 'user')
      const options = { maxBuffer: MAX_OUTPUT_BYTES, timeout: 280_000 }
      // A test that failed makes it fail as well; which one its results say.
      said = await promisify(execFile)(program, args, options).then(
        ({ stdout }) => stdout,
        (error: { stdout?: string; message: string }) => `${error.stdout}${error.message}`,
      )
      results = parseResults(said).get(mode.id)
    } finally {
      await place.remove()
    }
  })

  defineTests({ mode, results: () => results, said: () => said })
})
