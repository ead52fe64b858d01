import type { Isolation } from '../../protocol/execution.ts'
import type { EngineInfo } from './engine.ts'

/** The walls around a container, outermost first, in the vocabulary of docs/SECURITY.md. */
export function isolationOf({ version, runc, cgroupVersion, security }: EngineInfo, uid: number): Isolation {
  const has = (name: string): boolean => security.includes(name)
  const ownUsers = has('rootless') || has('userns')
  const profile = ['apparmor', 'selinux'].find(has)
  return {
    runtime: 'docker',
    engine: `Docker ${version}, runc ${runc}`.slice(0, 200),
    layers: [
      ...(has('rootless') ? ['rootless-engine'] : []),
      ...(ownUsers ? ['user-namespace'] : []),
      'pid-namespace',
      'mount-namespace',
      'network-namespace',
      'ipc-namespace',
      'uts-namespace',
      'cgroup-namespace',
      'pivot-root',
      'read-only-root',
      'capped-tmpfs',
      `cgroup-v${cgroupVersion}`,
      ...(profile === undefined ? [] : [profile]),
      'no-new-privileges',
      'no-capabilities',
      'seccomp-allow-list',
      `uid-${uid}`,
    ],
    missing: [
      ...(ownUsers ? [] : ['user-namespace']),
      ...(profile === undefined ? ['apparmor'] : []),
      ...(has('rootless') ? [] : ['rootless-engine']),
    ],
    reuse: 'none',
  }
}
