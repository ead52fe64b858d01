import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { OWN_ARCHITECTURE } from '../../src/artifacts/oci-image.ts'
import { parseChallenge } from '../../src/artifacts/registry/challenge.ts'
import { pullImage } from '../../src/artifacts/registry/pull-image.ts'
import { registryUrl, urlFromRegistry } from '../../src/artifacts/registry/registry-url.ts'
import { resolveTag } from '../../src/artifacts/registry/resolve-tag.ts'
import { SoukError } from '../../src/protocol/errors.ts'
import { blobName, INDEX_TYPE, json, makeImage, sha256 } from '../fixtures/oci-images.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

const MAX_BYTES = 50_000
const CREDENTIALS = { username: 'somebody', password: 'hunter2hunter2' }
const PATIENCE = { stallTimeoutMs: 200, retryDelaysMs: [1] }

describe('what a registry says', function () {
  this.timeout(240_000)

  it('in a header, of any form, is a challenge or none, at once', () => {
    const piece = fc.oneof(
      fc.constantFrom('Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'service', 'realm="https://r.example/t"'),
      fc.string({ maxLength: 20 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const found = parseChallenge(pieces.join(''))
        if (found?.scheme === 'bearer') assert.equal(typeof found.realm, 'string')
        else assert.ok(found === undefined || found.scheme === 'basic')
      }),
      { numRuns: 2_000 },
    )
  })

  it('of where to go leads out of nothing that is encrypted, and into no network of ours', () => {
    const registry = registryUrl({ host: 'registry.example', insecure: false })
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6().map((six) => `[${six}]`),
      fc.domain(),
      fc.string(),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('http://', 'https://', '//', '', 'https:/\\'),
        host,
        fc.string(),
        (scheme, name, rest) => {
          let url: URL
          try {
            const target = `${scheme}${name}/${rest}`
            url = urlFromRegistry({ what: 'it', target, base: new URL('/v2/x', registry), registry })
          } catch (thrown) {
            assert.equal((thrown as Error).name, 'RegistryProblem')
            return
          }
          assert.equal(url.protocol, 'https:')
          assert.equal(url.username + url.password, '')
          assert.doesNotMatch(
            url.hostname,
            /^(?:(?:127|10|0)(?:\.\d+){3}|(?:192\.168|169\.254)(?:\.\d+){2}|(?:.+\.)?localhost\.?|\[(?:::|f[cdef]).*)$/,
          )
        },
      ),
      { numRuns: 2_000 },
    )
  })

  describe('to a client that asks', () => {
    let dir: string
    let server: Server
    /** What the server sends for each further request, then ends. */
    let script: Iterator<Uint8Array, undefined, undefined>
    let count = 0

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'souk-fuzz-registry-'))
      server = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => {
          const { value } = script.next()
          // Nothing left to say: an end without a word.
          socket.end(value ?? '')
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    after(async () => {
      server.close()
      await rm(dir, { recursive: true, force: true })
    })

    const image = makeImage({ layers: [rawTar({ name: 'hello', content: 'there' })], compression: 'gzip' })
    const manifest = image.files.get(blobName(image.digest)) ?? assert.fail()
    const blobs = [...image.files.values()]
    const platform = { os: 'linux', architecture: OWN_ARCHITECTURE }
    const index = json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [{ ...image.descriptor, platform }] })

    const bodies = fc.oneof(
      fc.constantFrom<Uint8Array>(index, manifest, ...blobs, json({ token: 'abc' })),
      fc.jsonValue().map(json),
      fc.uint8Array({ maxLength: 2_000 }),
      fc.nat({ max: 200_000 }).map((length) => Buffer.alloc(length, 'x')),
      // A real document with something else somewhere in it.
      fc
        .tuple(fc.constantFrom<Uint8Array>(index, manifest, ...blobs), fc.nat(), fc.uint8Array({ maxLength: 8 }))
        .map(([content, at, other]) => {
          const changed = Buffer.from(content)
          changed.set(other.subarray(0, Math.max(0, changed.length - (at % changed.length))), at % changed.length)
          return changed
        }),
    )
    const headers = fc.array(
      fc.oneof(
        fc.constantFrom(
          'Content-Length: 5',
          'Content-Length: 99999999999',
          'Content-Length: -1',
          'Transfer-Encoding: chunked',
          'Content-Encoding: gzip',
          'Content-Range: bytes 0-1/2',
          'Location: /v2/x/blobs/y',
          'Location: http://169.254.169.254/',
          'Location: //',
          'Retry-After: 0',
          'WWW-Authenticate: Basic realm="x"',
          'WWW-Authenticate: Bearer realm="/token"',
          'WWW-Authenticate: Bearer realm="http://10.0.0.1/"',
          'Set-Cookie: a=b',
          `Docker-Content-Digest: sha256:${'0'.repeat(64)}`,
        ),
        fc
          .tuple(fc.string({ maxLength: 20 }), fc.string({ maxLength: 40 }))
          .map(([name, value]) => `${name}: ${value}`),
      ),
      { maxLength: 4 },
    )
    const statuses = fc.constantFrom(
      200,
      200,
      200,
      200,
      206,
      204,
      301,
      307,
      400,
      401,
      401,
      403,
      404,
      416,
      429,
      500,
      503,
      100,
      999,
    )
    const answers = fc
      .tuple(statuses, headers, bodies, fc.boolean(), fc.option(fc.nat({ max: 3_000 }), { freq: 5 }))
      .map(([status, lines, body, withLength, cut]) => {
        const length = withLength ? [`Content-Length: ${body.byteLength}`] : []
        const head = [`HTTP/1.1 ${status} X`, 'Connection: close', ...length, ...lines].join('\r\n')
        const whole = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body])
        return cut === null ? whole : whole.subarray(0, cut)
      })
    const noise = fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes))
    const scripts = fc.array(fc.oneof({ arbitrary: answers, weight: 9 }, { arbitrary: noise, weight: 1 }), {
      maxLength: 8,
    })

    const isTold = (thrown: unknown): void => {
      assert.ok(thrown instanceof SoukError, String((thrown as Error).stack))
      assert.ok(['IMAGE_REFUSED', 'UNREACHABLE', 'CONNECTION_LOST'].includes(thrown.code), thrown.stack)
      assert.ok(thrown.message.length < 2_000)
      assert.doesNotMatch(JSON.stringify(thrown), /hunter2|aHVudGVy/)
    }
    const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`

    it('is refused by name, or what it should be', async () => {
      await fc.assert(
        fc.asyncProperty(scripts, fc.constantFrom(image.digest, sha256(index)), async (answer, digest) => {
          script = answer.values()
          const into = join(dir, `image-${count++}`)
          await mkdir(into)
          try {
            const pulled = await pullImage({
              repository: `${host()}/x`,
              digest,
              into,
              maxBytes: MAX_BYTES,
              platform,
              credentials: CREDENTIALS,
              insecure: true,
              signal: AbortSignal.timeout(30_000),
              patience: PATIENCE,
            })
            assert.equal(pulled.digest, image.digest)
          } catch (thrown) {
            isTold(thrown)
          }
          const names = await readdir(into, { recursive: true })
          const sizes = await Promise.all(names.map(async (name) => stat(join(into, name))))
          const bytes = sizes.reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0)
          assert.ok(bytes < MAX_BYTES, `${bytes} bytes`)
          await rm(into, { recursive: true })
        }),
        { numRuns: 300 },
      )
    })

    it('of a tag is a digest of what it sent, or is refused by name', async () => {
      await fc.assert(
        fc.asyncProperty(scripts, async (answer) => {
          script = answer.values()
          const signal = AbortSignal.timeout(30_000)
          const access = { credentials: CREDENTIALS, insecure: true, signal, patience: PATIENCE }
          try {
            assert.match(await resolveTag({ repository: `${host()}/x`, tag: '1', ...access }), /^sha256:[0-9a-f]{64}$/)
          } catch (thrown) {
            isTold(thrown)
          }
        }),
        { numRuns: 300 },
      )
    })
  })
})
