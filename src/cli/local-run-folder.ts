import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder of a process in another pid namespace cannot be told from one of a dead process, but by its age. */
const OLD_MS = 30 * 86_400_000
const NAME = /^([0-9]+)-([0-9]+)-([0-9]+)-[0-9a-f]{8}$/

/** A folder of this process alone, which the caller removes. */
export async function createLocalRunFolder({ parent }: { readonly parent: string }): Promise<string> {
  const dir = join(
    parent,
    `${await pidNamespace()}-${process.pid}-${(await startTimeOf(process.pid)) ?? 0}-${randomBytes(4).toString('hex')}`,
  )
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return dir
}

/**
 * Removes the folders whose process was killed before it could; resolves to how many. One that cannot be removed, say
 * because something is still mounted in it, is left to the next.
 */
export async function reapLocalRunFolders({
  parent,
  nowMs,
  reap,
}: {
  readonly parent: string
  readonly nowMs: number
  /** Ends what the sandboxes of a dead process may have left. */
  readonly reap: (dir: string) => Promise<void>
}): Promise<number> {
  const namespace = await pidNamespace()
  let reaped = 0
  for (const name of await readdir(parent).catch(() => [])) {
    const [, of, pid = '', startTime] = NAME.exec(name) ?? []
    if (of === undefined) continue
    const dir = join(parent, name)
    const isDead = of === namespace ? (await startTimeOf(Number(pid))) !== startTime : await isOld({ dir, nowMs })
    if (!isDead) continue
    try {
      await reap(dir)
      await rm(dir, { recursive: true, force: true })
      reaped += 1
    } catch {
      continue
    }
  }
  return reaped
}

async function isOld({ dir, nowMs }: { readonly dir: string; readonly nowMs: number }): Promise<boolean> {
  const stats = await stat(dir).catch(() => undefined)
  return stats !== undefined && nowMs - stats.mtimeMs > OLD_MS
}

/** The number of this process's pid namespace (namespaces(7)); 0 where there are none. */
async function pidNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '')
  return /\d+/.exec(link)?.[0] ?? '0'
}

/** When a process started, in ticks since boot (proc_pid_stat(5), field 22): with its pid, a name that is not used again. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the command's name, in parentheses and with anything in it.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}
