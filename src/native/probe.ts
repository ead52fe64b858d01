import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Execution } from '../protocol/execution.ts'
import { ERROR_CODES, isSoukError } from '../protocol/errors.ts'
import type { Capability, Job, NativeTask, ProvenLimit } from '../executors/executor.ts'
import { findGap, hitLimits, type ProbeRuns } from '../executors/hit-limits.ts'
import { nativeUnavailable } from './failures.ts'
import { isolationOf } from './isolation.ts'
import type { Launcher } from './launcher.ts'
import { PROBE_BINARY } from './launcher-process.ts'
import type { Hello } from './report.ts'
import type { NamedRoot } from './roots.ts'
import { UNENFORCEABLE, type NativeBounds } from './task-checks.ts'

export interface ProbeOptions {
  readonly launcher: Launcher
  readonly run: (job: Job<NativeTask>) => Promise<Execution>
  readonly bounds: NativeBounds
  readonly roots: ReadonlyMap<string, NamedRoot>
  /** Whether there are images that a task may name. */
  readonly images: boolean
  readonly uid: number
  readonly signal: AbortSignal
}

/** Hits every limit with a small program of our own through the executor's own `run`. Never rejects. */
export async function probeNative(options: ProbeOptions): Promise<Capability> {
  let dir: string | undefined
  try {
    const hello = await options.launcher.hello()
    requireWalls(hello)
    const folder = await mkdtemp(join(tmpdir(), 'souk-native-probe-'))
    dir = folder
    const { run, signal, uid } = options
    const runs: ProbeRuns<NativeTask> = {
      run,
      dir: folder,
      signal,
      task: (base) => ({
        ...base,
        runtime: 'native',
        name: 'probe',
        root: { kind: 'program', source: PROBE_BINARY, sha256: '', bytes: 0 },
      }),
    }
    const gap = await findGap(runs, uid)
    if (gap !== undefined) throw nativeUnavailable(`a wall of the sandbox does not stand: ${gap}`)
    const verdicts = await hitLimits(runs)
    return {
      runtime: 'native',
      available: true,
      isolation: isolationOf(hello, options.uid),
      proven: verdicts.flatMap(({ limit, proven }) =>
        proven === undefined ? [] : [{ limit, how: proven, ...options.bounds[limit] } satisfies ProvenLimit],
      ),
      unproven: [
        ...verdicts.flatMap(({ limit, unproven }) => (unproven === undefined ? [] : [{ limit, why: unproven }])),
        ...UNENFORCEABLE,
      ],
      features: ['program', 'tar', 'rootfs', 'archive', ...(options.images ? ['image'] : [])],
    }
  } catch (error) {
    return { runtime: 'native', available: false, why: sentence(error) }
  } finally {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true }).catch(() => {})
  }
}

/** What is missing, and how to get it. */
function sentence(error: unknown): string {
  if (!isSoukError(error, 'RUNTIME_UNAVAILABLE')) return error instanceof Error ? error.message : String(error)
  const { why } = error.details
  return error.hint === ERROR_CODES.RUNTIME_UNAVAILABLE.hint ? why : `${why}. ${error.hint}`
}

/** Without these there is no sandbox worth the name. @throws SoukError RUNTIME_UNAVAILABLE */
function requireWalls({ cgroup, seccomp, missing }: Hello): void {
  const because = missing.length > 0 ? ` (${missing.join('; ')})` : ''
  if (cgroup === 'none')
    throw nativeUnavailable(`there are no control groups to hold a task's memory, processes and CPU by${because}`, {
      hint: 'Run the launcher as root, or delegate a control group to it.',
    })
  if (!seccomp)
    throw nativeUnavailable(`the kernel has no seccomp filters${because}`, {
      hint: 'Use a kernel with CONFIG_SECCOMP_FILTER.',
    })
}
