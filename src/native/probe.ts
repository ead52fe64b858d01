import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Execution } from '../protocol/execution.ts'
import { ERROR_CODES } from '../protocol/error-codes.ts'
import { isSoukError } from '../protocol/errors.ts'
import { FEATURES, type Capability, type Job, type NativeTask, type ProvenLimit } from '../executors/executor.ts'
import { findGap, hitLimits, runProbeProgram, type ProbeRuns } from '../executors/hit-limits.ts'
import { nativeUnavailable } from './failures.ts'
import { isolationOf } from './isolation.ts'
import type { Launcher } from './launcher.ts'
import { PROBE_BINARY } from './launcher-process.ts'
import { requireWalls, unheldLimits, type NativeMode } from './mode.ts'
import type { Hello } from './report.ts'
import { PROGRAM_PATH, type Identity, type ResolvedRoot } from './request.ts'
import { UNENFORCEABLE, type NativeBounds } from './task-checks.ts'

export interface ProbeOptions {
  readonly launcher: Launcher
  readonly run: (job: Job<NativeTask>) => Promise<Execution>
  /** As `run`, in this root instead of the task's own. */
  readonly runIn: (root: ResolvedRoot, job: Job<NativeTask>) => Promise<Execution>
  readonly bounds: NativeBounds
  /** Folders that tasks may name. */
  readonly mounts: ReadonlyMap<string, string>
  /** Whether there are images that a task may name. */
  readonly images: boolean
  readonly mode: NativeMode
  /** Whom tasks run as beside a launcher. */
  readonly identity: (hello: Hello) => Identity
  readonly signal: AbortSignal
}

/** Hits every limit with a small program of our own through the executor's own `run`. Never rejects. */
export async function probeNative(options: ProbeOptions): Promise<Capability> {
  let dir: string | undefined
  try {
    const hello = await options.launcher.hello()
    requireWalls(hello, options.mode)
    const { uid } = options.identity(hello)
    const waived = options.mode === 'degraded' ? unheldLimits(hello) : []
    const folder = await mkdtemp(join(tmpdir(), 'souk-native-probe-'))
    dir = folder
    const { run, signal } = options
    const runs: ProbeRuns<NativeTask> = {
      run,
      dir: folder,
      signal,
      without: waived,
      task: (base) => ({
        ...base,
        runtime: 'native',
        name: 'probe',
        root: { kind: 'program', source: PROBE_BINARY, sha256: '', bytes: 0 },
      }),
    }
    const gap = await findGap(runs, { uid })
    if (gap !== undefined) throw nativeUnavailable(`a wall of the sandbox does not stand: ${gap}`)
    const verdicts = await hitLimits(runs)
    const writable = await changesItsRoot(runs, options.runIn)
    return {
      runtime: 'native',
      available: true,
      isolation: isolationOf(hello, uid),
      proven: verdicts.flatMap(({ limit, proven }) =>
        proven === undefined ? [] : [{ limit, how: proven, ...options.bounds[limit] } satisfies ProvenLimit],
      ),
      unproven: [
        ...verdicts.flatMap(({ limit, unproven }) => (unproven === undefined ? [] : [{ limit, why: unproven }])),
        ...waived.map((limit) => ({ limit, why: 'no control group holds it: in degraded mode tasks run without' })),
        ...UNENFORCEABLE,
      ],
      waived,
      features: [
        'program',
        'tar',
        'rootfs',
        'archive',
        ...(options.images ? ['image'] : []),
        ...(writable ? [FEATURES.writableRoot] : []),
        ...[...options.mounts.keys()].map((name) => `${FEATURES.mount}${name}`),
      ],
    }
  } catch (error) {
    return { runtime: 'native', available: false, why: sentence(error) }
  } finally {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true }).catch(() => {})
  }
}

/** Whether a task can change what a root file system has, as its owner, and no more of it than its disk holds. */
async function changesItsRoot(runs: ProbeRuns<NativeTask>, runIn: ProbeOptions['runIn']): Promise<boolean> {
  const path = join(runs.dir, 'root')
  await mkdir(path)
  await copyFile(PROBE_BINARY, join(path, PROGRAM_PATH))
  const attempt = { command: [PROGRAM_PATH, 'change', PROGRAM_PATH], limits: { diskBytes: 0 } }
  const run = (job: Job<NativeTask>): Promise<Execution> => runIn({ kind: 'folder', path, writable: true }, job)
  try {
    const { execution } = await runProbeProgram(attempt, { ...runs, run })
    return execution.outcome.kind === 'exited' && execution.outcome.code === 0
  } catch (error) {
    // A file system whose owners cannot be mapped, say; everything else fails with it.
    if (isSoukError(error, 'REFUSED')) return false
    throw error
  }
}

/** What is missing, and how to get it. */
function sentence(error: unknown): string {
  if (!isSoukError(error, 'RUNTIME_UNAVAILABLE')) return error instanceof Error ? error.message : String(error)
  const { why } = error.details
  return error.hint === ERROR_CODES.RUNTIME_UNAVAILABLE.hint ? why : `${why}. ${error.hint}`
}
