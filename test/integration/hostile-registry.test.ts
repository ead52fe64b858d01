import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { OWN_ARCHITECTURE } from '../../src/artifacts/oci-image.ts'
import { pullImage, type PulledImage, type PullImage } from '../../src/artifacts/registry/pull-image.ts'
import { resolveTag } from '../../src/artifacts/registry/resolve-tag.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { startHttpServer, type Answering, type HttpServer } from '../fixtures/http-server.ts'
import { blobName, INDEX_TYPE, json, makeImage, sha256, type MadeImage } from '../fixtures/oci-images.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

const never = new AbortController().signal
const MAX_BYTES = 100_000
const CREDENTIALS = { username: 'somebody', password: 'hunter2hunter2' }

describe('a registry that lies', function () {
  this.timeout(60_000)
  let dir: string
  let count = 0
  const open: HttpServer[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-hostile-registry-'))
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const image = makeImage({ layers: [rawTar({ name: 'hello', content: 'there' })] })
  const document = image.files.get(blobName(image.digest)) ?? assert.fail()
  const parsed = JSON.parse(Buffer.from(document).toString()) as { layers: { digest: string; size: number }[] }
  const layer = parsed.layers[0] ?? assert.fail()
  /** An image of one document, whatever is in it. */
  const documentImage = (value: unknown): MadeImage => {
    const content = value instanceof Uint8Array ? value : json(value)
    const digest = sha256(content)
    const files = new Map([...image.files, [blobName(digest), content]])
    return { ...image, files, digest, descriptor: { mediaType: '', digest, size: content.length } }
  }

  /** Answers as an honest registry without logins would. */
  const honest = (request: IncomingMessage, response: ServerResponse, of = image): void => {
    const reference = request.url?.split('/').at(-1) ?? ''
    const content = of.files.get(blobName(reference.includes(':') ? reference : of.digest))
    if (content === undefined) response.writeHead(404).end()
    else response.end(content)
  }
  /** Honest but for the paths that `lie` answers. */
  const serve = async (lie: (...args: Parameters<Answering>) => boolean | Promise<boolean>, of = image) => {
    const server = await startHttpServer(async (request, response) => {
      if (!(await lie(request, response))) honest(request, response, of)
    })
    open.push(server)
    return server
  }
  const isLayer = ({ url = '' }: IncomingMessage): boolean => url.endsWith(layer.digest)
  const isManifest = ({ url = '' }: IncomingMessage): boolean => url.includes('/manifests/')

  const pull = async ({ host }: { readonly host: string }, options: Partial<PullImage> = {}): Promise<PulledImage> => {
    const into = join(dir, `image-${count++}`)
    await mkdir(into)
    try {
      return await pullImage({
        repository: `${host}/x`,
        digest: image.digest,
        into,
        maxBytes: MAX_BYTES,
        platform: { os: 'linux', architecture: OWN_ARCHITECTURE },
        insecure: true,
        signal: never,
        patience: { stallTimeoutMs: 300, retryDelaysMs: [1, 1] },
        ...options,
      })
    } finally {
      const names = await readdir(into, { recursive: true })
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(into, name))).size))
      // Folders have sizes of their own.
      assert.ok(sizes.reduce((sum, size) => sum + size, 0) < MAX_BYTES + 20_000, 'no more is written than is allowed')
    }
  }
  const fails = async (work: Promise<unknown>, message: RegExp, code: ErrorCode = 'IMAGE_REFUSED') => {
    const error = await work.then(
      () => assert.fail('it did not fail'),
      (thrown: unknown) => thrown,
    )
    assert.ok(isSoukError(error, code), String((error as Error).stack))
    assert.match(error.message, message)
    return error
  }
  /** Sends chunks for as long as somebody reads. */
  const endless = (response: ServerResponse): true => {
    const chunk = Buffer.alloc(16_384, 'x')
    const send = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', send)
    send()
    return true
  }
  const end = (response: ServerResponse, content: Uint8Array | string): true => {
    response.end(content)
    return true
  }

  it('is an honest one where it does not', async () => {
    assert.equal((await pull(await serve(() => false))).digest, image.digest)
  })

  it('about a manifest', async () => {
    const other = json({ schemaVersion: 2 })
    const server = await serve((request, response) => isManifest(request) && end(response, other))
    await fails(pull(server), new RegExp(`gives ${sha256(other)} where ${image.digest} was to come`))
  })

  it('about what a tag means', async () => {
    const server = await serve((_, response) => {
      response.setHeader('docker-content-digest', `sha256:${'0'.repeat(64)}`)
      return false
    })
    const work = resolveTag({ repository: `${server.host}/x`, tag: '1', insecure: true, signal: never })
    await fails(work, /where sha256:0{64} was to come/)
  })

  it('about a layer', async () => {
    const content = Buffer.alloc(layer.size, 'x')
    const server = await serve((request, response) => isLayer(request) && end(response, content))
    await fails(pull(server), new RegExp(`gives ${sha256(content)} for its blob ${layer.digest}`))
  })

  for (const [what, bytes] of [
    ['longer', 1],
    ['shorter', -1],
  ] as const)
    it(`with a layer that is ${what} than its manifest says`, async () => {
      const content = Buffer.alloc(layer.size + bytes, 'x')
      const server = await serve((request, response) => isLayer(request) && end(response, content))
      await fails(pull(server), /is of another length than its manifest says/)
    })

  it('with a layer, a manifest or a token without an end', async () => {
    const layers = await serve((request, response) => isLayer(request) && endless(response))
    await fails(pull(layers), /sends more than the \d+ bytes of its blob/)
    const manifests = await serve((request, response) => isManifest(request) && endless(response))
    await fails(pull(manifests), /sends more than 1048576 bytes for the manifest/)
    const tokens = await serve((request, response) => {
      if (request.url?.startsWith('/token')) return endless(response)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${tokens.host}/token"` }).end()
      return true
    })
    await fails(pull(tokens), /sends more than 65536 bytes for the token/)
  })

  it('that falls silent, before it answers or while it does', async () => {
    const mute = await serve((request) => isLayer(request))
    await fails(pull(mute), /said nothing for 0\.3 s/, 'UNREACHABLE')
    const stops = await serve((request, response) => {
      if (!isLayer(request)) return false
      response.writeHead(200, { 'content-length': layer.size })
      response.write(Buffer.alloc(10))
      return true
    })
    await fails(pull(stops), /said nothing for 0\.3 s/, 'CONNECTION_LOST')
    assert.equal(stops.paths.filter((path) => path.endsWith(layer.digest)).length, 3)
  })

  it('that begins with a blob again and again', async () => {
    const big = makeImage({ layers: [rawTar({ name: 'big', content: Buffer.alloc(80_000) })] })
    let at = 0
    const server = await serve((request, response) => {
      if (!request.url?.includes('/blobs/') || request.url.endsWith(big.configDigest)) return false
      response.write(Buffer.alloc(70_000 + at++), () => response.destroy())
      return true
    }, big)
    const patience = { stallTimeoutMs: 5_000, retryDelaysMs: Array.from({ length: 20 }, () => 1) }
    await fails(pull(server, { digest: big.digest, patience }), /begins with its blob .* again and again/)
  })

  it('with another part of a blob than was asked for', async () => {
    let first = true
    const server = await serve((request, response) => {
      if (!isLayer(request)) return false
      if (first) response.write(Buffer.alloc(10), () => response.destroy())
      else response.writeHead(206, { 'content-range': `bytes 5-9/${layer.size}` }).end(Buffer.alloc(5))
      first = false
      return true
    })
    await fails(pull(server), /gives another part of a blob/)
  })

  it('with what it was not asked to compress', async () => {
    const server = await serve((request, response) => {
      if (!isLayer(request)) return false
      return end(response.writeHead(200, { 'content-encoding': 'gzip' }), gzipSync(Buffer.alloc(10_000_000)))
    })
    await fails(pull(server), /compresses what it was asked to give as it is/)
  })

  it('with documents that are none', async () => {
    const documents: readonly [unknown, RegExp][] = [
      [Buffer.from('<html>'), /its manifest is not JSON/],
      [[], /its manifest is not one/],
      [null, /its manifest is not one/],
      [{ schemaVersion: 1, name: 'x', fsLayers: [] }, /of schema 1, which Docker has given up/],
      [{ schemaVersion: 2, manifests: [], layers: [] }, /its index is not one/],
      [{ ...parsed, manifests: [] }, /its index is not one/],
      [{ ...parsed, layers: Array.from({ length: 200 }, () => layer) }, /must be a list of at most 127/],
      [{ ...parsed, layers: [{ ...layer, digest: '../../../etc/passwd' }] }, /must be sha256: and 64/],
      [{ ...parsed, layers: [layer, { ...layer, size: layer.size + 1 }] }, /two lengths for its blob/],
      [{ ...parsed, layers: [{ ...layer, size: 1e15 }] }, /it has 10{12}\d+ bytes, and at most/],
      [{ ...parsed, layers: [{ ...layer, size: 1e300 }] }, /its manifest is not one/],
      [{ ...parsed, config: { ...layer, size: 2 ** 20 + 1 } }, /its configuration has 1048577 bytes/],
      [{ ...parsed, config: layer }, /its configuration is not JSON/],
      [
        { ...parsed, layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }] },
        /is kept elsewhere and not part of the image/,
      ],
    ]
    for (const [value, expected] of documents) {
      const made = documentImage(value)
      const server = await serve(() => false, made)
      await fails(pull(server, { digest: made.digest }), expected)
    }
  })

  it('with indexes that lead astray', async () => {
    const platform = { os: 'linux', architecture: OWN_ARCHITECTURE }
    const indexes: readonly [readonly object[], RegExp][] = [
      [[], /only for: none that is known/],
      [[{ ...image.descriptor, mediaType: INDEX_TYPE, platform }], /an index of further indexes/],
      [[{ ...image.descriptor, size: 1, platform }], /its manifest has \d+ bytes where its index says 1/],
      [[{ ...image.descriptor, digest: `sha256:${'0'.repeat(64)}`, platform }], /does not have the manifest/],
      [
        [{ ...image.descriptor, platform: { os: '\u001b[31m', architecture: 'x' } }, image.descriptor],
        /none that is known/,
      ],
    ]
    for (const [manifests, expected] of indexes) {
      const made = documentImage({ schemaVersion: 2, manifests })
      const server = await serve(() => false, made)
      await fails(pull(server, { digest: made.digest }), expected)
    }
    const inner = documentImage({ schemaVersion: 2, manifests: [{ ...image.descriptor, platform }] })
    const outer = documentImage({
      schemaVersion: 2,
      manifests: [{ ...image.descriptor, digest: inner.digest, platform }],
    })
    const both = { ...outer, files: new Map([...inner.files, ...outer.files]) }
    await fails(pull(await serve(() => false, both), { digest: outer.digest }), /its index leads to another index/)
  })

  it('leads nobody in circles, or where he should not go', async () => {
    const to = (location: string) => async (request: IncomingMessage, response: ServerResponse) => {
      if (isLayer(request)) response.writeHead(307, { location }).end()
      return isLayer(request)
    }
    await fails(pull(await serve(to(`/v2/x/blobs/${layer.digest}`))), /leads through more than 5 redirects/)
    await fails(pull(await serve(to('http://169.254.169.254/latest/meta-data'))), /that is not https: http:\/\/169/)
    await fails(pull(await serve(to('file:///etc/passwd'))), /that is not https: file:/)
    const server = await serve((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://10.0.0.1/token"' }).end()
      return true
    })
    await fails(pull(server, { credentials: CREDENTIALS }), /an address for tokens that is not https/)
  })

  it('gets the login only itself, and only where it asks for it', async () => {
    const seen: string[] = []
    const cdn = await serve((request) => {
      seen.push(`cdn ${request.headers.authorization ?? '-'}`)
      return false
    })
    const server = await serve((request, response) => {
      seen.push(`registry ${request.headers.authorization ?? '-'}`)
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      else if (request.url?.includes('/blobs/'))
        response.writeHead(302, { location: `http://${cdn.host}${request.url}` }).end()
      else return false
      return true
    })
    await pull(server, { credentials: CREDENTIALS })
    const login = `Basic ${Buffer.from('somebody:hunter2hunter2').toString('base64')}`
    assert.deepEqual(seen, [
      'registry -',
      ...[`registry ${login}`, `registry ${login}`, 'cdn -', `registry ${login}`, 'cdn -'],
    ])
  })

  it('is not sent a login by the word of another', async () => {
    const cdn = await serve((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    })
    const server = await serve((request, response) => {
      if (isLayer(request)) response.writeHead(302, { location: `http://${cdn.host}${request.url}` }).end()
      return isLayer(request)
    })
    await fails(pull(server, { credentials: CREDENTIALS }), /does not give it out/)
    assert.equal(cdn.paths.length, 1)
  })

  it('with tokens that are none', async () => {
    for (const token of ['', 'a\r\nX-Injected: yes', 'ä', 5, 'x'.repeat(20_000)]) {
      const server = await serve((request, response) => {
        if (request.url?.startsWith('/token')) return end(response, JSON.stringify({ token }))
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${server.host}/token"` }).end()
        return true
      })
      const error = await fails(pull(server), /gives a token that is none/)
      assert.doesNotMatch(JSON.stringify(error), /Injected/)
    }
  })

  it('is asked again where it has no time, and left alone where it wants that for long', async () => {
    let busy = 2
    const server = await serve((request, response) => {
      if (!isLayer(request) || busy-- <= 0) return false
      response.writeHead(busy === 1 ? 503 : 429, { 'retry-after': '0' }).end()
      return true
    })
    assert.equal((await pull(server)).digest, image.digest)
    const limited = await serve((_, response) => {
      response.writeHead(429, { 'retry-after': '3600' })
      return end(response, JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'pay up \u001b[31m' }] }))
    })
    const error = await fails(pull(limited), /cannot answer now: status 429 \(TOOMANYREQUESTS\)/, 'CONNECTION_LOST')
    assert.deepEqual([limited.paths.length, error.retryable], [1, true])
    assert.doesNotMatch(JSON.stringify(error), /pay up/)
  })

  it('that speaks no HTTP', async () => {
    for (const said of [
      '\u0000\u0001\u0002',
      'HTTP/1.1 200 OK\r\n'.padEnd(200_000, 'X-Header: yes\r\n'),
      'SSH-2.0-x\r\n',
    ]) {
      const server = createServer((socket) => void socket.on('error', () => undefined).end(said))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      try {
        const { port } = server.address() as AddressInfo
        await fails(pull({ host: `127.0.0.1:${port}` }), /does not answer/, 'UNREACHABLE')
      } finally {
        server.close()
      }
    }
  })
})
