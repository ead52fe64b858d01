import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { Execution, Isolation, Outcome } from '../../protocol/execution.ts'
import type { LimitKey, LimitName, Limits } from '../../protocol/limits.ts'
import { FEATURES, StopReason, type Capability, type Job, type ProvenLimit, type WasmTask } from '../executor.ts'
import { GREEDY_LIMITS, greedyModule, recurseModule, sleepModule, spinModule } from './probe-modules.ts'
import type { WasmBounds } from './task-checks.ts'

export interface ProbeOptions {
  readonly instanceDir: string
  readonly isolation: Isolation
  readonly bounds: WasmBounds
  readonly run: (job: Job<WasmTask>) => Promise<Execution>
  readonly signal: AbortSignal
}

/** V8 gives a memory 65,536 pages at most. */
const MAX_MEMORY_BYTES = 2 ** 32
/** Each takes some of the sandbox process's own heap. */
const MAX_INODES = 100_000
const MAX_OPEN_FILES = 65_536
/** The least that leaves room for a descriptor besides the three streams. */
const MIN_OPEN_FILES = 4
const TRIAL_FUEL = 1_000_000
const ROOMY: Limits = {
  cpuCores: 1,
  wallTimeMs: 60_000,
  memoryBytes: 1024 * 1024,
  diskBytes: 0,
  inodes: 0,
  outputBytes: 0,
  openFiles: 16,
}

const ENGINE_FEATURES = [
  'wasi-preview1',
  'bulk-memory',
  'multi-value',
  'mutable-globals',
  'nontrapping-float-to-int',
  'reference-types',
  'sign-extension',
  'simd',
  'tail-call',
]

interface Trial {
  readonly limits: readonly {
    readonly key: LimitKey
    readonly name?: LimitName
    readonly how: string
    readonly min?: number
    readonly max?: number
  }[]
  readonly module: Uint8Array
  readonly applied: Limits
  /** Aborts the run as the node's wall clock would. */
  readonly wallTimeMs?: number
  readonly expected: Outcome
}

function trials({ stackBytes }: WasmBounds): Trial[] {
  return [
    {
      module: spinModule(),
      applied: { ...ROOMY, cpuTimeMs: 20 },
      expected: { kind: 'limit', limit: 'cpuTime' },
      limits: [{ key: 'cpuTimeMs', how: 'a loop without end was killed after 20 ms of CPU time' }],
    },
    {
      module: spinModule(),
      applied: { ...ROOMY, fuel: TRIAL_FUEL },
      expected: { kind: 'limit', limit: 'fuel' },
      limits: [{ key: 'fuel', name: 'fuel', how: `a loop without end ended after ${TRIAL_FUEL} instructions` }],
    },
    {
      module: spinModule(),
      applied: ROOMY,
      wallTimeMs: 20,
      expected: { kind: 'limit', limit: 'wallTime' },
      limits: [{ key: 'wallTimeMs', how: 'a loop without end was killed after 20 ms' }],
    },
    {
      module: sleepModule(),
      applied: { ...ROOMY, idleTimeMs: 50 },
      expected: { kind: 'limit', limit: 'idleTime' },
      limits: [{ key: 'idleTimeMs', how: 'a sleep of an hour was killed after 50 ms without CPU time' }],
    },
    {
      module: recurseModule(),
      applied: { ...ROOMY, stackBytes: stackBytes.min },
      expected: { kind: 'trapped', trap: 'stackOverflow' },
      limits: [
        { key: 'stackBytes', how: `recursion without end trapped at ${stackBytes.min} bytes of stack`, ...stackBytes },
      ],
    },
    {
      module: greedyModule(),
      applied: { ...ROOMY, ...GREEDY_LIMITS },
      expected: { kind: 'limit', limit: 'output' },
      limits: [
        {
          key: 'memoryBytes',
          name: 'memory',
          how: 'memory.grow past 1 MiB returned -1',
          min: 65_536,
          max: MAX_MEMORY_BYTES,
        },
        { key: 'diskBytes', name: 'disk', how: 'writing past 100 bytes of files failed with ENOSPC' },
        { key: 'inodes', name: 'inodes', how: 'making a second file failed with ENOSPC', max: MAX_INODES },
        {
          key: 'openFiles',
          name: 'openFiles',
          how: 'opening a fifth file failed with EMFILE',
          min: MIN_OPEN_FILES,
          max: MAX_OPEN_FILES,
        },
        { key: 'outputBytes', name: 'output', how: 'a flood of output was cut and ended at 1000 bytes' },
      ],
    },
  ]
}

