import { mkdirSync, readFileSync } from 'node:fs'
import { SoukError } from '../../protocol/errors.ts'
import type { Execution, Isolation } from '../../protocol/execution.ts'
import { boundedJob, type Executor, type Job, type WasmTask } from '../executor.ts'
import type { Confinement } from '../ports.ts'
import { throwIfStopped } from '../run-failures.ts'
import { createSandboxPool } from './pool.ts'
import { probeWasm } from './probe.ts'
import { stackLimitBytes } from './proc.ts'
import { createProcessRecords } from './records.ts'
import { processBytes } from './process-memory.ts'
import { runTask } from './run-task.ts'
import { DEFAULT_STACK_BYTES, type WasiHost } from './sandbox-process.ts'
import { checkTask, type WasmBounds } from './task-checks.ts'

export { DEFAULT_STACK_BYTES }

export interface WasmExecutorOptions {
  /** Folder of this instance alone, where it keeps track of its processes. */
  readonly instanceDir: string
  /** Processes kept ready, at about 60 MB each; a task that finds none waits for one to start (0.2 to 0.4 s). */
  readonly prewarm?: number
  /** Whose WASI preview 1 tasks run on; ours unless said otherwise. */
  readonly host?: WasiHost
  /** Stack of a task that asks for none, whole KiB. Another one than V8's default makes each start a quarter longer. */
  readonly stackBytes?: number
  readonly maxModuleBytes?: number
  /** Checking and compiling a module may take this long. */
  readonly compileTimeoutMs?: number
  /** The most memory that a task may ask for: what a confined process gets, beside its own. */
  readonly maxMemoryBytes?: number
  /** The native sandbox, around each process. Without it `isolation.missing` says so. */
  readonly confinement?: Confinement | undefined
}

const DEFAULTS = {
  prewarm: 1,
  host: 'souk' as const,
  stackBytes: DEFAULT_STACK_BYTES,
  maxModuleBytes: 64 * 1024 * 1024,
  compileTimeoutMs: 20_000,
  maxMemoryBytes: 4 * 1024 ** 3,
}
/** Below this Node itself does not start. */
const MIN_STACK_BYTES = 256 * 1024
/** What V8 may overrun, and what lies below its own frames. */
const STACK_RESERVE_BYTES = 1024 * 1024
const UNLIMITED_STACK_BYTES = 16 * 1024 * 1024

/**
 * The WebAssembly runtime: WASI preview 1 commands, each in a process of its own that is killed afterwards.
 *
 * `run` throws MODULE_REFUSED, INVALID_INPUT, REFUSED (a limit that cannot be held), CANCELLED, PROVIDER_STOPPED
 * and EXECUTOR_FAILED, all but the last two before the task has started.
 */
export function createWasmExecutor(options: WasmExecutorOptions): Executor<WasmTask> {
  const { instanceDir, prewarm, host, stackBytes, maxModuleBytes, compileTimeoutMs, maxMemoryBytes, confinement } = {
    ...DEFAULTS,
    ...options,
  }
  mkdirSync(instanceDir, { recursive: true, mode: 0o700 })
  const records = createProcessRecords(instanceDir)
  const memoryBytes = processBytes({ memoryBytes: maxMemoryBytes, moduleBytes: maxModuleBytes })
  const pool = createSandboxPool({
    prewarm,
    host,
    stackBytes,
    records,
    ...(confinement !== undefined && { confined: { confinement, memoryBytes } }),
  })
  const isolation = describeIsolation(host, confinement)
  const bounds = describeBounds()
  void pool.refill()

  const run = async (asked: Job<WasmTask>): Promise<Execution> => {
    const job = boundedJob(asked)
    checkTask({ task: job.task, limits: job.limits, bounds, maxModuleBytes })
    throwIfStopped(job.signal)
    const sandbox = await pool.take(job.limits.stackBytes ?? stackBytes)
    try {
      return await runTask({ job, sandbox, isolation, compileTimeoutMs })
    } catch (error) {
      throw SoukError.from(error)
    } finally {
      sandbox.kill()
      void pool.refill()
    }
  }
  return {
    runtime: 'wasm',
    run,
    probe: (signal) => probeWasm({ instanceDir, isolation, bounds, run, signal }),
    reap: async () => records.reap(),
    close: () => pool.close(),
  }
}

function describeIsolation(host: WasiHost, confinement: Confinement | undefined): Isolation {
  const asRoot = process.getuid?.() === 0
  return {
    runtime: 'wasm',
    engine: `V8 ${process.versions.v8} with ${host === 'wasmer' ? `@wasmer/wasi ${wasmerVersion()}` : "souk's WASI preview 1"}`,
    layers: [
      ...(confinement?.layers ?? []),
      'process-one-shot',
      'node-permission-model',
      'empty-environment',
      ...(confinement === undefined && asRoot ? ['uid-65534'] : []),
      'in-memory-file-system',
      'wasm-memory-cap',
    ],
    missing: confinement === undefined ? ['native-sandbox', ...(asRoot ? [] : ['uid-65534'])] : [],
    reuse: 'none',
  }
}

function wasmerVersion(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@wasmer/wasi'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return version
}

function describeBounds(): WasmBounds {
  const available = stackLimitBytes() ?? UNLIMITED_STACK_BYTES + STACK_RESERVE_BYTES
  return {
    stackBytes: {
      min: MIN_STACK_BYTES,
      max: Math.max(MIN_STACK_BYTES, Math.min(available - STACK_RESERVE_BYTES, UNLIMITED_STACK_BYTES)),
    },
    unenforceable: [
      { limit: 'cpuShares', why: 'its process is started before the task is known' },
      { limit: 'ioWeight', why: 'its process is started before the task is known' },
      { limit: 'fuel', why: 'instructions are not metered' },
      { limit: 'gpus', why: 'WASI has no devices' },
    ],
  }
}
