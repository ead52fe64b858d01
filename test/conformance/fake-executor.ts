import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { StopReason, type Executor, type Job, type WasmTask } from '../../src/executors/executor.ts'
import { createOutputMeter } from '../../src/executors/output.ts'
import { createResultCollector, type ResultCollector } from '../../src/executors/results.ts'
import { SoukError } from '../../src/protocol/errors.ts'
import type { Execution, Isolation, Outcome } from '../../src/protocol/execution.ts'
import { LIMIT_KEYS } from '../../src/protocol/limits.ts'

/** What a scripted program sees; `signal` aborts when the task is being ended from outside. */
export interface FakeContext {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: Readable
  readonly signal: AbortSignal
  readonly job: Job<WasmTask>
  stdout(content: string | Uint8Array): Promise<void>
  stderr(content: string | Uint8Array): Promise<void>
  /** Content of an input, or undefined where the task has none at that path. */
  input(path: string): Promise<Buffer | undefined>
  /** Leaves a result file. */
  output(path: string, content: string): Promise<void>
}

/** A program in place of a module: resolves to its exit code or to any other outcome. */
export type FakeProgram = (context: FakeContext) => Promise<number | Outcome>

export interface FakeExecutorOptions {
  /** By the task's name; a task of another name runs `fallback`. */
  readonly programs?: Readonly<Record<string, FakeProgram>>
  /** Exits with 0 at once where absent. */
  readonly fallback?: FakeProgram
  /** Where tasks need something of their host besides their inputs. */
  readonly preparation?: Required<Pick<Executor<WasmTask>, 'hold' | 'prepare'>>
}

const ISOLATION: Isolation = { runtime: 'wasm', engine: 'fake', layers: [], missing: [], reuse: 'none' }

/**
 * An executor without a sandbox, for tests of what stands before it and for benchmarks. It is honest about the
 * seam: streams, backpressure, the cap on output, results, signals, and what resolves and what rejects. Its runtime
 * is `wasm`; modules are not looked at.
 */
export function createFakeExecutor({
  programs = {},
  fallback = async () => 0,
  preparation,
}: FakeExecutorOptions = {}): Executor<WasmTask> {
  return {
    runtime: 'wasm',
    probe: async () => ({
      runtime: 'wasm',
      available: true,
      isolation: ISOLATION,
      proven: LIMIT_KEYS.map((limit) => ({ limit, how: 'the fake executor says so' })),
      unproven: [],
      features: [],
    }),
    run: (job) => runFake(job, programs[job.task.name] ?? fallback),
    ...preparation,
    reap: async () => 0,
    close: async () => {},
  }
}

async function runFake(job: Job<WasmTask>, program: FakeProgram): Promise<Execution> {
  const stop = stopOf(job.signal)
  if (job.signal.aborted) throw notStarted(job.signal.reason)
  const startedAtMs = performance.now()
  const ended = new AbortController()
  const ending = Promise.withResolvers<Outcome>()
  const meter = createOutputMeter({
    limitBytes: job.limits.outputBytes,
    onExceeded: () => ending.resolve({ kind: 'limit', limit: 'output' }),
  })
  const results = await createResultCollector({
    dir: job.dir,
    maxBytes: job.limits.diskBytes,
    maxFiles: job.limits.inodes,
  })
  job.onStarted()
  stop.then(ending.resolve, ending.reject)
  program(contextOf(job, { meter, results, signal: ended.signal })).then(
    (end) => ending.resolve(typeof end === 'number' ? { kind: 'exited', code: end } : end),
    ending.reject,
  )
  try {
    const outcome = await ending.promise
    const lost = outcome.kind === 'cancelled' || outcome.kind === 'limit'
    if (lost)
      for (const { path } of job.task.outputs)
        results.refuse({ path, code: 'UNREADABLE', message: 'the task was killed' })
    const wallTimeMs = Math.round(performance.now() - startedAtMs)
    return {
      outcome,
      usage: {
        wallTimeMs,
        cpuTimeMs: 0,
        memoryPeakBytes: 0,
        outputBytes: meter.bytes,
        limitsHit: outcome.kind === 'limit' ? [outcome.limit] : [],
      },
      isolation: ISOLATION,
      outputs: results.outputs(),
    }
  } finally {
    ended.abort()
    meter.release()
  }
}

function contextOf(
  job: Job<WasmTask>,
  {
    meter,
    results,
    signal,
  }: {
    readonly meter: ReturnType<typeof createOutputMeter>
    readonly results: ResultCollector
    readonly signal: AbortSignal
  },
): FakeContext {
  const write =
    (sink: Job<WasmTask>['stdout']) =>
    async (content: string | Uint8Array): Promise<void> => {
      if (!signal.aborted)
        await meter.pump({ source: Readable.from([Buffer.from(content)], { objectMode: false }), sink })
    }
  return {
    args: job.task.command,
    env: job.task.env,
    stdin: job.stdin,
    signal,
    job,
    stdout: write(job.stdout),
    stderr: write(job.stderr),
    async input(path) {
      const input = job.task.inputs.find(({ target }) => target === path)
      return input && readFile(input.source)
    },
    async output(path, content) {
      await results.collect({ path, content: Readable.from([Buffer.from(content)]) })
    },
  }
}

/** Resolves to the outcome, or rejects, as the reason of the signal says; never settles where it does not abort. */
function stopOf(signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        const kind = signal.reason instanceof StopReason ? signal.reason.kind : 'cancelled'
        if (kind === 'shutdown') reject(providerStopped())
        else resolve(kind === 'wallTime' ? { kind: 'limit', limit: 'wallTime' } : { kind: 'cancelled' })
      },
      { once: true },
    )
  })
}

function notStarted(reason: unknown): SoukError {
  if (reason instanceof StopReason && reason.kind === 'shutdown') return providerStopped()
  return new SoukError({ code: 'CANCELLED', message: 'The task was cancelled before it started.', details: {} })
}

function providerStopped(): SoukError<'PROVIDER_STOPPED'> {
  return new SoukError({
    code: 'PROVIDER_STOPPED',
    message: 'The provider stopped while it had the task.',
    details: { attempts: 1 },
  })
}
