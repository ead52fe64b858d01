import { posix } from 'node:path'
import {
  checkDocument,
  compressionOf,
  configSchema,
  MAX_DOCUMENT_BYTES,
  indexSchema,
  manifestSchema,
  parseDocument,
  parseJson,
  savedSchema,
  type SavedImage,
  type Compression,
  type Descriptor,
  type ImageDocument,
} from './oci-documents.ts'
import { blobPath, digestOf, openImageFiles, readFileOf, type ImageFile, type ImageFiles } from './oci-files.ts'
import { ImageProblem, imageRefused } from './oci-refusals.ts'

/** What an image says of how it is run (OCI image-spec, config.md), in the form of a task. */
export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  /** `NAME=VALUE`, in its order. */
  readonly env: readonly string[]
  /** An absolute, normalised path inside; `/` where it says none. */
  readonly workdir: string
}

export interface ImageLayer {
  readonly file: ImageFile
  /** Of the file as it is; undefined where only {@link diffId} says what it has to be (`docker save`). */
  readonly digest?: string
  /** Undefined: what it starts with tells. */
  readonly compression?: Compression
  /** Of the tar archive in it. */
  readonly diffId: string
}

/** An image whose documents were held against the digest that names it; its layers are yet to be. */
export interface OciImage {
  /** What the digest is of: of a manifest, or of a configuration, which is what Docker calls the id of an image. */
  readonly pinnedBy: 'manifest' | 'config'
  readonly digest: string
  readonly config: ImageConfig
  /** The configuration as it is in the source: what its digest, Docker's id of the image, is of. */
  readonly configuration: Uint8Array
  /** The lowest first. */
  readonly layers: readonly ImageLayer[]
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' }
/** This host's, as images call it (GOARCH). */
export const OWN_ARCHITECTURE = ARCHITECTURES[process.arch] ?? process.arch

/**
 * Opens the image of a digest, and does `use` with it.
 *
 * @param source a tar archive (OCI, or of `docker save`), or a folder with an image layout.
 * @param image how errors name it.
 * @param hint what to do about one that is refused; to make the archive again, where it is left out.
 * @throws SoukError IMAGE_REFUSED where it is not there, damaged, for another system, or not of a form that is taken; errors
 *   of the file system; what `use` throws; or the signal's reason.
 */
export async function withImage<T>(
  {
    source,
    digest,
    image,
    hint,
    signal,
  }: {
    readonly source: string
    readonly digest: string
    readonly image: string
    readonly hint?: string
    readonly signal: AbortSignal
  },
  use: (image: OciImage) => Promise<T>,
): Promise<T> {
  let files: ImageFiles | undefined
  try {
    files = await openImageFiles(source, signal)
    return await use(await findImage(files, digest))
  } catch (error) {
    throw error instanceof ImageProblem
      ? imageRefused({ image, reason: error.message, cause: error.cause, ...(hint !== undefined && { hint }) })
      : error
  } finally {
    await files?.close()
  }
}

/** @throws ImageProblem */
export async function findImage(files: ImageFiles, digest: string): Promise<OciImage> {
  const found = (await findManifest(files, digest)) ?? (await findSaved(files, digest))
  if (found === undefined) throw new ImageProblem(`there is no image ${digest} in what was given for it`)
  const { document, ...image } = found
  if (document.os !== 'linux' || document.architecture !== OWN_ARCHITECTURE)
    throw new ImageProblem(
      `it is for ${document.os.slice(0, 40)} on ${document.architecture.slice(0, 40)}, and this host is linux on ${OWN_ARCHITECTURE}`,
    )
  return { ...image, digest, config: configOf(document) }
}

type Found = Omit<OciImage, 'config' | 'digest'> & { readonly document: ImageDocument }

async function findManifest(files: ImageFiles, digest: string): Promise<Found | undefined> {
  const path = blobPath(digest)
  const blob = await files.find(path)
  // What is too large for a manifest is none.
  if (blob === undefined || blob.bytes > MAX_DOCUMENT_BYTES) return undefined
  const value = parseJson('manifest', await readFileOf(files, { what: 'manifest', path, digest }))
  if (indexSchema.safeParse(value).success)
    throw new ImageProblem(`${digest} is an index of several images; name the one that is to run`)
  // It may be a configuration, which a manifest.json leads to.
  if (configSchema.safeParse(value).success) return undefined
  const manifest = checkDocument('manifest', value, manifestSchema)
  const configuration = await readConfig(files, manifest.config)
  const document = parseDocument('configuration', configuration, configSchema)
  const diffIds = document.rootfs.diff_ids ?? []
  checkLayerCount(manifest.layers.length, diffIds.length)
  const layers = manifest.layers.map(async (layer, at): Promise<ImageLayer> => {
    const compression = compressionOf(layer)
    const file = await files.find(blobPath(layer.digest))
    if (file === undefined) throw new ImageProblem(`its layer ${layer.digest} is missing`)
    if (file.bytes !== layer.size)
      throw new ImageProblem(`its layer ${layer.digest} has ${file.bytes} bytes where ${layer.size} are said`)
    return { file, digest: layer.digest, compression, diffId: diffIds[at] ?? '' }
  })
  return { pinnedBy: 'manifest', document, configuration, layers: await Promise.all(layers) }
}

function readConfig(files: ImageFiles, { digest, size }: Descriptor): Promise<Uint8Array> {
  return readFileOf(files, { what: 'configuration', path: blobPath(digest), digest, bytes: size })
}

async function findSaved(files: ImageFiles, digest: string): Promise<Found | undefined> {
  const what = 'configuration'
  const seen = new Set<string>()
  for (const { Config: path, Layers: paths } of await readSaved(files)) {
    if (seen.has(path)) continue
    seen.add(path)
    const bytes = await readFileOf(files, { what, path })
    if (digestOf(bytes) !== digest) continue
    const document = parseDocument(what, bytes, configSchema)
    const diffIds = document.rootfs.diff_ids ?? []
    checkLayerCount(paths?.length ?? 0, diffIds.length)
    const layers = (paths ?? []).map(async (layer, at): Promise<ImageLayer> => {
      const file = await files.find(posix.normalize(layer))
      if (file === undefined) throw new ImageProblem(`its layer ${layer.slice(0, 200)} is missing`)
      return { file, diffId: diffIds[at] ?? '' }
    })
    return { pinnedBy: 'config', document, configuration: bytes, layers: await Promise.all(layers) }
  }
  return undefined
}

/** What `docker save` says that it holds; nothing where it is no archive of that kind. */
export async function readSaved(files: ImageFiles): Promise<readonly SavedImage[]> {
  const path = 'manifest.json'
  if ((await files.find(path)) === undefined) return []
  return parseDocument(path, await readFileOf(files, { what: path, path }), savedSchema)
}

function checkLayerCount(layers: number, diffIds: number): void {
  if (layers !== diffIds) throw new ImageProblem(`its manifest has ${layers} layers, and its configuration ${diffIds}`)
}

function configOf({ config }: ImageDocument): ImageConfig {
  const { Entrypoint, Cmd, Env, WorkingDir } = config ?? {}
  const workdir = posix.join('/', WorkingDir ?? '')
  return {
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    env: Env ?? [],
    workdir: workdir === '/' ? workdir : workdir.replace(/\/$/, ''),
  }
}
