import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageCache, LeasedImage, WantedImage } from '../../src/artifacts/oci-cache.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { blobName, layoutOf, makeImage, sha256, type MadeImage } from '../fixtures/oci-images.ts'
import { createOciPlace, type OciPlace } from '../fixtures/oci-place.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

const KIB = 1024
/** What an image of one file takes: the file, and a block for its name. */
const IMAGE_BYTES = (contentBytes: number): number => contentBytes + 4 * KIB

describe('the cache of images', function () {
  this.timeout(60_000)
  let place: OciPlace
  let cache: ImageCache | undefined

  beforeEach(async () => {
    place = await createOciPlace()
  })
  afterEach(async () => {
    await cache?.close()
    cache = undefined
    await place.remove()
  })

  const imageOf = (name: string, bytes = 40 * KIB): MadeImage =>
    makeImage({ layers: [rawTar({ name, content: name.padEnd(bytes, '.') })] })
  const archived = (image: MadeImage, name: string): Promise<string> => place.archive(layoutOf([image]), `${name}.tar`)
  async function wanted(image: MadeImage, options: Partial<WantedImage> = {}): Promise<WantedImage> {
    const source = options.source ?? (await archived(image, image.digest.slice(7, 20)))
    const { signal } = new AbortController()
    return {
      sourceSha256: source,
      digest: image.digest,
      image: 'it',
      maxBytes: 1e9,
      maxEntries: 1e5,
      signal,
      ...options,
      source,
    }
  }
  const lease = async (image: MadeImage, options: Partial<WantedImage> = {}): Promise<LeasedImage> => {
    assert(cache !== undefined)
    return cache.lease(await wanted(image, options))
  }
  const use = async (image: MadeImage, options: Partial<WantedImage> = {}): Promise<void> =>
    (await lease(image, options)).release()
  const kept = async (): Promise<readonly string[]> => (await readdir(join(place.cacheDir, 'images'))).sort()
  const keyOf = (image: MadeImage): string => `manifest-${image.digest.slice(7)}`
  const fails = (code: ErrorCode, words: RegExp, promise: Promise<unknown>): Promise<void> =>
    assert.rejects(promise, (error) => {
      assert.ok(isSoukError(error, code), String(error))
      assert.match(error.message, words)
      return true
    })

  it('unpacks an image once, for all who want it at the same time and after', async () => {
    cache = await place.open()
    const image = imageOf('a')
    const source = await archived(image, 'a')
    const leases = await Promise.all(Array.from({ length: 8 }, () => lease(image, { source })))
    assert.equal(new Set(leases.map(({ root }) => root)).size, 1)
    assert.equal(cache.usage().images, 1)
    assert.equal(cache.usage().bytes, IMAGE_BYTES(40 * KIB))
    const [first] = leases
    const marker = join(first?.root ?? '', 'marker')
    await writeFile(marker, 'still the same')
    await use(image)
    assert.equal(await readFile(marker, 'utf8'), 'still the same')
  })

  it('removes the one that was not used for longest, and never one in use', async () => {
    cache = await place.open({ quotaBytes: 100 * KIB })
    const [a, b, c] = ['a', 'b', 'c'].map((name) => imageOf(name))
    assert(a && b && c)
    await use(a)
    await use(b)
    await use(a)
    await use(c)
    assert.deepEqual(await kept(), [keyOf(a), keyOf(c)].sort())
    const [first, second] = [await lease(a), await lease(c)]
    await fails('STORAGE_FULL', /no room for one more image/, lease(b))
    assert.deepEqual(await kept(), [keyOf(a), keyOf(c)].sort())
    first.release()
    first.release()
    await use(b)
    assert.deepEqual(await kept(), [keyOf(b), keyOf(c)].sort())
    second.release()
    assert.ok(cache.usage().bytes <= 100 * KIB)
  })

  it('lets what strangers bring push out none of the operator’s own, and these push out strangers’ first', async () => {
    const [own, other] = [imageOf('own'), imageOf('other')]
    const [a, b] = [imageOf('a'), imageOf('b')]
    cache = await place.open({ quotaBytes: 100 * KIB, own: new Set([own.digest, other.digest]) })
    await use(own)
    await use(a)
    await use(b)
    assert.deepEqual(await kept(), [keyOf(own), keyOf(b)].sort())
    await use(other)
    assert.deepEqual(await kept(), [keyOf(own), keyOf(other)].sort())
    await fails('STORAGE_FULL', /operator's own/, lease(a))
    assert.deepEqual(await kept(), [keyOf(own), keyOf(other)].sort())
  })

  it('refuses an image that would not fit were there no other', async () => {
    cache = await place.open({ quotaBytes: 30 * KIB })
    await fails('IMAGE_REFUSED', /takes more than the 30720 bytes that all images may take/, lease(imageOf('a')))
    assert.deepEqual([await kept(), cache.usage().bytes], [[], 0])
  })

  it('lets nobody spoil an image for another: a bad archive fails whoever brought it', async () => {
    cache = await place.open()
    const image = imageOf('a', 300 * KIB)
    const [layer = ''] = [...image.files.keys()].filter((path) => (image.files.get(path)?.length ?? 0) > 100 * KIB)
    const bad = Buffer.from(image.files.get(layer) ?? [])
    bad[200 * KIB] = 0
    const files = new Map(layoutOf([image])).set(layer, bad)
    const worse = await place.archive(files, 'bad.tar')
    const good = await archived(image, 'good')
    const ends = await Promise.allSettled([worse, good, worse, good].map((source) => lease(image, { source })))
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
    )
    // Also when it is there already, and one who has only its documents asks for it.
    await fails('IMAGE_REFUSED', /its layer is sha256:/, lease(image, { source: worse, sourceSha256: 'new' }))
    const root = ends[1]?.status === 'fulfilled' ? ends[1].value.root : ''
    assert.equal((await readFile(join(root, 'a'), 'utf8')).length, 300 * KIB)
    for (const end of ends) if (end.status === 'fulfilled') end.value.release()
  })

  it('goes on for those who wait when the one who unpacks is cancelled', async () => {
    cache = await place.open()
    const image = makeImage({ layers: [rawTar(...Array.from({ length: 400 }, (_, at) => ({ name: `f${at}` })))] })
    const stop = new AbortController()
    const source = await archived(image, 'many')
    const first = lease(image, { source, signal: stop.signal })
    const waiting = [lease(image, { source }), lease(image, { source })]
    const gone = lease(image, { source, signal: AbortSignal.timeout(1) })
    setTimeout(() => stop.abort(new Error('cancelled')), 20)
    await Promise.allSettled([first, gone])
    const leases = await Promise.all(waiting)
    assert.equal(cache.usage().images, 1)
    for (const each of leases) each.release()
    assert.deepEqual(await readdir(join(place.cacheDir, 'partial')), [])
  })

  it('keeps what is whole when it is opened anew, and nothing that a crash has left', async () => {
    cache = await place.open()
    const image = imageOf('a')
    await use(image)
    const { bytes } = cache.usage()
    await cache.close()
    for (const name of ['partial/x/root', 'trash/y', 'images/manifest-z', `images/config-${'0'.repeat(64)}/root`])
      await mkdir(join(place.cacheDir, name), { recursive: true })
    cache = await place.open()
    assert.deepEqual(await kept(), [keyOf(image)])
    assert.deepEqual([cache.usage().bytes, cache.usage().images], [bytes, 1])
    assert.deepEqual(await Promise.all(['partial', 'trash'].map((name) => readdir(join(place.cacheDir, name)))), [
      [],
      [],
    ])
    await use(image)
    // After a boot nobody knows what of it had reached the disk.
    await cache.close()
    cache = await place.open({ bootId: 'two' })
    assert.deepEqual([await kept(), cache.usage().bytes], [[], 0])
  })

  it('tells an image that is pinned by its manifest from one that is pinned by its configuration', async () => {
    cache = await place.open()
    const image = imageOf('a')
    // An archive of Docker 25 has both documents, and either may be meant.
    const [layer = ''] = [...image.files.keys()].filter((path) => (image.files.get(path)?.length ?? 0) > 10 * KIB)
    const saved = [{ Config: blobName(image.configDigest), RepoTags: ['a:1'], Layers: [layer] }]
    const files = layoutOf([image]).set('manifest.json', Buffer.from(JSON.stringify(saved)))
    const source = await place.archive(files, 'both.tar')
    await use(image, { source })
    await use(image, { source, digest: image.configDigest })
    assert.deepEqual(await kept(), [keyOf(image), `config-${image.configDigest.slice(7)}`].sort())
  })

  it('takes a layout in a folder, and says what is missing in one', async () => {
    cache = await place.open()
    const image = imageOf('a')
    const folder = join(place.dir, 'layout')
    await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
    for (const [path, content] of layoutOf([image])) await writeFile(join(folder, path), content)
    await use(image, { source: folder })
    const other = imageOf('b')
    for (const [path, content] of layoutOf([other])) await writeFile(join(folder, path), content)
    const layer = sha256(rawTar({ name: 'b', content: 'b'.padEnd(40 * KIB, '.') }))
    await rm(join(folder, blobName(layer)))
    await fails('IMAGE_REFUSED', new RegExp(`its layer ${layer} is missing`), lease(other, { source: folder }))
    await fails(
      'IMAGE_REFUSED',
      /there is no image sha256:0000/,
      lease(other, { source: folder, digest: `sha256:${'0'.repeat(64)}` }),
    )
  })
})
