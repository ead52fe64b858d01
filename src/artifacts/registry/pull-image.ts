import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { placeOf } from '../image-reference.ts'
import { compressionOf, configSchema, MAX_DOCUMENT_BYTES, parseDocument, type Descriptor } from '../oci-documents.ts'
import { blobPath } from '../oci-files.ts'
import { storageError } from '../store-errors.ts'
import { choosePlatform, fetchDocument, type ImageDocumentAnswer, type ImagePlatform } from './documents.ts'
import { fetchBlob } from './fetch-blob.ts'
import { registryError, RegistryProblem } from './registry-errors.ts'
import { openRegistrySession, type RegistryAccess, type RegistrySession } from './session.ts'

export interface PullImage extends RegistryAccess {
  /** Complete: `docker.io/library/python`. */
  readonly repository: string
  /** Of a manifest, or of an index: `sha256:…`. */
  readonly digest: string
  /** An empty folder that becomes an image layout (OCI image-spec, image-layout.md); what is in it after a failure is of no use. */
  readonly into: string
  /** Of all blobs, as the registry has them, that is mostly compressed. */
  readonly maxBytes: number
  readonly platform: ImagePlatform
  /** Of the bytes of blobs. What has to begin anew counts anew. */
  readonly onProgress?: (progress: PullProgress) => void
}

export interface PullProgress {
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface PulledImage {
  /** Of the manifest: of that for the platform, where an index was asked for. */
  readonly digest: string
  /** Of its blobs, without the manifest. */
  readonly bytes: number
}

/** Layers that are fetched at once. */
const AT_ONCE = 3

/**
 * Fetches an image by its digest. Every document and blob is held against its digest and length; which bytes will come is
 * known, and held against `maxBytes` and the platform, before the first layer is asked for.
 *
 * @throws SoukError IMAGE_REFUSED where the image or what the registry gives for it cannot be taken, UNREACHABLE or
 *   CONNECTION_LOST where the registry cannot be asked, STORAGE_FULL; or the signal's reason.
 */
export async function pullImage(options: PullImage): Promise<PulledImage> {
  const { repository, digest, signal } = options
  const stop = new AbortController()
  const session = openRegistrySession({ ...options, signal: AbortSignal.any([signal, stop.signal]) })
  try {
    return await pull({ session, stop, options })
  } catch (thrown) {
    signal.throwIfAborted()
    throw storageError(registryError({ thrown, image: `${repository}@${digest}`, host: placeOf(repository).host }))
  }
}

interface Pull {
  readonly session: RegistrySession
  /** Ends whatever the session is doing. */
  readonly stop: AbortController
  readonly options: PullImage
}

async function pull({ session, stop, options }: Pull): Promise<PulledImage> {
  const { into, platform, maxBytes, onProgress } = options
  const { digest, bytes: document, manifest } = await fetchManifest(session, options)
  const blobs = blobsOf(manifest)
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0)
  if (totalBytes > maxBytes)
    throw new RegistryProblem(`it has ${totalBytes} bytes, and at most ${maxBytes} are taken`, {
      hint: 'Use a smaller image, or one that the provider has already.',
    })
  let doneBytes = 0
  const onBytes = (bytes: number): void => {
    doneBytes += bytes
    onProgress?.({ doneBytes, totalBytes })
  }
  await mkdir(join(into, dirname(blobPath(digest))), { recursive: true })
  const write = (path: string, content: Uint8Array | string): Promise<void> =>
    writeFile(join(into, path), content, { flag: 'wx', mode: 0o600 })
  const fetch = (blob: Descriptor): Promise<void> =>
    fetchBlob({ session, blob, file: join(into, blobPath(blob.digest)), onBytes })

  const [config, ...layers] = blobs
  if (config === undefined) throw new RegistryProblem('it has no configuration')
  await fetch(config)
  checkPlatform(await readFile(join(into, blobPath(config.digest))), platform)
  await eachAtOnce({ layers, fetch, stop })

  await write(blobPath(digest), document)
  const mediaType = manifest.mediaType ?? 'application/vnd.oci.image.manifest.v1+json'
  const manifests = [{ mediaType, digest, size: document.byteLength, platform }]
  await write('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await write('index.json', JSON.stringify({ schemaVersion: 2, manifests }))
  return { digest, bytes: totalBytes }
}

/** Fetches a few layers at once; the first that fails ends the others, and nothing is under way any more when it is told. */
async function eachAtOnce({
  layers,
  fetch,
  stop,
}: {
  readonly layers: readonly Descriptor[]
  readonly fetch: (layer: Descriptor) => Promise<void>
  readonly stop: AbortController
}): Promise<void> {
  // An iterator that several share gives each layer to one of them.
  const waiting = layers.values()
  const failures: unknown[] = []
  const work = async (): Promise<void> => {
    try {
      for (const layer of waiting) {
        if (failures.length > 0) return
        await fetch(layer)
      }
    } catch (thrown) {
      failures.push(thrown)
      stop.abort()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (failures.length > 0) throw failures[0]
}

type Manifest = Extract<ImageDocumentAnswer['content'], { kind: 'manifest' }>['manifest']

/** The manifest that is asked for, or that for the platform where it is an index that is. */
async function fetchManifest(
  session: RegistrySession,
  { digest, platform }: Pick<PullImage, 'digest' | 'platform'>,
): Promise<{ readonly digest: string; readonly bytes: Uint8Array; readonly manifest: Manifest }> {
  const given = await fetchDocument(session, digest)
  if (given.content.kind === 'manifest') return { ...given, manifest: given.content.manifest }
  const chosen = choosePlatform(given.content.index, platform)
  const below = await fetchDocument(session, chosen.digest)
  if (below.content.kind === 'index') throw new RegistryProblem('its index leads to another index')
  if (below.bytes.byteLength !== chosen.size)
    throw new RegistryProblem(`its manifest has ${below.bytes.byteLength} bytes where its index says ${chosen.size}`)
  return { ...below, manifest: below.content.manifest }
}

/** Its configuration first, then its layers; each once, although an image may have the same layer several times. */
function blobsOf({ config, layers }: Manifest): readonly Descriptor[] {
  if (config.size > MAX_DOCUMENT_BYTES)
    throw new RegistryProblem(
      `its configuration has ${config.size} bytes, and at most ${MAX_DOCUMENT_BYTES} are read of one`,
    )
  const blobs = new Map<string, Descriptor>([[config.digest, config]])
  for (const layer of layers) {
    compressionOf(layer)
    const known = blobs.get(layer.digest)
    if (known !== undefined && known.size !== layer.size)
      throw new RegistryProblem(`its manifest gives two lengths for its blob ${layer.digest}`)
    blobs.set(layer.digest, layer)
  }
  return [...blobs.values()]
}

function checkPlatform(config: Uint8Array, { os, architecture }: ImagePlatform): void {
  const document = parseDocument('configuration', config, configSchema)
  if (document.os !== os || document.architecture !== architecture)
    throw new RegistryProblem(
      `it is for ${document.os.slice(0, 40)} on ${document.architecture.slice(0, 40)}, not for ${os} on ${architecture}`,
      { hint: 'Use an image for this platform, or ask a provider of another one.' },
    )
}
