import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receipt } from '../protocol/receipt.ts'
import { taskSpecSchema, type TaskSpec } from '../protocol/task.ts'

/** Longer than providers keep results. */
const KEPT_MS = 30 * 86_400_000

/** What was sent, as a result needs it to be whole. */
export interface SentSpec {
  readonly spec: TaskSpec
  readonly bytes: Uint8Array
}

/** Keeps the exact bytes of a task that was accepted: whoever fetches the result later has no other copy. */
export async function keepSpec({
  dir,
  taskId,
  bytes,
  nowMs,
}: {
  readonly dir: string
  readonly taskId: string
  readonly bytes: Uint8Array
  readonly nowMs: number
}): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeFile(fileOf(dir, taskId), bytes, { mode: 0o600 })
  for (const name of await readdir(dir)) {
    const file = join(dir, name)
    const stats = await stat(file).catch(() => undefined)
    if (name.endsWith('.json') && stats !== undefined && nowMs - stats.mtimeMs > KEPT_MS)
      await rm(file, { force: true })
  }
}

/** The task that a receipt is about, or undefined where it was not sent from here. */
export async function sentSpec({
  dir,
  receipt,
}: {
  readonly dir: string
  readonly receipt: Receipt
}): Promise<SentSpec | undefined> {
  const bytes = await readFile(fileOf(dir, receipt.taskId)).catch(() => undefined)
  if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== receipt.authorization.specDigest)
    return undefined
  const parsed = taskSpecSchema.safeParse(JSON.parse(bytes.toString('utf8')))
  return parsed.success ? { spec: parsed.data, bytes } : undefined
}

function fileOf(dir: string, taskId: string): string {
  return join(dir, `${taskId}.json`)
}
