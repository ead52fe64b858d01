import { z } from 'zod'
import { ImageProblem } from './oci-refusals.ts'

/** A real one has some kilobytes; registries take 4 MiB (OCI distribution-spec, "Pushing Manifests"). */
export const MAX_DOCUMENT_BYTES = 1024 * 1024
/** What an engine's own layer store takes (Docker: maxLayerDepth is 125, and 127 was AUFS's). */
export const MAX_LAYERS = 127
const MAX_MANIFESTS = 1000
const MAX_SAVED = 100
const MAX_WORDS = 4096
const MAX_VARIABLES = 1024
const MAX_TEXT = 128 * 1024

/** sha256 only: it is what everybody writes, and what a task is pinned by. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits')
const text = z
  .string()
  .max(MAX_TEXT)
  .refine((value) => !value.includes('\0'), 'must not contain a NUL byte')

/** A list whose length is looked at before anything in it is: each wrong item would be an issue of its own. */
function list<T>(item: z.ZodType<T>, max: number): z.ZodType<T[]> {
  const bounded = z.custom<unknown[]>(
    (value) => Array.isArray(value) && value.length <= max,
    `must be a list of at most ${max}`,
  )
  return bounded.pipe(z.array(item) as z.ZodType<T[], unknown[]>)
}

const platformSchema = z.object({ architecture: text, os: text })
export type Platform = z.infer<typeof platformSchema>

/** Where tools write what an image is called (containerd's; OCI image-spec, annotations.md), and what is none. */
const annotationsSchema = z.object({
  'io.containerd.image.name': text.optional(),
  'org.opencontainers.image.ref.name': text.optional(),
  'vnd.docker.reference.type': text.optional(),
})

/** OCI image-spec, descriptor.md. What it says besides is not asked for. */
const descriptorSchema = z.object({
  mediaType: text,
  digest: digestSchema,
  size: z.int().nonnegative(),
  annotations: annotationsSchema.nullish().catch(undefined),
  platform: platformSchema.nullish().catch(undefined),
})
export type Descriptor = z.infer<typeof descriptorSchema>

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

/** A document that says it is both an index and a manifest would mean one image here and another one there (CVE-2021-41190). */
const absent = z.undefined('must not be there: an index has manifests, and a manifest has layers')

/** OCI image-spec, image-index.md. */
export const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum(INDEX_TYPES).optional(),
  manifests: list(descriptorSchema, MAX_MANIFESTS),
  layers: absent.optional(),
  config: absent.optional(),
})

/** OCI image-spec, manifest.md. */
export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum(MANIFEST_TYPES).optional(),
  config: descriptorSchema,
  layers: list(descriptorSchema, MAX_LAYERS),
  manifests: absent.optional(),
})

const words = list(text, MAX_WORDS).nullish()

/** OCI image-spec, config.md; of `config` only what says how it is run. */
export const configSchema = z.object({
  architecture: text,
  os: text,
  config: z
    .object({
      Entrypoint: words,
      Cmd: words,
      Env: list(text.regex(/^[^=]+=/, 'must be NAME=VALUE'), MAX_VARIABLES).nullish(),
      WorkingDir: text.nullish(),
    })
    .nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: list(digestSchema, MAX_LAYERS).nullable() }),
})
export type ImageDocument = z.infer<typeof configSchema>

/** manifest.json of `docker save` (moby, image/spec/v1.2.md): paths inside the archive. */
export const savedSchema = list(
  z.object({
    Config: text,
    RepoTags: list(text, MAX_MANIFESTS).nullish(),
    Layers: list(text, MAX_LAYERS).nullable(),
  }),
  MAX_SAVED,
)

export type SavedImage = z.infer<typeof savedSchema>[number]

export const isIndex = ({ mediaType }: Descriptor): boolean => (INDEX_TYPES as readonly string[]).includes(mediaType)
export const isManifest = ({ mediaType }: Descriptor): boolean =>
  (MANIFEST_TYPES as readonly string[]).includes(mediaType)

export type Compression = 'none' | 'gzip' | 'zstd'

/** OCI image-spec, layer.md, and what Docker calls the same. Layers that are fetched from elsewhere are none of these. */
const LAYER_TYPES: ReadonlyMap<string, Compression> = new Map([
  ['application/vnd.oci.image.layer.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
])

/** @throws ImageProblem */
export function compressionOf({ mediaType, digest }: Descriptor): Compression {
  const compression = LAYER_TYPES.get(mediaType)
  if (compression !== undefined) return compression
  const what = /foreign|nondistributable/.test(mediaType)
    ? 'is kept elsewhere and not part of the image'
    : 'is of a kind that is not taken'
  throw new ImageProblem(`its layer ${digest} ${what} (${shown(mediaType)})`)
}

/** Of a foreign text as much as a person needs. */
export const shown = (value: string): string => JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value)

/** @throws ImageProblem that says what is wrong, going on from "its ". */
export function parseDocument<T>(what: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  return checkDocument(what, parseJson(what, bytes), schema)
}

/** @throws ImageProblem */
export function checkDocument<T>(what: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.map(String).join('.') ?? ''
  throw new ImageProblem(`its ${what} is not one${path === '' ? '' : ` (${shown(path)})`}: ${issue?.message ?? ''}`)
}

/** @throws ImageProblem */
export function parseJson(what: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ImageProblem(`its ${what} is not JSON`, { cause })
  }
}
