import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers, cgroupFolders, mountsBelow } from './own-docker-engine.ts'
import { findProgram } from './toolchain.ts'

/** Podman's service, which speaks Docker's API, beside any other: its images and containers are its own. */
export interface OwnPodman {
  readonly socketPath: string
  /** Ends it and its containers, and removes everything that it had. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000
const POLL_MS = 20
const LOG_TAIL_CHARACTERS = 2_000

/**
 * Starts it in a temporary folder. It needs root, and no network of its own.
 *
 * @param runtime the low-level runtime that containers are started with where none is asked for.
 * @throws Error with the end of its log when it does not answer, or ends.
 */
export async function startOwnPodman({ runtime }: { readonly runtime: 'runc' | 'crun' }): Promise<OwnPodman> {
  const program = findProgram('podman')
  if (program === undefined) throw new Error('there is no podman; on Debian: apt-get install podman')
  const dir = await mkdtemp(join(tmpdir(), 'souk-podman-'))
  const place: Place = {
    program,
    dir,
    socketPath: join(dir, 's'),
    options: [
      ...['--root', join(dir, 'root'), '--runroot', join(dir, 'run'), '--tmpdir', join(dir, 'tmp')],
      ...[
        '--storage-driver',
        'overlay',
        '--cgroup-manager',
        'cgroupfs',
        '--events-backend',
        'none',
        '--runtime',
        runtime,
      ],
    ],
    // Its settings for this host are none of this one's.
    env: { ...process.env, CONTAINERS_CONF: join(dir, 'containers.conf'), TMPDIR: dir },
  }
  try {
    await writeFile(join(dir, 'containers.conf'), '')
    await mkdir(join(dir, 'tmp'))
    const service = await start(place)
    return {
      socketPath: place.socketPath,
      async stop() {
        await end(service)
        await removeAll(place)
      },
    }
  } catch (error) {
    await removeAll(place)
    throw error
  }
}

interface Place {
  readonly program: string
  readonly dir: string
  readonly socketPath: string
  /** What every one of its commands needs to find its images and containers. */
  readonly options: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

async function start({ program, dir, socketPath, options, env }: Place): Promise<ChildProcess> {
  const log = openSync(join(dir, 'log'), 'a')
  const args = [...options, 'system', 'service', '--time=0', `unix://${socketPath}`]
  // What watches a container leaves a file named `oom` where it was started.
  const child = spawn(program, args, { cwd: dir, stdio: ['ignore', log, log], detached: true, env })
  closeSync(log)
  let failure: unknown
  child.once('error', (error) => {
    failure = error
  })
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await answers(socketPath))) {
    if (failure !== undefined || child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      const said = await readFile(join(dir, 'log'), 'utf8')
      throw new Error(`podman does not answer: ${said.slice(-LOG_TAIL_CHARACTERS)}`, { cause: failure })
    }
    await sleep(POLL_MS)
  }
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}

/** Containers have a process each that watches them, and outlive the service. */
async function removeAll({ program, dir, options, env }: Place): Promise<void> {
  spawnSync(program, [...options, 'rm', '--all', '--force', '--time', '0'], {
    stdio: 'ignore',
    env,
    timeout: STOP_TIMEOUT_MS,
  })
  for (const mountPoint of await mountsBelow(dir)) spawnSync('umount', ['--lazy', mountPoint], { stdio: 'ignore' })
  for (const folder of await cgroupFolders(CGROUP_PARENT)) await removeEmpty(folder)
  await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

/** It puts containers of all its services there, and leaves that. */
const CGROUP_PARENT = 'libpod_parent'

/** Where another service has something in it, it stays. */
async function removeEmpty(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await removeEmpty(join(folder, entry.name))
  await rmdir(folder).catch(() => {})
}
