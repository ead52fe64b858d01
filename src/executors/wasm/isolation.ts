import { readFileSync } from 'node:fs'
import type { Isolation } from '../../protocol/execution.ts'
import type { Confinement } from '../ports.ts'
import type { WasmHost } from './choices.ts'
import { REWRITE_VERSION } from './module/rewrite.ts'

/** What stands between a task of this runtime and the host, in the vocabulary of docs/SECURITY.md. */
export function isolationOf({
  confinement,
  host,
  reused,
}: {
  readonly confinement: Confinement | undefined
  readonly host: WasmHost
  /** The process has served another task of the same requester before. */
  readonly reused: boolean
}): Isolation {
  const asRoot = process.getuid?.() === 0
  return {
    runtime: 'wasm',
    engine: engineOf(host),
    layers: [
      ...(confinement?.layers ?? []),
      reused ? 'process-per-requester' : 'process-one-shot',
      'node-permission-model',
      'empty-environment',
      ...(confinement === undefined && asRoot ? ['uid-65534'] : []),
      'in-memory-file-system',
      'wasm-memory-cap',
    ],
    missing: confinement === undefined ? ['native-sandbox', ...(asRoot ? [] : ['uid-65534'])] : [],
    reuse: reused ? 'same-requester' : 'none',
  }
}

function engineOf(host: WasmHost): string {
  const engine = `V8 ${process.versions.v8}, rewriter ${REWRITE_VERSION}`
  if (host === 'souk') return engine
  const manifest = new URL('../package.json', import.meta.resolve('@wasmer/wasi'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return `${engine}, @wasmer/wasi ${version}`
}
