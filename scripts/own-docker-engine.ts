import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inMountNamespace, shareMounts, type EngineMounts } from './engine-mounts.ts'
import { findProgram } from './toolchain.ts'

export interface OwnDockerEngineOptions {
  /** Low-level runtimes beside runc, by the name that containers ask for them by (`runtimes` of daemon.json). */
  readonly runtimes?: Readonly<Record<string, { readonly path: string; readonly runtimeArgs?: readonly string[] }>>
  /** User whose subordinate ids are those of every container (`userns-remap` of daemon.json). */
  readonly remappedUser?: string
  /** In a mount namespace of its own; in this host's where absent. */
  readonly mounts?: EngineMounts
}

/** A Docker engine of our own, beside any other: nothing of it is shared but the programs. */
export interface OwnDockerEngine {
  readonly socketPath: string
  /** Of the engine's process now. */
  readonly pid: number
  /** Ends it as a crash would; what runs in its containers goes on. */
  crash(): Promise<void>
  /** Starts it again after a crash, on the same socket and with the same images. */
  restart(): Promise<void>
  /** Ends it and its containers, and removes everything that it had. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000
const POLL_MS = 20
const LOG_TAIL_CHARACTERS = 2_000
const CGROUP_ROOT = '/sys/fs/cgroup'

/**
 * Starts an engine in a temporary folder. It needs root, and no network of its own.
 *
 * @throws Error with the end of its log when it does not answer, or ends.
 */
export async function startOwnDockerEngine(options: OwnDockerEngineOptions = {}): Promise<OwnDockerEngine> {
  const program = findProgram('dockerd')
  if (program === undefined) throw new Error('there is no dockerd; on Debian: apt-get install docker.io')
  const dir = await mkdtemp(join(tmpdir(), 'souk-engine-'))
  const { mounts } = options
  const unshare = mounts === undefined ? undefined : shareMounts(mounts.shared)
  let engine: Running
  const place: Place = {
    program,
    dir,
    socketPath: join(dir, 's'),
    cgroup: `souk-${randomBytes(6).toString('hex')}`,
    prefix: mounts === undefined ? [] : await inMountNamespace(mounts, dir),
  }
  try {
    // Where they are mapped, those who are root in containers have to come as far as their files.
    if (options.remappedUser !== undefined) await chmod(dir, 0o711)
    await writeFile(join(dir, CONFIGURATION), JSON.stringify(configurationOf(options)))
    engine = await start(place)
  } catch (error) {
    await removeAll(place)
    unshare?.()
    throw error
  }
  return {
    socketPath: place.socketPath,
    get pid() {
      return engine.child.pid ?? 0
    },
    async crash() {
      engine.child.kill('SIGKILL')
      await engine.ended
    },
    async restart() {
      // Its containerd dies with it, but not before it: the engine would take the dying one for its own.
      await rm(join(dir, 'x/containerd/containerd.pid'), { force: true })
      engine = await start(place)
    },
    async stop() {
      await end(engine)
      await removeAll(place)
      unshare?.()
    },
  }
}

interface Place {
  /** Words before the program's own. */
  readonly prefix: readonly string[]
  readonly program: string
  readonly dir: string
  readonly socketPath: string
  /** Of all its containers, below the root of each hierarchy. */
  readonly cgroup: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<void>
}

const CONFIGURATION = 'daemon.json'

function configurationOf({ runtimes, remappedUser }: OwnDockerEngineOptions): object {
  return {
    ...(runtimes !== undefined && { runtimes }),
    ...(remappedUser !== undefined && { 'userns-remap': remappedUser }),
  }
}

async function start({ prefix, program, dir, socketPath, cgroup }: Place): Promise<Running> {
  const log = openSync(join(dir, 'log'), 'a')
  const [command = program, ...words] = prefix.length === 0 ? [] : [...prefix, program]
  const child = spawn(
    command,
    [
      ...words,
      ...['--config-file', join(dir, CONFIGURATION)],
      ...['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'x'), '--pidfile', join(dir, 'pid')],
      ...['--host', `unix://${socketPath}`, '--cgroup-parent', `/${cgroup}`],
      ...['--bridge=none', '--iptables=false', '--ip-forward=false', '--ip-masq=false', '--userland-proxy=false'],
    ],
    // containerd writes what its threads do there when it is ended roughly.
    { stdio: ['ignore', log, log], detached: true, env: { ...process.env, TMPDIR: dir } },
  )
  closeSync(log)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let over = false
  let spawnError: Error | undefined
  const onEnd = (): void => {
    over = true
    resolve()
  }
  child.once('error', (error) => {
    spawnError = error
    onEnd()
  })
  child.once('exit', onEnd)
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await answers(socketPath))) {
    if (over || performance.now() > deadline) {
      child.kill('SIGKILL')
      const said = await readFile(join(dir, 'log'), 'utf8')
      const what = over ? 'ended' : `did not answer within ${START_TIMEOUT_MS} ms`
      throw new Error(`dockerd ${what}: ${said.slice(-LOG_TAIL_CHARACTERS)}`, { cause: spawnError })
    }
    await sleep(POLL_MS)
  }
  return { child, ended }
}

export async function answers(socketPath: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const ping = request({ socketPath, path: '/_ping', agent: false }, (response) => {
    response.resume()
    response.once('close', () => resolve(response.statusCode === 200))
  })
  ping.once('error', () => resolve(false))
  ping.end()
  return promise
}

async function end({ child, ended }: Running): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}

/** What a crashed engine leaves: shims with their containers, mounts, control groups, files. */
async function removeAll({ dir, cgroup }: Place): Promise<void> {
  for (const pid of await processesNaming(dir)) kill(pid)
  for (const folder of await cgroupFolders(cgroup)) await killAndRemove(folder)
  for (const mountPoint of await mountsBelow(dir)) spawnSync('umount', ['--lazy', mountPoint], { stdio: 'ignore' })
  await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

/** Its containerd and shims know the folder from their arguments. */
async function processesNaming(dir: string): Promise<number[]> {
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const [program = '', ...rest] = commandLine.split('\0')
    if (/\/?(dockerd|containerd|containerd-shim[^/]*)$/.test(program) && rest.join('\0').includes(dir)) found.push(pid)
  }
  return found
}

/** Version 1 has the folder in each hierarchy, version 2 has one. */
export async function cgroupFolders(cgroup: string): Promise<string[]> {
  const hierarchies = await readdir(CGROUP_ROOT).catch(() => [])
  return [join(CGROUP_ROOT, cgroup), ...hierarchies.map((hierarchy) => join(CGROUP_ROOT, hierarchy, cgroup))]
}

async function killAndRemove(folder: string): Promise<void> {
  const below = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (below === undefined) return
  for (const entry of below) if (entry.isDirectory()) await killAndRemove(join(folder, entry.name))
  const deadline = performance.now() + STOP_TIMEOUT_MS
  for (;;) {
    const inside = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
    for (const pid of inside.split('\n').filter(Boolean)) kill(Number(pid))
    const removed = await rmdir(folder).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    )
    if (removed || performance.now() > deadline) return
    await sleep(POLL_MS)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Mount points at or below a folder, the innermost first (proc_pid_mountinfo(5)). */
export async function mountsBelow(dir: string): Promise<string[]> {
  const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '')
  return points.filter((point) => point.startsWith(`${dir}/`)).toReversed()
}
