import type { Readable, Writable } from 'node:stream'
import type { Execution, Isolation, RuntimeName } from '../protocol/execution.ts'
import type { BoundedLimits, LimitKey, Limits } from '../protocol/limits.ts'

/** A file on this host whose content was checked against its digest. Executors only read it. */
export interface InputFile {
  readonly source: string
  readonly bytes: number
  /** Absolute path inside the sandbox. */
  readonly target: string
}

/** What every runtime needs to know of a task, all paths of the host already resolved and checked. */
export interface TaskBase {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Absolute path inside the sandbox; the sandbox's own default where absent. */
  readonly workdir?: string
  readonly inputs: readonly InputFile[]
  /** Folders inside the sandbox whose files are the result. */
  readonly outputs: readonly { readonly path: string }[]
}

export interface WasmTask extends TaskBase {
  readonly runtime: 'wasm'
  /** `argv[0]` as the program sees it. */
  readonly name: string
  readonly module: { readonly source: string; readonly sha256: string; readonly bytes: number }
  /**
   * Makes standard output, result files and fuel the same on every provider: clocks are simulated, and random numbers come from this
   * seed of 64 hex digits. Real clocks and random numbers where absent.
   */
  readonly deterministic?: { readonly seed: string }
}

/** Where the root file system of a native task comes from. */
export type NativeRoot =
  /** A static program, alone in an empty root. `argv[0]` is the task's name. */
  | { readonly kind: 'program'; readonly source: string; readonly sha256: string; readonly bytes: number }
  /** A tar archive, unpacked; the command's first word is the program. */
  | { readonly kind: 'tar'; readonly source: string; readonly sha256: string; readonly bytes: number }
  /** One that the operator offers, pinned by the digest that he declared for it. */
  | { readonly kind: 'named'; readonly name: string; readonly sha256: string }
  /**
   * An image, pinned: by a digest (`sha256:…`) in the archive that the task brings, or by the name and digest (`NAME@sha256:…`) of one
   * that the operator offers. If the image has an entrypoint, the command is its arguments.
   */
  | {
      readonly kind: 'image'
      readonly image: string
      readonly archive?: { readonly source: string; readonly sha256: string; readonly bytes: number }
    }

export interface NativeTask extends TaskBase {
  readonly runtime: 'native'
  readonly name: string
  readonly root: NativeRoot
  /** Whether the task may write to its root, which counts as its disk; never with a root of kind `program`. Read-only where absent. */
  readonly writable?: boolean
  /** Folders that the operator offers, read-only, by the names that he gave them. None where absent. */
  readonly mounts?: readonly { readonly name: string; readonly target: string }[]
}

export interface DockerTask extends TaskBase {
  readonly runtime: 'docker'
  /**
   * `name@sha256:…`, or the engine's id of an image, `sha256:…`. With `archive`: the id of the image in it, or the digest of its
   * manifest.
   */
  readonly image: string
  /** An image that the task brings: an OCI archive, or one of `docker save`. */
  readonly archive?: { readonly source: string; readonly sha256: string; readonly bytes: number }
  /**
   * The OCI runtime (runc, runsc) that the task asks for, by the name under which the operator offers it; the operator's default where
   * absent.
   */
  readonly runtimeClass?: string
  /** How many GPUs it is given; none where absent. */
  readonly gpus?: number
}

/**
 * Features that a task may ask for, as a capability names them. Those that end in a colon are prefixes, followed by a name.
 *
 * - native: a writable root; the operator's folders, by name;
 * - docker: runtime classes, by name, the default one first; images that a task brings;
 * - wasm: deterministic runs; components (WASI 0.2). No task asks for the latter, as only its bytes tell a component from a module.
 */
export const FEATURES = {
  writableRoot: 'writable-root',
  mount: 'mount:',
  runtimeClass: 'class:',
  archive: 'archive',
  deterministic: 'deterministic',
  component: 'component',
} as const

/** A task of any runtime, resolved. Each runtime adds its own member. */
export type RuntimeTask = WasmTask | NativeTask | DockerTask

