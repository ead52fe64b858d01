import { access, constants, lchown, lstat, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLauncher, type Launcher } from '../native/launcher.ts'
import { startLauncherProcess } from '../native/launcher-process.ts'
import { isSoukError, type SoukError } from '../protocol/errors.ts'
import type { Config } from './config/config.ts'
import { instanceIdOf } from './instance-id.ts'
import { findNodeUser, startFailed, type NodeUser } from './node-user.ts'

/** A process that was root and is an ordinary user for good, and what it has left behind as root. */
export interface Separation {
  /** Absent if the configuration names a launcher that somebody else runs, or none can be started here. */
  readonly launcher?: Launcher
  /** Resolves when the launcher has died, as this process has no right to start another; never rejects. */
  readonly lost: Promise<SoukError>
}

/** Souk's own package, which has to be readable for the rest of this process's life. */
const PACKAGE_FILE = fileURLToPath(new URL('../../package.json', import.meta.url))

/**
 * With `node.user`: starts the launcher while this process is root, then gives that up for good. The user, the data
 * folder and what has to be readable are looked at first, with the user's rights.
 *
 * @returns undefined where the configuration names no user, or this process is that user already.
 * @throws SoukError START_FAILED; the process has to end then.
 */
export async function separatePrivileges(config: Config): Promise<Separation | undefined> {
  const asked = config.node.user
  if (asked === undefined) return undefined
  const user = await findNodeUser(asked)
  if (process.geteuid?.() !== 0) {
    requireSame(user, asked)
    return undefined
  }
  const { dataDir } = config.node
  await prepareDataDir({ dataDir, user, asked })
  const instance = await asUser(user, async () => {
    await checkReach({ dataDir, asked })
    return instanceIdOf(dataDir)
  })
  const privileged =
    config.sandbox.native.launcherSocket === undefined ? await privilegedLauncher(instance, user) : undefined
  try {
    becomeForGood(user)
    await checkDropped(user)
  } catch (error) {
    await privileged?.launcher.close()
    throw error
  }
  return privileged ?? { lost: new Promise(() => {}) }
}

/** What `souk doctor` says of it. Never rejects. */
export async function examinePrivileges(config: Config): Promise<{
  readonly root: boolean
  /** As configured. */
  readonly user?: string
  /** Why the node would not start as that user, or should not start as this one. */
  readonly problem?: string
}> {
  const root = process.geteuid?.() === 0
  const { user, dataDir } = config.node
  if (user === undefined)
    return {
      root,
      ...(root && {
        problem: 'the node would run as root: set node.user, so that only the launcher does (docs/DEPLOYMENT.md)',
      }),
    }
  try {
    const found = await findNodeUser(user)
    if (root) await checkOwner({ dataDir, user: found, asked: user })
    else requireSame(found, user)
    return { root, user }
  } catch (error) {
    return { root, user, problem: error instanceof Error ? error.message : String(error) }
  }
}

/** @throws SoukError START_FAILED if this process, which is not root, runs as another user than the configured one. */
function requireSame({ uid }: NodeUser, asked: string): void {
  if (process.geteuid?.() === uid) return
  throw startFailed(
    `node.user is ${asked}, and whoever starts it is user ${process.geteuid?.()}, who cannot become another`,
    `Start it as root or as ${asked}, or leave node.user out.`,
  )
}

/** @returns undefined if none can be started here; everything that needs one will say why. */
async function privilegedLauncher(instance: string, user: NodeUser): Promise<Required<Separation> | undefined> {
  const started = await startLauncherProcess({ instance, peerUid: user.uid }).catch((error: unknown) => {
    if (isSoukError(error, 'RUNTIME_UNAVAILABLE')) return undefined
    throw error
  })
  if (started === undefined) return undefined
  return {
    launcher: startLauncher({ process: started }),
    lost: started.ended.then(() =>
      startFailed(
        'its launcher has ended, and a node that has given up root cannot start another',
        'Start the node again; a service manager does so by itself.',
      ),
    ),
  }
}

interface DataDir {
  readonly dataDir: string
  readonly user: NodeUser
  /** The user as configured. */
  readonly asked: string
}

/** Makes the folder where it is missing, of the user. @throws SoukError START_FAILED where it is somebody else's. */
async function prepareDataDir(place: DataDir): Promise<void> {
  const { dataDir, user } = place
  if (await checkOwner(place)) return
  const made = await asUser(user, () => mkdir(dataDir, { recursive: true, mode: 0o700 })).catch(
    (error: NodeJS.ErrnoException) => error,
  )
  if (!(made instanceof Error)) return
  if (made.code !== 'EACCES') throw startFailed(`${dataDir} cannot be made: ${made.message}`, 'Change node.data_dir.')
  await requireRootsOwn(place)
  await mkdir(dirname(dataDir), { recursive: true, mode: 0o755 })
  await mkdir(dataDir, { mode: 0o700 })
  await lchown(dataDir, user.uid, user.gid)
}

