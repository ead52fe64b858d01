import { join } from 'node:path'
import type { ArtifactStore } from '../../artifacts/store.ts'
import { isSoukError } from '../../protocol/errors.ts'
import type { Output } from '../../protocol/execution.ts'
import type { Capacity } from '../scheduler/capacity.ts'
import { outputHolder } from '../journal/holders.ts'
import type { LiveTask } from '../journal/task-state.ts'

/**
 * Moves the result files of a run, `dir`/results, into the store. What there is no room for, in the requester's share,
 * in that of all unknown requesters or in the whole, becomes an entry with its error: the task has run, and nobody
 * gets a run for free by filling the store first.
 *
 * @throws SoukError where the host fails, a full disk included.
 */
export async function keepResults(options: {
  readonly outputs: readonly Output[]
  readonly record: Pick<LiveTask, 'taskId' | 'requester'>
  readonly dir: string
  readonly store: ArtifactStore
  readonly capacity: Pick<Capacity, 'isKnown'>
  readonly unknownPeersStorageBytes: number
}): Promise<Output[]> {
  const { record, store } = options
  const { isKnown } = options.capacity
  const heldByUnknown = (): number => store.heldByMatching((owner) => !isKnown(owner))
  let crowdLeftBytes = isKnown(record.requester) ? Infinity : options.unknownPeersStorageBytes - heldByUnknown()
  const kept: Output[] = []
  for (const output of options.outputs) {
    if (!('sha256' in output)) {
      kept.push(output)
      continue
    }
    const before = store.heldBy(record.requester)
    const why =
      output.bytes > crowdLeftBytes
        ? "the provider's store has no room left for requesters that it does not know"
        : await adopt({ ...options, output })
    crowdLeftBytes -= store.heldBy(record.requester) - before
    kept.push(why === undefined ? output : { path: output.path, error: { code: 'TOO_LARGE', message: why } })
  }
  return kept
}

/** Undefined when the file is in the store, or why there is no room for it. */
async function adopt({
  output,
  record,
  dir,
  store,
}: {
  readonly output: Extract<Output, { sha256: string }>
  readonly record: Pick<LiveTask, 'taskId' | 'requester'>
  readonly dir: string
  readonly store: ArtifactStore
}): Promise<string | undefined> {
  const { sha256, bytes } = output
  try {
    await store.adopt({
      holder: outputHolder(record.taskId),
      owner: record.requester,
      file: join(dir, 'results', sha256),
      blob: { sha256, bytes },
    })
    return undefined
  } catch (error) {
    // Without a quota it is the disk that is full, which is the provider's fault.
    if (isSoukError(error, 'STORAGE_FULL') && error.details.quotaBytes !== undefined) return error.message
    throw error
  }
}
