import { setTimeout as sleep } from 'node:timers/promises'
import type { Execution, Isolation, Outcome } from '../../protocol/execution.ts'
import type { LimitName } from '../../protocol/limits.ts'
import type { BoundedJob, WasmTask } from '../executor.ts'
import { createOutputMeter } from '../output.ts'
import type { Report } from './channel.ts'
import { crashOf, outcomeOf, outcomeOfCrash, usageOf, type Ending } from './ending.ts'
import { interruptionOf } from '../run-failures.ts'
import { moduleRefused, sandboxFailed } from './failures.ts'
import { feedJob, feedStdin } from './feed.ts'
import { jobHeader } from './job-header.ts'
import {
  noteCompiled,
  programOf,
  takeRewritten,
  type PreparedProgram,
  type PreparedPrograms,
} from './prepared-programs.ts'
import { IN_ORDER, type Stage } from './report-order.ts'
import { processBytes } from './process-memory.ts'
import { ChannelBroken } from './reports.ts'
import type { SandboxProcess } from './sandbox-process.ts'
import { TaskResults } from './task-results.ts'
import { watchProcess } from './watch.ts'

export interface RunOptions {
  readonly job: BoundedJob<WasmTask>
  readonly sandbox: SandboxProcess
  readonly isolation: Isolation
  readonly compileTimeoutMs: number
  readonly prepared: PreparedPrograms
  /** Its program in prepared form, if there is one; there has to be for a component. */
  readonly known: PreparedProgram | undefined
  /** Whether the process may be left for another task of the same requester. */
  readonly reusable: boolean
}

/** What a run came to, and whether its process is clean: it has nothing left of this job and can take another. */
export interface RunEnd {
  readonly execution: Execution
  readonly clean: boolean
  /** Resident memory of the process at the task's end. */
  readonly residentBytes: number
}

/** The sandbox process reports that a system call of its own failed. */
class SandboxFault extends Error {
  override readonly name = 'SandboxFault'
}

/** For passing on what is left in the pipes of a killed process. */
const LEFTOVERS_TIMEOUT_MS = 5_000
/** For the feeder to finish a job that its process reports as read. */
const FED_TIMEOUT_MS = 1_000

