import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { isSoukError } from '../../src/protocol/errors.ts'
import { paxHeader, rawEntry, rawTar, type RawEntry } from '../fixtures/raw-tar.ts'
import { createUnpackPlace, treeOf, type UnpackPlace } from '../fixtures/unpack-place.ts'

const MAX_BYTES = 4_000
const MAX_ENTRIES = 12
/** Far more than any of these archives needs: who does not settle by then never does. */
const SETTLES_MS = 20_000

/** Few names, so that entries meet; half of them bad. */
const NAMES = [
  'a',
  'b',
  'a/b',
  'a/b/c',
  './a',
  'b/',
  '.',
  '..',
  '../outside/secret',
  'a/../../outside/x',
  '/tmp/x',
  'é',
  '',
]
const name = fc.constantFrom(...NAMES)
const target = fc.constantFrom(...NAMES, '../outside', '../outside/folder', '..', '/', '../../..', 'x'.repeat(100))
const type = fc.constantFrom('0', '0', '\0', '1', '2', '2', '5', '5', '3', '6', 'L', 'K', 'x', 'g', 'S', 'V')
const content = fc.oneof(
  fc.constant(''),
  name,
  fc.string({ maxLength: 1_500 }),
  fc.constantFrom('20 path=../outside/x\n', '9 size=0\n', '14 linkpath=..\n', '-5 a=b\n', '30 path=a\n'),
)
const size = fc.constantFrom('00000000000\0', '00000000001\0', '77777777777\0', '-1', '\x80\0\0\0\0\0\0\0\0\0\x10\0')
const entry: fc.Arbitrary<RawEntry> = fc.record(
  { name, type, linkname: target, content, mode: fc.constantFrom(0, 0o4755, 0o7777, 0o644), sizeField: size },
  { requiredKeys: ['name', 'type', 'linkname'] },
)
const pax = fc
  .record({ path: name, linkpath: target, size: fc.constantFrom('0', '512', '-1', 'x') }, { requiredKeys: [] })
  .map((records) => paxHeader(records))
const archive = fc
  .array(fc.oneof({ weight: 5, arbitrary: entry.map(rawEntry) }, pax), { maxLength: 15 })
  .map((parts) => Buffer.from(rawTar(...parts)))

interface Damage {
  readonly at: number
  readonly byte: number
  readonly fix: boolean
}
const damage: fc.Arbitrary<readonly Damage[]> = fc.array(
  fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), fix: fc.boolean() }),
  { maxLength: 8 },
)

/** Bytes changed; where `fix`, the checksum of the block made right again, so that the change is seen. */
function damaged(bytes: Buffer, edits: readonly Damage[]): Buffer {
  const changed = Buffer.from(bytes)
  for (const { at, byte, fix } of edits) {
    const place = at % changed.length
    changed[place] = byte
    const block = changed.subarray(place - (place % 512), place - (place % 512) + 512)
    if (!fix) continue
    block.write('        ', 148)
    const sum = block.reduce((total, value) => total + value, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  }
  return changed
}

describe('fuzz: unpacking tar archives', function () {
  this.timeout(180_000)
  let place: UnpackPlace
  let outside: readonly string[]

  before(async () => {
    place = await createUnpackPlace()
    outside = await place.outside()
  })
  after(() => place.remove())

  /** Whatever the bytes: it settles, stays inside and within its bounds, and what is there is of the plain kind. Tells whether it was taken. */
  async function holds(bytes: Uint8Array): Promise<boolean> {
    await place.clear()
    const late = AbortSignal.timeout(SETTLES_MS)
    const outcome = await place.unpack(bytes, { maxBytes: MAX_BYTES, maxEntries: MAX_ENTRIES, signal: late }).then(
      (unpacked) => ({ unpacked }),
      (error: unknown) => ({ error }),
    )
    assert.ok(!late.aborted, 'it did not settle')
    if ('error' in outcome) assert.ok(isSoukError(outcome.error, 'INVALID_INPUT'), String(outcome.error))
    assert.deepEqual(await place.outside(), outside)
    const tree = [...(await treeOf(place.into))]
    assert.ok(tree.length <= MAX_ENTRIES)
    for (const [path, { type: made, mode }] of tree) {
      assert.notEqual(made, 'other', path)
      if (made === 'folder') assert.equal(mode, 0o755, path)
      // One that a refusal has come over is as private as it was made.
      if (made === 'file') assert.ok(mode === 0o644 || mode === 0o755 || ('error' in outcome && mode === 0o600), path)
    }
    const files = tree.filter(([, { type: made }]) => made === 'file')
    if ('unpacked' in outcome) {
      assert.ok(tree.length <= outcome.unpacked.entries)
      assert.ok(outcome.unpacked.bytes <= MAX_BYTES && outcome.unpacked.entries <= MAX_ENTRIES)
      for (const [path, { content: text }] of files) assert.ok(text.length <= outcome.unpacked.bytes, path)
    }
    return 'unpacked' in outcome
  }

  it('takes entries in any order, with any link and any header', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(archive, fc.boolean(), async (bytes, zipped) => {
        if (await holds(zipped ? gzipSync(bytes) : bytes)) taken++
      }),
      { numRuns: 600 },
    )
    assert.ok(taken > 0, 'nothing but refusals')
  })

  it('takes folders, files and links that meet each other', async () => {
    const meeting = fc.record({
      name: fc.constantFrom('a', 'a/b', 'a/b/c', 'a/c', 'b', 'b/a'),
      type: fc.constantFrom('0', '1', '2', '5'),
      linkname: fc.constantFrom('a', 'b', 'a/b', '../outside', '../outside/secret', '../../outside', '.'),
    })
    let taken = 0
    await fc.assert(
      fc.asyncProperty(fc.array(meeting, { maxLength: 4 }), async (entries) => {
        const withContent = entries.map((one) => (one.type === '0' ? { ...one, content: 'changed' } : one))
        if (await holds(rawTar(...withContent))) taken++
      }),
      { numRuns: 600 },
    )
    assert.ok(taken > 50, `only ${taken} were taken`)
  })

  it('takes archives with bytes changed and cut off', async () => {
    await fc.assert(
      fc.asyncProperty(archive, damage, fc.option(fc.nat()), fc.boolean(), async (bytes, edits, cut, zipped) => {
        const changed = damaged(bytes, edits)
        const kept = cut === null ? changed : changed.subarray(0, cut % (changed.length + 1))
        await holds(zipped ? gzipSync(kept) : kept)
      }),
      { numRuns: 600 },
    )
  })

  it('takes any bytes, and any bytes that start like gzip', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.boolean(), async (bytes, zipped) => {
        await holds(zipped ? Buffer.concat([gzipSync(rawTar({ name: 'a' })).subarray(0, 20), bytes]) : bytes)
      }),
      { numRuns: 300 },
    )
  })
})
