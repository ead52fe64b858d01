import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestFile } from '../../src/artifacts/digest-file.ts'
import { openArtifactStore, type ArtifactStore } from '../../src/artifacts/store.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { BlobRef } from '../../src/protocol/task.ts'

const MiB = 1024 * 1024
const alice = `0x${'a1'.repeat(20)}`
const bob = `0x${'b0'.repeat(20)}`
const content = Buffer.from('what is in the blob')
const refOf = (bytes: Uint8Array): BlobRef => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.byteLength,
})
const blob = refOf(content)
const fails =
  (code: ErrorCode, reason = /./) =>
  (thrown: unknown) => {
    assert(isSoukError(thrown, code), String(thrown))
    assert.match(thrown.message, reason)
    return true
  }
const never = (): AbortSignal => new AbortController().signal

/** A source of `bytes` in chunks, which notes where it was asked to begin. */
function sourceOf(bytes: Uint8Array, { chunkBytes = 5, offsets = [] as number[] } = {}) {
  return async function* (offset: number): AsyncGenerator<Uint8Array> {
    offsets.push(offset)
    for (let at = offset; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
}

/** A source that gives `bytes`, then nothing and no end until it is told to. */
function hangingSource(bytes: Uint8Array) {
  const reached = Promise.withResolvers<undefined>()
  const goOn = Promise.withResolvers<undefined>()
  goOn.promise.catch(() => {})
  async function* source(offset: number): AsyncGenerator<Uint8Array> {
    if (offset < bytes.byteLength) yield bytes.subarray(offset)
    reached.resolve(undefined)
    await goOn.promise
  }
  return { source, reached: reached.promise, goOn }
}

describe('artifact store', () => {
  let folder: string
  let dir: string
  let store: ArtifactStore
  const open = (
    quotas: { readonly quotaBytes?: number; readonly ownerQuotaBytes?: number } = {},
  ): Promise<ArtifactStore> => openArtifactStore({ dir, quotaBytes: 8 * MiB, ownerQuotaBytes: 4 * MiB, ...quotas })
  const fileOf = (kind: 'blobs' | 'partial', owner: string, sha256: string): string => join(dir, kind, owner, sha256)
  const names = async (sub: string): Promise<string[]> => (await readdir(join(dir, sub), { recursive: true })).sort()

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'souk-artifacts-'))
    dir = join(folder, 'store')
    store = await open()
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })

  describe('fetch', () => {
    beforeEach(() => store.reserve({ holder: 't1', owner: alice, blobs: [blob] }))
    const fetch = (source: Parameters<ArtifactStore['fetch']>[0]['source'], signal = never()): Promise<string> =>
      store.fetch({ owner: alice, blob, source, signal })

    it('brings in a blob: whole, read-only, in its place, for a sandbox to read or run without a copy', async () => {
      assert.equal(store.path({ owner: alice, sha256: blob.sha256 }), undefined)
      const progress: number[] = []
      const path = await store.fetch({
        owner: alice,
        blob,
        source: sourceOf(content),
        signal: never(),
        onProgress: ({ fetchedBytes }) => progress.push(fetchedBytes),
      })
      assert.deepEqual(await readFile(path), content)
      assert.equal((await lstat(path)).mode & 0o777, 0o555)
      assert.equal((await lstat(dir)).mode & 0o777, 0o700)
      assert.equal(store.path({ owner: alice, sha256: blob.sha256 }), path)
      assert.equal(store.has({ owner: alice, sha256: blob.sha256 }), true)
      assert.deepEqual(progress, [0, 19])
      assert.deepEqual(await names('partial'), [alice])
    })

    it('asks no source for what is there', async () => {
      const path = await fetch(sourceOf(content))
      const offsets: number[] = []
      assert.equal(await fetch(sourceOf(content, { offsets })), path)
      assert.deepEqual(offsets, [])
    })

    it('gives one peer nothing of what another has brought', async () => {
      await fetch(sourceOf(content))
      assert.equal(store.path({ owner: bob, sha256: blob.sha256 }), undefined)
      await store.reserve({ holder: 't2', owner: bob, blobs: [blob] })
      await assert.rejects(
        store.fetch({ owner: bob, blob, source: sourceOf(Buffer.alloc(blob.bytes)), signal: never() }),
        fails('INVALID_INPUT', /does not match its digest/),
      )
      const offsets: number[] = []
      await store.fetch({ owner: bob, blob, source: sourceOf(content, { offsets }), signal: never() })
      assert.deepEqual(offsets, [0])
    })

    it('brings in a blob of nothing', async () => {
      const empty = refOf(new Uint8Array(0))
      await store.reserve({ holder: 't1', owner: alice, blobs: [empty] })
      const path = await store.fetch({ owner: alice, blob: empty, source: sourceOf(content), signal: never() })
      assert.deepEqual(await readFile(path), Buffer.alloc(0))
    })

    it('goes on where a source has failed, also after the store was opened again', async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield content.subarray(0, 7)
        throw new Error('the line is dead')
      }
      await assert.rejects(fetch(broken), fails('BLOB_UNAVAILABLE', /the line is dead/))
      const offsets: number[] = []
      await assert.rejects(fetch(sourceOf(content.subarray(0, 12), { offsets })), fails('BLOB_UNAVAILABLE', /12 of 19/))
      await store.close()
      store = await open()
      assert.deepEqual(store.restore({ holder: 't1', owner: alice, blobs: [blob] }), [blob])
      assert.deepEqual(await readFile(await fetch(sourceOf(content, { offsets }))), content)
      assert.deepEqual(offsets, [7, 12])
    })

    it('passes on what a source says of its failure', async () => {
      const { source, goOn } = hangingSource(content.subarray(0, 3))
      const lost = Object.assign(new Error('gone'), { name: 'SoukError' })
      goOn.reject(lost)
      await assert.rejects(fetch(source), (thrown) => isSoukError(thrown, 'BLOB_UNAVAILABLE') && thrown.cause === lost)
    })

    it('fetches all again where what an earlier transfer left is wrong', async () => {
      await store.close()
      for (const left of [Buffer.alloc(7), Buffer.alloc(blob.bytes), Buffer.alloc(blob.bytes + 1)]) {
        await mkdir(join(dir, 'partial', alice), { recursive: true })
        await writeFile(fileOf('partial', alice, blob.sha256), left)
        store = await open()
        store.restore({ holder: 't1', owner: alice, blobs: [blob] })
        const offsets: number[] = []
        assert.deepEqual(await readFile(await fetch(sourceOf(content, { offsets }))), content)
        assert.equal(offsets.at(-1), 0)
        await store.close()
        await rm(fileOf('blobs', alice, blob.sha256))
      }
      store = await open()
    })

    it('takes as many bytes as are declared, and no other content', async () => {
      await assert.rejects(
        fetch(sourceOf(Buffer.concat([content, Buffer.from('x')]), { chunkBytes: 100 })),
        fails('INVALID_INPUT', /more than the 19 bytes/),
      )
      await assert.rejects(
        fetch(sourceOf(Buffer.concat([content, Buffer.from('x')]), { chunkBytes: 1 })),
        fails('INVALID_INPUT', /more than the 19 bytes/),
      )
      await assert.rejects(
        fetch(sourceOf(Buffer.alloc(blob.bytes))),
        fails('INVALID_INPUT', /content that does not match its digest/),
      )
      assert.deepEqual(await names('partial'), [alice])
      await assert.rejects(fetch(sourceOf(content.subarray(0, 18))), fails('BLOB_UNAVAILABLE', /18 of 19/))
      assert.equal(store.has({ owner: alice, sha256: blob.sha256 }), false)
      assert.deepEqual(await names('blobs'), [])
    })

    it('is not kept by empty chunks from hearing that it is over', async () => {
      const controller = new AbortController()
      async function* empty(): AsyncGenerator<Uint8Array> {
        for (;;) yield new Uint8Array(0)
      }
      setTimeout(() => controller.abort(new Error('enough')), 20)
      await assert.rejects(fetch(empty, controller.signal), /enough/)
    })

    it('ends at once when its signal aborts, though the source hangs', async () => {
      const controller = new AbortController()
      const { source, reached } = hangingSource(content.subarray(0, 3))
      const fetching = fetch(source, controller.signal)
      await reached
      controller.abort(new Error('cancelled'))
      await assert.rejects(fetching, /cancelled/)
      await assert.rejects(fetch(sourceOf(content), AbortSignal.abort(new Error('before'))), /before/)
      const offsets: number[] = []
      await fetch(sourceOf(content, { offsets }))
      assert.deepEqual(offsets, [3])
    })

    it('tells the source when nobody waits any more', async () => {
      const controller = new AbortController()
      const told = Promise.withResolvers<unknown>()
      async function* source(_offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
        signal.addEventListener('abort', () => told.resolve(signal.reason))
        yield content.subarray(0, 1)
        controller.abort(new Error('left'))
        await new Promise<void>(() => {})
      }
      await assert.rejects(fetch(source, controller.signal), /left/)
      assert.match(String(await told.promise), /left/)
    })

    it('asks for no more than two batches ahead of the disk', async () => {
      const big = randomBytes(4 * MiB - 64 * 1024)
      const ref = refOf(big)
      await store.reserve({ holder: 't1', owner: alice, blobs: [ref] })
      const chunkBytes = 64 * 1024
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < big.byteLength; at += chunkBytes) {
          const { size } = at > 0 ? await lstat(fileOf('partial', alice, ref.sha256)) : { size: 0 }
          assert.ok(at - size <= 2 * MiB, `${at - size} bytes have come and are not on disk`)
          yield big.subarray(at, at + chunkBytes)
        }
      }
      assert.deepEqual(
        await digestFile({ file: await store.fetch({ owner: alice, blob: ref, source, signal: never() }) }),
        ref,
      )
    })

    it('is one transfer for all who ask, each free to leave', async () => {
      const leaver = new AbortController()
      const first = hangingSource(content.subarray(0, 3))
      const offsets: number[] = []
      const left = fetch(first.source, leaver.signal)
      await first.reached
      const others = Array.from({ length: 5 }, () => fetch(sourceOf(content, { offsets })))
      leaver.abort(new Error('leaving'))
      await assert.rejects(left, /leaving/)
      assert.deepEqual(offsets, [])
      // What the first one's connection does when its task is gone.
      first.goOn.reject(new Error('connection closed'))
      assert.equal(new Set(await Promise.all(others)).size, 1)
      assert.deepEqual(offsets, [3])
    })

    it('fails for all who ask, where the source of one who still waits fails', async () => {
      const first = hangingSource(content.subarray(0, 3))
      const both = [fetch(first.source), fetch(sourceOf(content))]
      await first.reached
      first.goOn.reject(new Error('no'))
      for (const one of await Promise.allSettled(both)) assert.equal(one.status, 'rejected')
    })

    it('begins anew for one who asks while the last one leaves', async () => {
      const leaver = new AbortController()
      const first = hangingSource(content.subarray(0, 3))
      const left = fetch(first.source, leaver.signal)
      await first.reached
      leaver.abort(new Error('leaving'))
      const path = fetch(sourceOf(content))
      await assert.rejects(left, /leaving/)
      assert.deepEqual(await readFile(await path), content)
    })

    it('is only for what is reserved, with the length that was reserved', async () => {
      await assert.rejects(
        store.fetch({ owner: alice, blob: { ...blob, bytes: 20 }, source: sourceOf(content), signal: never() }),
        fails('INVALID_INPUT'),
      )
      store.release({ holder: 't1' })
      await assert.rejects(fetch(sourceOf(content)), fails('INTERNAL'))
    })

    it('goes on for those who wait after the holder has let go', async () => {
      const { source, reached, goOn } = hangingSource(content)
      const fetching = fetch(source)
      await reached
      store.release({ holder: 't1' })
      await assert.rejects(
        store.reserve({ holder: 't2', owner: alice, blobs: [{ sha256: '0'.repeat(64), bytes: 4 * MiB }] }),
        fails('STORAGE_FULL'),
      )
      goOn.resolve(undefined)
      await fetching
      await store.reserve({ holder: 't2', owner: alice, blobs: [{ sha256: '0'.repeat(64), bytes: 4 * MiB }] })
      assert.equal(store.has({ owner: alice, sha256: blob.sha256 }), false)
    })

    it('ends when the store is closed', async () => {
      const { source, reached } = hangingSource(content.subarray(0, 3))
      const fetching = assert.rejects(fetch(source), fails('PROVIDER_STOPPED'))
      await reached
      await store.close()
      await fetching
      await assert.rejects(fetch(sourceOf(content)), fails('INTERNAL', /closed/))
    })
  })

  describe('adopt', () => {
    let file: string
    beforeEach(async () => {
      file = join(folder, 'result')
      await writeFile(file, content)
    })
    const adopt = (request: Partial<Parameters<ArtifactStore['adopt']>[0]> = {}): Promise<void> =>
      store.adopt({ holder: 't1', owner: alice, file, blob, ...request })

    it('moves a result to its place and holds it', async () => {
      const { ino } = await lstat(file)
      await adopt()
      const path = store.path({ owner: alice, sha256: blob.sha256 })
      assert(path !== undefined)
      assert.deepEqual(await readFile(path), content)
      const stats = await lstat(path)
      assert.equal(stats.ino, ino)
      assert.equal(stats.mode & 0o777, 0o555)
      await assert.rejects(lstat(file), /ENOENT/)
      assert.equal(store.heldBy(alice), 4096)
    })

    it('takes the same result twice, its file there or not', async () => {
      await adopt()
      await adopt()
      await writeFile(file, content)
      await adopt({ holder: 't2' })
      await assert.rejects(lstat(file), /ENOENT/)
      assert.equal(store.usage().bytes, 4096)
    })

    it('copies, and checks, what has a second name', async () => {
      await link(file, join(folder, 'second'))
      await adopt()
      await writeFile(join(folder, 'second'), 'changed').catch(() => {})
      const path = store.path({ owner: alice, sha256: blob.sha256 })
      assert.deepEqual(path && (await readFile(path)), content)
      await link(join(folder, 'second'), file)
      const other = { sha256: '0'.repeat(64), bytes: (await lstat(file)).size }
      await assert.rejects(adopt({ holder: 't2', blob: other }), fails('INTERNAL', /not what it is said to be/))
      assert.equal(store.heldBy(alice), 4096)
      assert.deepEqual(await names('partial'), [alice])
    })

    it('copies from another file system', async function () {
      const shared = '/dev/shm'
      const device = await lstat(shared).catch(() => undefined)
      if (device === undefined || device.dev === (await lstat(folder)).dev) return this.skip()
      const elsewhere = await mkdtemp(join(shared, 'souk-artifacts-'))
      try {
        await writeFile(join(elsewhere, 'result'), content)
        await adopt({ file: join(elsewhere, 'result') })
        const path = store.path({ owner: alice, sha256: blob.sha256 })
        assert.deepEqual(path && (await readFile(path)), content)
        assert.deepEqual(await readdir(elsewhere), [])
      } finally {
        await rm(elsewhere, { recursive: true })
      }
    })

    it('refuses what is not the file that was digested, and holds nothing then', async () => {
      await symlink(file, join(folder, 'link'))
      execFileSync('mkfifo', [join(folder, 'fifo')])
      await assert.rejects(adopt({ file: join(folder, 'link') }), fails('INTERNAL', /ELOOP/))
      await assert.rejects(adopt({ file: join(folder, 'fifo') }), fails('INTERNAL'))
      await assert.rejects(adopt({ file: folder }), fails('INTERNAL'))
      await assert.rejects(adopt({ file: join(folder, 'nothing') }), fails('INTERNAL', /ENOENT/))
      await assert.rejects(adopt({ blob: { ...blob, bytes: 18 } }), fails('INTERNAL'))
      assert.deepEqual(store.usage(), {
        bytes: 0,
        heldBytes: 0,
        blobs: 0,
        quotaBytes: 8 * MiB,
        ownerQuotaBytes: 4 * MiB,
      })
    })

    it('keeps what the holder had when it fails', async () => {
      await store.reserve({ holder: 't1', owner: alice, blobs: [blob] })
      await assert.rejects(adopt({ file: join(folder, 'nothing') }), fails('INTERNAL'))
      assert.equal(store.heldBy(alice), 4096)
    })

    it('counts, and makes room with what nobody holds', async () => {
      await adopt()
      store.release({ holder: 't1' })
      await store.reserve({ holder: 't2', owner: alice, blobs: [{ sha256: '0'.repeat(64), bytes: 4 * MiB }] })
      assert.equal(store.has({ owner: alice, sha256: blob.sha256 }), false)
      assert.deepEqual(await names('trash'), [])
      await writeFile(file, content)
      await assert.rejects(adopt(), fails('STORAGE_FULL'))
      assert.deepEqual(await readFile(file), content)
    })

    it('is what a transfer of the same content finds when it fails', async () => {
      await store.reserve({ holder: 't2', owner: alice, blobs: [blob] })
      const { source, reached, goOn } = hangingSource(content.subarray(0, 3))
      const fetching = store.fetch({ owner: alice, blob, source, signal: never() })
      await reached
      await adopt()
      goOn.reject(new Error('too late'))
      await assert.rejects(fetching, fails('BLOB_UNAVAILABLE'))
      assert.equal(store.has({ owner: alice, sha256: blob.sha256 }), true)
      assert.deepEqual(await names('partial'), [alice])
    })
  })

  describe('names', () => {
    const foreign = [
      '',
      '.',
      '..',
      '../format',
      blob.sha256.toUpperCase(),
      blob.sha256.slice(1),
      `${blob.sha256}0`,
      `${blob.sha256}\n`,
      `${blob.sha256}\0`,
      `../${alice}/${blob.sha256}`,
      '__proto__',
    ]
    for (const name of foreign) {
      it(`other than 64 hex digits make no path: ${JSON.stringify(name)}`, async () => {
        await assert.rejects(
          store.reserve({ holder: 't1', owner: alice, blobs: [{ sha256: name, bytes: 1 }] }),
          fails('INTERNAL'),
        )
        await assert.rejects(store.reserve({ holder: 't1', owner: name, blobs: [blob] }), fails('INTERNAL'))
        await assert.rejects(
          store.adopt({ holder: 't1', owner: alice, file: '/nothing', blob: { sha256: name, bytes: 1 } }),
          fails('INTERNAL'),
        )
        assert.throws(
          () => store.restore({ holder: 't1', owner: alice, blobs: [{ sha256: name, bytes: 1 }] }),
          fails('INTERNAL'),
        )
        assert.equal(store.path({ owner: alice, sha256: name }), undefined)
        assert.equal(store.path({ owner: name, sha256: blob.sha256 }), undefined)
      })
    }
  })

  describe('opened again', () => {
    it('keeps what is whole, and sweeps the rest', async () => {
      await store.reserve({ holder: 't1', owner: alice, blobs: [blob] })
      await store.fetch({ owner: alice, blob, source: sourceOf(content), signal: never() })
      await store.close()
      const other = '1'.repeat(64)
      await mkdir(join(dir, 'partial', bob))
      await mkdir(join(dir, 'blobs', 'somebody'))
      await mkdir(fileOf('blobs', alice, '2'.repeat(64)))
      await symlink('/etc/passwd', fileOf('blobs', alice, '3'.repeat(64)))
      await writeFile(fileOf('blobs', alice, 'x'), '')
      await writeFile(fileOf('partial', bob, other), 'part')
      await writeFile(fileOf('partial', bob, `${other}.0123`), 'copy')
      await writeFile(fileOf('partial', bob, '4'.repeat(64)), 'whole')
      await chmod(fileOf('partial', bob, '4'.repeat(64)), 0o555)
      await writeFile(fileOf('partial', alice, blob.sha256), 'part of what is whole')
      await writeFile(join(dir, 'trash', 'x'), '')
      store = await open()
      assert.deepEqual(await names('blobs'), [alice, `${alice}/${blob.sha256}`])
      assert.deepEqual(await names('partial'), [bob, `${bob}/${other}`])
      assert.deepEqual(await names('trash'), [])
      assert.equal(store.has({ owner: alice, sha256: blob.sha256 }), true)
      assert.equal(store.has({ owner: bob, sha256: other }), false)
      assert.equal(store.usage().heldBytes, 0)
      assert.deepEqual(store.restore({ holder: 't1', owner: alice, blobs: [blob] }), [])
      assert.equal(store.heldBy(alice), 4096)
      assert.equal(
        store.heldByMatching((owner) => owner !== alice),
        0,
      )
    })

    it('does not trust a file of another length than was accepted', async () => {
      await mkdir(join(dir, 'blobs', alice))
      await writeFile(fileOf('blobs', alice, blob.sha256), content.subarray(1))
      await store.close()
      store = await open()
      assert.deepEqual(store.restore({ holder: 't1', owner: alice, blobs: [blob] }), [blob])
      assert.equal(store.path({ owner: alice, sha256: blob.sha256 }), undefined)
      assert.deepEqual(
        await readFile(await store.fetch({ owner: alice, blob, source: sourceOf(content), signal: never() })),
        content,
      )
    })

    it('is not opened where something else is', async () => {
      const other = join(folder, 'other')
      await mkdir(join(other, 'blobs', 'precious'), { recursive: true })
      const options = { quotaBytes: 1, ownerQuotaBytes: 1 }
      await assert.rejects(
        openArtifactStore({ dir: other, ...options }),
        fails('START_FAILED', /not an artifact store/),
      )
      assert.deepEqual(await readdir(join(other, 'blobs')), ['precious'])
      await writeFile(join(folder, 'file'), '')
      await assert.rejects(openArtifactStore({ dir: join(folder, 'file'), ...options }), fails('START_FAILED'))
    })
  })
})

describe('digest of a file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'souk-digest-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  for (const bytes of [0, 1, MiB - 1, MiB, MiB + 1, 3 * MiB]) {
    it(`is sha256 and length, of ${bytes} bytes`, async () => {
      const data = randomBytes(bytes)
      await writeFile(join(folder, 'file'), data)
      assert.deepEqual(await digestFile({ file: join(folder, 'file') }), refOf(data))
    })
  }

  it('is refused for what is no file, without waiting', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')])
    for (const file of [folder, join(folder, 'fifo'), join(folder, 'nothing'), '/dev/zero']) {
      await assert.rejects(digestFile({ file }), fails('INVALID_INPUT'))
    }
  })

  it('ends when its signal aborts', async () => {
    await writeFile(join(folder, 'file'), content)
    await assert.rejects(
      digestFile({ file: join(folder, 'file'), signal: AbortSignal.abort(new Error('enough')) }),
      /enough/,
    )
  })
})
