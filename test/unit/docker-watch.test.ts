import assert from 'node:assert/strict'
import type { Counters } from '../../src/executors/docker/counters.ts'
import { watchContainer } from '../../src/executors/docker/watch.ts'

/** Of a group that tells nothing more once it is gone, and keeps what it was last asked for. */
function countersUntilGone(counted: { cpuTimeMs: number; oomKills: number; pidsDenied: number }) {
  let gone = false
  const kept = { cpuTimeMs: 0, oomKills: 0, pidsDenied: 0 }
  const read = (key: keyof typeof kept) => () => {
    if (!gone) kept[key] = counted[key]
    return kept[key]
  }
  const counters: Counters = {
    base: { cpuTimeMs: 0, oomKills: 0, pidsDenied: 0 },
    cpuTimeMs: read('cpuTimeMs'),
    oomKills: read('oomKills'),
    pidsDenied: read('pidsDenied'),
    memoryPeakBytes: () => 0,
    denials: () => ({ oomKills: 0, pids: 0 }),
    now: () => undefined,
    close: () => {},
  }
  return {
    counters,
    go: () => {
      gone = true
    },
  }
}

describe('the watch over a container', () => {
  it('knows why a kernel of its own has died, though its control group is gone before that is heard of', async () => {
    const counted = { cpuTimeMs: 10, oomKills: 0, pidsDenied: 0 }
    const { counters, go } = countersUntilGone(counted)
    const looked = Promise.withResolvers<void>()
    const stop = watchContainer({
      counters: {
        ...counters,
        cpuTimeMs() {
          if (counted.pidsDenied > 0) setImmediate(looked.resolve)
          return counters.cpuTimeMs()
        },
      },
      limits: { cpuTimeMs: undefined, idleTimeMs: undefined, cpuCores: 1 },
      isBlocked: () => false,
      onLimit: (limit) => assert.fail(limit),
      onUsage: () => {},
    })
    counted.pidsDenied = 1
    await looked.promise
    stop()
    go()
    assert.equal(counters.pidsDenied(), 1)
  })
})