/** Hits every limit with a tiny module through the executor's own `run`. Never rejects. */
export async function probeWasm(options: ProbeOptions): Promise<Capability> {
  let dir: string | undefined
  try {
    const folder = await mkdtemp(join(options.instanceDir, 'wasm-probe-'))
    dir = folder
    const results = await Promise.all(
      trials(options.bounds).map((trial, index) => attempt(trial, { ...options, dir: join(folder, String(index)) })),
    )
    return {
      runtime: 'wasm',
      available: true,
      isolation: options.isolation,
      proven: [
        ...results.flatMap((result) => result.proven),
        { limit: 'cpuCores', how: 'a module has one thread and no way to make another', min: 1 },
        { limit: 'pids', how: 'a module has no way to make a process or a thread', min: 1 },
      ],
      unproven: [...results.flatMap((result) => result.unproven), ...options.bounds.unenforceable],
      features: [
        ...ENGINE_FEATURES,
        ...(options.bounds.deterministic ? [FEATURES.deterministic] : []),
        ...(options.bounds.components ? [FEATURES.component] : []),
      ],
    }
  } catch (error) {
    return { runtime: 'wasm', available: false, why: error instanceof Error ? error.message : String(error) }
  } finally {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true }).catch(() => {})
  }
}

interface TrialResult {
  readonly proven: readonly ProvenLimit[]
  readonly unproven: readonly { readonly limit: LimitKey; readonly why: string }[]
}

/** A trial that shows something else leaves its limits unproven; one that cannot be run at all throws. */
async function attempt(trial: Trial, options: ProbeOptions & { readonly dir: string }): Promise<TrialResult> {
  const { outcome, usage } = await execute(trial, options)
  const asExpected = JSON.stringify(outcome) === JSON.stringify(trial.expected)
  const held = (limit: Trial['limits'][number]): boolean =>
    asExpected && (limit.name === undefined || usage.limitsHit.includes(limit.name))
  return {
    proven: trial.limits.filter(held).map(({ key, how, min, max }) => ({
      limit: key,
      how,
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
    })),
    unproven: trial.limits
      .filter((limit) => !held(limit))
      .map(({ key }) => ({ limit: key, why: `a trial of it ended with ${JSON.stringify(outcome)}` })),
  }
}

async function execute(
  trial: Trial,
  { dir, run, signal }: ProbeOptions & { readonly dir: string },
): Promise<Execution> {
  const source = join(dir, 'module.wasm')
  await mkdir(dir)
  await writeFile(source, trial.module)
  const wall = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })
  try {
    return await run({
      task: {
        runtime: 'wasm',
        name: 'probe',
        command: [],
        env: {},
        inputs: [],
        outputs: [],
        module: { source, sha256: createHash('sha256').update(trial.module).digest('hex'), bytes: trial.module.length },
      },
      limits: trial.applied,
      dir,
      stdin: Readable.from([]),
      stdout: discard(),
      stderr: discard(),
      signal: AbortSignal.any([signal, wall.signal]),
      onStarted: () => {
        if (trial.wallTimeMs !== undefined)
          timer = setTimeout(() => wall.abort(new StopReason('wallTime')), trial.wallTimeMs)
      },
    })
  } finally {
    clearTimeout(timer)
  }
}
