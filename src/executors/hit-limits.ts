import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { isSoukError } from '../protocol/errors.ts'
import type { Execution } from '../protocol/execution.ts'
import type { LimitKey, Limits } from '../protocol/limits.ts'
import { StopReason, type Job, type RuntimeTask, type TaskBase } from './executor.ts'
import {
  memoryTrial,
  ROOMY_LIMITS,
  sharesTrial,
  TRIALS,
  TRIES,
  type Attempt,
  type Trial,
  type Verdict,
} from './probe-trials.ts'

export interface ProbeRuns<T extends RuntimeTask> {
  /** The executor's own. */
  readonly run: (job: Job<T>) => Promise<Execution>
  /** A task of this runtime that runs the probe program with a command. */
  task(base: TaskBase): T
  /** Limits that cannot be enforced here: they are not tried, and no run gets them. */
  readonly without?: readonly LimitKey[]
  /** The least value of a limit that a run may have here, where that is more than its trial would use. */
  readonly leastMemoryBytes?: number
  /** An empty folder for jobs; the caller removes it. */
  readonly dir: string
  readonly signal: AbortSignal
}

const MAX_SAID_CHARACTERS = 500

/**
 * Hits every limit with the probe program, one after the other: what they measure must not be each other.
 *
 * @throws what `run` throws, for then nothing is known of any limit.
 */
export async function hitLimits<T extends RuntimeTask>(runs: ProbeRuns<T>): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = []
  const without = new Set(runs.without)
  const { leastMemoryBytes } = runs
  const trials = TRIALS.map((trial) =>
    trial.limit === 'memoryBytes' && leastMemoryBytes !== undefined ? memoryTrial(leastMemoryBytes) : trial,
  )
  for (const trial of trials) if (!without.has(trial.limit)) verdicts.push(await tried(() => attempt(trial, runs)))
  if (!without.has('cpuShares')) verdicts.push(await tried((tries) => weighed(sharesTrial(tries), runs)))
  return verdicts
}

/** What the isolation has to look like from inside. */
export interface Walls {
  readonly uid: number
  /** Whether the kernel that the task sees has a filter of its system calls; it has one where absent. */
  readonly seccomp?: boolean
}

const OUTPUT = '/out'

/**
 * Looks at the walls from inside, and whether a result can be written; resolves to what is not so, or undefined where all
 * is. Throws what `run` throws.
 */
export async function findGap<T extends RuntimeTask>(
  runs: ProbeRuns<T>,
  { uid, seccomp = true }: Walls,
): Promise<string | undefined> {
  const command = ['walls', String(uid), OUTPUT, seccomp ? '2' : '0']
  const { execution, stdout } = await runProbeProgram({ command, outputs: [{ path: OUTPUT }] }, runs)
  const { outcome } = execution
  if (outcome.kind === 'exited' && outcome.code === 0) return undefined
  return stdout.trim() || JSON.stringify(outcome)
}

/** `once` is told how often it has been tried. */
async function tried(once: (tries: number) => Promise<Verdict>): Promise<Verdict> {
  let verdict = await once(0)
  for (let tries = 1; tries < TRIES && verdict.proven === undefined; tries += 1) verdict = await once(tries)
  return verdict
}

/** A trial that shows something else leaves its limit unproven. */
async function attempt<T extends RuntimeTask>(trial: Trial, runs: ProbeRuns<T>): Promise<Verdict> {
  const { execution } = await runProbeProgram(trial, runs)
  return trial.holds(execution)
    ? { limit: trial.limit, proven: trial.how }
    : { limit: trial.limit, unproven: `a trial of it ended with ${JSON.stringify(execution.outcome)}` }
}

/** Two tasks of different weight side by side. */
async function weighed<T extends RuntimeTask>(
  trial: ReturnType<typeof sharesTrial>,
  runs: ProbeRuns<T>,
): Promise<Verdict> {
  const [heavy, light] = await Promise.all([runProbeProgram(trial.heavy, runs), runProbeProgram(trial.light, runs)])
  return trial.verdict(heavy.execution.usage.cpuTimeMs, light.execution.usage.cpuTimeMs)
}

interface ProbeRun {
  readonly execution: Execution
  readonly stdout: string
}

/**
 * Runs the probe program, and again where the run failed at the host's fault: a busy one may not have a sandbox ready in time,
 * or hear too late why it ended. Throws what `run` throws the last time.
 */
export async function runProbeProgram<T extends RuntimeTask>(attempt: Attempt, runs: ProbeRuns<T>): Promise<ProbeRun> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await runOnce(attempt, runs)
    } catch (error) {
      if (tries === TRIES || runs.signal.aborted || !isSoukError(error, 'EXECUTOR_FAILED')) throw error
    }
  }
}

async function runOnce<T extends RuntimeTask>(
  { command, outputs = [], limits, wallTimeMs }: Attempt,
  { run, task, dir, signal, without = [] }: ProbeRuns<T>,
): Promise<ProbeRun> {
  const wall = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const said: Buffer[] = []
  const sink = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said.push(chunk)
        done()
      },
    })
  try {
    const execution = await run({
      task: task({ command, env: {}, inputs: [], outputs }),
      limits: omit({ ...ROOMY_LIMITS, ...limits }, without),
      dir: await mkdtemp(join(dir, 'job-')),
      stdin: Readable.from([]),
      stdout: sink(),
      stderr: sink(),
      signal: AbortSignal.any([signal, wall.signal]),
      onStarted: () => {
        if (wallTimeMs !== undefined) timer = setTimeout(() => wall.abort(new StopReason('wallTime')), wallTimeMs)
      },
    })
    return { execution, stdout: Buffer.concat(said).toString('utf8').slice(0, MAX_SAID_CHARACTERS) }
  } finally {
    clearTimeout(timer)
  }
}

function omit(limits: Limits, without: readonly LimitKey[]): Limits {
  const kept = Object.entries(limits).filter(([limit]) => !without.some((each) => each === limit))
  return Object.fromEntries(kept) as unknown as Limits
}
