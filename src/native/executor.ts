import { mkdir } from 'node:fs/promises'
import type { Execution } from '../protocol/execution.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Executor, Job, NativeTask } from '../executors/executor.ts'
import { invalidTask, throwIfStopped } from '../executors/run-failures.ts'
import { sandboxFailed } from './failures.ts'
import { isolationOf } from './isolation.ts'
import type { Launcher } from './launcher.ts'
import { MAX_FRAME_BYTES } from './launcher-frames.ts'
import { identityBeside } from './identity.ts'
import type { NativeMode } from './mode.ts'
import { resolveMounts } from './mounts.ts'
import { probeNative } from './probe.ts'
import type { NativeImages } from './images.ts'
import type { Hello } from './report.ts'
import { taskRequest, type Identity, type ResolvedRoot } from './request.ts'
import { prepareRoot, type NamedRoot, type PreparedRoot } from './roots.ts'
import { runTask, STANDARD_CHANNELS } from './run-task.ts'
import { checkTask, nativeBounds } from './task-checks.ts'

export interface NativeExecutorOptions {
  readonly launcher: Launcher
  /** Root file systems that the operator offers, by name. */
  readonly roots?: ReadonlyMap<string, NamedRoot>
  /** Folders of this host that he lets tasks read, by name. */
  readonly mounts?: ReadonlyMap<string, string>
  /** Whom tasks run as; where absent nobody that owns anything, or without root the launcher's own user. */
  readonly uid?: number
  readonly gid?: number
  /** Strict where absent. */
  readonly mode?: NativeMode
  /** Content of an archive's files, together, that a task may bring as its root. */
  readonly maxRootBytes?: number
  readonly maxRootEntries?: number
  /** Where images are unpacked, and those that the operator offers; closed with the executor. None are run without. */
  readonly images?: NativeImages
}

const DEFAULTS = {
  roots: new Map<string, NamedRoot>(),
  mounts: new Map<string, string>(),
  mode: 'strict' as NativeMode,
  maxRootBytes: 1024 * 1024 * 1024,
  maxRootEntries: 100_000,
}

/**
 * The native Linux runtime: programs in namespaces and control groups of their own, through the launcher.
 *
 * `run` throws INVALID_INPUT, IMAGE_REFUSED, STORAGE_FULL, REFUSED (a limit that cannot be held, a folder that is not offered), CANCELLED,
 * RUNTIME_UNAVAILABLE, all before the task has started, PROVIDER_STOPPED and EXECUTOR_FAILED.
 */
export function createNativeExecutor(options: NativeExecutorOptions): Executor<NativeTask> {
  const { images } = options
  const { launcher, roots, mounts, mode, maxRootBytes, maxRootEntries } = { ...DEFAULTS, ...options }
  const identity = (hello: Hello): Identity => identityBeside(hello, options)
  const bounds = process.platform === 'linux' ? nativeBounds() : {}

  const prepared = async ({ task, dir, signal }: Job<NativeTask>): Promise<PreparedRoot> => {
    try {
      return await prepareRoot({ task, dir, signal, roots, images, maxRootBytes, maxRootEntries })
    } catch (error) {
      throwIfStopped(signal)
      throw error instanceof SoukError ? error : sandboxFailed('its root file system cannot be prepared', error)
    }
  }
  const run = async (job: Job<NativeTask>): Promise<Execution> => {
    checkTask({ task: job.task, limits: job.limits, bounds })
    throwIfStopped(job.signal)
    // Nobody else listens yet, and an error that nobody hears ends the process; it is looked at below.
    job.stdin.on('error', ignore)
    try {
      await mkdir(job.dir, { recursive: true, mode: 0o700 })
      return await runPrepared(job)
    } catch (error) {
      throw SoukError.from(error)
    } finally {
      job.stdin.off('error', ignore)
    }
  }
  const runPrepared = async (job: Job<NativeTask>): Promise<Execution> => {
    // First: without a launcher nothing has to be unpacked.
    await launcher.hello()
    const { root, task, release } = await prepared(job)
    try {
      // What an image says of how it is run has to hold as well.
      if (task !== job.task) checkTask({ task, limits: job.limits, bounds })
      return await runIn(root, { ...job, task })
    } finally {
      release()
    }
  }
  const runIn = async (root: ResolvedRoot, job: Job<NativeTask>): Promise<Execution> => {
    const { task, limits } = job
    const hello = await launcher.hello()
    const whom = identity(hello)
    const request = taskRequest({
      task,
      limits,
      root,
      mounts: resolveMounts({ mounts: task.mounts, offered: mounts }),
      identity: whom,
    })
    if (request.length >= MAX_FRAME_BYTES)
      throw invalidTask('inputs', 'command, environment and paths are together longer than the launcher takes')
    const connection = await launcher.connect(STANDARD_CHANNELS)
    return runTask({ job, connection, request, isolation: isolationOf(hello, whom.uid, task.writable) })
  }
  return {
    runtime: 'native',
    run,
    probe: (signal) =>
      probeNative({
        launcher,
        run,
        runIn,
        bounds,
        mounts,
        images: (images?.offered.length ?? 0) > 0,
        mode,
        identity,
        signal,
      }),
    /** The launcher removes what is left of its instance when it starts: it has to have started. */
    async reap() {
      await launcher.hello()
      return 0
    },
    close: async () => images?.cache.close(),
  }
}

const ignore = (): void => {}
