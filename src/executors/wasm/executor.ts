import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { SoukError } from '../../protocol/errors.ts'
import type { Execution } from '../../protocol/execution.ts'
import { boundedJob, FEATURES, type BoundedJob, type Executor, type Job, type WasmTask } from '../executor.ts'
import type { Confinement } from '../ports.ts'
import { notStarted, throwIfStopped } from '../run-failures.ts'
import type { WasmHost, WasmReuse } from './choices.ts'
import { isComponent } from './component/format.ts'
import { createTranspiler } from './component/transpiler.ts'
import { moduleRefused } from './failures.ts'
import { unreadable } from './feed.ts'
import { isolationOf } from './isolation.ts'
import { isMetered } from './job-header.ts'
import { createSandboxPool } from './pool.ts'
import { createPreparedPrograms, keyOf, type PreparedProgram } from './prepared-programs.ts'
import { probeWasm } from './probe.ts'
import { stackLimitBytes } from './proc.ts'
import { createProcessRecords } from './records.ts'
import { processBytes } from './process-memory.ts'
import { runTask } from './run-task.ts'
import { DEFAULT_STACK_BYTES } from './sandbox-process.ts'
import { checkTask, UNENFORCEABLE, type WasmBounds } from './task-checks.ts'

export { DEFAULT_STACK_BYTES }

export interface WasmExecutorOptions {
  /** A folder of this instance alone, where it records its processes. */
  readonly instanceDir: string
  /** Processes kept ready, at about 50 MB each; a task that finds none waits for one to start (about 50 ms). */
  readonly prewarm?: number
  /** Which implementation of WASI preview 1 is used: souk's own, or @wasmer/wasi with what that supports. */
  readonly host?: WasmHost
  /** Whether a process may serve several tasks of the same requester, one after the other. */
  readonly reuse?: WasmReuse
  /** Stack of a task that asks for none, in whole KiB. Any value but V8's default makes each start a quarter slower. */
  readonly stackBytes?: number
  readonly maxModuleBytes?: number
  /** Checking and compiling a module may take this long. */
  readonly compileTimeoutMs?: number
  /** The most memory that a task may ask for. A confined process gets that much, besides what it needs itself. */
  readonly maxMemoryBytes?: number
  /** The native sandbox, around each process. Without it `isolation.missing` says so. */
  readonly confinement?: Confinement | undefined
}

const DEFAULTS = {
  prewarm: 1,
  host: 'souk' as const,
  reuse: 'never' as const,
  stackBytes: DEFAULT_STACK_BYTES,
  maxModuleBytes: 64 * 1024 * 1024,
  compileTimeoutMs: 20_000,
  maxMemoryBytes: 4 * 1024 ** 3,
}
/** Below this Node itself does not start. */
const MIN_STACK_BYTES = 256 * 1024
/** Stack that is left to what V8 may overrun its limit by, and to the frames below V8's own. */
const STACK_RESERVE_BYTES = 1024 * 1024
const UNLIMITED_STACK_BYTES = 16 * 1024 * 1024
/** Rewritten programs that are kept for the next task with the same program. */
const MAX_PREPARED_BYTES = 64 * 1024 * 1024
/** A process that has grown beyond this is not left waiting for another task. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024

/**
 * The WebAssembly runtime: commands of WASI preview 1 and, as components, of WASI 0.2, each in a process of its own that is
 * killed afterwards.
 *
 * `run` throws MODULE_REFUSED, INVALID_INPUT, REFUSED (a limit that cannot be held), CANCELLED, PROVIDER_STOPPED
 * and EXECUTOR_FAILED, all but the last two before the task has started.
 */
