import type { Execution, Isolation, Outcome } from '../../protocol/execution.ts'
import { LIMIT_NAMES, type LimitName } from '../../protocol/limits.ts'
import { StopReason, type BoundedJob, type WasmTask } from '../executor.ts'
import { createOutputMeter } from '../output.ts'
import { createResultCollector, type ResultCollector } from '../results.ts'
import type { Report } from './channel.ts'
import { cancelledBeforeStart, providerStopped } from '../run-failures.ts'
import { moduleRefused, sandboxFailed } from './failures.ts'
import { feedJob, feedStdin } from './feed.ts'
import { jobHeader } from './job-header.ts'
import { IN_ORDER, type Stage } from './report-order.ts'
import { processBytes } from './process-memory.ts'
import { ChannelBroken, contentOf } from './reports.ts'
import type { SandboxProcess } from './sandbox-process.ts'
import { watchProcess } from './watch.ts'

export interface RunOptions {
  readonly job: BoundedJob<WasmTask>
  readonly sandbox: SandboxProcess
  readonly isolation: Isolation
  readonly compileTimeoutMs: number
}

/** The sandbox says that a call of its own failed. */
class SandboxFault extends Error {
  override readonly name = 'SandboxFault'
}

type EndReport = Extract<Report, { event: 'ended' }>
/** Why a run is over, as far as the task is concerned; whichever comes first. */
type Ending =
  | { readonly kind: 'guest'; readonly report: EndReport }
  | { readonly kind: 'stopped'; readonly outcome: Outcome }
  | { readonly kind: 'failed'; readonly error: unknown }

/** For handing over results once the task is over. */
const COLLECT_TIMEOUT_MS = 120_000
/** For what is left in the pipes of a process that was killed. */
const LEFTOVERS_TIMEOUT_MS = 5_000
/** As the other runtimes say it. */
const WHY_UNFIT = {
  SYMLINK: 'it is a symbolic link; links are not followed',
  HARD_LINK: 'the file has more than one name (hard links)',
} as const
/** Signals by which V8 gives up: while it compiles that is the module's doing, while it runs it the task's. */
const CRASH_SIGNALS: ReadonlySet<NodeJS.Signals | null> = new Set<NodeJS.Signals>([
  'SIGABRT',
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGTRAP',
])

/** Runs one task on a process that is ready, and kills it. Throws and resolves as the executor's `run` does. */
export async function runTask(options: RunOptions): Promise<Execution> {
  const run = new TaskRun(options)
  try {
    return await run.toEnd()
  } finally {
    await run.cleanUp()
  }
}

class TaskRun {
  readonly #options: RunOptions
  readonly #ending = Promise.withResolvers<Ending>()
  readonly #meter
  readonly #watch
  #output: Promise<unknown> | undefined
  readonly #partStdin: () => void
  readonly #onAbort = (): void => this.#abort()
  #compileTimer: NodeJS.Timeout | undefined
  #stage: Stage = 'feeding'
  #endedBy: Ending['kind'] | undefined
  #startedAtMs = 0
  #endedAtMs = 0
  #memoryPeakBytes = 0
  #results: ResultCollector | undefined
  #resultsLost = false

