import { basename, dirname, extname, resolve } from 'node:path'
import { taskFromCommandLine, type LoadedTask } from '../client/load-task.ts'
import { resolveDraft } from '../client/resolve-draft.ts'
import { MAX_SOURCE_BYTES } from '../protocol/source-document.ts'
import { invalidTask, parseTaskFile } from '../protocol/task-file.ts'
import { TASK_BOUNDS } from '../protocol/task.ts'
import { readWhole } from './read-whole.ts'
import { overrideDraft, type TaskOverrides } from './task-overrides.ts'

/** The task that the command line names; `words` are the arguments of a program. */
export type TaskSource =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'wasm'; readonly wasm: string; readonly words: readonly string[] }

export interface LoadRunTask {
  readonly source: TaskSource
  readonly overrides: TaskOverrides
  readonly cwd: string
  readonly signal: AbortSignal
}

/**
 * The task of a command line: a file, or a program, with what the options say of it.
 * @throws SoukError INVALID_INPUT with every problem at once, INVALID_USAGE where the file cannot be read
 */
export async function loadRunTask({ source, overrides, cwd, signal }: LoadRunTask): Promise<LoadedTask> {
  if (source.kind === 'wasm') {
    return taskFromCommandLine({ wasm: source.wasm, baseDir: cwd, args: source.words, ...overrides, signal })
  }
  // As it was named: a person knows it by that.
  const { file: subject } = source
  const file = resolve(cwd, subject)
  const text = decoded({ bytes: await readWhole({ file, maxBytes: MAX_SOURCE_BYTES }), subject })
  const format = extname(file).toLowerCase() === '.json' ? 'json' : 'yaml'
  const { draft, document } = parseTaskFile({ text, format, subject })
  return resolveDraft({
    draft: overrideDraft(draft, overrides),
    baseDir: dirname(file),
    defaultName: nameOf(file),
    subject,
    place: (path) => document.place(path),
    signal,
  })
}

function decoded({ bytes, subject }: { readonly bytes: Uint8Array; readonly subject: string }): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalidTask({ subject, issues: [{ path: '', message: 'is not UTF-8 text' }], cause })
  }
}

/** What a name may not have becomes a hyphen. */
function nameOf(file: string): string {
  const plain = basename(file, extname(file)).replaceAll(/[^\p{L}\p{N} ._-]/gu, '-')
  return plain.replace(/^[^\p{L}\p{N}]+/u, '').slice(0, TASK_BOUNDS.nameCharacters) || 'task'
}
