import { resolve } from 'node:path'
import { loadTask, taskFromCommandLine, type LoadedTask } from '../client/load-task.ts'
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
 * @throws SoukError INVALID_INPUT with every problem at once
 */
export async function loadRunTask({ source, overrides, cwd, signal }: LoadRunTask): Promise<LoadedTask> {
  if (source.kind === 'wasm') {
    return taskFromCommandLine({ wasm: source.wasm, baseDir: cwd, args: source.words, ...overrides, signal })
  }
  return loadTask({ file: resolve(cwd, source.file), adjust: (draft) => overrideDraft(draft, overrides), signal })
}
