import { constants } from 'node:os'
import type { Execution, Isolation, Outcome } from '../protocol/execution.ts'
import { SoukError } from '../protocol/errors.ts'
import { LIMIT_NAMES, TIME_LIMITS, type LimitName } from '../protocol/limits.ts'
import type { Job, NativeTask } from '../executors/executor.ts'
import { createOutputMeter } from '../executors/output.ts'
import { createResultCollector, type ResultCollector } from '../executors/results.ts'
import { collectFiles } from './collect-files.ts'
import { interruptionOf, invalidTask } from '../executors/run-failures.ts'
import { sandboxFailed, writableRootRefused } from './failures.ts'
import { LauncherLost, type LauncherConnection } from './launcher-connection.ts'
import { LauncherProtocolError, type ControlFrame } from './launcher-frames.ts'
import type { Records } from './launcher-records.ts'
import { parseFailure, parseReport, type TaskReport } from './report.ts'

/** What a task's connection carries besides frames. */
export const STANDARD_CHANNELS = { inputs: [0], outputs: [1, 2] } as const

/** For the launcher to kill and clean up; memory in use takes a while to be given back. */
const KILL_TIMEOUT_MS = 60_000
/** For handing over results once the task is over. */
const COLLECT_TIMEOUT_MS = 120_000

export interface RunOptions {
  readonly job: Job<NativeTask>
  readonly connection: LauncherConnection
  /** The records of its request. */
  readonly request: Uint8Array
  readonly isolation: Isolation
}

/** Runs one task on a fresh connection with {@link STANDARD_CHANNELS}. Throws and resolves as the executor's `run` does. */
export async function runTask(options: RunOptions): Promise<Execution> {
  const run = new TaskRun(options)
  try {
    return await run.toEnd()
  } catch (error) {
    await run.abandon()
    throw error
  } finally {
    run.cleanUp()
  }
}

