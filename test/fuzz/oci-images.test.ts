import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { chooseImage } from '../../src/artifacts/oci-choice.ts'
import { withImage } from '../../src/artifacts/oci-image.ts'
import { ImageProblem } from '../../src/artifacts/oci-refusals.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import {
  archiveOf,
  blobName,
  INDEX_TYPE,
  json,
  LAYER_TYPES,
  layoutOf,
  makeImage,
  MANIFEST_TYPE,
  savedOf,
  sha256,
} from '../fixtures/oci-images.ts'
import { createOciPlace, type OciPlace } from '../fixtures/oci-place.ts'
import { rawTar, type RawEntry } from '../fixtures/raw-tar.ts'
import { treeOf } from '../fixtures/unpack-place.ts'

const MAX_BYTES = 4_000
const MAX_ENTRIES = 20
/** Far more than any of these images needs: who does not settle by then never does. */
const SETTLES_MS = 20_000
const LAYER = rawTar({ name: 'a' })
const GOOD = makeImage({ layers: [LAYER] })
const SAVED = savedOf({ layers: [LAYER], tags: ['a:1'] })

/** Values where others are meant, and those that are meant where they are not. */
const odd = fc.oneof(
  fc.constantFrom(null, 0, -1, 1e308, '', '..', '/', [], {}, [null], true, '\0', 'x'.repeat(300)),
  fc.constantFrom(2, 'linux', 'layers', MANIFEST_TYPE, INDEX_TYPE, ...Object.values(LAYER_TYPES)),
  fc.constantFrom(GOOD.digest, GOOD.configDigest, sha256(LAYER), 'sha256:../../../etc/passwd', ...SAVED.files.keys()),
  fc.jsonValue({ maxDepth: 2 }),
)
const key = fc.constantFrom(
  ...['schemaVersion', 'mediaType', 'manifests', 'layers', 'config', 'digest', 'size', 'platform', 'annotations', 'os'],
  ...[
    'architecture',
    'rootfs',
    'type',
    'diff_ids',
    'Env',
    'Cmd',
    'Entrypoint',
    'WorkingDir',
    'Config',
    'Layers',
    'RepoTags',
  ],
  ...['__proto__', 'constructor', '0', '1'],
)
interface Edit {
  readonly path: readonly string[]
  readonly value: unknown
}
const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({ path: fc.array(key, { minLength: 1, maxLength: 4 }), value: odd }),
  { maxLength: 4 },
)

