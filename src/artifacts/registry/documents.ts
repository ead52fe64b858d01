import { z } from 'zod'
import { DIGEST } from '../image-reference.ts'
import {
  checkDocument,
  indexSchema,
  isIndex,
  isManifest,
  manifestSchema,
  MAX_DOCUMENT_BYTES,
  parseJson,
  type Descriptor,
} from '../oci-documents.ts'
import { digestOf } from '../oci-files.ts'
import { withRetries } from './exchange.ts'
import { RegistryProblem } from './registry-errors.ts'
import { readBounded, type RegistrySession } from './session.ts'

/** As images name a system (GOOS, GOARCH). */
export interface ImagePlatform {
  readonly os: string
  readonly architecture: string
}

type Index = z.infer<typeof indexSchema>
type Manifest = z.infer<typeof manifestSchema>

/** A document that an image is pinned by, as its registry has it. */
export interface ImageDocumentAnswer {
  readonly digest: string
  readonly bytes: Uint8Array
  readonly content:
    | { readonly kind: 'index'; readonly index: Index }
    | { readonly kind: 'manifest'; readonly manifest: Manifest }
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** What Docker wrote before 1.10; it has no digest that everybody agrees on, and its layers have no lengths. */
const SCHEMA_1 = { hint: 'Have it pushed again with a Docker of today, or use a newer tag of it.' }

/**
 * The manifest or index that a tag or digest names, held against the digest.
 * @throws RegistryProblem, ImageProblem, RegistryTrouble; the signal's reason
 */
export async function fetchDocument(session: RegistrySession, reference: string): Promise<ImageDocumentAnswer> {
  const answer = await withRetries(session, async () => {
    const given = await session.get({ path: `manifests/${reference}`, what: 'the manifest', accept: ACCEPT })
    const bytes = await readBounded({ answer: given, maxBytes: MAX_DOCUMENT_BYTES, what: 'the manifest' })
    return { bytes, said: given.headers.get('docker-content-digest') }
  })
  const { bytes, said } = answer
  const digest = digestOf(bytes)
  const wanted = [reference, said ?? ''].find((text) => DIGEST.test(text))
  if (wanted !== undefined && wanted !== digest)
    throw new RegistryProblem(`the registry gives ${digest} where ${wanted} was to come`)
  return { digest, bytes, content: contentOf(parseJson('manifest', bytes)) }
}

const schemaVersionSchema = z.object({ schemaVersion: z.literal(1) })
const listingSchema = z.object({ manifests: z.unknown() })

function contentOf(value: unknown): ImageDocumentAnswer['content'] {
  if (schemaVersionSchema.safeParse(value).success)
    throw new RegistryProblem('its manifest is of schema 1, which Docker has given up', SCHEMA_1)
  // By what is in it, not by what the registry says that it is: that is under no digest.
  return listingSchema.safeParse(value).data?.manifests !== undefined
    ? { kind: 'index', index: checkDocument('index', value, indexSchema) }
    : { kind: 'manifest', manifest: checkDocument('manifest', value, manifestSchema) }
}

/** @throws RegistryProblem where the index has no image for this platform, and which ones it has. */
export function choosePlatform({ manifests }: Index, { os, architecture }: ImagePlatform): Descriptor {
  const images = manifests.filter((one) => isManifest(one))
  // Of several variants of an architecture the first one is the one that runs on all of them.
  const fitting = images.find(({ platform }) => platform?.os === os && platform.architecture === architecture)
  // One that says nothing of its platform says it in its configuration.
  const [only, another] = images
  const chosen = fitting ?? (another === undefined && !only?.platform ? only : undefined)
  if (chosen !== undefined) return chosen
  if (manifests.some((one) => isIndex(one)))
    throw new RegistryProblem('it is an index of further indexes, which are not taken')
  const known = images.map(
    ({ platform }) => platform && `${platform.os.slice(0, 20)}/${platform.architecture.slice(0, 20)}`,
  )
  const listed = [...new Set(known.filter((name) => name && /^[\w./-]+$/.test(name)))].slice(0, 20).join(', ')
  throw new RegistryProblem(`it has no image for ${os}/${architecture}, only for: ${listed || 'none that is known'}`, {
    hint: 'Use an image for this platform, or ask a provider of another one.',
  })
}
