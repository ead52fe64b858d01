import { z } from 'zod'
import { RUNTIME_NAMES, sha256Schema, type RuntimeName } from './execution.ts'
import { limitsSchema } from './limits.ts'

/** Bounds on what a task may say, so that a hostile one stays small. Bytes are of the UTF-8 form. */
export const TASK_BOUNDS = {
  specBytes: 1024 * 1024,
  nameCharacters: 100,
  arguments: 4096,
  environmentVariables: 1024,
  commandAndEnvironmentBytes: 512 * 1024,
  inputs: 1024,
  outputs: 64,
  pathBytes: 1024,
  segmentBytes: 255,
  mounts: 16,
} as const

/** A file, named by what is in it. */
export const blobRefSchema = z.strictObject({ sha256: sha256Schema, bytes: z.int().nonnegative() }).readonly()
export type BlobRef = z.infer<typeof blobRefSchema>

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).byteLength
const noNul = z.string().refine((text) => !text.includes('\0'), 'must not contain a NUL byte')

/** An absolute path inside the sandbox: normalised, no `.`, `..`, empty segment or trailing slash. */
export const sandboxPathSchema = noNul
  .refine((path) => path.startsWith('/'), 'must be an absolute path inside the sandbox')
  .refine((path) => utf8Bytes(path) <= TASK_BOUNDS.pathBytes, `must be at most ${TASK_BOUNDS.pathBytes} bytes`)
  .refine(
    (path) =>
      path === '/' ||
      path
        .slice(1)
        .split('/')
        .every((segment) => segment !== '' && segment !== '.' && segment !== '..'),
    'must be normalised: no empty segment, ".", ".." or trailing slash',
  )
  .refine(
    (path) => path.split('/').every((segment) => utf8Bytes(segment) <= TASK_BOUNDS.segmentBytes),
    `each name must be at most ${TASK_BOUNDS.segmentBytes} bytes`,
  )

/** A path below the root: `/` itself cannot be an input or an output. */
export const sandboxTargetSchema = sandboxPathSchema.refine((path) => path !== '/', 'must be below /')

export const environmentSchema = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, 'an environment variable name: letters, digits, "_", ".", "-"'),
    noNul,
  )
  .refine(
    (env) => Object.keys(env).length <= TASK_BOUNDS.environmentVariables,
    `at most ${TASK_BOUNDS.environmentVariables} variables`,
  )
export const argumentsSchema = z.array(noNul).max(TASK_BOUNDS.arguments)
export const nameSchema = z
  .string()
  .min(1)
  .max(TASK_BOUNDS.nameCharacters)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u, 'letters, digits, spaces, ".", "_", "-"; starts with a letter or digit')
export const weiSchema = z.string().regex(/^(0|[1-9][0-9]{0,77})$/, 'an amount in wei: decimal digits')
export const imageSchema = noNul
  .min(1)
  .max(512)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, 'an image reference')
/** What pins an image of an archive: the digest of its manifest, or of its configuration, which is what Docker calls its id. */
const imageDigestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 lower-case hex digits')
export const rootfsNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'the name of a root file system that the provider offers')

/** The low-level runtime of an engine's containers, by the name that its provider offers it under. */
export const runtimeClassSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'the name of a runtime class that the provider offers')
export const mountNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'the name of a folder that the provider offers')
/** A folder of the provider, by the name that its operator gave it. */
const mountSchema = z.strictObject({ name: mountNameSchema, target: sandboxTargetSchema })
type MountSpec = z.infer<typeof mountSchema>
/** What every native task may ask for; a root file system of its own may be writable too. */
const nativeWishes = {
  type: z.literal('native').optional(),
  mounts: z.array(mountSchema).min(1).max(TASK_BOUNDS.mounts).optional(),
}
const rootWishes = { ...nativeWishes, writable: z.literal(true).optional() }
/** What a Docker task may ask for. With it the type is said: an image in an archive without a type is native. */
const dockerWishes = { type: z.literal('docker'), class: runtimeClassSchema.optional() }

const runtimeSchema = z.union([
  z.strictObject({
    type: z.literal('wasm').optional(),
    module: blobRefSchema,
    deterministic: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.enum(['docker', 'native']).optional(), image: imageSchema }),
  z.strictObject({ ...rootWishes, type: z.literal('native'), image: imageSchema }),
  z.strictObject({ ...dockerWishes, image: imageSchema }),
  z.strictObject({ ...rootWishes, archive: blobRefSchema, image: imageDigestSchema }),
  z.strictObject({ ...dockerWishes, archive: blobRefSchema, image: imageDigestSchema }),
  z.strictObject({ ...nativeWishes, program: blobRefSchema }),
  z.strictObject({ ...rootWishes, tar: blobRefSchema }),
  z.strictObject({ ...rootWishes, rootfs: z.strictObject({ name: rootfsNameSchema, sha256: sha256Schema }) }),
])

