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
   * The same standard output, outputs and fuel on every provider, with random numbers from this seed: 64 hex digits. Real
   * clocks and random numbers where absent.
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
   * An image, pinned: that of a digest (`sha256:…`) in an archive that the task brings, or one that the operator offers
   * (`NAME@sha256:…`). The command is the arguments of its entrypoint, where it has one.
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
  /** Whether the task may change its root, on its own disk; never where a program is alone in it. Read-only where absent. */
  readonly writable?: boolean
  /** Folders that the operator offers, read-only, by the names that he gave them. None where absent. */
  readonly mounts?: readonly { readonly name: string; readonly target: string }[]
}

export interface DockerTask extends TaskBase {
  readonly runtime: 'docker'
  /** `name@sha256:…`, or the engine's own id of an image, `sha256:…`; with `archive` that of the image in it, or its manifest's digest. */
  readonly image: string
  /** An image that the task brings: an OCI archive, or one of `docker save`. */
  readonly archive?: { readonly source: string; readonly sha256: string; readonly bytes: number }
  /** The low-level runtime that the task asks for, by the name that the operator offers it under; his default where absent. */
  readonly runtimeClass?: string
  /** How many GPUs it is given; none where absent. */
  readonly gpus?: number
}

/**
 * Features that a task may ask for, as a capability names them. Native: a root that can be changed, and folders, by name
 * after the prefix. Docker: classes of runtimes, by name after the prefix, the one of tasks that name none first; and images
 * that a task brings. WebAssembly: runs that come out the same everywhere; and components (WASI 0.2), which no task asks
 * for, as nobody knows a component from a module before its bytes are there.
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
 * One run. Output is written to `stdout` and `stderr` with their backpressure and never ended by the
 * executor; once the callback of a write is called, its bytes outlive this process. `signal` aborts with a {@link StopReason}. Result files are left in `dir`/results under their
 * sha256; but for the caller's file `started`, everything else in `dir` is scratch of the executor, which makes it where it needs
 * it: making and removing a folder is dearer than a small task. The caller removes `dir`.
 */