/** A document with some of it said otherwise, where it has that, and added where it has not. */
function edited(document: Uint8Array, changes: readonly Edit[]): Uint8Array {
  const value = JSON.parse(Buffer.from(document).toString()) as unknown
  for (const { path, value: other } of changes) {
    let node = value
    for (const step of path.slice(0, -1)) {
      if (typeof node !== 'object' || node === null) break
      const next = Object.getOwnPropertyDescriptor(node, step)?.value as unknown
      if (typeof next === 'object' && next !== null) node = next
    }
    const last = path.at(-1) ?? ''
    if (typeof node === 'object' && node !== null)
      Object.defineProperty(node, last, {
        value: structuredClone(other),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return json(value)
}

const name = fc.constantFrom(
  ...['a', 'b', 'a/b', 'a/b/c', 'b/a', './a', '.', '..', '../outside/secret', 'a/../../outside/x', '/tmp/x', ''],
  ...[
    '.wh.a',
    '.wh.b',
    'a/.wh.b',
    'a/.wh..wh..opq',
    '.wh..wh..opq',
    '.wh.',
    '.wh..',
    '.wh...',
    '.wh..wh.plnk',
    'a/.wh.b/c',
  ],
)
const target = fc.constantFrom(
  'a',
  'b',
  'a/b',
  '..',
  '../outside',
  '../../outside',
  '../../../outside/secret',
  '/',
  '.',
  '/etc/passwd',
)
const entry: fc.Arbitrary<RawEntry> = fc
  .record({
    name,
    type: fc.constantFrom('0', '0', '0', '1', '2', '2', '5', '5', '3', '6'),
    linkname: target,
    content: fc.constantFrom('', '', 'x', 'x'.repeat(1_500)),
    mode: fc.constantFrom(0, 0o4755, 0o7777, 0o644),
  })
  .map((one) => (one.type === '0' && !String(one.name).includes('.wh.') ? one : { ...one, content: '' }))
/** Names that meet, and nothing that is refused by itself. */
const meeting: fc.Arbitrary<RawEntry> = fc.record({
  name: fc.constantFrom('a', 'a/b', 'a/b/c', 'a/c', 'b', 'b/a', '.wh.a', 'a/.wh.b', 'a/.wh..wh..opq', '.wh.b'),
  type: fc.constantFrom('0', '1', '2', '5'),
  linkname: fc.constantFrom('a', 'b', 'a/b', '../outside', '../../outside/secret', '../../../outside', '.'),
})
const plain = ({ name: path, ...one }: RawEntry): RawEntry =>
  String(path).includes('.wh.') ? { name: path, type: '0' } : { ...one, name: path }

describe('fuzz: images', function () {
  this.timeout(180_000)
  let place: OciPlace
  let outside: readonly string[]

  before(async () => {
    place = await createOciPlace()
    outside = await place.outside()
    await place.unpack([LAYER])
    outside = await place.outside()
  })
  after(() => place.remove())

  /** Whatever the documents: it settles, with an image or with a refusal, and on both sides. */
  async function documentsHold(archive: Uint8Array, digest: string): Promise<boolean> {
    const source = join(place.dir, 'archives/image.tar')
    await writeFile(source, archive)
    const signal = AbortSignal.timeout(SETTLES_MS)
    const ends = await Promise.allSettled([
      chooseImage({ source, signal }),
      withImage({ source, digest, image: 'it', signal }, (image) => Promise.resolve(image)),
    ])
    assert.ok(!signal.aborted, 'it did not settle')
    for (const end of ends) {
      if (end.status === 'fulfilled') continue
      const error: unknown = end.reason
      assert.ok(error instanceof ImageProblem || isSoukError(error, 'IMAGE_REFUSED'), String(error))
      assert.ok((error as Error).message.length < 5_000, 'a message as long as it likes')
    }
    const [, opened] = ends
    if (opened.status === 'rejected') return false
    const { config, layers } = opened.value
    assert.ok(config.workdir.startsWith('/') && !config.workdir.includes('..'))
    assert.ok([...config.entrypoint, ...config.cmd, ...config.env].every((word) => !word.includes('\0')))
    assert.ok(layers.every(({ diffId }) => /^sha256:[0-9a-f]{64}$/.test(diffId)))
    return true
  }

  it('take any index, manifest and configuration', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(edits, edits, edits, async (index, manifest, config) => {
        const files = layoutOf([GOOD])
        const configBytes = edited(files.get(blobName(GOOD.configDigest)) ?? json({}), config)
        const descriptor = { digest: sha256(configBytes), size: configBytes.length, mediaType: 'x' }
        const manifestBytes = edited(files.get(blobName(GOOD.digest)) ?? json({}), [
          { path: ['config'], value: descriptor },
          ...manifest,
        ])
        const digest = sha256(manifestBytes)
        const listed = { mediaType: MANIFEST_TYPE, digest, size: manifestBytes.length }
        files.set(blobName(sha256(configBytes)), configBytes).set(blobName(digest), manifestBytes)
        files.set('index.json', edited(json({ schemaVersion: 2, manifests: [listed] }), index))
        if (await documentsHold(archiveOf(files), digest)) taken++
      }),
      { numRuns: 500 },
    )
    assert.ok(taken > 20, `only ${taken} were taken`)
    assert.equal(({} as Record<string, unknown>)['os'], undefined, 'the prototype of all objects is what it was')
  })

  it('take any manifest.json of `docker save`', async () => {
    const [Config = ''] = SAVED.files.keys()
    await fc.assert(
      fc.asyncProperty(edits, edits, async (manifest, config) => {
        const configBytes = edited(SAVED.files.get(Config) ?? json({}), config)
        const files = new Map(SAVED.files).set(Config, configBytes)
        files.set('manifest.json', edited(files.get('manifest.json') ?? json([]), manifest))
        await documentsHold(archiveOf(files), sha256(configBytes))
      }),
      { numRuns: 300 },
    )
  })

  it('take archives with bytes changed and cut off', async () => {
    const archive = archiveOf(layoutOf([GOOD]))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.option(fc.nat()),
        async (changes, cut) => {
          const changed = Buffer.from(archive)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          await documentsHold(cut === null ? changed : changed.subarray(0, cut % (changed.length + 1)), GOOD.digest)
        },
      ),
      { numRuns: 400 },
    )
  })

  /** Whatever the layers: it settles, stays inside and within its bounds, and what is there is of the plain kind. */
  async function layersHold(layers: readonly Uint8Array[], compression: keyof typeof LAYER_TYPES): Promise<boolean> {
    const late = AbortSignal.timeout(SETTLES_MS)
    const bounds = { maxBytes: MAX_BYTES, maxEntries: MAX_ENTRIES, compression, signal: late }
    const end = await place.unpack(layers, bounds).then(
      ({ root }) => ({ root }),
      (error: unknown) => ({ error }),
    )
    assert.ok(!late.aborted, 'it did not settle')
    assert.deepEqual(await place.outside(), outside)
    if ('error' in end) {
      assert.ok(isSoukError(end.error, 'IMAGE_REFUSED'), String(end.error))
      assert.deepEqual([...(await treeOf(place.cacheDir)).keys()].sort(), ['boot', 'images', 'partial', 'trash'])
      return false
    }
    for (const [path, { type, mode }] of await treeOf(end.root)) {
      assert.notEqual(type, 'other', path)
      assert.ok(!path.split('/').some((part) => part.startsWith('.wh.')), path)
      if (type !== 'symlink') assert.equal(mode & 0o6000, 0, path)
    }
    return true
  }
  const compressions = fc.constantFrom('none', 'gzip', 'zstd')

  it('take layers of any entries over each other', async () => {
    const layers = fc.array(fc.array(entry, { maxLength: 4 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(layers, compressions, async (all, compression) => {
        await layersHold(
          all.map((entries) => rawTar(...entries)),
          compression,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('take files, folders, links and whiteouts that meet each other across layers', async () => {
    let taken = 0
    const layers = fc.array(fc.array(meeting, { maxLength: 3 }), { minLength: 2, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(layers, async (all) => {
        if (
          await layersHold(
            all.map((entries) => rawTar(...entries.map(plain))),
            'none',
          )
        )
          taken++
      }),
      { numRuns: 400 },
    )
    assert.ok(taken > 50, `only ${taken} were taken`)
  })

  it('take layers that are no tar, or not compressed as they say', async () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.uint8Array({ maxLength: 500 }).map((bytes) => gzipSync(bytes)),
      fc.uint8Array({ maxLength: 500 }).map((bytes) => zstdCompressSync(bytes)),
      fc.nat({ max: LAYER.length }).map((cut) => LAYER.subarray(0, cut)),
    )
    await fc.assert(
      fc.asyncProperty(content, compressions, compressions, async (bytes, said, made) => {
        const digest = sha256(bytes)
        const manifest = { layers: [{ mediaType: LAYER_TYPES[said], digest, size: bytes.length }] }
        const image = makeImage({ layers: [LAYER], compression: made, manifest })
        const files = layoutOf([image]).set(blobName(digest), bytes)
        const source = await place.archive(files)
        const cache = await place.open()
        const signal = AbortSignal.timeout(SETTLES_MS)
        const bounds = { maxBytes: MAX_BYTES, maxEntries: MAX_ENTRIES, signal }
        const wanted = { source, sourceSha256: digest, digest: image.digest, image: 'it', ...bounds }
        const end: unknown = await cache.lease(wanted).then(
          () => undefined,
          (error: unknown) => error,
        )
        await cache.close()
        if (Buffer.compare(bytes, LAYER) !== 0) assert.ok(isSoukError(end, 'IMAGE_REFUSED'), String(end))
      }),
      { numRuns: 200 },
    )
  })
})
