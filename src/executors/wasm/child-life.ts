import type { Worker } from 'node:worker_threads'

const NOBODY = 65_534
/** Told to a process that no launcher ends with its node: it watches over itself. */
export const UNCONFINED = 'unconfined'

/**
 * Where no launcher does it: a thread that ends this process when the node is gone, or a time after that is posted to it, unless null follows.
 *
 * @param script `lifeline` in the form that this process was started from.
 */
export async function startLifeline(script: string | URL): Promise<Worker | undefined> {
  if (!process.argv.includes(UNCONFINED, 2)) return undefined
  // Loaded here alone: a tenth of the start of a process that has no use for it.
  const threads = await import('node:worker_threads')
  const lifeline = new threads.Worker(script, { env: {} })
  await new Promise<void>((resolve, reject) => {
    lifeline.once('message', () => resolve())
    lifeline.once('error', reject)
  })
  return lifeline
}

/** Becomes nobody, in no group, where this is root. */
export function dropPrivileges(): void {
  process.umask(0o077)
  if (process.getuid?.() !== 0) return
  process.setgroups?.([])
  process.setgid?.(NOBODY)
  process.setuid?.(NOBODY)
}