export interface Job<T extends RuntimeTask> {
  readonly task: T
  readonly limits: Limits
  readonly dir: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly signal: AbortSignal
  /** Whose task it is: what it leaves warm may serve another task of theirs, where the operator allows that. Nobody's where absent. */
  readonly requester?: string
  /** Called once, when the task's own first instruction is about to run: from here on it is billable. */
  onStarted(): void
  /** Called at most once a second while it runs, by runtimes that have the numbers at hand. */
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
 * A run that was under way when the node ended, known by its `dir`, which is as it was left. Output goes on where `before`
 * says that the node's own record of it ends: what came earlier is not written again, what came later is. `stdin` is the
 * same from its beginning. What is left of its wall time is the caller's to measure, as ever: `signal` may have aborted
 * before, and a task that had ended by then is told as it ended. `onStarted` is not called again.
 */
export type ResumedJob<T extends RuntimeTask> = Job<T> & {
  readonly before: {
    /** Unix time of the task's first instruction, from which `usage.wallTimeMs` counts. */
    readonly startedAtMs: number
    /** How much of each stream has been written. */
    readonly stdoutBytes: number
    readonly stderrBytes: number
  }
}

/** A run of a runtime that always bounds cores and memory. */
export type BoundedJob<T extends RuntimeTask> = Job<T> & { readonly limits: BoundedLimits }

/** @throws Error where a bound is missing: such a job is for another runtime. */
export function boundedJob<T extends RuntimeTask>(job: Job<T>): BoundedJob<T> {
  const { cpuCores, memoryBytes } = job.limits
  if (cpuCores === undefined || memoryBytes === undefined)
    throw new Error(`a ${job.task.runtime} task without a bound on cores or memory`)
  return { ...job, limits: { ...job.limits, cpuCores, memoryBytes } }
}

/** Why a run is being stopped from outside; the reason of a job's AbortSignal. */
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

/** Walls, and the limits that hold within them. */
export interface Holds {
  readonly isolation: Isolation
  readonly proven: readonly ProvenLimit[]
  readonly unproven: readonly { readonly limit: LimitKey; readonly why: string }[]
  /** Those of them which the host needs not fear: no number of the task's is held, but far too much ends it. */
  readonly backstops?: readonly LimitKey[]
}

/** What holds for tasks of one class of a runtime. */
export interface ClassCapability extends Holds {
  readonly name: string
}

export interface AvailableRuntime extends Holds {
  readonly runtime: RuntimeName
  readonly available: true
  /** Those that a task may ask for by name. What a task gets that names none is said beside this. */
  readonly classes?: readonly ClassCapability[]
  /** Those that the operator names, and that are not offered. */
  readonly refusedClasses?: readonly { readonly name: string; readonly why: string }[]
  /** Those of them that tasks run without here, as the operator has said: every isolation's `missing` names them. */
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

/** Whether what a runtime needs beside this host is there: an engine, say. */
export type Presence = { readonly present: true } | { readonly present: false; readonly why: string }

export interface ReapOptions {
  readonly signal: AbortSignal
  /** Job folders, as their jobs had them. */
  readonly keep: readonly string[]
}

/** How far the bringing of something has come. */
export interface PrepareProgress {
  readonly what: 'image'
  readonly doneBytes: number
  readonly totalBytes: number
}

/** Something that a task needs of this host, and that is here. */
export interface Prepared {
  /** It may be removed again where room is needed. More than once is once. */
  release(): void
}

/**
 * The seam on which every runtime hangs.
 *
 * `run` resolves with whatever the *task* did, limits, cancellation and partial output included; it rejects
 * with a SoukError when the task never started, or when host, network or operator failed (a shutdown is the
 * provider's fault). Resolved is billable, rejected never is.
 */
export interface Executor<T extends RuntimeTask = RuntimeTask> {
  readonly runtime: RuntimeName
  /** @throws never: what does not work is an {@link UnavailableRuntime}. */
  probe(signal: AbortSignal): Promise<Capability>
  /** @throws SoukError as the money rule says. */
  run(job: Job<T>): Promise<Execution>
  /** What the task needs of this host, where it is known to be here; undefined where `prepare` has to see to it. */
  hold?(task: T): Prepared | undefined
  /**
   * Brings what the task needs and this host lacks (an image), before a slot is taken. `run` does the same where nobody
   * has, in the slot.
   * @throws SoukError IMAGE_REFUSED, UNREACHABLE, CONNECTION_LOST, STORAGE_FULL, RUNTIME_UNAVAILABLE, EXECUTOR_FAILED; the
   *   signal's reason.
   */
  prepare?(options: {
    readonly task: T
    readonly signal: AbortSignal
    onProgress(progress: PrepareProgress): void
  }): Promise<Prepared>
  /**
   * Goes on with a run that was under way in `job.dir` when the node ended; resolves to undefined where nothing of it is left to
   * go on with, nor mounted, and to what `run` does otherwise. It can be called again after another crash. Who can do this lets go of tasks that have started when it is told of a
   * `shutdown`: `run` rejects with PROVIDER_STOPPED, and the task itself goes on. Absent where tasks end with their node.
   *
   * @throws SoukError as the money rule says.
   */
  resume?(job: ResumedJob<T>): Promise<Execution | undefined>
  /**
   * Removes what dead predecessors of this instance left behind, but for what belongs to the job folders in `keep`, whose
   * runs will be resumed; resolves to how many things.
   */
  reap(options: ReapOptions): Promise<number>
  /**
   * Tells of each change from now on: an engine that goes away, or comes back. What comes back has to be probed.
   * @returns how to hear no more.
   */
  watch?(onChange: (presence: Presence) => void): () => void
  /** Ends what the executor keeps ready between tasks. */
  close(): Promise<void>
}
