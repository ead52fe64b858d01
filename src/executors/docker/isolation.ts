import type { Isolation } from '../../protocol/execution.ts'
import type { EngineInfo } from './engine-info.ts'
import type { RuntimeClass } from './runtime-classes.ts'

/** The walls around a container, outermost first, in the vocabulary of docs/SECURITY.md. */
export function isolationOf({
  info: { product, version, cgroupVersion, cgroupNamespaces, security },
  runtime: { program, version: runtimeVersion, ownKernel },
  uid,
}: {
  readonly info: EngineInfo
  readonly runtime: RuntimeClass
  readonly uid: number
}): Isolation {
  const has = (name: string): boolean => security.includes(name)
  const rootless = has('rootless')
  // Those of the host's kernel that are around the task itself, which a kernel of its own has none of.
  const profile = ownKernel === undefined ? ['apparmor', 'selinux'].find(has) : undefined
  const wall = (name: string, stands: boolean): { readonly name: string; readonly stands: boolean } => ({
    name,
    stands,
  })
  const walls = [
    wall('rootless-engine', rootless),
    wall('user-namespace', rootless || has('userns')),
    ...(ownKernel === undefined ? [] : [wall('gvisor', true)]),
    ...ALWAYS.map((name) => wall(name, true)),
    ...(ownKernel === undefined ? [wall('cgroup-namespace', cgroupNamespaces), wall('pivot-root', true)] : []),
    ...DISKS.map((name) => wall(name, true)),
    wall(`cgroup-v${cgroupVersion}`, true),
    ...(ownKernel === undefined ? [wall(profile ?? 'apparmor', profile !== undefined)] : []),
    wall('no-new-privileges', true),
    wall('no-capabilities', true),
    wall('seccomp-allow-list', ownKernel?.seccomp !== false),
    wall(`uid-${uid}`, true),
  ]
  const names = (stands: boolean): string[] => walls.filter((each) => each.stands === stands).map(({ name }) => name)
  return {
    runtime: 'docker',
    engine: `${product} ${version}, ${[program, runtimeVersion].join(' ').trim()}`.slice(0, 200),
    layers: names(true),
    missing: names(false),
    reuse: 'none',
  }
}

const ALWAYS = ['pid-namespace', 'mount-namespace', 'network-namespace', 'ipc-namespace', 'uts-namespace']
const DISKS = ['read-only-root', 'capped-tmpfs']
