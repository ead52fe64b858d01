import { release } from 'node:os'
import { missingLimit, type Isolation } from '../protocol/execution.ts'
import { unheldLimits } from './mode.ts'
import type { Hello } from './report.ts'

/** The walls around what the launcher runs, outermost first, in the vocabulary of docs/SECURITY.md. */
export function layersOf(hello: Hello, uid: number): string[] {
  return [
    ...(hello.userNamespace ? ['user-namespace'] : []),
    'pid-namespace',
    'mount-namespace',
    'network-namespace',
    'ipc-namespace',
    'uts-namespace',
    'cgroup-namespace',
    'pivot-root',
    'read-only-root',
    'capped-tmpfs',
    ...(hello.cgroup === 'none' ? [] : [`cgroup-${hello.cgroup}`]),
    'no-new-privileges',
    'no-capabilities',
    ...(hello.seccomp ? ['seccomp-allow-list'] : []),
    `uid-${uid}`,
  ]
}

export function isolationOf(hello: Hello, uid: number): Isolation {
  return {
    runtime: 'native',
    engine: `souk-launcher ${hello.version}, Linux ${release()}`.slice(0, 200),
    layers: layersOf(hello, uid),
    missing: [
      ...(hello.userNamespace ? [] : ['user-namespace']),
      ...(hello.cgroup === 'none' ? ['cgroup'] : []),
      ...(hello.seccomp ? [] : ['seccomp-allow-list']),
      ...unheldLimits(hello).map(missingLimit),
      ...hello.missing,
    ].slice(0, 50),
    reuse: 'none',
  }
}
