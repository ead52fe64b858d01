import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { chargeOf, Ledger } from '../../src/artifacts/ledger.ts'
import { openArtifactStore, type ArtifactStore } from '../../src/artifacts/store.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { BlobRef } from '../../src/protocol/task.ts'

const owners = ['a1', 'b0', 'c4'].map((byte) => `0x${byte.repeat(20)}`)
const refOf = (bytes: Uint8Array): BlobRef => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.byteLength,
})
const quotas = { quotaBytes: 10 * 4096, ownerQuotaBytes: 6 * 4096 }
const owner = fc.constantFrom(...owners)
const holder = fc
  .record({ owner, number: fc.nat(4) })
  .map((of) => ({ owner: of.owner, holder: `${of.owner}:${of.number}` }))

describe('fuzz: ledger of blobs', () => {
  const ref = fc.nat(7).map((number) => ({ sha256: String(number).repeat(64), bytes: number * 1500 }))
  const step = fc.oneof(
    fc.record({ do: fc.constant('reserve' as const), of: holder, blobs: fc.array(ref, { maxLength: 4 }) }),
    fc.record({ do: fc.constant('restore' as const), of: holder, blobs: fc.array(ref, { maxLength: 2 }) }),
    fc.record({ do: fc.constant('release' as const), of: holder }),
    fc.record({ do: fc.constant('unhold' as const), of: holder, ref }),
    fc.record({
      do: fc.constant('state' as const),
      owner,
      ref,
      state: fc.constantFrom('absent' as const, 'partial' as const, 'complete' as const),
    }),
    fc.record({ do: fc.constant('use' as const), owner, ref }),
    fc.record({ do: fc.constant('end' as const) }),
  )

  it('holds what a model of it holds, within the quotas, after any steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new Ledger(quotas)
        const held = new Map<string, { readonly owner: string; readonly digests: Map<string, number> }>()
        const uses: {
          readonly key: string
          readonly owner: string
          readonly bytes: number
          readonly end: () => void
        }[] = []
        let restored = false
        const heldBy = (of: string): Map<string, number> => {
          const digests = new Map<string, number>()
          for (const hold of held.values())
            if (hold.owner === of) for (const [sha256, bytes] of hold.digests) digests.set(sha256, bytes)
          for (const use of uses) if (use.owner === of) digests.set(use.key, use.bytes)
          return digests
        }
        const bytesHeldBy = (of: string): number =>
          [...heldBy(of).values()].reduce((sum, bytes) => sum + chargeOf(bytes), 0)
        for (const now of steps) {
          if (now.do === 'reserve' || now.do === 'restore') {
            const before = ledger.usage()
            try {
              if (now.do === 'reserve') {
                for (const gone of ledger.reserve({ ...now.of, blobs: now.blobs }))
                  assert(!heldBy(gone.owner).has(gone.sha256))
              } else {
                restored = true
                ledger.restore({ ...now.of, blobs: now.blobs })
              }
              const hold = held.get(now.of.holder) ?? { owner: now.of.owner, digests: new Map<string, number>() }
              held.set(now.of.holder, hold)
              for (const { sha256, bytes } of now.blobs) hold.digests.set(sha256, bytes)
            } catch (thrown) {
              assert(isSoukError(thrown, 'STORAGE_FULL'), String(thrown))
              assert.deepEqual(ledger.usage(), before)
            }
          } else if (now.do === 'release') {
            ledger.release(now.of)
            held.delete(now.of.holder)
          } else if (now.do === 'unhold') {
            ledger.unhold({ ...now.of, sha256: now.ref.sha256 })
            held.get(now.of.holder)?.digests.delete(now.ref.sha256)
          } else if (now.do === 'state') {
            if (ledger.find({ owner: now.owner, sha256: now.ref.sha256 }))
              ledger.setState({ owner: now.owner, sha256: now.ref.sha256 }, now.state)
          } else if (now.do === 'use') {
            const key = { owner: now.owner, sha256: now.ref.sha256 }
            if (ledger.find(key))
              uses.push({ key: key.sha256, owner: key.owner, bytes: now.ref.bytes, end: ledger.use(key) })
          } else uses.pop()?.end()
          let total = 0
          for (const one of owners) {
            assert.equal(ledger.heldBytesOf(one), bytesHeldBy(one))
            if (!restored) assert(ledger.heldBytesOf(one) <= quotas.ownerQuotaBytes)
            total += bytesHeldBy(one)
            for (const sha256 of heldBy(one).keys()) assert(ledger.find({ owner: one, sha256 }) !== undefined)
          }
          const usage = ledger.usage()
          assert.equal(usage.heldBytes, total)
          assert(usage.bytes >= total)
          if (!restored) assert(usage.bytes <= quotas.quotaBytes)
        }
        for (const use of uses) use.end()
        for (const name of held.keys()) ledger.release({ holder: name })
        assert.equal(ledger.usage().heldBytes, 0)
      }),
      { numRuns: 500 },
    )
  }).timeout(60_000)
})

