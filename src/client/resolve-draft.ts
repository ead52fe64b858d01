import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { digestFile } from '../artifacts/digest-file.ts'
import { chooseImage } from '../artifacts/oci-choice.ts'
import { ImageProblem } from '../artifacts/oci-refusals.ts'
import { reasonOf } from '../artifacts/read-text-file.ts'
import type { Issue } from '../protocol/error-codes.ts'
import { isSoukError } from '../protocol/errors.ts'

import type { LimitKey } from '../protocol/limits.ts'
import { TASK_BOUNDS, taskSpecSchema, type BlobRef, type RuntimeSpec, type TaskSpec } from '../protocol/task.ts'
import { invalidTask, KEY_OF_LIMIT, wording, type TaskDraft } from '../protocol/task-file.ts'
import { ONCE, type Verification } from '../protocol/verification.ts'
import { filesBelow } from './input-folder.ts'
import { pinImage, type PinImages } from './pin-image.ts'

/** Where the content of a blob is: in a file of the requester, or in memory. */
export type BlobSource = { readonly path: string; readonly bytes: number } | { readonly data: Uint8Array }

/** A task ready to be signed. */
export interface LoadedTask {
  readonly spec: TaskSpec
  /** The spec as JSON, serialised this once: what is digested, signed and sent. */
  readonly bytes: Uint8Array
  /** Every blob that the spec names, by sha256. A file that changes from now on no longer fits its digest. */
  readonly blobs: ReadonlyMap<string, BlobSource>
  /** How its requester wants it checked, {@link ONCE} where absent: no part of the spec, and told to no provider. */
  readonly verification?: Verification
}

export interface ResolveDraft {
  readonly draft: TaskDraft
  /** What relative paths start from. */
  readonly baseDir: string
  /** The name of a task that has none. */
  readonly defaultName: string
  /** How errors name the task: the path of its file, say. */
  readonly subject: string
  /** Where in the file a key is, ` (line 3, column 5)`, or ''. */
  place(path: readonly (string | number)[]): string
  /** How to find out what the tag of an image means. */
  readonly images?: PinImages
  readonly signal?: AbortSignal
}

interface Wanted {
  readonly key: readonly (string | number)[]
  readonly path: string
}

/**
 * Digests every file that a draft names and makes the spec of it.
 *
 * @throws SoukError INVALID_INPUT with every file that is missing or unusable, by key and path, or with what
 * the spec does not allow; IMAGE_REFUSED, UNREACHABLE, CONNECTION_LOST or CONFIG_INVALID where it names an image by a tag, as
 * {@link pinImage} does.
 */
