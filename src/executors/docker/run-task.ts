import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Execution, Isolation, Outcome } from '../../protocol/execution.ts'
import { LIMIT_NAMES, type LimitName } from '../../protocol/limits.ts'
import type { BoundedJob, DockerTask, ResumedJob } from '../executor.ts'
import { createOutputMeter } from '../output.ts'
import { createResultCollector } from '../results.ts'
import type { RunningContainer } from './container.ts'
import type { ContainerState } from './engine.ts'
import { interruptionOf, isShutdown, providerStopped } from '../run-failures.ts'
import { notExecuted } from './exec-errors.ts'
import { containerFailed } from './failures.ts'
import type { EngineWatch } from './engine-watch.ts'
import { resultsOf } from './folders.ts'
import type { InitEnd, InitOrder } from './init-frames.ts'
import { watchContainer } from './watch.ts'

export interface RunOptions {
  readonly job: BoundedJob<DockerTask>
  readonly container: RunningContainer
  /** What its first process is to run, or what was had of a run that goes on. */
  readonly begin: Begin
  readonly isolation: Isolation
  readonly watch: EngineWatch
}

export type Begin =
  | { readonly kind: 'go'; readonly order: InitOrder }
  | { readonly kind: 'resume'; readonly before: ResumedJob<DockerTask>['before'] }

/** Why a run is over; the first reason counts. */
type Ending =
  | { readonly kind: 'task'; readonly outcome: Outcome; readonly ranMs: number }
  | { readonly kind: 'stopped'; readonly outcome: Outcome; readonly ranMs?: number }
  | { readonly kind: 'failed'; readonly error: unknown }

/** For all processes of a task to die; memory in use takes a while to be given back. */
const KILL_TIMEOUT_MS = 60_000
/** For what is left in pipes once the task is dead. */
const LEFTOVERS_TIMEOUT_MS = 10_000
/** For handing over results once the task is over. */
const COLLECT_TIMEOUT_MS = 120_000
const POLL_MS = 20
/** How often the engine is asked why a container has ended, before that counts as unknown. */
const LOOKS_FOR_CAUSE = 25

/** Runs one task in a container that waits. Throws and resolves as the executor's `run` does; the caller disposes. */
export async function runTask(options: RunOptions): Promise<Execution> {
  const run = new TaskRun(options)
  try {
    return await run.toEnd()
  } finally {
    run.cleanUp()
  }
}

class TaskRun {
  readonly #options: RunOptions
  readonly #ending = Promise.withResolvers<Ending>()
  readonly #meter
  readonly #onAbort = (): void => this.#abort()
  readonly #onStdinError = (error: Error): void => this.#fail(containerFailed('its standard input broke', error))
  #stopWatch: (() => void) | undefined
  #stopListening: (() => void) | undefined
  #started: boolean
  #over = false
  #outputExceeded = false

