import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobSource } from '../../src/client/load-task.ts'
import { ServedBlobs } from '../../src/client/served-blobs.ts'
import { digestOf, keyOf, providerKey } from '../fixtures/receipts.ts'

const content = Buffer.from('the content of a file')
const { sha256, bytes } = digestOf(content)
const peer = providerKey.address

describe('the blobs that a requester serves', () => {
  let dir: string
  let path: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-blobs-'))
    path = join(dir, 'file')
    await writeFile(path, content)
  })
  afterEach(() => rm(dir, { recursive: true }))

  const serving = (source: BlobSource, taskId = 'task'): ServedBlobs => {
    const blobs = new ServedBlobs({ provider: peer })
    blobs.offer(taskId, new Map([[sha256, source]]))
    return blobs
  }

  it('are read in any range, from a file and from memory', async () => {
    for (const source of [{ path, bytes }, { data: content }]) {
      const blob = await serving(source).open({ peer, sha256 })
      assert(blob !== undefined)
      assert.equal(blob.bytes, bytes)
      for (const [offset, length] of [
        [0, 3],
        [4, 7],
        [bytes - 2, 100],
        [0, bytes],
      ] as const) {
        assert.deepEqual(Buffer.from(await blob.read({ offset, length })), content.subarray(offset, offset + length))
      }
      await blob.close()
    }
  })

  it('are there for the provider that the task was sent to, and for nobody else', async () => {
    assert.equal(await serving({ data: content }).open({ peer: keyOf(9).address, sha256 }), undefined)
  })

  it('are only those that the tasks name', async () => {
    assert.equal(await serving({ data: content }).open({ peer, sha256: 'cd'.repeat(32) }), undefined)
  })

  it('are forgotten with the last task that names them', async () => {
    const blobs = serving({ data: content }, 'one')
    blobs.offer('two', new Map([[sha256, { data: content }]]))
    blobs.forget('one')
    assert.notEqual(await blobs.open({ peer, sha256 }), undefined)
    blobs.forget('two')
    assert.equal(await blobs.open({ peer, sha256 }), undefined)
  })

  it('are not there where the file is gone, shorter, or no file any more', async () => {
    await truncate(path, 3)
    assert.equal(await serving({ path, bytes }).open({ peer, sha256 }), undefined)
    await rm(path)
    assert.equal(await serving({ path, bytes }).open({ peer, sha256 }), undefined)
    assert.equal(await serving({ path: dir, bytes: 0 }).open({ peer, sha256 }), undefined)
  })

  it('never go beyond the length that was signed for', async () => {
    await writeFile(path, Buffer.concat([content, Buffer.from(' and a secret that was added later')]))
    const blob = await serving({ path, bytes }).open({ peer, sha256 })
    assert.equal(blob?.bytes, bytes)
    assert.deepEqual(Buffer.from((await blob?.read({ offset: 0, length: 1000 })) ?? []), content)
    await blob?.close()
  })
})
