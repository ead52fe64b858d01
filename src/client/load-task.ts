import { basename, dirname, extname, resolve } from 'node:path'
import { looksLikeArchive } from '../artifacts/oci-choice.ts'
import { readTextFile } from '../artifacts/read-text-file.ts'
import type { RequestedLimits } from '../protocol/limits.ts'
import { MAX_SOURCE_BYTES, type SourceFormat } from '../protocol/source-document.ts'
import { TASK_BOUNDS } from '../protocol/task.ts'
import { imageArchiveOf, invalidTask, parseTaskFile, type RuntimeDraft, type TaskDraft } from '../protocol/task-file.ts'
import type { Verification } from '../protocol/verification.ts'
import type { PinImages } from './pin-image.ts'
import { resolveDraft, type LoadedTask } from './resolve-draft.ts'

export type { BlobSource, LoadedTask } from './resolve-draft.ts'

/** What a task is to be instead of what is said of it. */
export type AdjustDraft = (draft: TaskDraft) => TaskDraft | Promise<TaskDraft>

/** A task file by its path, or its text with the folder from which its paths start. */
export type LoadTask = (
  | { readonly file: string }
  | { readonly text: string; readonly format: SourceFormat; readonly baseDir: string }
) & {
  readonly adjust?: AdjustDraft
  /** How to find out what the tag of an image means. */
  readonly images?: PinImages
  readonly signal?: AbortSignal
}

/**
 * Reads a task file (JSON where its name ends in `.json`, else YAML), digests the files that it names and
 * makes its spec, ready to be signed.
 *
 * @throws SoukError INVALID_INPUT with every problem at once: key, what is wrong, what would be right, and
 * where in the file; IMAGE_REFUSED, UNREACHABLE, CONNECTION_LOST or CONFIG_INVALID where the registry of an image that it
 * names by a tag does not say what that means.
 */
export async function loadTask(options: LoadTask): Promise<LoadedTask> {
  const { text, format, baseDir, subject, defaultName } = await sourceOf(options)
  const { draft, document } = parseTaskFile({ text, format, subject })
  const place = (path: readonly (string | number)[]): string => document.place(path)
  return resolveDraft({
    draft: (await options.adjust?.(draft)) ?? draft,
    baseDir,
    defaultName,
    subject,
    place,
    ...(options.images && { images: options.images }),
    ...(options.signal && { signal: options.signal }),
  })
}

async function sourceOf(options: LoadTask) {
  if ('text' in options) return { ...options, subject: 'task', defaultName: 'task' }
  const file = resolve(options.file)
  const text = await readTextFile({ file, maxBytes: MAX_SOURCE_BYTES }).catch((error: unknown) => {
    throw invalidTask({ subject: file, issues: [{ path: '', message: (error as Error).message }], cause: error })
  })
  const format: SourceFormat = extname(file).toLowerCase() === '.json' ? 'json' : 'yaml'
  return { text, format, baseDir: dirname(file), subject: file, defaultName: nameFrom(file) }
}

/** What a command line runs: a WebAssembly module, a static Linux program or an image for the native runtime, an image for an engine, or a root file system that the provider offers. */
export type ProgramSource =
  | { readonly wasm: string; readonly deterministic?: boolean }
  | { readonly native: string }
  | { readonly docker: string }
  | { readonly rootfs: { readonly name: string; readonly sha256: string } }

/** What `souk run --wasm app.wasm -- a b` has to say of its task. Paths start at `baseDir`. */
export type CommandLineTask = ProgramSource & {
  readonly baseDir: string
  readonly name?: string
  /** Arguments of a module, a program or an entrypoint; the program first for a root file system, and an image without one. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: { readonly file: string } | { readonly data: Uint8Array }
  readonly workdir?: string
  readonly inputs?: TaskDraft['inputs']
  readonly outputs?: TaskDraft['outputs']
  readonly limits?: RequestedLimits
  readonly queueTimeoutMs?: number
  readonly totalTimeoutMs?: number
  readonly retry?: number
  readonly maxPriceWei?: string
  /** How it is checked: by nobody where absent. */
  readonly verification?: Verification
  readonly adjust?: AdjustDraft
  /** How to find out what the tag of an image means. */
  readonly images?: PinImages
  readonly signal?: AbortSignal
}