  constructor(options: RunOptions) {
    this.#options = options
    const { begin } = options
    this.#started = begin.kind === 'resume'
    this.#meter = createOutputMeter({
      bytesBefore: begin.kind === 'resume' ? begin.before.stdoutBytes + begin.before.stderrBytes : 0,
      limitBytes: options.job.limits.outputBytes,
      onExceeded: () => {
        this.#outputExceeded = true
        this.#stop({ kind: 'limit', limit: 'output' })
      },
    })
  }

  async toEnd(): Promise<Execution> {
    const { job, container, isolation, begin } = this.#options
    const { counters } = container
    if (begin.kind === 'resume') await this.#resume(begin.before)
    job.signal.addEventListener('abort', this.#onAbort)
    if (job.signal.aborted) this.#abort()
    this.#stopListening = this.#options.watch.listen(({ present }) => {
      if (!present) this.#fail(containerFailed('the engine went away while it ran'))
    })
    const startedAtMs =
      begin.kind === 'go' ? await this.#go(begin.order) : performance.now() - (Date.now() - begin.before.startedAtMs)
    this.#follow()
    // Not earlier: output can arrive before the message that the task has started.
    const output = Promise.all([this.#pump('stdout'), this.#pump('stderr')])
    const ending = await this.#ending.promise
    this.#over = true
    if (ending.kind === 'failed') throw ending.error
    const endedAtMs = performance.now()
    this.#stopWatch?.()
    // Read before the kill, which gives the container every core: CPU time spent on dying is not the task's.
    const stoppedCpuTimeMs = ending.kind === 'stopped' ? counters.cpuTimeMs() : undefined
    if (ending.kind === 'stopped') await this.#killed()
    // Everything of the task is dead, and its counters are still there.
    const memoryRanOut = counters.oomKills() > 0
    const pidsRanOut = counters.pidsDenied() > 0
    const cpuTimeMs = stoppedCpuTimeMs ?? counters.cpuTimeMs()
    await this.#drained(output)
    const { outputs, diskFull, inodesFull } = await this.#collected()
    const outcome = this.#outcomeOf(ending, memoryRanOut)
    const hit = new Set<LimitName>(outcome.kind === 'limit' ? [outcome.limit] : [])
    for (const [limit, met] of [
      ['memory', memoryRanOut],
      ['pids', pidsRanOut],
      ['disk', diskFull],
      ['inodes', inodesFull],
      ['output', this.#outputExceeded],
    ] as const) {
      if (met) hit.add(limit)
    }
    return {
      outcome,
      usage: {
        // A resumed task may have ended while no node was there: then init has measured its time.
        wallTimeMs: Math.round((begin.kind === 'resume' ? ending.ranMs : undefined) ?? endedAtMs - startedAtMs),
        cpuTimeMs: Math.round(cpuTimeMs),
        // If memory ran out, all of it was in use, even if a guest kernel died of it and its counters are lost.
        memoryPeakBytes: Math.min(hit.has('memory') ? Infinity : counters.memoryPeakBytes(), job.limits.memoryBytes),
        outputBytes: this.#meter.bytes,
        limitsHit: LIMIT_NAMES.filter((limit) => hit.has(limit)),
      },
      isolation,
      outputs,
      denials: counters.denials(),
    }
  }

  cleanUp(): void {
    const { job, container } = this.#options
    this.#over = true
    this.#stopWatch?.()
    this.#stopListening?.()
    this.#meter.release()
    job.signal.removeEventListener('abort', this.#onAbort)
    job.stdin.unpipe(container.channel.stdin)
    job.stdin.off('error', this.#onStdinError)
  }

  /** Starts the task; resolves to the time (performance.now) of its first instruction. */
  async #go(order: InitOrder): Promise<number> {
    const { job, container } = this.#options
    const failed = this.#ending.promise.then((ending) => {
      throw ending.kind === 'failed' ? ending.error : containerFailed('it ended before it had started')
    })
    failed.catch(() => {})
    const errno = await Promise.race([container.channel.go(order).catch((error: unknown) => this.#lost(error)), failed])
    if (errno !== undefined) throw notExecuted(errno)
    this.#started = true
    job.onStarted()
    return performance.now()
  }

  /**
   * Resumes the output where the earlier process left off. A task that has ended already is reported as it ended, whatever its wall time
   * is by now. Output beyond the cap was acknowledged to init but not kept: if the cap is reached and init no longer has the bytes that
   * would come next, the cap was exceeded.
   */
  async #resume({ stdoutBytes, stderrBytes }: ResumedJob<DockerTask>['before']): Promise<void> {
    const { job, container } = this.#options
    const { channel } = container
    const { phase, stdoutFrom, stderrFrom } = await channel.ready
    const isFull = stdoutBytes + stderrBytes >= job.limits.outputBytes
    this.#outputExceeded = isFull && (stdoutFrom > stdoutBytes || stderrFrom > stderrBytes)
    channel.resume(
      this.#outputExceeded
        ? { stdout: Math.max(stdoutBytes, stdoutFrom), stderr: Math.max(stderrBytes, stderrFrom) }
        : { stdout: stdoutBytes, stderr: stderrBytes },
    )
    // Only so that its end comes before a wall time that has run out meanwhile; `#follow` handles an end that is still to come.
    if (phase === 'ended') await channel.ended.then((end) => this.#taskEnded(end), noop)
    else if (this.#outputExceeded) this.#stop({ kind: 'limit', limit: 'output' })
  }

  /** Starts to enforce the limits that the node enforces, and to listen for the task's end. */
  #follow(): void {
    const { job, container } = this.#options
    const { channel, counters } = container
    const { cpuTimeMs, idleTimeMs, cpuCores } = job.limits
    this.#stopWatch = watchContainer({
      counters,
      limits: { cpuTimeMs, idleTimeMs, cpuCores },
      isBlocked: () => this.#meter.blocked,
      onLimit: (limit) => this.#stop({ kind: 'limit', limit }),
      onUsage: (usage) => job.onUsage?.(usage),
    })
    job.stdin.on('error', this.#onStdinError)
    if (job.stdin.errored) this.#onStdinError(job.stdin.errored)
    job.stdin.pipe(channel.stdin)
    channel.ended.then(
      (end) => this.#taskEnded(end),
      (error: unknown) => {
        // The connection also ends when a container is removed that is not needed any more.
        if (!this.#over) void this.#lost(error).catch((failure: unknown) => this.#fail(failure))
      },
    )
  }

  #taskEnded({ status, timedOut, wallTimeMs }: InitEnd): void {
    // The node's own timer fires earlier, so this happens only if no node was there.
    if (timedOut)
      this.#ending.resolve({ kind: 'stopped', outcome: { kind: 'limit', limit: 'wallTime' }, ranMs: wallTimeMs })
    else this.#ending.resolve({ kind: 'task', outcome: outcomeOfStatus(status), ranMs: wallTimeMs })
  }

  /** Passes an output on, and acknowledges to init what its reader has. */
  #pump(stream: 'stdout' | 'stderr'): Promise<void> {
    const { job, container } = this.#options
    const { channel } = container
    return this.#meter.pump({
      source: channel[stream],
      sink: job[stream],
      onKept: (bytes) => channel.kept(stream, bytes),
    })
  }

  #stop(outcome: Outcome): void {
    this.#ending.resolve({ kind: 'stopped', outcome })
  }

  #fail(error: unknown): void {
    this.#ending.resolve({ kind: 'failed', error })
  }

  #abort(): void {
    const { signal } = this.#options.job
    const interruption = interruptionOf({ signal, started: this.#started, failed: containerFailed })
    if ('error' in interruption) this.#fail(interruption.error)
    else this.#stop(interruption.outcome)
  }

  /**
   * Init is gone without having reported an end. The task has no way to end it. Either the kernel did because memory (or, for a guest
   * kernel, pids) ran out, or somebody on this host did, and then the task is not billable.
   */
  async #lost(cause: unknown): Promise<never> {
    const { counters, runtime } = this.#options.container
    // Read now, and remembered by the counters: the control group goes with the container.
    const pidsRanOut = counters.pidsDenied() > 0
    counters.memoryPeakBytes()
    let state = await this.#state()
    // The engine may learn of the end before it learns that memory ran out.
    for (let looks = 0; looks < LOOKS_FOR_CAUSE && state?.oomKilled === false && !this.#over; looks += 1) {
      await sleep(POLL_MS)
      state = await this.#state()
    }
    if (this.#started && (state?.oomKilled === true || counters.oomKills() > 0))
      this.#stop({ kind: 'limit', limit: 'memory' })
    else if (this.#started && pidsRanOut && runtime.ownKernel !== undefined)
      this.#stop({ kind: 'limit', limit: 'pids' })
    throw containerFailed('it was ended from outside', cause)
  }

  /** Of the container, as the engine knows it; undefined where that cannot be told. */
  async #state(): Promise<ContainerState | undefined> {
    const { container, watch } = this.#options
    try {
      return await container.state()
    } catch {
      void watch.look()
      return undefined
    }
  }

  /** Waits until everything that a stopped task had running is dead. */
  async #killed(): Promise<void> {
    const { container } = this.#options
    this.#meter.release()
    container.channel.kill()
    container.hurry().catch(noop)
    const dead = container.channel.ended.then(noop, async () => {
      // Init died first; the kernel kills the rest of its pid namespace with it (pid_namespaces(7)).
      while ((await this.#state())?.running === true) await sleep(POLL_MS)
    })
    if (await within(KILL_TIMEOUT_MS, dead)) return
    // A task can starve init of CPU time, and must not get its run for free by that: the engine kills it instead.
    await container.kill().catch(noop)
    if (!(await within(KILL_TIMEOUT_MS, dead))) throw containerFailed('the task could not be ended')
  }

  /** Waits for the last output. If init was killed together with the task for lack of memory, what it had not sent is lost. */
  async #drained(output: Promise<unknown>): Promise<void> {
    const { channel } = this.#options.container
    this.#meter.release()
    if (await within(LEFTOVERS_TIMEOUT_MS, output)) return
    if (!channel.isComplete()) throw containerFailed('the last of its output did not come')
  }

  /** The result files. Those that were not handed over whole change nothing of what the task came to. */
  async #collected(): Promise<{
    readonly outputs: Execution['outputs']
    readonly diskFull: boolean
    readonly inodesFull: boolean
  }> {
    const { job, container } = this.#options
    const { dir, limits, task, signal } = job
    const collector = await createResultCollector({ dir, maxBytes: limits.diskBytes, maxFiles: limits.inodes })
    const stopped = Promise.withResolvers<never>()
    const onAbort = (): void => {
      if (isShutdown(signal)) stopped.reject(providerStopped())
    }
    signal.addEventListener('abort', onAbort)
    onAbort()
    const timer = setTimeout(
      () => stopped.reject(containerFailed(`its results were not collected in ${COLLECT_TIMEOUT_MS} ms`)),
      COLLECT_TIMEOUT_MS,
    )
    try {
      const full = await Promise.race([container.lease.collect(resultsOf(task, collector)), stopped.promise])
      return { outputs: collector.outputs(), ...full }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  #outcomeOf(ending: Exclude<Ending, { kind: 'failed' }>, memoryRanOut: boolean): Outcome {
    // Output beyond the cap is lost, even if the task ended by itself right after it.
    if (this.#outputExceeded) return { kind: 'limit', limit: 'output' }
    if (ending.kind === 'stopped') return ending.outcome
    return memoryRanOut ? { kind: 'limit', limit: 'memory' } : ending.outcome
  }
}

const noop = (): void => {}

/** The parts of a status of wait(2): the signal that ended a process is in its low seven bits. */
function outcomeOfStatus(status: number): Outcome {
  const signal = status & 0x7f
  if (signal === 0) return { kind: 'exited', code: (status >> 8) & 0xff }
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0]
  return { kind: 'killed', signal: name ?? `SIG${signal}` }
}

/** Resolves to whether it was done in time. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), timeoutMs)
  try {
    return await Promise.race([work.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