export async function resolveDraft({
  draft,
  baseDir,
  defaultName,
  subject,
  place,
  images,
  signal,
}: ResolveDraft): Promise<LoadedTask> {
  const issues: Issue[] = []
  const report = (key: readonly (string | number)[], message: string): void =>
    void issues.push({ path: key.join('.'), message: `${message}${place(key)}` })
  // A record's schema passes over this name without a word, and the task would run without the variable.
  if (Object.hasOwn(draft.env, '__proto__')) report(['env', '__proto__'], 'cannot be the name of a variable')
  const { verification = ONCE } = draft
  if (verification.kind !== 'once' && draft.runtime.deterministic !== true)
    report(
      ['verify'],
      `cannot be ${verification.kind} where two honest providers may differ: it is for deterministic tasks, with \`deterministic: true\` beside the module`,
    )
  const { wanted, inputs } = await findFiles({ draft, baseDir, report })
  if (issues.length > 0) throw invalidTask({ subject, issues })
  const image = await imageOf({ draft, baseDir, report, ...(images && { images }), ...(signal && { signal }) })
  if (issues.length > 0) throw invalidTask({ subject, issues })

  const blobs = new Map<string, BlobSource>()
  const digests = new Map<string, BlobRef>()
  for (const { key, path } of wanted) {
    if (digests.has(path)) continue
    try {
      const ref = await digestFile({ file: path, ...(signal && { signal }) })
      digests.set(path, ref)
      blobs.set(ref.sha256, { path, bytes: ref.bytes })
    } catch (error) {
      if (!isSoukError(error, 'INVALID_INPUT')) throw error
      report(key, `names ${path}, which cannot be read: ${reasonOf(error.cause as NodeJS.ErrnoException)}`)
    }
  }
  if (issues.length > 0) throw invalidTask({ subject, issues })

  const digestOf = (path: string): BlobRef => {
    const ref = digests.get(resolve(baseDir, path))
    if (ref === undefined) throw new Error(`no digest of ${path}`)
    return ref
  }
  const { stdin } = draft
  const stdinRef =
    stdin === undefined ? undefined : 'file' in stdin ? digestOf(stdin.file) : keep({ data: stdin.data, blobs })
  const spec = {
    version: 1,
    name: draft.name ?? defaultName,
    runtime: runtimeOf({ draft, image, digestOf }),
    command: [...draft.command],
    env: { ...draft.env },
    ...(stdinRef !== undefined && { stdin: stdinRef }),
    ...(draft.workdir !== undefined && { workdir: draft.workdir }),
    inputs: inputs.map(({ source, target }) => ({ source: digestOf(source), target })),
    outputs: draft.outputs.map(({ path }) => ({ path })),
    limits: draft.limits,
    ...(draft.queueTimeoutMs !== undefined && { queueTimeoutMs: draft.queueTimeoutMs }),
    ...(draft.totalTimeoutMs !== undefined && { totalTimeoutMs: draft.totalTimeoutMs }),
    network: 'none',
    retry: draft.retry,
    maxPriceWei: draft.maxPriceWei,
    verify: 'once',
  } satisfies TaskSpec
  const checked = taskSpecSchema.safeParse(spec, { error: wording })
  if (!checked.success) {
    for (const issue of checked.error.issues) report(keyOf({ path: issue.path, inputs }), issue.message)
    throw invalidTask({ subject, issues })
  }
  const bytes = new TextEncoder().encode(JSON.stringify(spec))
  if (bytes.byteLength > TASK_BOUNDS.specBytes) {
    throw invalidTask({
      subject,
      issues: [
        { path: '', message: `comes to ${bytes.byteLength} bytes; a task has at most ${TASK_BOUNDS.specBytes}` },
      ],
    })
  }
  return { spec: checked.data, bytes, blobs, verification }
}

interface Input {
  readonly source: string
  readonly target: string
  /** Which of the draft's inputs it comes from. */
  readonly index: number
}

/** Every file that the draft names, and its inputs with folders taken apart. */
async function findFiles({
  draft,
  baseDir,
  report,
}: Pick<ResolveDraft, 'draft' | 'baseDir'> & { report: (key: Wanted['key'], message: string) => void }) {
  const wanted: Wanted[] = []
  const want = async (key: Wanted['key'], path: string): Promise<'file' | 'folder' | 'unusable'> => {
    const absolute = resolve(baseDir, path)
    try {
      const found = await stat(absolute)
      if (found.isDirectory()) return 'folder'
      if (found.isFile()) {
        wanted.push({ key, path: absolute })
        return 'file'
      }
      report(key, `names ${absolute}, which is not a regular file`)
    } catch (error) {
      report(key, `names ${absolute}: ${reasonOf(error as NodeJS.ErrnoException)}`)
    }
    return 'unusable'
  }
  const wantFile = async (key: Wanted['key'], path: string): Promise<void> => {
    if ((await want(key, path)) === 'folder')
      report(key, `names ${resolve(baseDir, path)}, which is a folder, not a file`)
  }
  for (const source of ['module', 'program', 'tar'] as const) {
    const path = draft.runtime[source]
    if (path !== undefined) await wantFile(['runtime', source], path)
  }
  if (draft.runtime.archive !== undefined) await wantFile(['runtime', 'image'], draft.runtime.archive.file)
  if (draft.stdin !== undefined && 'file' in draft.stdin) await wantFile(['stdin', 'file'], draft.stdin.file)

  const inputs: Input[] = []
  for (const [index, { source, target }] of draft.inputs.entries()) {
    const key = ['inputs', index, 'source']
    const kind = await want(key, source)
    if (kind === 'file') inputs.push({ source, target, index })
    if (kind !== 'folder') continue
    const folder = resolve(baseDir, source)
    try {
      const files = await filesBelow({ folder, target, maxFiles: TASK_BOUNDS.inputs - inputs.length })
      for (const file of files) {
        wanted.push({ key, path: file.source })
        inputs.push({ ...file, index })
      }
    } catch (error) {
      report(key, `names ${folder}, a folder that ${(error as Error).message}`)
    }
  }
  return { wanted, inputs }
}

