import { spawn } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Subject } from './interleaved.ts'
import { timedCommand } from './timed-command.ts'

/** One way to run a program that does nothing. */
export interface Peer extends Subject {
  close(): Promise<void>
}

/** What every sandbox of the comparison gives its task. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly pids: number
  readonly cpuCores: number
}

export interface PeerOptions {
  /** A folder for this peer alone. */
  readonly dir: string
  /** A static executable. */
  readonly program: string
  readonly limits: SandboxLimits
}

/** bubblewrap: every namespace, a read-only root with /proc, /dev and /tmp of its own, no capability; it has no cgroups. */
export async function bwrapPeer({ dir, program }: PeerOptions): Promise<Peer> {
  const root = await rootWith({ dir, program })
  return commandPeer({
    name: 'bwrap',
    file: 'bwrap',
    args: [
      ...['--unshare-user', '--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL'],
      ...['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--remount-ro', '/dev'],
      ...['--', '/true'],
    ],
  })
}

/** util-linux's unshare into a chroot: namespaces and nothing more. */
export async function unsharePeer({ dir, program }: PeerOptions): Promise<Peer> {
  const root = await rootWith({ dir, program })
  return commandPeer({
    name: 'unshare and chroot',
    file: 'unshare',
    args: ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts', '--root', root, '/true'],
  })
}

export function spawnPeer({ program }: PeerOptions): Peer {
  return commandPeer({ name: 'plain spawn', file: program, args: [] })
}

/** runc with the namespaces, mounts, limits and identity that a native task of souk has. */
export async function runcPeer({ dir, program, limits }: PeerOptions): Promise<Peer> {
  const rootfs = await rootWith({ dir, program })
  const bundle = join(dir, 'bundle')
  const state = join(dir, 'state')
  await mkdir(bundle)
  let number = 0
  return {
    name: 'runc',
    async run() {
      const id = `souk-bench-${process.pid}-${(number += 1)}`
      // The cgroup is named by the bundle, and each run has its own.
      const own = join(bundle, id)
      await mkdir(own)
      await writeFile(join(own, 'config.json'), JSON.stringify(runcConfig({ id, rootfs, limits })))
      return timedCommand({ file: 'runc', args: ['--root', state, 'run', '--bundle', own, id] })
    },
    close: async () => undefined,
  }
}

/** posix_spawn by a small C program, timed there: Node has no part in it. */
export function posixSpawnPeer({ loop, program }: { readonly loop: string; readonly program: string }): Peer {
  const child = spawn(loop, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  child.once('close', () => resolve())
  return {
    name: 'posix_spawn in C',
    async run() {
      child.stdin.write('.')
      const line = await lines.next()
      if (line.done === true) throw new Error('the loop of posix_spawn ended early')
      return Number(line.value) / 1e6
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

function commandPeer({
  name,
  file,
  args,
}: {
  readonly name: string
  readonly file: string
  readonly args: string[]
}): Peer {
  return { name, run: () => timedCommand({ file, args }), close: async () => undefined }
}

/** A root file system with the program as /true and the folders that sandboxes mount on. */
async function rootWith({ dir, program }: { readonly dir: string; readonly program: string }): Promise<string> {
  const root = join(dir, 'root')
  for (const name of ['proc', 'dev', 'tmp', 'sys']) await mkdir(join(root, name), { recursive: true })
  await copyFile(program, join(root, 'true'))
  return root
}

const PERIOD_US = 100_000
/** Ids of nobody, as a native task has them. */
const ID = 65_534

/** OCI runtime specification 1.0.2, config.md and config-linux.md. */
function runcConfig({
  id,
  rootfs,
  limits,
}: {
  readonly id: string
  readonly rootfs: string
  readonly limits: SandboxLimits
}) {
  const tmpfs = (destination: string, ...options: string[]) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options,
  })
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: ID, gid: ID },
      args: ['/true'],
      env: [],
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 64, soft: 64 }],
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      tmpfs('/dev', 'nosuid', 'mode=755', 'size=65536k'),
      tmpfs('/tmp', 'nosuid', 'nodev', 'size=1m', 'nr_inodes=100'),
    ],
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
      uidMappings: [
        { containerID: ID, hostID: ID, size: 1 },
        { containerID: 0, hostID: 0, size: 1 },
      ],
      gidMappings: [
        { containerID: ID, hostID: ID, size: 1 },
        { containerID: 0, hostID: 0, size: 1 },
      ],
      resources: {
        memory: { limit: limits.memoryBytes, swap: limits.memoryBytes },
        pids: { limit: limits.pids },
        cpu: { quota: limits.cpuCores * PERIOD_US, period: PERIOD_US },
      },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/interrupts'],
      readonlyPaths: ['/proc/bus', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}
