import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { extract } from 'tar-stream'
import type { ImageLayer } from '../../src/artifacts/oci-image.ts'
import { measureImage } from '../../src/artifacts/oci-measure.ts'
import { ImageProblem } from '../../src/artifacts/oci-refusals.ts'
import { savedArchive } from '../../src/executors/docker/images/saved-archive.ts'
import { sha256 } from '../fixtures/oci-images.ts'
import { rawTar, type RawEntry } from '../fixtures/raw-tar.ts'

const MAX_BYTES = 40_000
const never = new AbortController().signal

const entry: fc.Arbitrary<RawEntry> = fc.record(
  {
    name: fc.constantFrom('a', 'a/b', '../x', '/etc', '.wh.a', 'ü', '', 'x'.repeat(99)),
    type: fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', 'x', 'g', 'L', 'S', '\0'),
    content: fc.oneof(fc.string({ maxLength: 50 }), fc.constant('y'.repeat(20_000))),
    linkname: fc.constantFrom('', 'a', '../..', '/etc/passwd'),
    sizeField: fc.option(fc.constantFrom('77777777777\0', '00000000000\0', 'nonsense', '\x80'), { nil: undefined }),
  },
  { requiredKeys: ['name'] },
) as fc.Arbitrary<RawEntry>

const tar = fc.array(entry, { maxLength: 6 }).map((entries) => Buffer.from(rawTar(...entries)))
/** Mostly whole ones; some with a byte changed, or the end cut off. */
const damaged = fc
  .tuple(tar, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('none', 'none', 'change', 'cut'))
  .map(([content, at, byte, how]) => {
    const copy = Buffer.from(content)
    if (how === 'change' && copy.length > 0) copy[at % copy.length] = byte
    return how === 'cut' ? copy.subarray(0, at % (copy.length + 1)) : copy
  })

function layerOf({ content, gzip }: { readonly content: Buffer; readonly gzip: boolean }): ImageLayer {
  const stored = gzip ? gzipSync(content) : content
  return {
    file: {
      bytes: stored.length,
      async *content() {
        yield stored
      },
    },
    digest: sha256(stored),
    compression: gzip ? 'gzip' : 'none',
    diffId: sha256(content),
  }
}

async function filesOf(archive: AsyncIterable<Uint8Array>): Promise<readonly (readonly [string, Buffer])[]> {
  const files: [string, Buffer][] = []
  const reader = extract()
  const read = (async () => {
    for await (const file of reader) {
      const chunks: Uint8Array[] = []
      for await (const chunk of file as AsyncIterable<Uint8Array>) chunks.push(chunk)
      files.push([file.header.name, Buffer.concat(chunks)])
    }
  })()
  for await (const chunk of archive) reader.write(chunk)
  reader.end(null)
  await read
  return files
}

describe('images for an engine', function () {
  this.timeout(240_000)

  it('are measured, or refused, whatever is in them, and passed on as they were measured', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ content: damaged, gzip: fc.boolean() }), { maxLength: 3 }),
        fc.uint8Array({ maxLength: 2_000 }),
        async (parts, configuration) => {
          const layers = parts.map(layerOf)
          const measured = await measureImage({ image: { layers }, maxBytes: MAX_BYTES, signal: never }).catch(
            (error: unknown) => {
              assert.ok(error instanceof ImageProblem, String(error))
            },
          )
          if (measured === undefined) return
          assert.ok(measured.diskBytes <= MAX_BYTES)
          const name = { repo: 'souk-test', tag: 'x' }
          const [manifest, config, ...rest] = await filesOf(savedArchive({ ...measured, configuration, name }))
          assert.deepEqual(JSON.parse(String(manifest?.[1])), [
            { Config: 'config.json', RepoTags: ['souk-test:x'], Layers: parts.map((_part, at) => `${at}.tar`) },
          ])
          assert.deepEqual(config, ['config.json', Buffer.from(configuration)])
          assert.deepEqual(
            rest,
            parts.map(({ content }, at) => [`${at}.tar`, content]),
          )
        },
      ),
      { numRuns: 500 },
    ))
})
