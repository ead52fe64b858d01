import assert from 'node:assert/strict'
import { createDenialTally } from '../../src/node/denials.ts'

describe('denials of a node', () => {
  it('are added up by runtime, and told of where there are any', () => {
    const tally = createDenialTally()
    assert.equal(tally.note({ runtime: 'wasm', denials: undefined }), undefined)
    const none = { seccomp: { total: 0, calls: {} }, oomKills: 0, pids: 0 }
    assert.equal(tally.note({ runtime: 'native', denials: none }), undefined)
    assert.deepEqual(tally.totals(), [])

    const calls = { seccomp: { total: 3, calls: { mount: 3 } }, oomKills: 0, pids: 2 }
    assert.equal(tally.note({ runtime: 'native', denials: calls }), calls)
    const uncounted = { oomKills: 1, pids: 0 }
    assert.equal(tally.note({ runtime: 'docker', denials: uncounted }), uncounted)
    tally.note({ runtime: 'native', denials: uncounted })
    assert.deepEqual(tally.totals(), [
      { runtime: 'native', tasks: 2, systemCalls: 3, oomKills: 1, pids: 2 },
      { runtime: 'docker', tasks: 1, systemCalls: 0, oomKills: 1, pids: 0 },
    ])
  })
})
