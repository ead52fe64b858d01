import { join } from 'node:path'

/** Where a task is run: its executor's scratch, and its results. A run that outlives the node is found again by it. */
export function jobFolder({ workDir, taskId }: { readonly workDir: string; readonly taskId: string }): string {
  return join(workDir, taskId)
}
