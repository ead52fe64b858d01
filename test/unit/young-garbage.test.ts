import assert from 'node:assert/strict'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { passedThrough } from '../../src/protocol/network/young-garbage.ts'

const MIB = 1024 * 1024

/** How often the young generation was collected while so much was told of. */
async function collectionsDuring(mib: number): Promise<number> {
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as readonly { readonly detail: { readonly kind: number } }[])
      if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) collections += 1
  })
  observer.observe({ entryTypes: ['gc'] })
  for (let told = 0; told < mib * MIB; told += MIB / 16) passedThrough(MIB / 16)
  // The observer hears of it in a later turn.
  for (let turn = 0; turn < 10; turn++) await setImmediate()
  observer.disconnect()
  return collections
}

describe('memory beside the heap that bytes pass through', () => {
  it('is collected every few MiB', async () => {
    assert((await collectionsDuring(64)) >= 8)
  })

  it('is not something that everybody in the process can have collected', () => {
    assert.equal('gc' in globalThis, false)
  })
})
