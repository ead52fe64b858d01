import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Executors } from './create-executors.ts'

/** For one runtime. */
export const REAP_TIMEOUT_MS = 30_000

/**
 * Removes what an earlier process of this data folder left of its sandboxes, and the scratch of its tasks. A runtime that does not
 * answer now does not keep the node from starting: it is not offered either, and reaps when it can be used again.
 */
export async function reapLeftovers({
  executors,
  workDir,
  keep,
  logger,
}: {
  readonly executors: Executors
  readonly workDir: string
  /** Job folders in `workDir` of tasks that will be resumed: they, and what belongs to them, stay. */
  readonly keep: readonly string[]
  readonly logger: Logger
}): Promise<void> {
  for (const { executor } of executors.subjects) {
    const { runtime } = executor
    try {
      const reaped = await executor.reap({ signal: AbortSignal.timeout(REAP_TIMEOUT_MS), keep })
      if (reaped > 0) logger.warn({ runtime, reaped }, 'removed what an earlier process left behind')
    } catch (error) {
      logger.warn({ runtime, err: error }, 'what an earlier process may have left behind cannot be removed now')
    }
  }
  // A file system that is still mounted there could not be removed with the folder.
  const unmounted = await executors.unmountLeftovers({ folder: workDir, keep })
  if (unmounted > 0) logger.warn({ unmounted }, 'unmounted what an earlier process left behind')
  const kept = new Set(keep)
  for (const name of await readdir(workDir)) {
    const path = join(workDir, name)
    if (!kept.has(path)) await rm(path, { recursive: true, force: true })
  }
}
