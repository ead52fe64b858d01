import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOwnRegistry, type OwnRegistry } from '../../scripts/own-registry.ts'
import { OWN_ARCHITECTURE, withImage } from '../../src/artifacts/oci-image.ts'
import { pullImage, type PullImage, type PullProgress } from '../../src/artifacts/registry/pull-image.ts'
import { resolveTag } from '../../src/artifacts/registry/resolve-tag.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { passOn, startHttpServer, type Answering, type HttpServer } from '../fixtures/http-server.ts'
import { makeImage } from '../fixtures/oci-images.ts'
import { pushDocument, pushImage, pushIndex } from '../fixtures/push-image.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

const PLATFORM = { os: 'linux', architecture: OWN_ARCHITECTURE }
const MIB = 1024 * 1024
const PATIENCE = { stallTimeoutMs: 20_000, retryDelaysMs: [1, 1, 1] }
const never = new AbortController().signal

describe('the client of registries, with a real one', function () {
  this.timeout(120_000)
  let dir: string
  let registry: OwnRegistry
  let closed: OwnRegistry
  let count = 0
  const open: HttpServer[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-registry-client-'))
    ;[registry, closed] = await Promise.all([startOwnRegistry(), startOwnRegistry({ auth: true })])
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()))
  })
  after(async () => {
    await Promise.all([registry?.stop(), closed?.stop()])
    await rm(dir, { recursive: true, force: true })
  })

  const image = makeImage({ layers: [rawTar({ name: 'hello', content: 'there' })], compression: 'gzip' })
  /** Random, so that it is as large as it is. */
  const large = makeImage({
    layers: [rawTar({ name: 'large', content: randomBytes(6 * MIB) }), rawTar({ name: 'small', content: 'x' })],
  })
  const sizeOf = ({ files, digest }: typeof image): number =>
    [...files].reduce((sum, [path, content]) => sum + (path.endsWith(digest.slice(7)) ? 0 : content.length), 0)

  interface Named {
    readonly repository: string
    readonly digest: string
  }
  const named = (reference: string): Named => {
    const [repository = '', digest = ''] = reference.split('@')
    return { repository, digest }
  }
  const emptyFolder = async (): Promise<string> => {
    const into = join(dir, `image-${count++}`)
    await mkdir(into)
    return into
  }
  const pull = async (options: Named & Partial<PullImage>) => {
    const into = await emptyFolder()
    const pulled = await pullImage({
      into,
      maxBytes: 100 * MIB,
      platform: PLATFORM,
      insecure: true,
      signal: never,
      patience: PATIENCE,
      ...options,
    })
    return { ...pulled, into }
  }
  const refused = async (work: Promise<unknown>, message: RegExp, code: ErrorCode = 'IMAGE_REFUSED') => {
    const error = await work.then(
      () => assert.fail('it did not fail'),
      (thrown: unknown) => thrown,
    )
    assert.ok(isSoukError(error, code), String(error))
    assert.match(error.message, message)
    return error
  }
  const front = async (answer: Answering): Promise<HttpServer> => {
    const server = await startHttpServer(answer)
    open.push(server)
    return server
  }

  it('pulls an image by its digest into a layout that is whole', async () => {
    const reference = named(await pushImage({ registry, repository: 'tests/hello', image }))
    const seen: PullProgress[] = []
    const { digest, bytes, into } = await pull({ ...reference, onProgress: (progress) => seen.push(progress) })
    assert.deepEqual([digest, bytes], [image.digest, sizeOf(image)])
    assert.deepEqual(seen.at(-1), { doneBytes: bytes, totalBytes: bytes })
    assert.deepEqual((await readdir(into)).sort(), ['blobs', 'index.json', 'oci-layout'])
    const layers = await withImage({ source: into, digest, image: 'it', signal: never }, (found) =>
      Promise.resolve(found.layers.length),
    )
    assert.equal(layers, 1)
  })

  it('resolves a tag to the digest of a manifest, or of an index', async () => {
    const place = { registry, repository: 'tests/tags' }
    const platform = PLATFORM
    const one = named(await pushImage({ ...place, tag: 'one', image }))
    const both = named(await pushIndex({ ...place, tag: 'both', images: [{ image, platform }] }))
    const { repository } = one
    const resolve = (tag: string) => resolveTag({ repository, tag, insecure: true, signal: never })
    assert.deepEqual([await resolve('one'), await resolve('both')], [one.digest, both.digest])
    const error = await refused(resolve('two'), /does not have the manifest \(MANIFEST_UNKNOWN\)/)
    assert.equal(error.retryable, false)
  })

  it('chooses the image for the platform from an index', async () => {
    const other = makeImage({ layers: [], architecture: 'vax' })
    const index = named(
      await pushIndex({
        registry,
        repository: 'tests/platforms',
        images: [
          { image: other, platform: { os: 'linux', architecture: 'vax' } },
          { image, platform: PLATFORM },
        ],
      }),
    )
    assert.equal((await pull(index)).digest, image.digest)
    const vax = await pull({ ...index, platform: { os: 'linux', architecture: 'vax' } })
    assert.equal(vax.digest, other.digest)
    await refused(
      pull({ ...index, platform: { os: 'plan9', architecture: 'vax' } }),
      new RegExp(`no image for plan9/vax, only for: linux/vax, linux/${OWN_ARCHITECTURE}`),
    )
  })

  it('looks at the platform in the configuration, before it asks for layers', async () => {
    const other = makeImage({ layers: [rawTar({ name: 'a', content: 'b' })], architecture: 'vax' })
    const reference = named(await pushImage({ registry, repository: 'tests/vax', image: other }))
    const server = await front((request, response) => passOn({ to: registry.host, request, response }))
    await refused(
      pull({ ...reference, repository: `${server.host}/tests/vax` }),
      new RegExp(`it is for linux on vax, not for linux on ${OWN_ARCHITECTURE}`),
    )
    assert.equal(server.paths.length, 2)
  })

  it('asks for no blob of an image that is too large', async () => {
    const reference = named(await pushImage({ registry, repository: 'tests/large', image: large }))
    const server = await front((request, response) => passOn({ to: registry.host, request, response }))
    const repository = `${server.host}/tests/large`
    const bytes = sizeOf(large)
    await refused(
      pull({ ...reference, repository, maxBytes: bytes - 1 }),
      new RegExp(`it has ${bytes} bytes, and at most ${bytes - 1} are taken`),
    )
    assert.deepEqual(server.paths, [`/v2/tests/large/manifests/${large.digest}`])
    assert.equal((await pull({ ...reference, repository, maxBytes: bytes })).bytes, bytes)
  })

  it('asks for a layer once that an image has several times', async () => {
    const layer = rawTar({ name: 'again', content: 'and again' })
    const again = makeImage({ layers: [layer, layer, layer] })
    const { bytes } = await pull(named(await pushImage({ registry, repository: 'tests/again', image: again })))
    assert.equal(bytes, sizeOf(again))
  })

  describe('that asks for a login', () => {
    let reference: Named
    before(async () => {
      reference = named(await pushImage({ registry: closed, repository: 'tests/private', tag: '1', image }))
    })

    it('lets in who has it', async () => {
      assert.ok(closed.credentials)
      const { credentials } = closed
      assert.equal((await pull({ ...reference, credentials })).digest, image.digest)
      const { repository } = reference
      assert.equal(await resolveTag({ repository, tag: '1', credentials, insecure: true, signal: never }), image.digest)
    })

    it('says so to who has none, or a wrong one, and tells nobody which', async () => {
      const none = await refused(pull(reference), /asks for a name and a password/)
      assert.match(none.hint, /give a login for 127\.0\.0\.1:/)
      const why = await refused(pull({ ...reference, withoutLogin: 'THE REASON' }), /asks for a name/)
      assert.match(why.hint, /THE REASON/)
      const credentials = { username: 'somebody', password: 'hunter2hunter2' }
      const wrong = await refused(pull({ ...reference, credentials }), /does not give it out \(UNAUTHORIZED\)/)
      assert.doesNotMatch(JSON.stringify(wrong), /hunter2|aHVudGVyM/)
    })

    it('is asked with a token where it wants one, made for its own repository only', async () => {
      const credentials = { username: 'somebody', password: 'hunter2hunter2' }
      const basic = `Basic ${Buffer.from('somebody:hunter2hunter2').toString('base64')}`
      const given: (string | undefined)[] = []
      const server = await front((request, response) => {
        const url = new URL(request.url ?? '', 'http://x')
        if (url.pathname === '/token') {
          given.push(request.headers.authorization, url.search)
          response.end(JSON.stringify({ token: 'abc.def', expires_in: 60 }))
          return
        }
        if (request.headers.authorization === 'Bearer abc.def') {
          delete request.headers.authorization
          return passOn({ to: registry.host, request, response })
        }
        const realm = `realm="http://${server.host}/token",service="own",scope="repository:other/thing:pull,push"`
        response.writeHead(401, { 'www-authenticate': `Bearer ${realm}` }).end()
      })
      await pushImage({ registry, repository: 'tests/hello', image })
      const repository = `${server.host}/tests/hello`
      assert.equal((await pull({ repository, digest: image.digest, credentials })).digest, image.digest)
      assert.deepEqual(given, [basic, '?service=own&scope=repository%3Atests%2Fhello%3Apull'])
    })
  })

  describe('when the connection breaks', () => {
    let digest: string
    before(async () => {
      ;({ digest } = named(await pushImage({ registry, repository: 'tests/large', image: large })))
    })
    const big = (path = ''): boolean => {
      const [layer] = [...large.files].filter(([, content]) => content.length > MIB).map(([name]) => name)
      return path.endsWith(layer?.slice('blobs/sha256/'.length) ?? 'none')
    }

    it('goes on where it was, as often as it gets on', async () => {
      const ranges: (string | undefined)[] = []
      const server = await front((request, response) => {
        if (!big(request.url)) return passOn({ to: registry.host, request, response })
        ranges.push(request.headers.range)
        return passOn({ to: registry.host, request, response, cutAfterBytes: 1.25 * MIB })
      })
      const seen: number[] = []
      const onProgress = ({ doneBytes }: PullProgress) => void seen.push(doneBytes)
      const { bytes, into } = await pull({ repository: `${server.host}/tests/large`, digest, onProgress })
      assert.equal(bytes, sizeOf(large))
      assert.equal(seen.at(-1), bytes)
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      )
      assert.equal(ranges.length, 5)
      assert.deepEqual(ranges.slice(0, 2), [undefined, `bytes=${1.25 * MIB}-`])
      await withImage({ source: into, digest, image: 'it', signal: never }, () => Promise.resolve())
    })

    it('begins anew where the registry gives no parts', async () => {
      let tries = 0
      const server = await front((request, response) => {
        const cut = big(request.url) && ++tries === 1
        const cutAfterBytes = cut ? 2 * MIB : Infinity
        return passOn({ to: registry.host, request, response, cutAfterBytes, withoutRange: true })
      })
      const { bytes } = await pull({ repository: `${server.host}/tests/large`, digest })
      assert.deepEqual([bytes, tries], [sizeOf(large), 2])
    })

    it('gives up where it does not get on, and leaves nothing under way', async () => {
      let tries = 0
      const server = await front((request, response) => {
        if (!big(request.url)) return passOn({ to: registry.host, request, response })
        tries++
        return passOn({ to: registry.host, request, response, cutAfterBytes: 1000 })
      })
      const error = await refused(
        pull({ repository: `${server.host}/tests/large`, digest }),
        /the registry 127\.0\.0\.1:\d+ broke off/,
        'CONNECTION_LOST',
      )
      assert.deepEqual([tries, error.retryable, error.phase], [4, true, 'prepare'])
    })

    it('ends with the reason of a signal', async () => {
      const stop = new AbortController()
      const reason = new Error('enough')
      const server = await front((request, response) => {
        if (big(request.url)) setTimeout(() => stop.abort(reason), 50)
        return passOn({ to: registry.host, request, response, cutAfterBytes: big(request.url) ? 1000 : Infinity })
      })
      const patience = { ...PATIENCE, retryDelaysMs: [60_000] }
      const work = pull({ repository: `${server.host}/tests/large`, digest, signal: stop.signal, patience })
      await assert.rejects(work, reason)
    })
  })

  it('says that a registry cannot be reached', async () => {
    const server = await startHttpServer(() => undefined)
    await server.close()
    const error = await refused(
      resolveTag({ repository: `${server.host}/x`, tag: '1', insecure: true, signal: never, patience: PATIENCE }),
      /does not answer \(ECONNREFUSED\)/,
      'UNREACHABLE',
    )
    assert.deepEqual([error.retryable, error.phase], [true, 'prepare'])
  })

  it('speaks no plain HTTP unless it is told to', async () => {
    const { repository, digest } = named(await pushImage({ registry, repository: 'tests/hello', image }))
    await refused(pull({ repository, digest, insecure: false }), /does not answer/, 'UNREACHABLE')
  })

  it('refuses what the registry has that is no image', async () => {
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const content = image.files.get(`blobs/${image.digest.replace(':', '/')}`) ?? assert.fail()
    await pushImage({ registry, repository: 'tests/chart', image })
    const chart = JSON.parse(Buffer.from(content).toString()) as { layers: object[] }
    const layers = chart.layers.map((layer) => ({
      ...layer,
      mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
    }))
    const document = Buffer.from(JSON.stringify({ ...chart, layers }))
    const reference = await pushDocument({ registry, repository: 'tests/chart' }, { mediaType, content: document })
    await refused(pull(named(reference)), /is of a kind that is not taken/)
  })
})
