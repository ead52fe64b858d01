import { resolve } from 'node:path'
import { loadTask, taskFromCommandLine, type LoadedTask, type ProgramSource } from '../client/load-task.ts'
import type { PinImages } from '../client/pin-image.ts'
import type { TaskDraft } from '../protocol/task-file.ts'
import { overrideDraft, type TaskOverrides } from './task-overrides.ts'

/** The task that the command line names; `words` are what follows: a program's arguments, or the program first. */
export type TaskSource =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'program'; readonly program: ProgramSource; readonly words: readonly string[] }

export interface LoadRunTask {
  readonly source: TaskSource
  readonly overrides: TaskOverrides
  readonly cwd: string
  readonly signal: AbortSignal
  /** What is to run instead of the image that the task names; a tag that is left is looked up in its registry. */
  readonly resolveImage: (image: string) => Promise<string>
  readonly images: PinImages
}

/**
 * The task of a command line: a file, or a program, with what the options say of it.
 * @throws SoukError INVALID_INPUT with every problem at once; what a registry is asked in vain for, as `loadTask` does
 */
export async function loadRunTask({
  source,
  overrides,
  cwd,
  signal,
  resolveImage,
  images,
}: LoadRunTask): Promise<LoadedTask> {
  const withImage = async (draft: TaskDraft): Promise<TaskDraft> => {
    const { image } = draft.runtime
    if (image === undefined) return draft
    return { ...draft, runtime: { ...draft.runtime, image: await resolveImage(image) } }
  }
  if (source.kind === 'file') {
    const adjust = (draft: TaskDraft): Promise<TaskDraft> => withImage(overrideDraft(draft, overrides))
    return loadTask({ file: resolve(cwd, source.file), adjust, images, signal })
  }
  const { program, words } = source
  const { wishes = {}, ...rest } = overrides
  const adjust = (draft: TaskDraft): Promise<TaskDraft> => withImage(overrideDraft(draft, { wishes }))
  return taskFromCommandLine({ ...program, ...rest, baseDir: cwd, args: words, adjust, images, signal })
}
