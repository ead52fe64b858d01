import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootWith, type Peer, type PeerOptions, type SandboxLimits } from './sandbox-peers.ts'
import { timedCommand } from './timed-command.ts'

/** runc or crun, with the namespaces, mounts, limits and identity that a native task of souk has. */
export async function ociPeer(runtime: 'runc' | 'crun', { dir, program, limits }: PeerOptions): Promise<Peer> {
  const rootfs = await rootWith({ dir, program })
  const bundle = join(dir, 'bundle')
  const state = join(dir, 'state')
  await mkdir(bundle)
  let number = 0
  return {
    name: runtime,
    async run() {
      const id = `souk-bench-${runtime}-${process.pid}-${(number += 1)}`
      // The cgroup is named by the bundle, and each run has its own.
      const own = join(bundle, id)
      await mkdir(own)
      await writeFile(join(own, 'config.json'), JSON.stringify(ociConfig({ id, rootfs, limits })))
      return timedCommand({ file: runtime, args: ['--root', state, 'run', '--bundle', own, id] })
    },
    close: async () => undefined,
  }
}

const PERIOD_US = 100_000
/** Ids of nobody, as a native task has them. */
const ID = 65_534

/** OCI runtime specification 1.0.2, config.md and config-linux.md. */
function ociConfig({
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
