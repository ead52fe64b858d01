import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import { isDeterministic } from '../../protocol/task.ts'
import type { Offer } from '../admission/offers.ts'
import type { Clock } from '../clock.ts'
import type { LiveTask } from '../journal/task-state.ts'
import { outputFile, type OutputLog } from '../results/output-log.ts'
import type { CacheQuestion, ResultCache } from '../results/result-cache.ts'
import type { Attempt } from './attempt.ts'

/** The result cache, as far as one task is concerned. */
export interface TaskCache {
  /**
   * An earlier task's attempt that answers this one: its output is in `log`, its result files are in `dir`/results. Undefined, and
   * nothing was done, where there is none.
   */
  answer(place: {
    readonly dir: string
    readonly log: OutputLog
  }): Promise<{ readonly attempt: Attempt; readonly percent: number } | undefined>
  /** Keeps what the task came to, unless that came from the cache itself. Never rejects. */
  keep(receipt: Receipt): Promise<void>
}

/** Undefined where the provider has no cache, or the task is not deterministic and may come out differently each time. */
export function taskCacheOf({
  cache,
  policy,
  record,
  store,
  outputDir,
  clock,
}: {
  readonly cache?: ResultCache | undefined
  readonly policy: { readonly offers: readonly Offer[] }
  readonly record: LiveTask
  readonly store: Pick<ArtifactStore, 'path'>
  readonly outputDir: string
  readonly clock: Pick<Clock, 'nowMs'>
}): TaskCache | undefined {
  if (cache === undefined || !isDeterministic(record.spec.runtime)) return undefined
  const capability = policy.offers.find(({ runtime }) => runtime === record.runtime)?.capability
  if (capability?.available !== true) return undefined
  const { taskId, requester: owner, limits } = record
  const { specDigest } = record.authorization
  const question: CacheQuestion = { specDigest, engine: capability.isolation.engine, limits }
  return {
    async answer({ dir, log: { stdout, stderr } }) {
      const startedAtMs = clock.nowMs()
      const answer = await cache.answer({ question, dir, stdout, stderr })
      if (answer === undefined) return undefined
      const { execution, percent } = answer
      return { attempt: { execution, startedAtMs, finishedAtMs: clock.nowMs() }, percent }
    },
    async keep(receipt) {
      if (receipt.terms?.cached === true) return
      await cache.keep({
        // The offer's engine was a forecast; this is the one that it ran on.
        question: { ...question, engine: receipt.isolation.engine },
        receipt,
        stdoutFile: outputFile({ dir: outputDir, taskId }, 'stdout'),
        stderrFile: outputFile({ dir: outputDir, taskId }, 'stderr'),
        fileOf: (sha256) => store.path({ owner, sha256 }),
      })
    },
  }
}