export function createWasmExecutor(options: WasmExecutorOptions): Executor<WasmTask> {
  const settings = { ...DEFAULTS, ...options }
  const { instanceDir, prewarm, host, reuse, stackBytes, maxModuleBytes, compileTimeoutMs, maxMemoryBytes } = settings
  const { confinement } = settings
  mkdirSync(instanceDir, { recursive: true, mode: 0o700 })
  const records = createProcessRecords(instanceDir)
  const memoryBytes = processBytes({ memoryBytes: maxMemoryBytes, moduleBytes: maxModuleBytes })
  const prepared = createPreparedPrograms({ maxBytes: MAX_PREPARED_BYTES })
  const transpiler = createTranspiler({ timeoutMs: compileTimeoutMs, records, confinement })
  const pool = createSandboxPool({
    prewarm,
    host,
    maxWaiting: reuse === 'never' ? 0 : Math.max(prewarm, availableParallelism()),
    stackBytes,
    records,
    ...(confinement !== undefined && { confined: { confinement, memoryBytes } }),
  })
  const bounds = describeBounds(host)
  pool.refill()

  /** The prepared form of a job's program, if it is known. A component is transpiled if it is not. */
  const programs = async (job: BoundedJob<WasmTask>): Promise<PreparedProgram | undefined> => {
    const known = prepared.get(job)
    if (known !== undefined || !(await isComponentFile(job.task.module.source))) return known
    if (!bounds.components)
      throw moduleRefused('it is a component, and this provider has chosen a host that knows none', FEATURES.component)
    const meters = { fuel: isMetered(job), deterministic: job.task.deterministic !== undefined }
    const { task, signal } = job
    const bundle = await transpiler
      .transpile({ key: keyOf(job), component: task.module, meters, signal })
      .catch((error: unknown) => {
        throw signal.aborted ? notStarted(signal) : error
      })
    const made: PreparedProgram = { form: { kind: 'bundle' }, bytes: bundle }
    prepared.put(job, made)
    return made
  }

  const run = async (asked: Job<WasmTask>): Promise<Execution> => {
    const job = boundedJob(asked)
    checkTask({ task: job.task, limits: job.limits, bounds, maxModuleBytes })
    throwIfStopped(job.signal)
    // An 'error' event without a listener would end the node. The error itself is handled where stdin is fed to the process.
    job.stdin.on('error', ignore)
    try {
      return await runBounded(job)
    } finally {
      job.stdin.off('error', ignore)
    }
  }
  const runBounded = async (job: BoundedJob<WasmTask>): Promise<Execution> => {
    const known = await programs(job)
    const { requester } = job
    const { sandbox, reused, reusable } = await pool.take({
      stackBytes: job.limits.stackBytes ?? stackBytes,
      requester,
    })
    let clean = false
    try {
      const isolation = isolationOf({ confinement, host, reused })
      const end = await runTask({ job, sandbox, isolation, compileTimeoutMs, prepared, known, reusable })
      clean = end.clean && end.residentBytes <= MAX_WAITING_BYTES
      return end.execution
    } catch (error) {
      throw SoukError.from(error)
    } finally {
      const kept = clean && requester !== undefined
      if (kept) pool.giveBack(sandbox, requester)
      // The result need not wait until this process has ended and the next one has started.
      setImmediate(() => {
        if (!kept) sandbox.kill()
        pool.refill()
      })
    }
  }
  return {
    runtime: 'wasm',
    run,
    probe: (signal) =>
      probeWasm({ instanceDir, isolation: isolationOf({ confinement, host, reused: false }), bounds, run, signal }),
    reap: async () => records.reap(),
    close: () => pool.close(),
  }
}

const ignore = (): void => {}

/** @throws SoukError EXECUTOR_FAILED where the file cannot be read. */
async function isComponentFile(source: string): Promise<boolean> {
  try {
    await using file = await open(source)
    const first = Buffer.alloc(8)
    await file.read(first, 0, first.length, 0)
    return isComponent(first)
  } catch (error) {
    throw unreadable(`${source}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

function describeBounds(host: WasmHost): WasmBounds {
  const available = stackLimitBytes() ?? UNLIMITED_STACK_BYTES + STACK_RESERVE_BYTES
  return {
    stackBytes: {
      min: MIN_STACK_BYTES,
      max: Math.max(MIN_STACK_BYTES, Math.min(available - STACK_RESERVE_BYTES, UNLIMITED_STACK_BYTES)),
    },
    // How @wasmer/wasi answers may change with its version.
    deterministic: host === 'souk',
    components: host === 'souk',
    unenforceable: UNENFORCEABLE,
  }
}
