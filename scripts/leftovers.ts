import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LeftoverProcess {
  readonly pid: number
  readonly command: string
}

export interface Territory {
  /** The folder that the tests have as their temporary folder; whoever knows it in environment, arguments or as working folder is theirs. */
  readonly dir: string
  /** Sessions in which tests were run. */
  readonly sessions: ReadonlySet<number>
}

/** The temporary folder's entries that Node itself makes and that no test is to blame for. */
const OF_NODE = new Set(['node-compile-cache'])

/**
 * Processes that tests started and did not end within `graceMs`, ended now; none where the system has no /proc.
 */
export async function endLeftoverProcesses(request: {
  readonly territory: Territory
  readonly graceMs: number
}): Promise<readonly LeftoverProcess[]> {
  const { territory, graceMs } = request
  const deadline = Date.now() + graceMs
  let found = await findProcesses(territory)
  while (found.length > 0 && Date.now() < deadline) {
    await sleep(100)
    found = await findProcesses(territory)
  }
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  return found
}

/** Names of what tests left in their temporary folder, removed now. */
export async function removeLeftoverFiles(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir)
  for (const entry of entries) await rm(join(dir, entry), { recursive: true, force: true })
  return entries.filter((entry) => !OF_NODE.has(entry))
}

async function findProcesses(territory: Territory): Promise<readonly LeftoverProcess[]> {
  const entries = await readdir('/proc').catch(() => [])
  const found: LeftoverProcess[] = []
  for (const entry of entries) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const command = await commandIfOurs({ folder: join('/proc', entry), territory })
    if (command !== undefined) found.push({ pid, command })
  }
  return found
}

/** The command of a living process that is ours; a process that is gone, or hidden from us, is not. */
async function commandIfOurs(request: {
  readonly folder: string
  readonly territory: Territory
}): Promise<string | undefined> {
  const { folder, territory } = request
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'latin1').catch(() => '')
  const stat = await read('stat')
  // After the name in parentheses, which may hold anything: state, parent, group, session.
  const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (stat === '' || state === 'Z') return undefined
  const cmdline = await read('cmdline')
  const cwd = await readlink(join(folder, 'cwd')).catch(() => '')
  const ours =
    territory.sessions.has(Number(session)) ||
    [cmdline, cwd, await read('environ')].some((text) => text.includes(territory.dir))
  return ours ? cmdline.replaceAll('\0', ' ').trim() || stat.slice(0, stat.lastIndexOf(')') + 1) : undefined
}