/** Runs one task on a process that is ready, and kills that unless it is clean. Throws and resolves as the executor's `run` does. */
export async function runTask(options: RunOptions): Promise<RunEnd> {
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
  #reports: Promise<void> | undefined
  #endStdin: (() => void) | undefined
  readonly #onAbort = (): void => this.#abort()
  #compileTimer: NodeJS.Timeout | undefined
  #stage: Stage = 'feeding'
  #endedBy: Ending['kind'] | undefined
  #startedAtMs = 0
  #endedAtMs = 0
  #memoryPeakBytes = 0
  #residentBytes = Infinity
  readonly #results: TaskResults
  #complete = false
  #quiesced = false

  constructor(options: RunOptions) {
    this.#options = options
    const { job, sandbox } = options
    const { limits, task } = job
    this.#results = new TaskResults(job)
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
    job.signal.addEventListener('abort', this.#onAbort)
    if (job.signal.aborted) this.#abort()
  }

  async toEnd(): Promise<RunEnd> {
    const { job } = this.#options
    const feeding = this.#feed().catch((error: unknown) => this.#fail(error))
    const reports = this.#followReports()
    this.#reports = reports
    // A rejection is also reported as the ending, or else awaited again below: it must not count as unhandled.
    reports.catch(() => {})
    const ending = await this.#ending.promise
    clearTimeout(this.#compileTimer)
    if (ending.kind === 'failed') throw ending.error
    if (ending.kind === 'guest') await this.#results.handedOver(reports)
    else this.#endedAtMs ||= performance.now()
    // While the process is still there.
    const cpuTimeMs = Math.round(this.#watch.cpuTimeMs())
    // A short task can end before its feeder has noticed the end of the last file.
    if (this.#options.reusable && this.#complete)
      await Promise.race([feeding, this.#options.sandbox.ended, sleep(FED_TIMEOUT_MS, undefined, { ref: false })])
    const clean = this.#isClean(ending)
    if (this.#complete) this.#release({ kill: !clean })
    else await this.#quiesce()
    if (ending.kind === 'guest') await reports
    const execution: Execution = {
      outcome: outcomeOf(ending),
      usage: usageOf(ending, job.limits, {
        wallTimeMs: Math.round(this.#endedAtMs - this.#startedAtMs),
        cpuTimeMs,
        memoryPeakBytes: this.#memoryPeakBytes,
        outputBytes: this.#meter.bytes,
      }),
      isolation: this.#options.isolation,
      outputs: ending.kind === 'guest' ? this.#results.outputs() : this.#results.gone(),
    }
    return { execution, clean, residentBytes: this.#residentBytes }
  }

  async cleanUp(): Promise<void> {
    clearTimeout(this.#compileTimer)
    this.#options.job.signal.removeEventListener('abort', this.#onAbort)
    await this.#quiesce()
  }

  async #feed(): Promise<void> {
    const { job, sandbox, known, reusable } = this.#options
    const { program, bytes } = programOf({ job, sandbox, known })
    await feedJob({
      target: sandbox.job,
      header: jobHeader({ job, program, reusable, stackBytes: sandbox.stackBytes }),
      program: bytes,
      inputs: job.task.inputs,
    })
    if (this.#quiesced) return
    this.#endStdin = feedStdin({
      source: job.stdin,
      target: sandbox.job,
      onError: (error) => this.#fail(sandboxFailed('its standard input broke', error)),
    })
  }

  /** The task ended by itself within all of its limits, and handed everything over. */
  #isClean(ending: Ending): boolean {
    return (
      this.#options.reusable &&
      ending.kind === 'guest' &&
      ending.report.end.kind === 'exited' &&
      ending.report.limitsHit.length === 0 &&
      this.#complete &&
      this.#endStdin !== undefined
    )
  }

  /** Leaves a process that has reported everything for another job, or kills it without making the result wait for that. */
  #release({ kill }: { readonly kill: boolean }): void {
    const { sandbox } = this.#options
    this.#quiesced = true
    this.#watch.stop()
    this.#endStdin?.()
    this.#meter.release()
    if (!kill) return
    setImmediate(() => {
      sandbox.kill()
      sandbox.destroy()
    })
  }

  /** Kills the process and passes on what was left in its pipe, which ends with it, if not before. */
  async #quiesce(): Promise<void> {
    if (this.#quiesced) return
    this.#quiesced = true
    const { sandbox } = this.#options
    this.#watch.stop()
    this.#endStdin?.()
    sandbox.kill()
    this.#meter.release()
    // A child process, should it have made one, could keep the pipe open for ever.
    const timer = setTimeout(() => sandbox.destroy(), LEFTOVERS_TIMEOUT_MS)
    await this.#reports?.catch(() => {})
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
    const { signal } = this.#options.job
    const started = this.#stage === 'running' || this.#stage === 'ended'
    const interruption = interruptionOf({ signal, started, failed: sandboxFailed })
    if ('error' in interruption) this.#fail(interruption.error)
    else this.#stop(interruption.outcome)
  }

  async #followReports(): Promise<void> {
    const { sandbox } = this.#options
    try {
      for (let next = await sandbox.frames.next(); next.done !== true; next = await sandbox.frames.next()) {
        const frame = next.value
        // Reports that come after the end must not start anything: neither a timer nor the task's time.
        const over = this.#endedBy === 'stopped' || this.#endedBy === 'failed'
        if (frame.kind === 'stdout' || frame.kind === 'stderr') await this.#passOutput(frame.kind, frame.data)
        else if (frame.kind === 'report' && !over && (await this.#onReport(frame.report))) return
        else if (frame.kind === 'data' && !over) throw new ChannelBroken('data without a file')
      }
      if (this.#endedBy === 'stopped' || this.#endedBy === 'failed') return
      const ended = await sandbox.ended
      this.#gone(`it died (${ended.signal ?? `exit code ${ended.code}`})`, {
        cause: new Error(sandbox.diagnostics()),
        crash: crashOf(ended),
      })
    } catch (error) {
      if (error instanceof ChannelBroken)
        this.#gone(`it broke the protocol: ${error.message}`, { cause: error, crash: 'SIGKILL' })
      else if (this.#stage === 'ended' && this.#results.begun && error instanceof SandboxFault)
        this.#results.lose(error.message)
      else {
        const failure = error instanceof SandboxFault ? sandboxFailed(error.message) : error
        this.#fail(failure)
        throw failure
      }
    }
  }

  /** Output counts only while the task runs: before `started` and after `ended` it breaks the protocol. */
  async #passOutput(kind: 'stdout' | 'stderr', chunk: Uint8Array): Promise<void> {
    if (this.#stage !== 'running') throw new ChannelBroken(`output while ${this.#stage}`)
    await this.#meter.pass({ chunk, sink: this.#options.job[kind] })
  }

  /**
   * The process has died or broken the protocol. If the task had started, this counts as the task's doing (it was `killed`), as otherwise
   * a task could get its run for free by tearing down its sandbox. If the task had ended before, its outcome stays, without the results
   * that did not come.
   */
  #gone(why: string, { cause, crash }: { readonly cause: Error; readonly crash: NodeJS.Signals | null }): void {
    if (this.#stage === 'ended') this.#results.lose(why)
    else if (this.#stage === 'running' && crash !== null) this.#stop(outcomeOfCrash(crash, cause))
    else if (this.#stage === 'compiling' && crash !== null && !(cause instanceof ChannelBroken))
      this.#fail(moduleRefused('the compiler did not survive the module'))
    else this.#fail(sandboxFailed(why, cause))
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
        noteCompiled(this.#options)
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
        return false
      case 'rewritten':
        await takeRewritten(this.#options, report)
        return false
      case 'memory':
        this.#memoryPeakBytes = Math.max(this.#memoryPeakBytes, report.peakBytes)
        return false
      case 'ended':
        this.#stage = 'ended'
        this.#endedAtMs = performance.now()
        this.#residentBytes = this.#watch.residentBytes()
        this.#watch.stop()
        await this.#results.begin()
        this.#end({ kind: 'guest', report })
        return false
      case 'unfit':
      case 'output':
        await this.#results.take(report, this.#options.sandbox.frames)
        return false
      case 'complete':
        this.#complete = true
        return true
      case 'fault':
        throw new SandboxFault(report.reason)
      case 'ready':
        throw new ChannelBroken('a second start')
    }
  }
}
