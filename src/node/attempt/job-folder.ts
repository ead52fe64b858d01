import { join } from 'node:path'

/**
 * The folder that a task is run in: its executor's scratch, and its result files. A run that outlives the node is found again by this
 * folder.
 */
export function jobFolder({ workDir, taskId }: { readonly workDir: string; readonly taskId: string }): string {
  return join(workDir, taskId)
}
