import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chooseImage } from '../../src/artifacts/oci-choice.ts'
import { withImage, type OciImage } from '../../src/artifacts/oci-image.ts'
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
  type Files,
  type ImageParts,
} from '../fixtures/oci-images.ts'
import { endMarker, paxHeader, rawEntry, rawTar } from '../fixtures/raw-tar.ts'

const run = promisify(execFile)
const LAYER = rawTar({ name: 'a' })
const DIGEST = `sha256:${'0'.repeat(64)}`

describe('documents of images', function () {
  this.timeout(60_000)
  let dir: string
  let source: string
  const { signal } = new AbortController()

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-oci-'))
    source = join(dir, 'image.tar')
  })
  after(() => rm(dir, { recursive: true }))

  async function open(archive: Uint8Array, digest: string): Promise<OciImage> {
    await writeFile(source, archive)
    return withImage({ source, digest, image: 'it', signal }, (image) => Promise.resolve(image))
  }
  async function refused(words: RegExp, archive: Uint8Array, digest = DIGEST): Promise<void> {
    await assert.rejects(open(archive, digest), (error) => {
      assert.ok(isSoukError(error, 'IMAGE_REFUSED'), String(error))
      assert.match(error.message, words)
      return true
    })
  }
  const refusedImage = (words: RegExp, parts: Partial<ImageParts>): Promise<void> => {
    const image = makeImage({ layers: [LAYER], ...parts })
    return refused(words, archiveOf(layoutOf([image])), image.digest)
  }
  async function chosen(files: Files, digest?: string): Promise<string> {
    await writeFile(source, archiveOf(files))
    return chooseImage({ source, signal, ...(digest !== undefined && { digest }) })
  }
  const notChosen = (words: RegExp, files: Files): Promise<void> =>
    assert.rejects(chosen(files), (error) => error instanceof ImageProblem && words.test(error.message))

  it('say how it is run, whatever they leave out', async () => {
    const bare = { entrypoint: [], cmd: [], env: [], workdir: '/' }
    const said: readonly (readonly [object | null, object])[] = [
      [{}, {}],
      [{ Entrypoint: null, Cmd: null, Env: null, WorkingDir: null, Volumes: { '/data': {} }, Labels: { a: 'b' } }, {}],
      [
        { Entrypoint: ['a'], Cmd: ['b'], Env: ['C=d=e', 'F='] },
        { entrypoint: ['a'], cmd: ['b'], env: ['C=d=e', 'F='] },
      ],
      [{ WorkingDir: '' }, {}],
      [{ WorkingDir: 'a/./b//c/' }, { workdir: '/a/b/c' }],
      [{ WorkingDir: '/../../..' }, {}],
    ]
    for (const [config, expected] of said) {
      const image = makeImage({ layers: [LAYER], document: { config } })
      assert.deepEqual((await open(archiveOf(layoutOf([image])), image.digest)).config, { ...bare, ...expected })
    }
    const image = makeImage({ layers: [LAYER], document: { config: null } })
    assert.deepEqual((await open(archiveOf(layoutOf([image])), image.digest)).config, bare)
  })

  it('are refused where what they say of a run cannot be', async () => {
    await refusedImage(/its configuration is not one \("config\.Env\.0"\): must be NAME=VALUE/, {
      config: { Env: ['=x'] },
    })
    await refusedImage(/"config\.Env\.0"/, { config: { Env: ['PATH'] } })
    await refusedImage(/must not contain a NUL byte/, { config: { Cmd: ['a\0b'] } })
    await refusedImage(/must be a list of at most 4096/, { config: { Cmd: Array.from({ length: 5000 }, () => 'a') } })
    await refusedImage(/"config\.Cmd"/, { config: { Cmd: 'sh -c x' } })
  })

  it('are refused where they are of another kind than they say, or of two kinds at once', async () => {
    // CVE-2021-41190: read as an index it is one image, read as a manifest another one.
    await refusedImage(/its manifest is not one \("manifests"\)/, { manifest: { manifests: [] } })
    await refusedImage(/"mediaType"/, { manifest: { mediaType: INDEX_TYPE } })
    await refusedImage(/"schemaVersion"/, { manifest: { schemaVersion: 1 } })
    const index = json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] })
    const files: Files = new Map([[blobName(sha256(index)), index]])
    await refused(/is an index of several images/, archiveOf(files), sha256(index))
    await refusedImage(/"rootfs\.type"/, { document: { rootfs: { type: 'squash', diff_ids: [] } } })
  })

  it('are refused where their layers are none that are taken, or not as many as they say', async () => {
    const image = makeImage({ layers: [LAYER] })
    const layer = (mediaType: string, digest = sha256(LAYER), size = LAYER.length) => ({ mediaType, digest, size })
    for (const [mediaType, words] of [
      ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', /is kept elsewhere and not part of the image/],
      ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', /is kept elsewhere/],
      ['application/vnd.oci.image.layer.v1.tar+encrypted', /is of a kind that is not taken/],
      ['text/plain', /is of a kind that is not taken \("text\/plain"\)/],
    ] as const)
      await refusedImage(words, { manifest: { layers: [layer(mediaType)] } })
    await refusedImage(/has 0 layers, and its configuration 1/, { manifest: { layers: [] } })
    await refusedImage(/has 2 layers, and its configuration 1/, {
      manifest: { layers: [layer(LAYER_TYPES.none), layer(LAYER_TYPES.none)] },
    })
    const many = Array.from({ length: 128 }, () => layer(LAYER_TYPES.none))
    await refusedImage(/"layers".*must be a list of at most 127/, { manifest: { layers: many } })
    await refusedImage(/its layer sha256:0+ is missing/, { manifest: { layers: [layer(LAYER_TYPES.none, DIGEST)] } })
    await refusedImage(/has \d+ bytes where 3 are said/, {
      manifest: { layers: [layer(LAYER_TYPES.none, sha256(LAYER), 3)] },
    })
    await refusedImage(/must be sha256:/, { manifest: { layers: [layer(LAYER_TYPES.none, '../../../etc/passwd')] } })
    await refusedImage(/must be sha256:/, {
      manifest: { layers: [layer(LAYER_TYPES.none, `sha512:${'0'.repeat(128)}`)] },
    })
    const without = new Map(layoutOf([image]))
    without.delete(blobName(image.configDigest))
    await refused(/its configuration is missing/, archiveOf(without), image.digest)
  })

  it('are refused where they are too large, or no JSON', async () => {
    const large = json({ schemaVersion: 2, pad: 'x'.repeat(1024 * 1024) })
    await refused(/there is no image sha256/, archiveOf(new Map([[blobName(sha256(large)), large]])), sha256(large))
    await refused(/its manifest\.json has \d+ bytes, and at most/, archiveOf(new Map([['manifest.json', large]])))
    for (const bytes of [Buffer.from('{'), Buffer.of(0xff), Buffer.from('')])
      await refused(/is not JSON/, archiveOf(new Map([['manifest.json', bytes]])))
    for (const value of [null, 5, 'x', {}, [null], [{ Config: 5 }], Array.from({ length: 200 }, () => ({}))])
      await refused(/its manifest\.json is not one/, archiveOf(new Map([['manifest.json', json(value)]])))
    const deep = Buffer.from('['.repeat(500_000))
    await refused(/is not JSON/, archiveOf(new Map([['manifest.json', deep]])))
  })

  describe('in archives', () => {
    const image = makeImage({ layers: [LAYER] })
    const entries = [...layoutOf([image])].map(([name, content]) => ({ name, content }))

    it('are found by whatever name the archive gives them', async () => {
      const archives = [
        rawTar(...entries.map(({ name, content }) => ({ name: `./${name}`, content }))),
        rawTar(
          ...entries.flatMap(({ name, content }) => [paxHeader({ path: name }), rawEntry({ name: 'short', content })]),
        ),
        rawTar(
          ...entries.flatMap(({ name, content }) => [
            rawEntry({ name: '././@LongLink', type: 'L', content: `${name}\0` }),
            rawEntry({ name: 'short', content }),
          ]),
        ),
        Buffer.concat(entries.map(rawEntry)),
      ]
      for (const [at, archive] of archives.entries())
        assert.equal((await open(archive, image.digest)).layers.length, 1, String(at))
      // What GNU tar makes of a folder, folders and times included.
      const folder = join(dir, 'layout')
      for (const [path, content] of layoutOf([image])) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), content)
      }
      for (const format of ['gnu', 'pax', 'ustar']) {
        await run('tar', [`--format=${format}`, '-C', folder, '-cf', source, '.'])
        assert.equal(await chooseImage({ source, signal }), image.digest, format)
      }
    })

    it('of `docker save` may share a layer by a link', async () => {
      const { files, id } = savedOf({ layers: [LAYER, LAYER] })
      const [first = '', second = ''] = [...files.keys()].filter((path) => path.endsWith('layer.tar'))
      files.delete(second)
      const archive = rawTar(
        { name: second, type: '2', linkname: `../${first}` },
        ...[...files].map(([name, content]) => ({ name, content })),
      )
      assert.equal((await open(archive, id)).layers.length, 2)
      await refused(
        /its layer 11111111\/layer.tar is missing/,
        rawTar(
          { name: second, type: '2', linkname: '../../../etc/passwd' },
          ...[...files].map(([name, content]) => ({ name, content })),
        ),
        id,
      )
    })

    it('are not looked for outside', async () => {
      await writeFile(join(dir, 'secret'), 'secret')
      await symlink(join(dir, 'secret'), join(dir, 'link'))
      for (const Config of ['../secret', join(dir, 'secret'), '/etc/passwd', 'link'])
        await refused(
          /its configuration is missing/,
          archiveOf(new Map([['manifest.json', json([{ Config, Layers: [] }])]])),
        )
    })

    it('that are none, or damaged, are refused', async () => {
      const archive = rawTar(...entries)
      await refused(/it is no tar archive/, Buffer.alloc(2000, 'x'))
      await refused(/it is no tar archive/, Buffer.from('x'))
      await refused(/it is no tar archive/, Buffer.from(''))
      for (const cut of [600, 1000, archive.length - 3000])
        await refused(/ends in the middle|damaged/, archive.subarray(0, cut))
      const damaged = Buffer.from(archive)
      damaged.writeUInt8(0xff, 512 + 512 + 5)
      await refused(/damaged at byte 1024/, damaged)
      await refused(/gives the sizes of its files in PAX headers/, rawTar(paxHeader({ size: '5' }), { name: 'a' }))
      await refused(/extended header of \d+ bytes/, rawTar({ name: 'x', type: 'x', content: 'x'.repeat(70_000) }))
      await refused(
        /damaged|no tar archive/,
        rawTar({ name: 'a', sizeField: Buffer.concat([Buffer.of(0x80), Buffer.alloc(11, 255)]) }),
      )
      const many = Buffer.concat([...Array.from({ length: 10_100 }, () => rawEntry({ name: 'a' })), endMarker()])
      await refused(/more than 10000 entries/, many)
      await assert.rejects(
        withImage({ source: '/dev/null', digest: DIGEST, image: 'it', signal }, () => assert.fail()),
        (error) => isSoukError(error, 'IMAGE_REFUSED') && /it is no file/.test(error.message),
      )
    })
  })

  describe('that are several', () => {
    const [one, two] = [makeImage({ layers: [LAYER] }), makeImage({ layers: [LAYER], architecture: 'riscv128' })]
    const platform = { os: 'linux', architecture: 'riscv128' }
    const withBlob = (files: Files, content: Uint8Array): Files =>
      new Map(files).set(blobName(sha256(content)), content)

    it('are found through indexes, and those that are not there are passed over', async () => {
      const inner = json({
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: [
          { ...two.descriptor, platform },
          one.descriptor,
          { mediaType: MANIFEST_TYPE, digest: DIGEST, size: 5, platform: { os: 'linux', architecture: 'arm64' } },
          {
            ...one.descriptor,
            annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
            platform: { os: 'unknown', architecture: 'unknown' },
          },
          { mediaType: 'application/x-something', digest: one.digest, size: 5 },
        ],
      })
      const descriptor = { mediaType: INDEX_TYPE, digest: sha256(inner), size: inner.length }
      const files = withBlob(layoutOf([one, two], [descriptor, descriptor]), inner)
      assert.equal(await chosen(files), one.digest)
      assert.equal(await chosen(files, two.digest), two.digest)
    })

    it('are told apart by digest and name', async () => {
      const twin = makeImage({ layers: [LAYER], config: { Cmd: ['x'] } })
      const named = { ...twin.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'box:2' } }
      await notChosen(
        /several images; name one, as in \.\/image\.tar@sha256:.*"box:2"/,
        layoutOf([one, twin], [one.descriptor, named]),
      )
      await notChosen(/it holds several images/, layoutOf([two, makeImage({ layers: [], architecture: 'riscv128' })]))
    })

    it('are refused where an index leads nowhere, or for ever', async () => {
      await notChosen(/it holds no image/, layoutOf([]))
      await notChosen(/its index is not JSON/, new Map([['index.json', Buffer.from('x')]]))
      let inner = json({ schemaVersion: 2, manifests: [one.descriptor] })
      let files = withBlob(layoutOf([one]), inner)
      for (let depth = 0; depth < 3; depth++) {
        const descriptor = { mediaType: INDEX_TYPE, digest: sha256(inner), size: inner.length }
        inner = json({ schemaVersion: 2, manifests: [descriptor] })
        files = withBlob(files, inner)
      }
      await notChosen(/leads through too many others/, files.set('index.json', inner))
    })
  })
})
