import { release } from 'node:os'
import { missingLimit, type Isolation } from '../protocol/execution.ts'
import { unheldLimits } from './mode.ts'
import type { Hello } from './report.ts'

/**
 * The walls around what the launcher runs, outermost first, in the vocabulary of docs/SECURITY.md.
 *
 * @param writable whether it may change its root, on its own disk.
 */
export function layersOf(hello: Hello, uid: number, writable = false): string[] {
  return [
    ...(hello.userNamespace ? ['user-namespace'] : []),
    'pid-namespace',
    'mount-namespace',
    'network-namespace',
    'ipc-namespace',
    'uts-namespace',
    'cgroup-namespace',
    ...(hello.timeNamespace ? ['time-namespace'] : []),
    'pivot-root',
    writable ? 'capped-root-overlay' : 'read-only-root',
    'capped-tmpfs',
    ...(hello.cgroup === 'none' ? [] : [`cgroup-${hello.cgroup}`]),
    'no-new-privileges',
    'no-capabilities',
    ...(hello.landlock > 0 ? [`landlock-abi-${hello.landlock}`] : []),
    ...(hello.seccomp ? ['seccomp-allow-list'] : []),
    `uid-${uid}`,
  ]
}

export function isolationOf(hello: Hello, uid: number, writable = false): Isolation {
  return {
    runtime: 'native',
    engine: `souk-launcher ${hello.version}, Linux ${release()}`.slice(0, 200),
    layers: layersOf(hello, uid, writable),
    missing: [
      ...(hello.userNamespace ? [] : ['user-namespace']),
      ...(hello.cgroup === 'none' ? ['cgroup'] : []),
      ...(hello.timeNamespace ? [] : ['time-namespace']),
      ...(hello.landlock > 0 ? [] : ['landlock']),
      ...(hello.seccomp ? [] : ['seccomp-allow-list']),
      ...unheldLimits(hello).map(missingLimit),
      ...hello.missing,
    ].slice(0, 50),
    reuse: 'none',
  }
}