/** What pins the image that runs: said in the draft, or looked up in the archive or the registry that it names. */
async function imageOf({
  draft,
  baseDir,
  report,
  images,
  signal,
}: Pick<ResolveDraft, 'draft' | 'baseDir' | 'images' | 'signal'> & {
  report: (key: Wanted['key'], message: string) => void
}): Promise<string | undefined> {
  const { type, image, archive } = draft.runtime
  // What a provider offers for the native runtime has names of the provider's own.
  if (archive === undefined)
    return image === undefined || type === 'native' ? image : pinImage({ ...images, image, ...(signal && { signal }) })
  const { file, digest } = archive
  const source = resolve(baseDir, file)
  try {
    return await chooseImage({
      source,
      ...(digest !== undefined && { digest }),
      signal: signal ?? new AbortController().signal,
    })
  } catch (error) {
    signal?.throwIfAborted()
    const problem =
      error instanceof ImageProblem ? error.message : `it cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`
    report(['runtime', 'image'], `names ${source}, which is no image that can be run: ${problem}`)
    return undefined
  }
}

function runtimeOf({
  draft,
  image,
  digestOf,
}: {
  draft: TaskDraft
  image: string | undefined
  digestOf: (path: string) => BlobRef
}): RuntimeSpec {
  const {
    type,
    class: runtimeClass,
    module,
    deterministic = false,
    archive,
    program,
    tar,
    rootfs,
    writable = false,
    mounts = [],
  } = draft.runtime
  // What the schema of the spec refuses (a module for docker) it refuses itself.
  const runtime = {
    ...(type !== undefined && { type }),
    ...(runtimeClass !== undefined && { class: runtimeClass }),
    ...(module !== undefined && { module: digestOf(module) }),
    ...(deterministic && { deterministic }),
    ...(archive !== undefined && { archive: digestOf(archive.file) }),
    ...(image !== undefined && { image }),
    ...(program !== undefined && { program: digestOf(program) }),
    ...(tar !== undefined && { tar: digestOf(tar) }),
    ...(rootfs !== undefined && { rootfs }),
    ...(writable && { writable }),
    ...(mounts.length > 0 && { mounts: mounts.map(({ name, target }) => ({ name, target })) }),
  }
  return runtime as RuntimeSpec
}

/** Data in memory as a blob; nothing is the same as no stdin. */
function keep({ data, blobs }: { data: Uint8Array; blobs: Map<string, BlobSource> }): BlobRef | undefined {
  if (data.byteLength === 0) return undefined
  const sha256 = createHash('sha256').update(data).digest('hex')
  if (!blobs.has(sha256)) blobs.set(sha256, { data })
  return { sha256, bytes: data.byteLength }
}

/** The key of the task file that a path of the spec comes from. */
function keyOf({
  path,
  inputs,
}: {
  path: readonly PropertyKey[]
  inputs: readonly Input[]
}): readonly (string | number)[] {
  const [first, second, ...rest] = path.map((step) => (typeof step === 'number' ? step : String(step)))
  if (first === undefined) return []
  if (first === 'limits' && typeof second === 'string' && Object.hasOwn(KEY_OF_LIMIT, second))
    return KEY_OF_LIMIT[second as LimitKey].split('.')
  if (first === 'inputs' && typeof second === 'number') return [first, inputs[second]?.index ?? second, ...rest]
  const key = {
    maxPriceWei: ['price', 'max'],
    queueTimeoutMs: ['timeouts', 'queue'],
    totalTimeoutMs: ['timeouts', 'total'],
  }[first]
  return key ?? [first, ...(second === undefined ? [] : [second, ...rest])]
}
