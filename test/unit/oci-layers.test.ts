import assert from 'node:assert/strict'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { isSoukError, type SoukError } from '../../src/protocol/errors.ts'
import { createOciPlace, type OciPlace } from '../fixtures/oci-place.ts'
import { blobName, LAYER_TYPES, layoutOf, makeImage, sha256 } from '../fixtures/oci-images.ts'
import { rawTar, type RawEntry } from '../fixtures/raw-tar.ts'
import { treeOf } from '../fixtures/unpack-place.ts'

const file = (name: string, content = name): RawEntry => ({ name, content })
const folder = (name: string, mode = 0o755): RawEntry => ({ name, type: '5', mode })
const link = (name: string, linkname: string): RawEntry => ({ name, type: '2', linkname })
const hard = (name: string, linkname: string): RawEntry => ({ name, type: '1', linkname })
type Layer = readonly RawEntry[]

describe('layers of images', function () {
  this.timeout(60_000)
  let place: OciPlace

  before(async () => {
    place = await createOciPlace()
  })
  after(() => place.remove())

  const unpack = (...layers: readonly Layer[]) => place.unpack(layers.map((entries) => rawTar(...entries)))

  /** What is there in the end: files by their content, links by `-> target`, folders by `/`. */
  async function result(...layers: readonly Layer[]): Promise<Record<string, string>> {
    const { root } = await unpack(...layers)
    return Object.fromEntries(
      [...(await treeOf(root))].map(([path, { type, content }]) => [
        path,
        type === 'file' ? content : type === 'symlink' ? `-> ${content}` : '/',
      ]),
    )
  }

  async function refusal(...args: Parameters<OciPlace['unpack']>): Promise<SoukError<'IMAGE_REFUSED'>> {
    const before = await place.outside()
    const error: unknown = await place.unpack(...args).then(
      () => assert.fail('taken'),
      (thrown: unknown) => thrown,
    )
    assert.ok(isSoukError(error, 'IMAGE_REFUSED'), String(error))
    assert.deepEqual(await place.outside(), before)
    assert.deepEqual(
      [...(await treeOf(place.cacheDir)).keys()].sort(),
      ['boot', 'images', 'partial', 'trash'],
      'something is left of it',
    )
    return error
  }
  const refuses = async (words: RegExp, ...layers: readonly Layer[]): Promise<void> =>
    assert.match((await refusal(layers.map((entries) => rawTar(...entries)))).message, words)

  it('are unpacked whether they are compressed or not', async () => {
    for (const compression of ['none', 'gzip', 'zstd'] as const) {
      const { root } = await place.unpack([rawTar(file('a')), rawTar(file('b'))], { compression })
      assert.deepEqual([...(await treeOf(root)).keys()].sort(), ['a', 'b'], compression)
    }
  })

  it('keep permission bits, and no others', async () => {
    const modes: Layer = [
      { ...file('plain'), mode: 0o640 },
      { ...file('setuid'), mode: 0o4755 },
      { ...file('setgid'), mode: 0o2711 },
      { ...file('none'), mode: 0 },
      folder('open', 0o7777),
      folder('shut', 0),
    ]
    const { root } = await unpack(modes)
    const found = [...(await treeOf(root))].map(([name, { mode }]) => [name, mode.toString(8)])
    assert.deepEqual(Object.fromEntries(found), {
      plain: '640',
      setuid: '755',
      setgid: '711',
      none: '600',
      open: '1777',
      shut: '700',
    })
    assert.equal((await lstat(root)).mode & 0o7777, 0o755)
    const second = await unpack([folder('.', 0o750), folder('a', 0o755)], [folder('a', 0o711)])
    assert.equal((await lstat(join(second.root, 'a'))).mode & 0o777, 0o711)
    assert.equal((await lstat(second.root)).mode & 0o777, 0o750)
  })

  it('come over each other, one kind of thing in the place of any other', async () => {
    const kinds = {
      file: [file('x', 'new')],
      folder: [folder('x'), file('x/in')],
      symlink: [link('x', '../../outside')],
      hard: [file('other'), hard('x', 'other')],
    } as const
    const below = {
      file: [file('x', 'old')],
      folder: [folder('x'), file('x/old')],
      symlink: [link('x', 'old')],
      hard: [],
    }
    for (const [under, lower] of Object.entries(below))
      for (const [over, upper] of Object.entries(kinds)) {
        const found = await result(lower, upper)
        const expected = {
          file: { x: 'new' },
          folder: { x: '/', 'x/in': 'x/in', ...(under === 'folder' && { 'x/old': 'x/old' }) },
          symlink: { x: '-> ../../outside' },
          hard: { x: 'other', other: 'other' },
        }[over]
        assert.deepEqual(found, expected, `${over} over ${under}`)
      }
  })

  it('leave the other names of a file alone that they replace', async () => {
    assert.deepEqual(await result([file('a', 'old'), hard('b', 'a')], [file('a', 'new')]), { a: 'new', b: 'old' })
  })

  it('have hard links to files of layers below, and to symbolic links, which are not followed', async () => {
    const { root } = await unpack([file('d/a', 'one'), link('l', '/etc/passwd')], [hard('b', './d/a'), hard('m', 'l')])
    const [a, b] = await Promise.all(['d/a', 'b'].map((name) => lstat(join(root, name))))
    assert.equal(a?.ino, b?.ino)
    assert.ok((await lstat(join(root, 'm'))).isSymbolicLink())
  })

  describe('with whiteouts', () => {
    it('remove what is below, of any kind, and nothing of their own', async () => {
      const lower: Layer = [file('a'), folder('d'), file('d/x'), file('d/e/f'), link('l', 'a'), file('keep')]
      assert.deepEqual(await result(lower, [file('.wh.a', ''), file('.wh.d', ''), file('.wh.l', '')]), { keep: 'keep' })
      // In either order, what comes in the same layer stays.
      const own: Layer = [file('a', 'new'), file('d/e/g')]
      const hide: Layer = [file('.wh.a', ''), file('.wh.d', '')]
      const expected = { a: 'new', d: '/', 'd/e': '/', 'd/e/g': 'd/e/g', l: '-> a', keep: 'keep' }
      assert.deepEqual(await result(lower, [...own, ...hide]), expected)
      assert.deepEqual(await result(lower, [...hide, ...own]), expected)
      assert.deepEqual(await result([file('d/a'), file('d/b')], [file('d/.wh.a', '')]), { d: '/', 'd/b': 'd/b' })
    })

    it('make a folder opaque', async () => {
      const lower: Layer = [file('d/a'), file('d/b/c'), file('out')]
      const own: Layer = [file('d/new'), file('d/b/new')]
      const opaque: Layer = [file('d/.wh..wh..opq', '')]
      const expected = { d: '/', 'd/new': 'd/new', 'd/b': '/', 'd/b/new': 'd/b/new', out: 'out' }
      assert.deepEqual(await result(lower, [...own, ...opaque]), expected)
      assert.deepEqual(await result(lower, [...opaque, ...own]), expected)
      assert.deepEqual(await result(lower, [file('.wh..wh..opq', ''), file('only')]), { only: 'only' })
    })

    it('of what is not there are nothing', async () => {
      assert.deepEqual(await result([file('.wh.a', ''), file('b')]), { b: 'b' })
    })

    it('of what was in a folder say nothing where the same layer has something else in its place', async () => {
      for (const [over, expected] of [
        [file('d', 'new'), 'new'],
        [link('d', '../../outside'), '-> ../../outside'],
      ] as const) {
        const lower = [file('d/a'), file('d/e/b')]
        const found = await result(lower, [
          over,
          file('d/.wh.a', ''),
          file('d/e/.wh.b', ''),
          file('d/.wh..wh..opq', ''),
        ])
        assert.deepEqual(found, { d: expected })
        assert.deepEqual(await result(lower, [file('d/.wh.a', ''), over, file('d/e/.wh.b', '')]), { d: expected })
      }
    })

    it('let a later layer put back what they took', async () => {
      assert.deepEqual(await result([file('a', 'one')], [file('.wh.a', '')], [file('a', 'two')]), { a: 'two' })
    })

    it('that are none are refused', async () => {
      for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh.', 'd/.wh..', 'd/.wh...', '.wh..wh.plnk', '.wh..wh.x'])
        await refuses(/is a whiteout of a name that no file has/, [file('d/a')], [file(name, '')])
      await refuses(/is a whiteout with content/, [file('a')], [file('.wh.a', 'x')])
      for (const entry of [folder('.wh.a'), link('.wh.a', 'b'), hard('.wh.a', 'b'), file('.wh.a/b')])
        await refuses(/starts with \.wh\./, [file('a'), file('b')], [entry])
    })
  })

  describe('that are hostile', () => {
    it('are not followed through links of a layer below', async () => {
      for (const target of ['../../outside', '../../../outside', '..', '/', '/tmp', '.', 'real'])
        for (const entry of [
          file('x/secret', 'changed'),
          folder('x/folder'),
          link('x/link', 'a'),
          hard('x/hard', 'real/file'),
          file('x/.wh.secret', ''),
          file('x/.wh..wh..opq', ''),
          file('x/deep/er', 'changed'),
        ])
          await refuses(
            /goes through "x", which the layers have made a symbolic link/,
            [file('real/file'), link('x', target)],
            [entry],
          )
    })

    it('put a folder in the place of a link before they fill it', async () => {
      const before = await place.outside()
      assert.deepEqual(await result([link('x', '../../../outside')], [folder('x'), file('x/secret', 'inside')]), {
        x: '/',
        'x/secret': 'inside',
      })
      assert.deepEqual(await place.outside(), before)
    })

    it('write through no link, hide through none, and link to nothing outside', async () => {
      const before = await place.outside()
      assert.deepEqual(await result([link('x', '../../outside/secret')], [file('x', 'changed')]), { x: 'changed' })
      assert.deepEqual(await result([link('x', '../../outside')], [file('.wh.x', '')]), {})
      assert.deepEqual(await result([link('x', '../../outside')], [hard('y', 'x')]), {
        x: '-> ../../outside',
        y: '-> ../../outside',
      })
      assert.deepEqual(await place.outside(), before)
      for (const target of ['../outside/secret', '/etc/passwd', 'x/secret', '.', '..', 'missing', ''])
        await refuses(/hard link/, [link('x', '../../outside')], [hard('y', target)])
    })

    it('are refused for names that lead out, devices, and links to what they replace', async () => {
      for (const name of ['../x', 'a/../../x', '/x', '..'])
        for (const type of ['0', '1', '2', '5'])
          await refuses(/is a name that/, [file('f')], [{ name, type, linkname: 'f' }])
      for (const type of ['3', '4', '6']) await refuses(/is a (character|block|fifo)/, [{ name: 'dev', type }])
      await refuses(/hard link to something/, [file('a/b')], [hard('a', 'a/b')])
      await refuses(/makes the root something else/, [], [link('.', 'x')])
    })

    it('are held to what may be unpacked, over all layers, removed or not', async () => {
      const layer = rawTar(file('a', 'x'.repeat(600)))
      const hide = rawTar(file('.wh.a', ''))
      await place.unpack([layer, hide, layer], { maxBytes: 1_200, maxEntries: 3 })
      assert.match(
        (await refusal([layer, hide, layer], { maxBytes: 1_199 })).message,
        /layer 3 of 3.*1200 bytes, and at most 1199/,
      )
      assert.match(
        (await refusal([layer, hide, layer], { maxEntries: 2 })).message,
        /layer 3 of 3.*one more than the 2 files/,
      )
    })

    it('that are bombs end at the bound', async () => {
      const bomb = rawTar({ name: 'zeros', content: Buffer.alloc(50_000_000) })
      for (const compression of ['gzip', 'zstd'] as const)
        assert.match((await refusal([bomb], { compression })).message, /at most 1000000 may be unpacked/)
    })
  })

  describe('whose bytes are others than their digests say', () => {
    const layer = rawTar(file('a'))
    async function taken(
      change: (image: ReturnType<typeof makeImage>) => ReturnType<typeof makeImage>,
    ): Promise<string> {
      const image = change(makeImage({ layers: [layer], compression: 'gzip' }))
      const source = await place.archive(layoutOf([image]))
      const cache = await place.open()
      const { signal } = new AbortController()
      const bounds = { maxBytes: 1e6, maxEntries: 1e3, signal }
      try {
        await cache.lease({ source, sourceSha256: 'b', digest: image.digest, image: 'it', ...bounds })
        return 'taken'
      } catch (error) {
        return isSoukError(error, 'IMAGE_REFUSED') ? error.message : assert.fail(String(error))
      } finally {
        await cache.close()
      }
    }
    const withFile = (image: ReturnType<typeof makeImage>, digest: string, content: Uint8Array) => ({
      ...image,
      files: new Map(image.files).set(blobName(digest), content),
    })

    it('are refused', async () => {
      await place.unpack([])
      const gz = gzipSync(layer)
      const other = gzipSync(rawTar(file('b')))
      const same = Buffer.concat([other, Buffer.alloc(Math.max(0, gz.length - other.length))]).subarray(0, gz.length)
      assert.match(
        await taken((image) => withFile(image, sha256(gz), same)),
        /its layer is sha256:.*, not sha256:|cannot be read|ends in/,
      )
      assert.match(
        await taken((image) => withFile(image, sha256(gz), gz.subarray(1))),
        /has \d+ bytes where \d+ are said/,
      )
      assert.match(
        await taken((image) => withFile(image, image.configDigest, Buffer.from('{}'))),
        /its configuration has 2 bytes/,
      )
      const lying = makeImage({
        layers: [layer],
        document: { rootfs: { type: 'layers', diff_ids: [sha256(Buffer.from('other'))] } },
      })
      assert.match(await taken(() => lying), /its layer, unpacked, is sha256:/)
      assert.match(await taken((image) => withFile(image, image.digest, Buffer.from('{}'))), /its manifest is sha256:/)
      assert.equal(await taken((image) => image), 'taken')
    })

    it('are refused where more follows than is unpacked', async () => {
      const gz = gzipSync(layer)
      for (const [more, words] of [
        [Buffer.alloc(700_000), /its layer is sha256:.*, not sha256:/],
        [Buffer.from('more'), /cannot be unpacked.*cannot be read/],
      ] as const) {
        const padded = Buffer.concat([gz, more])
        const descriptor = { mediaType: LAYER_TYPES.gzip, digest: sha256(gz), size: padded.length }
        const image = makeImage({ layers: [layer], manifest: { layers: [descriptor] } })
        const files = new Map(image.files).set(blobName(descriptor.digest), padded)
        assert.match(await taken(() => ({ ...image, files })), words)
      }
    })

    it('are refused where the window of zstd is larger than any sensible one', async () => {
      const tar = rawTar(file('a', 'x'.repeat(700)))
      const frame = zstdCompressSync(tar)
      // The frame says its window in a byte of its own, 2^31 bytes here (RFC 8878, section 3.1.1.1.2).
      const wide = Buffer.concat([frame.subarray(0, 4), Buffer.of(0x00, 0xa8), Buffer.alloc(64)])
      const descriptor = { mediaType: LAYER_TYPES.zstd, digest: sha256(wide), size: wide.length }
      const image = makeImage({ layers: [tar], manifest: { layers: [descriptor] } })
      const files = new Map(image.files).set(blobName(descriptor.digest), wide)
      assert.match(await taken(() => ({ ...image, files })), /layer 1 of 1 cannot be unpacked.*cannot be read/)
    })
  })

  it('end with the reason of their signal, and leave nothing', async () => {
    const reason = new Error('enough')
    await place.unpack([])
    const cache = await place.open()
    const image = makeImage({ layers: [rawTar(...Array.from({ length: 900 }, (_, at) => file(`f${at}`)))] })
    const source = await place.archive(layoutOf([image]))
    for (const delayMs of [0, 1, 5, 10, 20]) {
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), delayMs)
      const wanted = { source, sourceSha256: 'c', digest: image.digest, image: 'it', maxBytes: 1e6, maxEntries: 1e3 }
      const end = await cache.lease({ ...wanted, signal: controller.signal }).then(
        (lease) => {
          lease.release()
          return 'done'
        },
        (error: unknown) => error,
      )
      if (end === 'done') break
      assert.equal(end, reason)
      assert.deepEqual([...(await treeOf(join(place.cacheDir, 'partial'))).keys()], [])
    }
    await cache.close()
  })
})
