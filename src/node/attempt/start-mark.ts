import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * When the task of a job folder began, for the node that comes after this one. The journal knows when its attempt began, which is
 * earlier by as long as a sandbox takes; a write that waits for the disk would cost every task more than this is worth:
 * what survives this process is all that is needed, as no sandbox survives its machine.
 */
const FILE = 'started'
/** Epoch milliseconds. */
const NUMBER = /^[1-9]\d{0,15}$/

export async function markStart({ dir, atMs }: { readonly dir: string; readonly atMs: number }): Promise<void> {
  await writeFile(join(dir, FILE), String(atMs), { mode: 0o600 })
}

/** Undefined where it did not come to be written. */
export async function startMarkOf(dir: string): Promise<number | undefined> {
  const text = await readFile(join(dir, FILE), 'utf8').catch(() => '')
  return NUMBER.test(text) ? Number(text) : undefined
}