/**
 * One run of a task.
 *
 * - `stdout`, `stderr`: the executor writes output with their backpressure and never ends them. Once the callback of a write is called,
 *   the bytes survive this process.
 * - `signal` aborts with a {@link StopReason}.
 * - `dir`: the executor makes it if it needs it, as making and removing a folder costs more than a small task. It leaves the result files
 *   in `dir`/results, each named by its sha256. Everything else in it is the executor's scratch, except the caller's file `started`. The
 *   caller removes `dir`.
 */
export interface Job<T extends RuntimeTask> {
  readonly task: T
  readonly limits: Limits
  readonly dir: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly signal: AbortSignal
  /**
   * The requester's address. A process that the task leaves warm may serve the same requester again, if the operator allows that; nobody
   * where absent.
   */
  readonly requester?: string
  /** Called once, when the task's own first instruction is about to run: from here on it is billable. */
  onStarted(): void
  /** Called at most once a second while it runs, by runtimes that measure usage. */
  onUsage?(usage: LiveUsage): void
}

/** What a task has used and uses now, for the operator: no part of a receipt. */
export interface LiveUsage {
  readonly cpuTimeMs: number
  readonly memoryBytes: number
  /** Processes and threads, where there can be several. */
  readonly pids?: number
}

/**
 * A run that was under way when an earlier node process ended. It is identified by `dir`, which is as that process left it.
 *
 * - Output continues after the bytes that `before` says were written: nothing earlier is written again, everything later is.
 * - `stdin` is the same stream, from its beginning.
 * - Wall time is measured by the caller, as always, so `signal` may have aborted already. A task that ended before that is reported as it
 *   ended.
 * - `onStarted` is not called again.
 */
export type ResumedJob<T extends RuntimeTask> = Job<T> & {
  readonly before: {
    /** When the task's first instruction ran, in epoch milliseconds: `usage.wallTimeMs` counts from it. */
    readonly startedAtMs: number
    /** How much of each stream was written by the earlier process. */
    readonly stdoutBytes: number
    readonly stderrBytes: number
  }
}

/** A run of a runtime that always bounds cores and memory. */
export type BoundedJob<T extends RuntimeTask> = Job<T> & { readonly limits: BoundedLimits }

/** Narrows the job's limits. @throws Error if a bound is missing, which admission prevents for the runtimes that call this */
export function boundedJob<T extends RuntimeTask>(job: Job<T>): BoundedJob<T> {
  const { cpuCores, memoryBytes } = job.limits
  if (cpuCores === undefined || memoryBytes === undefined)
    throw new Error(`a ${job.task.runtime} task without a bound on cores or memory`)
  return { ...job, limits: { ...job.limits, cpuCores, memoryBytes } }
}

/** Why a run is stopped from outside: the reason of a job's AbortSignal. */
export class StopReason extends Error {
  override readonly name = 'StopReason'
  readonly kind: 'cancelled' | 'wallTime' | 'shutdown'

  constructor(kind: StopReason['kind']) {
    super(`stopped: ${kind}`)
    this.kind = kind
  }
}

/** One limit that a probe has really hit on this host. */
export interface ProvenLimit {
  readonly limit: LimitKey
  /** What was done and seen, for a person: `memory.grow past 1 MiB returned -1`. */
  readonly how: string
  /** The least value that can be enforced, where there is one. */
  readonly min?: number
  /** The most that can be enforced, where there is one. */
  readonly max?: number
}

/** The isolation of a runtime, and which limits hold in it. */
export interface Holds {
  readonly isolation: Isolation
  readonly proven: readonly ProvenLimit[]
  readonly unproven: readonly { readonly limit: LimitKey; readonly why: string }[]
  /**
   * Those of the unproven ones that have a backstop: the task's own number is not enforced, but far more than any allowed number ends the
   * task, so the host is safe.
   */
  readonly backstops?: readonly LimitKey[]
}

