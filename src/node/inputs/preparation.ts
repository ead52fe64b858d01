import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Executor, Prepared, PrepareProgress } from '../../executors/executor.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import type { Authorization } from '../../protocol/receipt.ts'
import type { TaskSpec } from '../../protocol/task.ts'
import { resolveTask } from './inputs.ts'

/** A task whose inputs are here. */
export interface PreparableTask {
  readonly spec: TaskSpec
  readonly authorization: Pick<Authorization, 'specDigest'>
  readonly runtime: RuntimeName
  readonly requester: string
}

/** What tasks need of this host besides their inputs: an image. */
export interface Preparation {
  /** Holds what the task needs if that is known to be here (or if it needs nothing); undefined if `bring` has to be called. */
  hold(task: PreparableTask): Prepared | undefined
  /** @throws SoukError what {@link Executor.prepare} rejects with; or the signal's reason. */
  bring(
    task: PreparableTask,
    options: { readonly signal: AbortSignal; onProgress(progress: PrepareProgress): void },
  ): Promise<Prepared>
}

const NOTHING: Prepared = { release: () => {} }

export function createPreparation({
  executors,
  store,
}: {
  readonly executors: ReadonlyMap<RuntimeName, Executor>
  readonly store: ArtifactStore
}): Preparation {
  const resolved = ({ spec, authorization, runtime, requester: owner }: PreparableTask) =>
    resolveTask({ spec, specDigest: authorization.specDigest, runtime, owner, store })
  return {
    hold(task) {
      const executor = executors.get(task.runtime)
      if (executor?.hold === undefined) return NOTHING
      try {
        return executor.hold(resolved(task))
      } catch {
        // The task cannot be resolved: `bring` will throw why.
        return undefined
      }
    },
    async bring(task, options) {
      const executor = executors.get(task.runtime)
      return executor?.prepare === undefined ? NOTHING : executor.prepare({ ...options, task: resolved(task) })
    },
  }
}

/**
 * Brings what the task needs besides its inputs. Undefined if the provider failed in a way that may have passed by the time the task has
 * its slot: the run will then bring it, or throw why it cannot.
 * @throws as {@link Preparation.bring}
 */
export async function broughtOrLeft({
  preparation,
  task,
  signal,
  onProgress,
}: {
  readonly preparation: Pick<Preparation, 'bring'>
  readonly task: PreparableTask
  readonly signal: AbortSignal
  readonly onProgress: (progress: PrepareProgress) => void
}): Promise<Prepared | undefined> {
  try {
    return await preparation.bring(task, { signal, onProgress })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof SoukError && error.fault === 'provider' && error.retryable) return undefined
    throw error
  }
}