describe('fuzz: artifact store', () => {
  let folder: string
  let runs = 0
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'souk-artifacts-fuzz-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))
  const withStore = async (use: (store: ArtifactStore, dir: string) => Promise<void>): Promise<void> => {
    const dir = join(folder, String(runs++))
    const store = await openArtifactStore({ dir, ...quotas })
    try {
      await use(store, dir)
    } finally {
      await store.close()
      await rm(dir, { recursive: true, force: true })
    }
  }

  /** How a source treats the bytes that it should send from an offset on. */
  const behaviour = fc.record({
    chunkBytes: fc.integer({ min: 1, max: 700 }),
    kind: fc.constantFrom(
      'honest',
      'honest',
      'short',
      'long',
      'wrong',
      'throws',
      'typed error',
      'empty chunks',
      'ignores the offset',
    ),
    at: fc.nat(2000),
  })
  type Behaviour = typeof behaviour extends fc.Arbitrary<infer T> ? T : never
  async function* misbehave(
    content: Buffer,
    offset: number,
    { chunkBytes, kind, at }: Behaviour,
  ): AsyncGenerator<Uint8Array> {
    let bytes = Buffer.from(content.subarray(kind === 'ignores the offset' ? 0 : offset))
    if (kind === 'short') bytes = bytes.subarray(0, at % (bytes.byteLength + 1))
    if (kind === 'long') bytes = Buffer.concat([bytes, Buffer.alloc((at % 50) + 1)])
    if (kind === 'wrong' && bytes.byteLength > 0)
      bytes.writeUInt8(bytes.readUInt8(at % bytes.byteLength) ^ 1, at % bytes.byteLength)
    for (let sent = 0; sent < bytes.byteLength; sent += chunkBytes) {
      if (kind === 'empty chunks') yield new Uint8Array(0)
      if (kind === 'throws' && sent >= at) throw new TypeError('broken')
      if (kind === 'typed error' && sent >= at)
        throw new SoukError({ code: 'CONNECTION_LOST', message: 'The line broke.', details: {} })
      yield bytes.subarray(sent, sent + chunkBytes)
    }
  }

  it('has a blob whole or not at all, whatever sources do, and gets it in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.array(behaviour, { maxLength: 4 }),
        async (array, behaviours) => {
          const content = Buffer.from(array)
          const blob = refOf(content)
          await withStore(async (store) => {
            const request = { owner: owners[0] ?? '', blob, signal: new AbortController().signal }
            const key = { owner: request.owner, sha256: blob.sha256 }
            await store.reserve({ holder: 't', owner: request.owner, blobs: [blob] })
            for (const how of behaviours) {
              try {
                assert.deepEqual(
                  await readFile(
                    await store.fetch({ ...request, source: (offset) => misbehave(content, offset, how) }),
                  ),
                  content,
                )
              } catch (thrown) {
                assert(thrown instanceof SoukError, String(thrown))
                assert(['INVALID_INPUT', 'BLOB_UNAVAILABLE', 'CONNECTION_LOST'].includes(thrown.code), thrown.message)
                assert.notEqual(how.kind, 'honest')
                assert.equal(store.path(key), undefined)
              }
            }
            const honest = { chunkBytes: 100, kind: 'honest', at: 0 } as const
            assert.deepEqual(
              await readFile(await store.fetch({ ...request, source: (offset) => misbehave(content, offset, honest) })),
              content,
            )
          })
        },
      ),
      { numRuns: 60 },
    )
  }).timeout(120_000)

  it('answers each of many who ask for one blob, some of whom leave', async () => {
    const waiter = fc.record({ how: behaviour, leavesAfterChunks: fc.option(fc.nat(5)) })
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 2000 }),
        fc.array(waiter, { minLength: 1, maxLength: 6 }),
        async (array, waiters) => {
          const content = Buffer.from(array)
          const blob = refOf(content)
          await withStore(async (store, dir) => {
            const of = owners[0] ?? ''
            await store.reserve({ holder: 't', owner: of, blobs: [blob] })
            const controllers = waiters.map(() => new AbortController())
            let chunks = 0
            const answers = await Promise.allSettled(
              waiters.map(({ how }, index) =>
                store.fetch({
                  owner: of,
                  blob,
                  signal: controllers[index]?.signal ?? AbortSignal.abort(),
                  async *source(offset) {
                    for await (const chunk of misbehave(content, offset, how)) {
                      chunks++
                      waiters.forEach(({ leavesAfterChunks }, other) => {
                        if (leavesAfterChunks !== null && chunks > leavesAfterChunks)
                          controllers[other]?.abort(new RangeError('left'))
                      })
                      yield chunk
                    }
                  },
                }),
              ),
            )
            for (const [index, answer] of answers.entries()) {
              if (answer.status === 'fulfilled') assert.deepEqual(await readFile(answer.value), content)
              else if (answer.reason instanceof RangeError) assert(controllers[index]?.signal.aborted)
              else assert(answer.reason instanceof SoukError, String(answer.reason))
            }
            if (waiters.every(({ how, leavesAfterChunks }) => how.kind === 'honest' && leavesAfterChunks === null)) {
              assert(answers.every(({ status }) => status === 'fulfilled'))
            }
            await store.close()
            // Nothing is left half done: what is in its place is whole.
            for (const name of await readdir(join(dir, 'blobs', of)).catch(() => [])) {
              assert.deepEqual(refOf(await readFile(join(dir, 'blobs', of, name))), blob)
            }
          })
        },
      ),
      { numRuns: 60 },
    )
  }).timeout(120_000)

  it('keeps its books and its folder in step through reserving, fetching, adopting, releasing', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(index * 1700, index))
    const step = fc.oneof(
      fc.record({ do: fc.constant('fetch' as const), of: holder, blobs: fc.array(fc.nat(7), { maxLength: 3 }) }),
      fc.record({ do: fc.constant('adopt' as const), of: holder, blobs: fc.array(fc.nat(7), { maxLength: 2 }) }),
      fc.record({ do: fc.constant('release' as const), of: holder }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await withStore(async (store, dir) => {
          const signal = new AbortController().signal
          const perform = async (now: (typeof steps)[number], index: number): Promise<void> => {
            if (now.do === 'release') return store.release(now.of)
            const wanted = now.blobs.map((number) => contents[number] ?? Buffer.alloc(0))
            try {
              if (now.do === 'fetch') {
                await store.reserve({ ...now.of, blobs: wanted.map(refOf) })
                await Promise.all(
                  wanted.map((content) =>
                    store.fetch({
                      owner: now.of.owner,
                      blob: refOf(content),
                      signal,
                      source: async function* (offset) {
                        yield content.subarray(offset)
                      },
                    }),
                  ),
                )
              } else {
                for (const [number, content] of wanted.entries()) {
                  const file = join(dir, `result-${index}-${number}`)
                  await writeFile(file, content)
                  await store.adopt({ ...now.of, file, blob: refOf(content) })
                }
              }
            } catch (thrown) {
              // A holder whose release came first has nothing to fetch.
              assert(
                isSoukError(thrown, 'STORAGE_FULL') || (isSoukError(thrown, 'INTERNAL') && now.do === 'fetch'),
                String(thrown),
              )
            }
          }
          await Promise.all(steps.map(perform))
          const usage = store.usage()
          assert(usage.heldBytes <= usage.bytes && usage.bytes <= usage.quotaBytes)
          let onDisk = 0
          for (const one of owners) {
            for (const name of await readdir(join(dir, 'blobs', one)).catch(() => [])) {
              const path = store.path({ owner: one, sha256: name })
              assert(path !== undefined, `${name} is on disk and not in the books`)
              assert.equal(refOf(await readFile(path)).sha256, name)
              onDisk += chargeOf((await stat(path)).size)
            }
          }
          assert(onDisk <= usage.bytes)
          for (const now of steps) store.release(now.of)
          assert.equal(store.usage().heldBytes, 0)
          assert.equal(store.usage().bytes, onDisk)
        })
      }),
      { numRuns: 60 },
    )
  }).timeout(120_000)
})