/** Which limits hold for tasks of one class of a runtime. */
export interface ClassCapability extends Holds {
  readonly name: string
}

export interface AvailableRuntime extends Holds {
  readonly runtime: RuntimeName
  readonly available: true
  /** The classes that a task may name. The fields beside this one are for tasks that name none. */
  readonly classes?: readonly ClassCapability[]
  /** Classes that the operator has configured, but that do not work here. */
  readonly refusedClasses?: readonly { readonly name: string; readonly why: string }[]
  /** The unproven limits that the operator has waived, so that tasks run without them. Every isolation's `missing` names them. */
  readonly waived?: readonly LimitKey[]
  readonly features: readonly string[]
}

export interface UnavailableRuntime {
  readonly runtime: RuntimeName
  readonly available: false
  /** What is missing, and how to get it. */
  readonly why: string
}

/** What a runtime can do on this host, each cap proven by hitting it. */
export type Capability = AvailableRuntime | UnavailableRuntime

/** Whether the service that a runtime depends on, such as a Docker engine, is there. */
export type Presence = { readonly present: true } | { readonly present: false; readonly why: string }

export interface ReapOptions {
  readonly signal: AbortSignal
  /** Job folders, as their jobs had them. */
  readonly keep: readonly string[]
}

/** How far the fetching of an image has come. */
export interface PrepareProgress {
  readonly what: 'image'
  readonly doneBytes: number
  readonly totalBytes: number
}

/** Holds something on this host that a task needs, such as an image. */
export interface Prepared {
  /** From now on it may be removed if room is needed. Calling this again does nothing. */
  release(): void
}

/**
 * What every runtime implements.
 *
 * The money rule: `run` resolves with whatever the *task* did, including limits, cancellation and partial output, and that is billable.
 * It rejects with a SoukError if the task never started, or if host, network or operator failed (a shutdown is the provider's fault);
 * that is never billable.
 */
export interface Executor<T extends RuntimeTask = RuntimeTask> {
  readonly runtime: RuntimeName
  /** @throws never: what does not work is an {@link UnavailableRuntime}. */
  probe(signal: AbortSignal): Promise<Capability>
  /** @throws SoukError as the money rule says. */
  run(job: Job<T>): Promise<Execution>
  /**
   * Holds what the task needs of this host if that is known to be here; undefined if `prepare` has to be called. Absent where tasks need
   * nothing.
   */
  hold?(task: T): Prepared | undefined
  /**
   * Brings what the task needs and this host lacks (an image), before the task takes a slot. If it was not called, `run` does the same,
   * in the slot.
   * @throws SoukError IMAGE_REFUSED, UNREACHABLE, CONNECTION_LOST, STORAGE_FULL, RUNTIME_UNAVAILABLE, EXECUTOR_FAILED; the
   *   signal's reason.
   */
  prepare?(options: {
    readonly task: T
    readonly signal: AbortSignal
    onProgress(progress: PrepareProgress): void
  }): Promise<Prepared>
  /**
   * Resumes a run that was under way in `job.dir` when an earlier node process ended. Resolves as `run` does, or to undefined if nothing
   * of the run is left; then nothing of it is mounted any more either. It can be called again after another crash.
   *
   * An executor with this method does not end a started task when it is told of a `shutdown`: `run` rejects with PROVIDER_STOPPED, and
   * the task itself goes on. Absent where tasks end with their node.
   *
   * @throws SoukError as the money rule says.
   */
  resume?(job: ResumedJob<T>): Promise<Execution | undefined>
  /**
   * Removes what dead processes of this instance left behind, except what belongs to the job folders in `keep`, whose runs will be
   * resumed. Resolves to the number of things removed.
   */
  reap(options: ReapOptions): Promise<number>
  /**
   * Calls back whenever the engine goes away or comes back. After it has come back, the runtime has to be probed again.
   * @returns a function that ends the watch
   */
  watch?(onChange: (presence: Presence) => void): () => void
  /** Ends what the executor keeps ready between tasks. */
  close(): Promise<void>
}
