import { basename, dirname, extname, resolve } from 'node:path'
import { readTextFile } from '../artifacts/read-text-file.ts'
import type { RequestedLimits } from '../protocol/limits.ts'
import { MAX_SOURCE_BYTES, type SourceFormat } from '../protocol/source-document.ts'
import { TASK_BOUNDS } from '../protocol/task.ts'
import { invalidTask, parseTaskFile, type TaskDraft } from '../protocol/task-file.ts'
import { resolveDraft, type LoadedTask } from './resolve-draft.ts'

export type { BlobSource, LoadedTask } from './resolve-draft.ts'

/** A task file by its path, or its text with the folder from which its paths start. */
export type LoadTask = (
  | { readonly file: string }
  | { readonly text: string; readonly format: SourceFormat; readonly baseDir: string }
) & {
  /** What the task is to be instead of what the file says. */
  readonly adjust?: (draft: TaskDraft) => TaskDraft
  readonly signal?: AbortSignal
}

/**
 * Reads a task file (JSON where its name ends in `.json`, else YAML), digests the files that it names and
 * makes its spec, ready to be signed.
 *
 * @throws SoukError INVALID_INPUT with every problem at once: key, what is wrong, what would be right, and
 * where in the file.
 */
export async function loadTask(options: LoadTask): Promise<LoadedTask> {
  const { text, format, baseDir, subject, defaultName } = await sourceOf(options)
  const { draft, document } = parseTaskFile({ text, format, subject })
  const place = (path: readonly (string | number)[]): string => document.place(path)
  return resolveDraft({
    draft: options.adjust?.(draft) ?? draft,
    baseDir,
    defaultName,
    subject,
    place,
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

/** What `souk run --wasm app.wasm -- a b` has to say of its task. Paths start at `baseDir`. */
export interface CommandLineTask {
  readonly wasm: string
  readonly baseDir: string
  readonly name?: string
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
  readonly signal?: AbortSignal
}

/**
 * The task of a command line, as {@link loadTask} makes it of a file; its name is the module's where it has
 * none.
 *
 * @throws SoukError INVALID_INPUT whose paths are the keys that a task file would have.
 */
export async function taskFromCommandLine({
  wasm,
  baseDir,
  args = [],
  signal,
  ...rest
}: CommandLineTask): Promise<LoadedTask> {
  const draft: TaskDraft = {
    env: {},
    inputs: [],
    outputs: [],
    limits: {},
    retry: 0,
    maxPriceWei: '0',
    ...rest,
    runtime: { type: 'wasm', module: wasm },
    command: args,
  }
  return resolveDraft({
    draft,
    baseDir,
    defaultName: nameFrom(wasm),
    subject: 'task',
    place: () => '',
    ...(signal && { signal }),
  })
}

/** A task's name from a file's: what a name may not have becomes a hyphen. */
function nameFrom(file: string): string {
  const name = basename(file, extname(file))
    .replaceAll(/[^\p{L}\p{N} ._-]/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '')
  const short = name.slice(0, TASK_BOUNDS.nameCharacters)
  return (short.isWellFormed() ? short : short.slice(0, -1)) || 'task'
}
