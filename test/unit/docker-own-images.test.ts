import assert from 'node:assert/strict'
import type { ImageCalls } from '../../src/executors/docker/engine-images.ts'
import type { KeptRecord, KeptRecords } from '../../src/executors/docker/images/kept-records.ts'
import { createOwnImages, type OwnImages } from '../../src/executors/docker/images/own-images.ts'
import { isSoukError } from '../../src/protocol/errors.ts'

const keyOf = (digit: string): string => `manifest-${digit.repeat(64)}`
const recordOf = (digit: string, diskBytes: number): KeptRecord => ({
  key: keyOf(digit),
  id: `sha256:${digit.repeat(64)}`,
  diskBytes,
})
const isFull = (error: unknown): boolean => isSoukError(error, 'STORAGE_FULL')

describe('the budget for images', () => {
  let removed: string[]
  let own: OwnImages

  beforeEach(() => {
    removed = []
    const engine = {
      removeUnusedImage: async (name: string) => {
        removed.push(name.slice(-1))
        return true
      },
    } as unknown as ImageCalls
    const records: KeptRecords = {
      read: async () => [],
      write: async () => {},
      touch: async () => {},
      remove: async () => {},
    }
    own = createOwnImages({ engine, instance: 'me', records, quotaBytes: 100, onRemove: async () => {} })
  })

  it('has room made by what was not used for longest', async () => {
    await own.add(recordOf('a', 40))
    own.hold(await own.add(recordOf('b', 40)))
    await own.reserve({ key: keyOf('c'), diskBytes: 60 })
    assert.deepEqual(removed, ['a'])
  })

  it('costs nobody else an image for one that there is no room for all the same', async () => {
    await own.add(recordOf('a', 40))
    own.hold(await own.add(recordOf('b', 40)))
    await assert.rejects(own.reserve({ key: keyOf('c'), diskBytes: 61 }), isFull)
    await assert.rejects(own.reserve({ key: keyOf('d'), diskBytes: 1000 }), isFull)
    assert.deepEqual(removed, [])
    // Nor is anything promised to them any more.
    await own.reserve({ key: keyOf('e'), diskBytes: 60 })
    assert.deepEqual(removed, ['a'])
  })
})
