import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The file in a job folder that says when the task's first instruction ran, for the next process of this node. The journal only knows
 * when the attempt began, which is earlier by the time that a sandbox takes to start. The file is written without fsync: it has to
 * survive this process but not the machine, as no sandbox survives that either.
 */
const FILE = 'started'
/** Epoch milliseconds. */
const NUMBER = /^[1-9]\d{0,15}$/

export async function markStart({ dir, atMs }: { readonly dir: string; readonly atMs: number }): Promise<void> {
  await writeFile(join(dir, FILE), String(atMs), { mode: 0o600 })
}

/** Epoch milliseconds; undefined where the mark was never written. */
export async function startMarkOf(dir: string): Promise<number | undefined> {
  const text = await readFile(join(dir, FILE), 'utf8').catch(() => '')
  return NUMBER.test(text) ? Number(text) : undefined
}
