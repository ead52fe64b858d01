import { Buffer } from 'node:buffer'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import {
  configSchema,
  indexSchema,
  isIndex,
  isManifest,
  manifestSchema,
  parseDocument,
  shown,
  type Descriptor,
  type Platform,
} from './oci-documents.ts'
import { blobPath, digestOf, openImageFiles, readFileOf, type ImageFiles } from './oci-files.ts'
import { findImage, OWN_ARCHITECTURE, readSaved } from './oci-image.ts'
import { ImageProblem } from './oci-refusals.ts'

/** An image that an archive holds. */
interface Candidate {
  readonly digest: string
  readonly names: readonly string[]
  readonly platform: Platform
}

const INDEX_DEPTH = 2
const MAX_CANDIDATES = 1000
/** How BuildKit marks what it says about how an image was built: no image. */
const ATTESTATION = 'vnd.docker.reference.type'

/**
 * Which image of an archive is meant: the only one, that of `digest`, or the only one for this machine. Its documents are
 * there and whole, its layers are there.
 *
 * @returns the digest that pins it: of its manifest, or of its configuration where the archive has no manifest.
 * @throws ImageProblem, whose message goes on from the name of the file; errors of the file system; the signal's reason.
 */
export async function chooseImage({
  source,
  digest,
  signal,
}: {
  readonly source: string
  readonly digest?: string
  readonly signal: AbortSignal
}): Promise<string> {
  const files = await openImageFiles(source, signal)
  try {
    const candidates = await listImages(files)
    const chosen = choose(candidates, digest)
    // What runs may be another machine; that it is usable somewhere is what can be told here.
    if (chosen.platform.architecture === OWN_ARCHITECTURE) await findImage(files, chosen.digest)
    return chosen.digest
  } finally {
    await files.close()
  }
}

function choose(candidates: readonly Candidate[], digest: string | undefined): Candidate {
  const meant = digest === undefined ? candidates : candidates.filter((one) => one.digest === digest)
  const [first, ...more] = meant
  if (first === undefined)
    throw new ImageProblem(
      `it holds no image ${digest ?? ''}${candidates.length === 0 ? '' : `; it holds ${listed(candidates)}`}`,
    )
  if (more.length === 0) return first
  const [own, another] = meant.filter(({ platform }) => isOwn(platform))
  if (own === undefined || another !== undefined)
    throw new ImageProblem(
      `it holds several images; name one, as in ./image.tar@${first.digest}: ${listed(candidates)}`,
    )
  return own
}

const isOwn = ({ os, architecture }: Platform): boolean => os === 'linux' && architecture === OWN_ARCHITECTURE

const SHOWN_CANDIDATES = 10

function listed(candidates: readonly Candidate[]): string {
  const lines = candidates
    .slice(0, SHOWN_CANDIDATES)
    .map(({ digest, names, platform: { os, architecture } }) =>
      [digest, `(${os.slice(0, 40)}/${architecture.slice(0, 40)})`, ...names.slice(0, 3).map(shown)].join(' '),
    )
  const rest = candidates.length - lines.length
  return lines.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

/** Every image that is there, once. An index may name some that were left out of the archive. */
async function listImages(files: ImageFiles): Promise<readonly Candidate[]> {
  const found = new Map<string, Candidate>()
  const add = ({ digest, names, platform }: Candidate): void => {
    if (found.size >= MAX_CANDIDATES) throw new ImageProblem(`it holds more than ${MAX_CANDIDATES} images`)
    found.set(digest, { digest, platform, names: [...(found.get(digest)?.names ?? []), ...names] })
  }
  if ((await files.find('index.json')) !== undefined) {
    await walkIndex({ files, add, seen: new Set(), path: 'index.json', depth: INDEX_DEPTH, names: [] })
  } else if ((await files.find('manifest.json')) !== undefined) {
    for (const { Config: path, RepoTags } of await readSaved(files)) {
      const bytes = await readFileOf(files, { what: 'configuration', path })
      const platform = parseDocument('configuration', bytes, configSchema)
      add({ digest: digestOf(bytes), names: RepoTags ?? [], platform })
    }
  } else throw new ImageProblem('it is neither an OCI archive (index.json) nor one of `docker save` (manifest.json)')
  return [...found.values()]
}

interface Walk {
  readonly files: ImageFiles
  readonly add: (candidate: Candidate) => void
  /** Indexes that were walked already. */
  readonly seen: Set<string>
  readonly path: string
  readonly digest?: string
  readonly depth: number
  /** What the index itself is called. */
  readonly names: readonly string[]
}

async function walkIndex({ path, digest, depth, names: above, ...shared }: Walk): Promise<void> {
  const { files, add, seen } = shared
  const bytes = await readFileOf(files, { what: 'index', path, ...(digest !== undefined && { digest }) })
  for (const descriptor of parseDocument('index', bytes, indexSchema).manifests) {
    const names = namesOf(descriptor)
    const blob = blobPath(descriptor.digest)
    if ((await files.find(blob)) === undefined) continue
    if (isIndex(descriptor)) {
      if (depth === 0) throw new ImageProblem('its index leads through too many others')
      if (seen.has(blob)) continue
      seen.add(blob)
      const below = { path: blob, digest: descriptor.digest, depth: depth - 1, names: [...above, ...names] }
      await walkIndex({ ...shared, ...below })
    } else if (isManifest(descriptor) && descriptor.annotations?.[ATTESTATION] === undefined)
      add({ digest: descriptor.digest, names: [...above, ...names], platform: await platformOf(files, descriptor) })
  }
}

function namesOf({ annotations }: Descriptor): readonly string[] {
  const name = annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name']
  return name === undefined ? [] : [name]
}

/** What the index says of it, or its own configuration where that says nothing. */
async function platformOf(files: ImageFiles, { digest, platform }: Descriptor): Promise<Platform> {
  if (platform) return platform
  const manifest = parseDocument(
    'manifest',
    await readFileOf(files, { what: 'manifest', path: blobPath(digest), digest }),
    manifestSchema,
  )
  const config = { what: 'configuration', path: blobPath(manifest.config.digest), digest: manifest.config.digest }
  return parseDocument('configuration', await readFileOf(files, config), configSchema)
}

const GZIP_MAGIC = 0x1f8b
const MAGIC_START = 257
const MAGIC = 'ustar'

/** Whether a file is a tar archive, or a compressed one; false for what cannot be read. */
export async function looksLikeArchive(file: string): Promise<boolean> {
  const { O_RDONLY, O_NONBLOCK } = constants
  const handle = await open(file, O_RDONLY | O_NONBLOCK).catch(() => undefined)
  try {
    const start = Buffer.alloc(MAGIC_START + MAGIC.length)
    const { bytesRead = 0 } = (await handle?.read(start, 0, start.length, 0).catch(() => undefined)) ?? {}
    if (bytesRead < start.length) return false
    return start.toString('latin1', MAGIC_START) === MAGIC || start.readUInt16BE(0) === GZIP_MAGIC
  } finally {
    await handle?.close()
  }
}
