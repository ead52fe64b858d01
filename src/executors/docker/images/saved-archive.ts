import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { tarOf, type MeasuredLayer } from '../../../artifacts/oci-measure.ts'
import type { ImageName } from '../engine-images.ts'

const CONFIGURATION = 'config.json'

/**
 * An image as `docker save` writes one, which every engine takes: its configuration, byte by byte, and its layers, unpacked
 * (moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"). The one name in it is ours.
 *
 * @returns the archive as it is read; what a layer fails with it fails with.
 */
export function savedArchive(image: {
  readonly configuration: Uint8Array
  readonly layers: readonly MeasuredLayer[]
  readonly name: ImageName
}): Readable {
  return Readable.from(archiveOf(image), { objectMode: false })
}

async function* archiveOf({
  configuration,
  layers,
  name,
}: Parameters<typeof savedArchive>[0]): AsyncGenerator<Uint8Array, void, undefined> {
  const layerPath = (at: number): string => `${at}.tar`
  const manifest = [
    {
      Config: CONFIGURATION,
      RepoTags: [`${name.repo}:${name.tag}`],
      Layers: layers.map((_layer, at) => layerPath(at)),
    },
  ]
  for (const [path, content] of [
    ['manifest.json', Buffer.from(JSON.stringify(manifest))],
    [CONFIGURATION, configuration],
  ] as const) {
    yield headerOf({ name: path, bytes: content.length })
    yield content
    yield paddingOf(content.length)
  }
  for (const [at, { layer, tarBytes }] of layers.entries()) {
    yield headerOf({ name: layerPath(at), bytes: tarBytes })
    let bytes = 0
    for await (const chunk of tarOf(layer)) {
      bytes += chunk.byteLength
      if (bytes > tarBytes) break
      yield chunk
    }
    // It is a file of ours, or one that nobody writes to.
    if (bytes !== tarBytes) throw new Error(`layer ${at + 1} is not what it was a moment ago`)
    yield paddingOf(tarBytes)
  }
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

const BLOCK_BYTES = 512
/** From here on a size has no room as eleven octal digits. */
const LARGE = 8 ** 11

const paddingOf = (bytes: number): Uint8Array => Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES)

/** A plain file, of nobody and of no time (pax(1), "ustar Interchange Format"). */
function headerOf({ name, bytes }: { readonly name: string; readonly bytes: number }): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES)
  header.write(name, 0)
  for (const [at, digits] of [
    [100, '0000600'],
    [108, '0000000'],
    [116, '0000000'],
    [136, '00000000000'],
    [156, '0'],
  ] as const)
    header.write(digits, at)
  if (bytes < LARGE) header.write(bytes.toString(8).padStart(11, '0'), 124)
  else {
    // To the base 256, as GNU tar has it, and every reader.
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(bytes), 128)
  }
  header.write('ustar\0' + '00', 257)
  header.fill(' ', 148, 156)
  const checksum = header.reduce((sum, byte) => sum + byte, 0)
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