const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000

/**
 * Root makes no folder where the user, or anybody else, could replace what is made, or has put a link.
 *
 * @throws SoukError START_FAILED
 */
async function requireRootsOwn({ dataDir, user }: DataDir): Promise<void> {
  const above: string[] = []
  for (let folder = dirname(dataDir); above[0] !== folder; folder = dirname(folder)) above.unshift(folder)
  for (const folder of above) {
    const found = await lstat(folder).catch(() => undefined)
    if (found === undefined) return
    const changeable = (found.mode & WRITABLE_BY_OTHERS) !== 0 && (found.mode & STICKY) === 0
    if (found.isDirectory() && found.uid === 0 && !changeable) continue
    throw startFailed(
      `${dataDir} cannot be made: ${folder} is a link, or others than root can change it`,
      `Make it by hand: install -d -o ${user.uid} -g ${user.gid} -m 0700 ${dataDir}`,
    )
  }
}

/** @returns whether it is there. @throws SoukError START_FAILED where it is somebody else's. */
async function checkOwner({ dataDir, user, asked }: DataDir): Promise<boolean> {
  const found = await stat(dataDir).catch(() => undefined)
  if (found === undefined) return false
  if (found.uid === user.uid) return true
  throw startFailed(
    `the data folder ${dataDir} belongs to user ${found.uid}, and the node is to run as ${asked} (${user.uid})`,
    `Give it to him, with all that is in it: chown -R ${user.uid}:${user.gid} ${dataDir}`,
  )
}

/** What the process reads and writes as long as it lives. @throws SoukError START_FAILED */
async function checkReach({ dataDir, asked }: Pick<DataDir, 'dataDir' | 'asked'>): Promise<void> {
  const { R_OK, W_OK, X_OK } = constants
  const needed = [
    {
      path: dataDir,
      mode: R_OK | W_OK | X_OK,
      what: 'the data folder',
      hint: 'Set node.data_dir to a folder that it can reach.',
    },
    {
      path: tmpdir(),
      mode: R_OK | W_OK | X_OK,
      what: 'the folder for temporary files',
      hint: 'Set TMPDIR to a folder that it can write to.',
    },
    {
      path: process.execPath,
      mode: R_OK | X_OK,
      what: 'Node',
      hint: 'Install it where everybody can read it, such as below /opt.',
    },
    {
      path: PACKAGE_FILE,
      mode: R_OK,
      what: 'souk',
      hint: 'Install it where everybody can read it, such as below /opt.',
    },
  ]
  for (const { path, mode, what, hint } of needed)
    await access(path, mode).catch(() => {
      throw startFailed(`${asked} cannot use ${what}, ${path}`, hint)
    })
}

/** Does something with the user's rights, and comes back. */
async function asUser<T>(user: NodeUser, work: () => Promise<T>): Promise<T> {
  const [gid = 0, groups = []] = [process.getegid?.(), process.getgroups?.()]
  process.setgroups?.([...user.groups])
  process.setegid?.(user.gid)
  process.seteuid?.(user.uid)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(gid)
    process.setgroups?.(groups)
  }
}

/** Real, effective and saved ids; the kernel takes the capabilities with them (credentials(7), capabilities(7)). */
function becomeForGood({ uid, gid, groups }: NodeUser): void {
  process.setgroups?.([...groups])
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** Every thread is that user and no more, and there is no way back. @throws SoukError START_FAILED */
async function checkDropped({ uid, gid, groups }: NodeUser): Promise<void> {
  const failed = (what: string): SoukError =>
    startFailed(
      `root cannot be given up: ${what}`,
      'Start the node as an ordinary user instead, beside a launcher of its own.',
    )
  const wanted = {
    Uid: Array(4).fill(uid).join(' '),
    Gid: Array(4).fill(gid).join(' '),
    Groups: [...new Set(groups)].toSorted((a, b) => a - b).join(' '),
    CapPrm: '0000000000000000',
    CapEff: '0000000000000000',
    CapAmb: '0000000000000000',
  }
  for (const thread of await readdir('/proc/self/task')) {
    const status = await readFile(`/proc/self/task/${thread}/status`, 'utf8').catch(() => undefined)
    if (status === undefined) continue // it has ended
    for (const [key, value] of Object.entries(wanted)) {
      const found = new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim().replaceAll(/\s+/g, ' ')
      if (found !== value) throw failed(`${key} of a thread is ${found}, not ${value}`)
    }
  }
  const ways = [
    () => process.setuid?.(0),
    () => process.seteuid?.(0),
    () => process.setgid?.(0),
    () => process.setgroups?.([0]),
  ]
  for (const way of ways) {
    let regained = true
    try {
      way()
    } catch {
      regained = false
    }
    if (regained) throw failed('it can be had back')
  }
}