/**
 * The task of a command line, as {@link loadTask} makes it of a file; where it has no name, it is called after what
 * runs.
 *
 * @throws SoukError as {@link loadTask} does; the paths of INVALID_INPUT are the keys that a task file would have.
 */
export async function taskFromCommandLine({
  baseDir,
  args = [],
  adjust,
  images,
  signal,
  ...task
}: CommandLineTask): Promise<LoadedTask> {
  const { runtime, defaultName, rest } = await programOf(task, { args, baseDir })
  const draft: TaskDraft = {
    env: {},
    inputs: [],
    outputs: [],
    limits: {},
    retry: 0,
    maxPriceWei: '0',
    ...rest,
    runtime,
    command: args,
  }
  return resolveDraft({
    draft: (await adjust?.(draft)) ?? draft,
    baseDir,
    defaultName,
    subject: 'task',
    place: () => '',
    ...(images && { images }),
    ...(signal && { signal }),
  })
}

/** What a task brings, told from the `rest` of what is said of it. */
async function programOf(
  task: ProgramSource,
  { args, baseDir }: { readonly args: readonly string[]; readonly baseDir: string },
): Promise<{ readonly runtime: RuntimeDraft; readonly defaultName: string; readonly rest: object }> {
  if ('wasm' in task) {
    const { wasm, deterministic = false, ...rest } = task
    return { runtime: { type: 'wasm', module: wasm, deterministic }, defaultName: nameFrom(wasm), rest }
  }
  if ('native' in task) {
    const { native, ...rest } = task
    return { ...(await nativeSource(native, baseDir)), rest }
  }
  if ('docker' in task) {
    const { docker, ...rest } = task
    return { ...dockerSource(docker), rest }
  }
  const { rootfs, ...rest } = task
  return { runtime: { type: 'native', rootfs }, defaultName: nameFrom(args[0] ?? rootfs.name), rest }
}

/** An image of an engine, or an archive, whose path starts with a dot or a slash. */
function dockerSource(docker: string): { readonly runtime: RuntimeDraft; readonly defaultName: string } {
  const type = 'docker'
  const archive = imageArchiveOf(docker)
  return archive === undefined
    ? { runtime: { type, image: docker }, defaultName: nameOfImage(docker) }
    : { runtime: { type, archive }, defaultName: nameFrom(archive.file) }
}

/** A program, or an image: one that the provider offers, as `NAME@sha256:…`, or an archive, which no program looks like. */
async function nativeSource(
  native: string,
  baseDir: string,
): Promise<{ readonly runtime: RuntimeDraft; readonly defaultName: string }> {
  const type = 'native'
  if (/^[A-Za-z0-9].*@sha256:[0-9a-f]{64}$/.test(native))
    return { runtime: { type, image: native }, defaultName: nameOfImage(native) }
  const { file, digest } = imageArchiveOf(native) ?? { file: native }
  const defaultName = nameFrom(file)
  if (digest === undefined && !(await looksLikeArchive(resolve(baseDir, file))))
    return { runtime: { type, program: native }, defaultName }
  return { runtime: { type, archive: { file, ...(digest !== undefined && { digest }) } }, defaultName }
}

/** `registry:5000/tools/busybox:1@sha256:…` → `busybox`; an engine's own id says nothing. */
function nameOfImage(image: string): string {
  if (image.startsWith('sha256:')) return 'image'
  const [pinned = ''] = image.split('@')
  const [repository = ''] = pinned.slice(pinned.lastIndexOf('/') + 1).split(':')
  return nameFrom(repository)
}

/** A task's name from a file's: what a name may not have becomes a hyphen. */
function nameFrom(file: string): string {
  const name = basename(file, extname(file))
    .replaceAll(/[^\p{L}\p{N} ._-]/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '')
  const short = name.slice(0, TASK_BOUNDS.nameCharacters)
  return (short.isWellFormed() ? short : short.slice(0, -1)) || 'task'
}
