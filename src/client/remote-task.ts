import type { OutputOffsets, TaskEvent, TaskSummary } from '../protocol/events.ts'
import type { Quote } from '../protocol/quote.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { collectResult, type RunResult } from './collect-result.ts'
import type { EarlyFollow } from './early-follows.ts'
import type { LoadedTask } from './load-task.ts'
import type { Link } from './link.ts'
import { paidEvents } from './payments/paid-events.ts'
import { resumedEvents } from './resumed-events.ts'
import { saveOutputs, type SaveProgress, type SavedOutput } from './save-outputs.ts'
import type { ServedBlobs } from './served-blobs.ts'
import { settleTask } from './payments/task-payment.ts'
import { taskLogs, type OutputEvent } from './task-logs.ts'
import type { Wallet } from './payments/wallet.ts'

export interface Waiting {
  /** Ends the waiting, and throws the signal's reason; the task goes on. */
  readonly signal?: AbortSignal
}

export interface EventsOptions extends Waiting {
  /** Output from here on: bytes from each stream's start; from the beginning where absent. */
  readonly offsets?: OutputOffsets
}

export interface ResultOptions extends Waiting {
  /** The most that stdout and stderr together may take in memory: 64 MiB where absent. */
  readonly maxOutputBytes?: number
  /** Told of every event as it comes; the next one waits until it is done. */
  readonly onEvent?: (event: TaskEvent) => void | Promise<void>
}

export interface LogsOptions extends EventsOptions {
  /** Goes on until the task ends; else what is there now. */
  readonly follow?: boolean
}

export interface SaveOptions extends Waiting {
  /** Made where it is missing. A result `/out/a.txt` is saved as `out/a.txt` below it. */
  readonly dir: string
  readonly receipt: Receipt
  readonly onProgress?: (progress: SaveProgress) => void
}

/**
 * A task at a provider, known by its id. Whatever waits here survives a broken connection: it dials again and goes on
 * where it was, until the provider has stayed away for too long (SoukError CONNECTION_LOST).
 */
export interface RemoteTask {
  readonly taskId: string
  /** The provider's Ethereum address. */
  readonly provider: string
  /**
   * What happens to the task, from now on and up to `finished`. No byte of output comes twice and none is left
   * out; a new attempt shows as `started` with a higher attempt, after which offsets begin at 0 again.
   * @throws SoukError NOT_FOUND, CONNECTION_LOST, PROTOCOL_ERROR; the signal's reason
   */
  events(options?: EventsOptions): AsyncIterable<TaskEvent>
  /**
   * Waits for the task's end and resolves to what it came to, whatever that is: a limit or a trap is a result. The
   * receipt is the connection's provider's, about this task, and has the digests of the output that came.
   * @throws SoukError the one that the task failed with; RECEIPT_INVALID; RESOURCE_LIMIT where the output is more
   *   than `maxOutputBytes`; as {@link events}
   */
  result(options?: ResultOptions): Promise<RunResult>
  /** Only the output, of the newest attempt. @throws as {@link events} */
  logs(options?: LogsOptions): AsyncIterable<OutputEvent>
  /** Resolves when the provider has noted it; what came of it is in the result. @throws SoukError as {@link events} */
  cancel(options?: Waiting): Promise<void>
  /** @throws SoukError as {@link events} */
  show(options?: Waiting): Promise<TaskSummary>
  /**
   * Fetches each file of the result, checks it against its digest in the receipt and puts it below `dir`. Never writes
   * elsewhere, through a symbolic link, or over a file with other content. After a failure the next call goes on
   * with what had come.
   * @throws SoukError INVALID_INPUT where something is in the way, RECEIPT_INVALID where paths in the receipt cannot
   *   be, NOT_FOUND where the provider does not keep it any more, STORAGE_FULL; as {@link events}
   */
  saveOutputs(options: SaveOptions): Promise<readonly SavedOutput[]>
}

export interface RemoteTaskOptions {
  readonly taskId: string
  readonly requester: string
  readonly link: Link
  readonly blobs: ServedBlobs
  /** What was submitted, where it was submitted here. */
  readonly task?: LoadedTask
  /** What was promised of it, where something was. */
  readonly quote?: Quote
  /** Its events, where they were asked for along with it. */
  readonly follow?: EarlyFollow
  /** Pays what the task comes to, once its receipt is here and verified; before that nothing that was kept back comes. */
  readonly wallet?: Wallet
}

export function createRemoteTask(options: RemoteTaskOptions): RemoteTask {
  const { taskId, requester, link, blobs, task, quote, follow, wallet } = options
  const { provider } = link
  const expected = {
    taskId,
    provider,
    requester,
    found: new WeakMap<Receipt, Receipt>(),
    ...(task !== undefined && { task }),
    ...(quote !== undefined && { quote }),
  }

  function followFrom(offsets: OutputOffsets | undefined, signal: AbortSignal | undefined): AsyncIterable<TaskEvent> {
    return resumedEvents({
      ...(offsets !== undefined && { offsets }),
      patience: link.patience(signal),
      async open(from) {
        const early = from.stdout === 0 && from.stderr === 0 ? follow?.take(signal) : undefined
        if (early !== undefined) return early
        const connection = await link.connection(signal)
        return connection.follow({ taskId, offsets: from, ...(signal !== undefined && { signal }) })
      },
    })
  }

  async function* events({ offsets, signal }: EventsOptions = {}): AsyncGenerator<TaskEvent, void, undefined> {
    const followed =
      wallet === undefined
        ? followFrom(offsets, signal)
        : paidEvents({
            ...(offsets !== undefined && { offsets }),
            follow: (from) => followFrom(from, signal),
            settle: ({ result, withheld }) => settleTask({ wallet, link, expected, result, withheld, signal }),
            signal,
          })
    for await (const event of followed) {
      // A task that has ended needs no inputs any more.
      if (event.kind === 'finished') blobs.forget(taskId)
      yield event
    }
  }

  const show = ({ signal }: Waiting = {}): Promise<TaskSummary> =>
    link.again((connection) => connection.show(taskId, { ...(signal !== undefined && { signal }) }), signal)

  return {
    taskId,
    provider,
    events,
    show,
    result: ({ signal, ...options } = {}) =>
      collectResult({
        ...options,
        events: events({ ...(signal !== undefined && { signal }) }),
        expected,
      }),
    logs: (options = {}) => taskLogs({ ...options, show, events }),
    cancel: ({ signal } = {}) =>
      link.again((connection) => connection.cancel(taskId, { ...(signal !== undefined && { signal }) }), signal),
    saveOutputs: ({ dir, receipt, signal, onProgress }) =>
      saveOutputs({
        dir,
        outputs: receipt.outputs,
        ...(signal !== undefined && { signal }),
        ...(onProgress !== undefined && { onProgress }),
        patience: () => link.patience(signal),
        async *read(read) {
          const connection = await link.connection(signal)
          yield* connection.readBlob(read)
        },
      }),
  }
}
