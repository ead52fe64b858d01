import assert from 'node:assert/strict'
import { createDenialTally } from '../../src/node/attempt/denials.ts'
import { SoukError } from '../../src/protocol/errors.ts'

describe('denials of a node', () => {
  it('are added up by runtime, and told of where there are any', () => {
    const tally = createDenialTally()
    const limitsHit: [] = []
    assert.equal(tally.note({ runtime: 'wasm', denials: undefined, limitsHit }), undefined)
    const none = { seccomp: { total: 0, calls: {} }, oomKills: 0, pids: 0 }
    assert.equal(tally.note({ runtime: 'native', denials: none, limitsHit: ['memory', 'wallTime'] }), undefined)
    assert.deepEqual(tally.totals(), [])

    const calls = { seccomp: { total: 3, calls: { mount: 3 } }, oomKills: 0, pids: 2 }
    assert.equal(tally.note({ runtime: 'native', denials: calls, limitsHit }), calls)
    const uncounted = { oomKills: 1, pids: 0 }
    assert.equal(tally.note({ runtime: 'docker', denials: uncounted, limitsHit }), uncounted)
    tally.note({ runtime: 'native', denials: uncounted, limitsHit })
    const rest = { memoryReclaims: 0, fullDisks: 0, images: 0 }
    assert.deepEqual(tally.totals(), [
      { runtime: 'native', tasks: 2, systemCalls: 3, oomKills: 1, pids: 2, ...rest },
      { runtime: 'docker', tasks: 1, systemCalls: 0, oomKills: 1, pids: 0, ...rest },
    ])
  })

  it('are memory that was taken back, disks that were full, and images that were refused', () => {
    const tally = createDenialTally()
    const reclaimed = { oomKills: 0, pids: 0, memoryReclaims: 7 }
    assert.equal(tally.note({ runtime: 'docker', denials: reclaimed, limitsHit: [] }), reclaimed)
    assert.deepEqual(tally.note({ runtime: 'docker', denials: reclaimed, limitsHit: ['disk', 'inodes'] }), {
      ...reclaimed,
      diskFull: true,
    })
    assert.deepEqual(tally.note({ runtime: 'wasm', denials: undefined, limitsHit: ['inodes'] }), { diskFull: true })
    const image = new SoukError({ code: 'IMAGE_REFUSED', message: 'no', details: { reason: 'it is not allowed' } })
    tally.noteFailure({ runtime: 'docker', error: image })
    tally.noteFailure({ runtime: 'docker', error: new SoukError({ code: 'CANCELLED', message: 'no', details: {} }) })
    const none = { systemCalls: 0, oomKills: 0, memoryReclaims: 0, pids: 0, fullDisks: 0, images: 0 }
    assert.deepEqual(tally.totals(), [
      { runtime: 'docker', ...none, tasks: 3, memoryReclaims: 14, fullDisks: 1, images: 1 },
      { runtime: 'wasm', ...none, tasks: 1, fullDisks: 1 },
    ])
  })
})