class TaskRun {
  readonly #options: RunOptions
  readonly #meter
  readonly #onAbort = (): void => this.#abort()
  readonly #onStdinError = (error: Error): void => this.#fail(sandboxFailed('its standard input broke', error))
  #stage: 'starting' | 'running' | 'ended' = 'starting'
  /** Why the task was ended from here; what ends it first counts. */
  #stopped: Outcome | undefined
  /** Why the run counts for nothing. */
  #failure: Error | undefined
  #outputExceeded = false
  #output: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: RunOptions) {
    this.#options = options
    this.#meter = createOutputMeter({
      limitBytes: options.job.limits.outputBytes,
      onExceeded: () => {
        this.#outputExceeded = true
        this.#stop({ kind: 'limit', limit: 'output' })
      },
    })
  }

  async toEnd(): Promise<Execution> {
    const { job, connection, request, isolation } = this.#options
    job.signal.addEventListener('abort', this.#onAbort)
    if (job.signal.aborted) this.#abort()
    job.stdin.on('error', this.#onStdinError)
    if (job.stdin.errored) this.#onStdinError(job.stdin.errored)
    connection.request(request)
    this.#started(await this.#next())
    // Not before: whoever cancels at the first word of a task must not meet one that has not started.
    this.#output = Promise.all([
      this.#meter.pump({ source: connection.output(1), sink: job.stdout }),
      this.#meter.pump({ source: connection.output(2), sink: job.stderr }),
    ])
    job.stdin.pipe(connection.input(0))
    const report = this.#ended(await this.#next())
    this.#meter.release()
    const outputs = await this.#collected()
    await this.#output
    // It could have been past its cap with the last that it wrote.
    const outcome = this.#outcomeOf(report)
    const hit = new Set<LimitName>(report.limitsHit)
    if (outcome.kind === 'limit') hit.add(outcome.limit)
    if (this.#outputExceeded) hit.add('output')
    return {
      outcome,
      usage: {
        wallTimeMs: report.wallTimeMs,
        cpuTimeMs: report.cpuTimeMs,
        memoryPeakBytes: report.memoryPeakBytes,
        outputBytes: this.#meter.bytes,
        limitsHit: LIMIT_NAMES.filter((limit) => hit.has(limit)),
        ...detailsFor(outcome, report),
      },
      isolation,
      outputs,
      denials: report.denials,
    }
  }

  /** Ends a run that came to nothing, and waits until nothing is left of it. */
  async abandon(): Promise<void> {
    this.#meter.release()
    await this.#options.connection.close()
    await this.#output
  }

  cleanUp(): void {
    const { job, connection } = this.#options
    clearTimeout(this.#timer)
    job.signal.removeEventListener('abort', this.#onAbort)
    job.stdin.unpipe(connection.input(0))
    job.stdin.off('error', this.#onStdinError)
    connection.destroy()
  }

  /** The next frame of the run, unless that has come to nothing. */
  async #next(): Promise<ControlFrame> {
    try {
      const frame = await this.#options.connection.next()
      if (this.#failure === undefined) return frame
    } catch (error) {
      this.#failure ??=
        error instanceof LauncherLost || error instanceof LauncherProtocolError
          ? sandboxFailed(error.message, error)
          : SoukError.from(error)
    }
    throw this.#failure
  }

  #started(frame: ControlFrame): void {
    if (frame.kind === 'failed') throw neverRan(frame.records)
    if (frame.kind !== 'started') throw sandboxFailed(`the launcher began with ${frame.kind}`)
    this.#stage = 'running'
    this.#options.job.onStarted()
  }

  #ended(frame: ControlFrame): TaskReport {
    clearTimeout(this.#timer)
    if (frame.kind === 'failed') throw sandboxFailed(parseFailure(frame.records).message)
    if (frame.kind !== 'report') throw sandboxFailed(`the launcher ended the task with ${frame.kind}`)
    this.#stage = 'ended'
    return reportIn(frame.records)
  }

  #outcomeOf({ outcome }: TaskReport): Outcome {
    // A task that ended by itself before it was to be ended has done so; but output past the cap is lost either way.
    const stopped = outcome === undefined || this.#outputExceeded ? this.#stopped : undefined
    if (stopped !== undefined) return stopped
    if (outcome === undefined) throw sandboxFailed('the launcher killed it without being told to')
    return outcome
  }

  #stop(outcome: Outcome): void {
    if (this.#stopped !== undefined) return
    this.#stopped = outcome
    if (this.#stage !== 'running') return
    this.#options.connection.kill()
    this.#meter.release()
    this.#timer = setTimeout(() => this.#fail(sandboxFailed('the task could not be ended')), KILL_TIMEOUT_MS)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    void this.#options.connection.close()
  }

  #abort(): void {
    const { signal } = this.#options.job
    const started = this.#stage !== 'starting'
    const interruption = interruptionOf({ signal, started, failed: sandboxFailed })
    if ('error' in interruption) this.#fail(interruption.error)
    // A task that has ended by itself is not stopped any more; only its results are still to be handed over.
    else if (this.#stage === 'running') this.#stop(interruption.outcome)
  }

  /** The result files. Those that were not handed over whole change nothing of what the task came to. */
  async #collected(): Promise<Execution['outputs']> {
    const { job, connection } = this.#options
    const paths = job.task.outputs.map(({ path }) => path)
    let results: ResultCollector | undefined
    const collector = async (): Promise<ResultCollector> =>
      (results ??= await createResultCollector({
        dir: job.dir,
        maxBytes: job.limits.diskBytes,
        maxFiles: job.limits.inodes,
      }))
    if (paths.length > 0) this.#timer = setTimeout(() => connection.destroy(), COLLECT_TIMEOUT_MS)
    try {
      await collectFiles({ connection, outputs: paths, collector })
    } catch (error) {
      throw this.#failure ?? sandboxFailed('its results cannot be stored', error)
    }
    if (this.#failure !== undefined) throw this.#failure
    return results?.outputs() ?? []
  }
}

/** What ended it last says whether a time was overrun: past its output cap it may have run into its wall time as well. */
function detailsFor(outcome: Outcome, { details }: TaskReport): TaskReport['details'] {
  if (outcome.kind === 'limit' && TIME_LIMITS.has(outcome.limit)) return details
  const { overshootMs: _, ...others } = details
  return others
}

function reportIn(records: Records): TaskReport {
  try {
    return parseReport(records)
  } catch (error) {
    throw sandboxFailed(error instanceof Error ? error.message : String(error), error)
  }
}

/** Why a task has not started: what it asks for cannot be, or this host cannot do it. */
function neverRan(records: Records): Error {
  const { blame, stage, errno, message } = parseFailure(records)
  // execve(2) says the same of a program that is there, and whose loader is not.
  const advice =
    errno === constants.errno.ENOENT
      ? '; if it is there, its interpreter or loader is not: alone in its root a program has to be linked statically (cc -static)'
      : ''
  if (stage === 'writable-root') return writableRootRefused(message)
  // Ids are the operator's choice, whoever the launcher blames.
  if (blame === 'request' && stage !== 'ids')
    return stage === 'exec' ? invalidTask('command', message + advice) : invalidTask('runtime', message)
  // The requester is told, and what of this provider's disk is concerned is none of his business.
  return stage === 'bind'
    ? sandboxFailed('a file that the task needs cannot be used on the provider', new Error(message))
    : sandboxFailed(`${message} (${stage})`)
}
