import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { z } from 'zod'

/** What is known of an engine; constant while it runs. */
export interface EngineInfo {
  /** Podman's service speaks Docker's API, and differs in what it takes and tells. */
  readonly product: 'Docker' | 'Podman'
  readonly version: string
  /** The low-level runtimes that it starts containers with. */
  readonly runtimes: readonly EngineRuntime[]
  /** The name of that which it takes where none is asked for. */
  readonly defaultRuntime: string
  readonly cgroupVersion: 1 | 2
  readonly cpus: number
  /** As the engine names them: `seccomp`, `apparmor`, `selinux`, `rootless`, `userns`, `cgroupns`. */
  readonly security: readonly string[]
  readonly swapLimit: boolean
  /** Folders where every container is given a writable tmpfs that nothing caps, unless something else is mounted there. */
  readonly ownTmpfs: readonly string[]
  /** Whether containers can have a control group namespace of their own, which they are asked to have. */
  readonly cgroupNamespaces: boolean
  /** Of this host, that user and group 0 of every container are; undefined where they are the same, or not known. */
  readonly mappedRoot?: { readonly uid: number; readonly gid: number }
  /**
   * Of RLIMIT_NPROC, which podman sets higher where it is not told: to more than it may, where it has no
   * CAP_SYS_RESOURCE. It counts a user's processes in all containers together, so it is no limit of a task.
   */
  readonly userProcesses?: number
}

export interface EngineRuntime {
  /** By which containers ask for it. */
  readonly name: string
  /** Its program, or its containerd shim: a path, or a name. */
  readonly path: string
  /** Where the engine tells it. */
  readonly version?: string
  readonly args: readonly string[]
}

/** Who a user of containers is on this host. */
export function hostUserOf(
  { mappedRoot = { uid: 0, gid: 0 } }: Pick<EngineInfo, 'mappedRoot'>,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): { readonly uid: number; readonly gid: number } {
  return { uid: mappedRoot.uid + uid, gid: mappedRoot.gid + gid }
}

const runtimeSchema = z.object({
  path: z.string().optional(),
  runtimeType: z.string().optional(),
  runtimeArgs: z.array(z.string()).nullish(),
})
const infoSchema = z.object({
  CgroupVersion: z.string().optional(),
  NCPU: z.int(),
  SwapLimit: z.boolean().optional(),
  SecurityOptions: z.array(z.string()).nullish(),
  Runtimes: z.record(z.string(), runtimeSchema).nullish(),
  DefaultRuntime: z.string().nullish(),
  DockerRootDir: z.string().nullish(),
})
const versionSchema = z.object({
  Version: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string() })).nullish(),
})

const PODMAN = 'Podman Engine'

/**
 * Reads the answers to `/info` and `/version`.
 *
 * @throws ZodError when they are not those of an engine.
 */
export async function describeEngine(rawInfo: unknown, rawVersion: unknown): Promise<EngineInfo> {
  const info = infoSchema.parse(rawInfo)
  const version = versionSchema.parse(rawVersion)
  const components = version.Components ?? []
  const product = components.some(({ Name }) => Name === PODMAN) ? 'Podman' : 'Docker'
  const versions = versionsOf(components)
  const cgroupVersion = info.CgroupVersion === '2' ? 2 : 1
  const security = (info.SecurityOptions ?? []).map((option) => /name=([^,]+)/.exec(option)?.[1] ?? option)
  const mappedRoot = security.includes('userns') ? mappedRootOf(info.DockerRootDir ?? '') : undefined
  const runtimes = Object.entries(info.Runtimes ?? {}).map(([name, { path = '', runtimeType, runtimeArgs }]) => {
    const place = path === '' ? (runtimeType ?? name) : path
    const told = versions.get(posix.basename(place))
    return { name, path: place, ...(told !== undefined && { version: told }), args: runtimeArgs ?? [] }
  })
  return {
    product,
    version: plain(version.Version),
    runtimes,
    defaultRuntime: info.DefaultRuntime ?? 'runc',
    cgroupVersion,
    cpus: info.NCPU,
    security,
    swapLimit: info.SwapLimit === true,
    // With a read-only root (podman-create(1), --read-only-tmpfs).
    ownTmpfs: product === 'Podman' ? ['/run', '/var/tmp'] : [],
    cgroupNamespaces: product === 'Docker' || cgroupVersion === 2,
    ...(mappedRoot !== undefined && { mappedRoot }),
    ...(product === 'Podman' && { userProcesses: await mostUserProcesses() }),
  }
}

const plain = (version: string): string => version.replace(/\+.*$/, '')

/** Docker says `runc` and `1.1.5+ds1`; podman `OCI Runtime (runc)` and `runc version 1.1.5+ds1`, then further lines. */
function versionsOf(components: readonly { readonly Name: string; readonly Version: string }[]): Map<string, string> {
  return new Map(
    components.flatMap(({ Name, Version }) => {
      const version = /\d[^\s+]*/.exec(Version)?.[0]
      return version === undefined ? [] : [[/^OCI Runtime \((.*)\)$/.exec(Name)?.[1] ?? Name, version] as const]
    }),
  )
}

/** With userns-remap Docker keeps its files in a folder that is named after whom root is mapped to: `/var/lib/docker/100000.100000`. */
function mappedRootOf(rootDir: string): EngineInfo['mappedRoot'] {
  const [, uid, gid] = /\/(\d+)\.(\d+)$/.exec(rootDir) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** This process's own hard limit (proc_pid_limits(5)), but no more than there can be (proc_sys_kernel(5)): podman has cut its own to that. */
async function mostUserProcesses(): Promise<number> {
  const [limits, pidMax] = await Promise.all([
    readFile('/proc/self/limits', 'utf8'),
    readFile('/proc/sys/kernel/pid_max', 'utf8'),
  ])
  const own = Number(/^Max processes +\S+ +(\d+)/m.exec(limits)?.[1] ?? Infinity)
  return Math.min(own, Number(pidMax))
}
