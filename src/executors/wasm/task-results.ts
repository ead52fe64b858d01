import type { Execution } from '../../protocol/execution.ts'
import type { BoundedJob, WasmTask } from '../executor.ts'
import { createResultCollector, type ResultCollector } from '../results.ts'
import { isShutdown, providerStopped } from '../run-failures.ts'
import type { Report } from './channel.ts'
import { ChannelBroken, contentOf, type Frame } from './reports.ts'

/** For handing over results once the task is over. */
const COLLECT_TIMEOUT_MS = 120_000
const WHY_UNFIT = {
  SYMLINK: 'it is a symbolic link; links are not followed',
  HARD_LINK: 'the file has more than one name (hard links)',
} as const

/** The files that a sandbox process hands over once its task has ended. */
export class TaskResults {
  readonly #job: BoundedJob<WasmTask>
  #collector: ResultCollector | undefined
  #begun = false
  #lost = false

  constructor(job: BoundedJob<WasmTask>) {
    this.#job = job
  }

  /** They may come now. */
  get begun(): boolean {
    return this.#begun
  }

  /** Makes room for them, where the task has any. @throws when they cannot be written, which is the host's fault. */
  async begin(): Promise<void> {
    const { dir, limits, task } = this.#job
    if (task.outputs.length > 0)
      this.#collector = await createResultCollector({ dir, maxBytes: limits.diskBytes, maxFiles: limits.inodes })
    this.#begun = true
  }

  /** Takes one, whose content comes next. @throws ChannelBroken for one from outside the outputs, or cut short. */
  async take(
    report: Extract<Report, { event: 'output' | 'unfit' }>,
    frames: AsyncGenerator<Frame, void, void>,
  ): Promise<void> {
    const { path } = report
    if (!this.#job.task.outputs.some((output) => path.startsWith(`${output.path}/`)))
      throw new ChannelBroken('a result from outside the outputs')
    if (report.event === 'output') await this.#collector?.collect({ path, content: contentOf(frames, report.bytes) })
    else this.#collector?.refuse({ path, code: report.code, message: WHY_UNFIT[report.code] })
  }

  /**
   * Waits until they have all come, but not for ever.
   *
   * @throws SoukError PROVIDER_STOPPED: a shutdown in it is the provider's fault.
   */
  async handedOver(reports: Promise<void>): Promise<void> {
    const { signal } = this.#job
    const { promise: interrupted, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      this.lose('it took too long')
      resolve()
    }, COLLECT_TIMEOUT_MS)
    const onAbort = (): void => {
      if (isShutdown(signal)) reject(providerStopped())
    }
    signal.addEventListener('abort', onAbort)
    try {
      await Promise.race([reports, interrupted])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Results that were not handed over whole change nothing of what the task came to. */
  lose(why: string): void {
    if (this.#lost) return
    this.#lost = true
    for (const { path } of this.#job.task.outputs)
      this.#collector?.refuse({ path, code: 'UNREADABLE', message: `not all files were handed over: ${why}` })
  }

  outputs(): Execution['outputs'] {
    return this.#collector?.outputs() ?? []
  }

  /** What a killed task wrote went with its process. */
  gone(): Execution['outputs'] {
    return this.#job.task.outputs.map(({ path }) => ({
      path,
      error: { code: 'UNREADABLE', message: 'the task was killed, and its files were in its memory' },
    }))
  }
}