/**
 * A task as it crosses the wire: JSON, serialised once by the requester; `specDigest` is sha256 over exactly
 * those bytes. Every size is integer bytes, every time integer milliseconds, money a decimal string of wei,
 * and every file is named by digest and length.
 */
export const taskSpecSchema = z
  .strictObject({
    version: z.literal(1),
    name: nameSchema,
    runtime: runtimeSchema,
    command: argumentsSchema,
    env: environmentSchema,
    stdin: blobRefSchema.optional(),
    workdir: sandboxPathSchema.optional(),
    inputs: z.array(z.strictObject({ source: blobRefSchema, target: sandboxTargetSchema })).max(TASK_BOUNDS.inputs),
    outputs: z.array(z.strictObject({ path: sandboxTargetSchema })).max(TASK_BOUNDS.outputs),
    limits: limitsSchema,
    queueTimeoutMs: z.int().positive().optional(),
    totalTimeoutMs: z.int().positive().optional(),
    network: z.literal('none'),
    retry: z.int().min(0).max(10),
    maxPriceWei: weiSchema,
    verify: z.literal('once'),
  })
  .refine(
    (spec) =>
      spec.command.reduce((sum, argument) => sum + utf8Bytes(argument) + 1, 0) +
        Object.entries(spec.env).reduce((sum, [name, value]) => sum + utf8Bytes(name) + utf8Bytes(value) + 2, 0) <=
      TASK_BOUNDS.commandAndEnvironmentBytes,
    {
      message: `command and env together must be at most ${TASK_BOUNDS.commandAndEnvironmentBytes} bytes`,
      path: ['command'],
    },
  )
  .refine(
    (spec) =>
      disjoint(
        [...spec.inputs, ...mountsOf(spec.runtime)].map(({ target }) => target),
        spec.outputs.map((output) => output.path),
      ),
    {
      message:
        'targets of inputs, mounts and outputs must be distinct; nothing may lie below an input or a mount, no output below another output',
      path: ['inputs'],
    },
  )

export type TaskSpec = z.infer<typeof taskSpecSchema>
export type RuntimeSpec = TaskSpec['runtime']

/** The provider's folders that a task names. */
export function mountsOf(runtime: z.infer<typeof runtimeSchema>): readonly MountSpec[] {
  return ('mounts' in runtime ? runtime.mounts : undefined) ?? []
}

/** No path twice, nothing below an input (it is a file, or read-only), no output below another output. */
function disjoint(inputs: readonly string[], outputs: readonly string[]): boolean {
  const files = new Set(inputs)
  const folders = new Set(outputs)
  return (
    files.size === inputs.length &&
    folders.size === outputs.length &&
    inputs.every((path) => !folders.has(path) && !parentsOf(path).some((parent) => files.has(parent))) &&
    outputs.every((path) => !parentsOf(path).some((parent) => files.has(parent) || folders.has(parent)))
  )
}

/** `/a/b/c` → `/a`, `/a/b`. */
function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let end = path.indexOf('/', 1); end !== -1; end = path.indexOf('/', end + 1)) parents.push(path.slice(0, end))
  return parents
}

/**
 * Which runtimes a task's `runtime` can mean: by its type, or by what it brings where it names no type. An image of a
 * provider can then be run by either; one that the task brings is run by the runtime that needs no engine.
 */
export function runtimesOf(runtime: RuntimeSpec): readonly RuntimeName[] {
  if (runtime.type !== undefined) return [runtime.type]
  if ('module' in runtime) return ['wasm']
  if ('image' in runtime && !('archive' in runtime)) return ['docker', 'native']
  return ['native']
}

/** Whether a task is to come out the same on every provider. */
export function isDeterministic(runtime: RuntimeSpec): boolean {
  return 'deterministic' in runtime && runtime.deterministic === true
}

/** The runtime class that a task names. */
export function classOf(runtime: RuntimeSpec): string | undefined {
  return 'class' in runtime ? runtime.class : undefined
}

/** Every blob that a task names: what its requester has to serve, and all that it has to serve. */
export function blobsOf(spec: TaskSpec): readonly BlobRef[] {
  const blobs: BlobRef[] = []
  if ('module' in spec.runtime) blobs.push(spec.runtime.module)
  if ('program' in spec.runtime) blobs.push(spec.runtime.program)
  if ('archive' in spec.runtime) blobs.push(spec.runtime.archive)
  if ('tar' in spec.runtime) blobs.push(spec.runtime.tar)
  if (spec.stdin !== undefined) blobs.push(spec.stdin)
  for (const input of spec.inputs) blobs.push(input.source)
  return blobs
}

export const runtimeNameSchema = z.enum(RUNTIME_NAMES)