  constructor(options: RunOptions) {
    this.#options = options
    const { job, sandbox } = options
    const { limits, task } = job
    this.#meter = createOutputMeter({
      limitBytes: limits.outputBytes,
      onExceeded: () => this.#stop({ kind: 'limit', limit: 'output' }),
    })
    this.#watch = watchProcess({
      pid: sandbox.pid,
      limits: {
        cpuTimeMs: limits.cpuTimeMs,
        idleTimeMs: limits.idleTimeMs,
        residentBytes: processBytes({ memoryBytes: limits.memoryBytes, moduleBytes: task.module.bytes }),
      },
      isBlocked: () => this.#meter.blocked,
      onLimit: (limit) => this.#limitMet(limit),
    })
    this.#partStdin = feedStdin({
      source: job.stdin,
      target: sandbox.stdin,
      onError: (error) => this.#fail(sandboxFailed('its standard input broke', error)),
    })
    job.signal.addEventListener('abort', this.#onAbort)
    if (job.signal.aborted) this.#abort()
  }

  async toEnd(): Promise<Execution> {
    const { job, sandbox } = this.#options
    const { module, inputs } = job.task
    feedJob({ target: sandbox.job, header: jobHeader(job), files: [module, ...inputs] }).catch((error: unknown) =>
      this.#fail(error),
    )
    const reports = this.#followReports()
    // What it rejects with is also the ending, or looked at once the task has ended.
    reports.catch(() => {})
    const ending = await this.#ending.promise
    clearTimeout(this.#compileTimer)
    if (ending.kind === 'failed') throw ending.error
    if (ending.kind === 'guest') {
      await this.#collected(reports)
    } else {
      // Looked at while the process is still there, and before it is.
      this.#watch.cpuTimeMs()
      this.#endedAtMs ||= performance.now()
    }
    const wallTimeMs = Math.round(this.#endedAtMs - this.#startedAtMs)
    const cpuTimeMs = ending.kind === 'guest' ? ending.report.cpuTimeMs : Math.round(this.#watch.cpuTimeMs())
    await this.#quiesce()
    if (ending.kind === 'guest') await reports
    const outputs = ending.kind === 'guest' ? (this.#results?.outputs() ?? []) : lostOutputs(job)
    const outcome = ending.kind === 'guest' ? outcomeOf(ending.report) : ending.outcome
    const hit = new Set<LimitName>(ending.kind === 'guest' ? ending.report.limitsHit : [])
    if (outcome.kind === 'limit') hit.add(outcome.limit)
    return {
      outcome,
      usage: {
        wallTimeMs,
        // What the process says of itself is believed only as far as it can be: one thread, and its own limit.
        cpuTimeMs: ending.kind === 'guest' ? Math.min(cpuTimeMs, wallTimeMs) : cpuTimeMs,
        memoryPeakBytes: Math.min(
          job.limits.memoryBytes,
          ending.kind === 'guest' ? ending.report.memoryPeakBytes : this.#memoryPeakBytes,
        ),
        outputBytes: this.#meter.bytes,
        limitsHit: LIMIT_NAMES.filter((limit) => hit.has(limit)),
      },
      isolation: this.#options.isolation,
      outputs,
    }
  }

  async cleanUp(): Promise<void> {
    clearTimeout(this.#compileTimer)
    this.#options.job.signal.removeEventListener('abort', this.#onAbort)
    await this.#quiesce()
  }

  /** Nobody sees what a task says before it is known to have started: that comes on another pipe. */
  #passOutput(): Promise<unknown> {
    const { job, sandbox } = this.#options
    this.#output ??= Promise.all([
      this.#meter.pump({ source: sandbox.stdout, sink: job.stdout }),
      this.#meter.pump({ source: sandbox.stderr, sink: job.stderr }),
    ])
    return this.#output
  }

  /** Kills the process and passes on what was left in its pipes; they end with it, if not before. */
  async #quiesce(): Promise<void> {
    const { sandbox } = this.#options
    this.#watch.stop()
    this.#partStdin()
    sandbox.kill()
    this.#meter.release()
    // A process that it might have made would keep the pipes open for as long as it likes.
    const timer = setTimeout(() => sandbox.destroy(), LEFTOVERS_TIMEOUT_MS)
    await this.#passOutput()
    clearTimeout(timer)
    sandbox.destroy()
  }

  #end(ending: Ending): void {
    this.#endedBy ??= ending.kind
    this.#ending.resolve(ending)
  }

  #stop(outcome: Outcome): void {
    this.#end({ kind: 'stopped', outcome })
  }

  #fail(error: unknown): void {
    this.#end({ kind: 'failed', error })
  }

  #limitMet(limit: LimitName): void {
    if (this.#stage === 'running') this.#stop({ kind: 'limit', limit })
    else this.#fail(moduleRefused('compiling the module takes more memory than a provider has for it'))
  }

  #abort(): void {
    const { reason } = this.#options.job.signal as { reason: unknown }
    const kind = reason instanceof StopReason ? reason.kind : 'cancelled'
    const started = this.#stage === 'running' || this.#stage === 'ended'
    if (kind === 'shutdown') this.#fail(providerStopped())
    else if (!started)
      this.#fail(
        kind === 'cancelled' ? cancelledBeforeStart() : sandboxFailed('its time ran out before it had started'),
      )
    else this.#stop(kind === 'cancelled' ? { kind: 'cancelled' } : { kind: 'limit', limit: 'wallTime' })
  }

  async #followReports(): Promise<void> {
    const { sandbox } = this.#options
    try {
      for (let next = await sandbox.frames.next(); next.done !== true; next = await sandbox.frames.next()) {
        // What comes after that must begin nothing any more: neither a timer nor the task's time.
        if (this.#endedBy === 'stopped' || this.#endedBy === 'failed') return
        if (next.value.kind === 'data') throw new ChannelBroken('data without a file')
        if (await this.#onReport(next.value.report)) return
      }
      const ended = await sandbox.ended
      this.#gone(`it died (${ended.signal ?? `exit code ${ended.code}`})`, {
        cause: new Error(sandbox.diagnostics()),
        crash: CRASH_SIGNALS.has(ended.signal) ? ended.signal : null,
      })
    } catch (error) {
      if (error instanceof ChannelBroken)
        this.#gone(`it broke the protocol: ${error.message}`, { cause: error, crash: 'SIGKILL' })
      else if (this.#stage === 'ended' && this.#results !== undefined && error instanceof SandboxFault)
        this.#loseResults(error.message)
      else {
        const failure = error instanceof SandboxFault ? sandboxFailed(error.message) : error
        this.#fail(failure)
        throw failure
      }
    }
  }

  /**
   * The process can say no more. Once the task has started that is the task's own doing where the process crashed or
   * broke the rules, for which it is killed: else a task could have its run for free by tearing down its sandbox.
   * What had ended before stays as it was, without the results that did not come.
   */
  #gone(why: string, { cause, crash }: { readonly cause: Error; readonly crash: NodeJS.Signals | null }): void {
    if (this.#stage === 'ended') this.#loseResults(why)
    else if (this.#stage === 'running' && crash !== null) this.#stop({ kind: 'killed', signal: crash })
    else if (this.#stage === 'compiling' && crash !== null && !(cause instanceof ChannelBroken))
      this.#fail(moduleRefused('the compiler did not survive the module'))
    else this.#fail(sandboxFailed(why, cause))
  }

  /** Results that were not handed over whole change nothing of what the task came to. */
  #loseResults(why: string): void {
    if (this.#resultsLost) return
    this.#resultsLost = true
    for (const { path } of this.#options.job.task.outputs)
      this.#results?.refuse({ path, code: 'UNREADABLE', message: `not all files were handed over: ${why}` })
  }

  /** Takes one report; resolves to true after the last. */
  async #onReport(report: Report): Promise<boolean> {
    const { job, compileTimeoutMs } = this.#options
    if (!IN_ORDER[report.event].includes(this.#stage)) throw new ChannelBroken(`${report.event} while ${this.#stage}`)
    switch (report.event) {
      case 'received':
        this.#stage = 'compiling'
        this.#compileTimer = setTimeout(
          () => this.#fail(moduleRefused(`compiling the module takes longer than ${compileTimeoutMs} ms`)),
          compileTimeoutMs,
        )
        return false
      case 'compiled':
        this.#stage = 'prepared'
        clearTimeout(this.#compileTimer)
        return false
      case 'refused':
        this.#fail(moduleRefused(report.reason, report.subject))
        return false
      case 'started':
        this.#stage = 'running'
        this.#startedAtMs = performance.now()
        this.#watch.start()
        job.onStarted()
        void this.#passOutput()
        return false
      case 'memory':
        this.#memoryPeakBytes = Math.max(this.#memoryPeakBytes, report.peakBytes)
        return false
      case 'ended':
        this.#stage = 'ended'
        this.#endedAtMs = performance.now()
        this.#watch.stop()
        this.#results = await createResultCollector({
          dir: job.dir,
          maxBytes: job.limits.diskBytes,
          maxFiles: job.limits.inodes,
        })
        this.#end({ kind: 'guest', report })
        return false
      case 'unfit':
        this.#checkResultPath(report.path)
        this.#results?.refuse({ path: report.path, code: report.code, message: WHY_UNFIT[report.code] })
        return false
      case 'output':
        this.#checkResultPath(report.path)
        await this.#results?.collect({
          path: report.path,
          content: contentOf(this.#options.sandbox.frames, report.bytes),
        })
        return false
      case 'complete':
        return true
      case 'fault':
        throw new SandboxFault(report.reason)
      case 'ready':
        throw new ChannelBroken('a second start')
    }
  }

  #checkResultPath(reported: string): void {
    if (!this.#options.job.task.outputs.some(({ path }) => reported.startsWith(`${path}/`)))
      throw new ChannelBroken('a result from outside the outputs')
  }

  /** Waits for the results of a task that is over, but not for ever; a shutdown in it is the provider's fault. */
  async #collected(reports: Promise<void>): Promise<void> {
    const { signal } = this.#options.job
    const { promise: interrupted, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      this.#loseResults('it took too long')
      resolve()
    }, COLLECT_TIMEOUT_MS)
    const onAbort = (): void => {
      if (signal.reason instanceof StopReason && signal.reason.kind === 'shutdown') reject(providerStopped())
    }
    signal.addEventListener('abort', onAbort)
    try {
      await Promise.race([reports, interrupted])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

function outcomeOf({ end }: EndReport): Outcome {
  return end.kind === 'output' || end.kind === 'fuel' ? { kind: 'limit', limit: end.kind } : end
}

/** What a killed task wrote went with its process. */
function lostOutputs({ task }: BoundedJob<WasmTask>): Execution['outputs'] {
  return task.outputs.map(({ path }) => ({
    path,
    error: { code: 'UNREADABLE', message: 'the task was killed, and its files were in its memory' },
  }))
}
