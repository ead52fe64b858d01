import { isSoukError, SoukError } from '../../protocol/errors.ts'
import type { TaskEvent } from '../../protocol/events.ts'
import type { RunResult } from '../collect-result.ts'
import type { LoadedTask } from '../load-task.ts'
import type { RemoteTask, ResultOptions } from '../remote-task.ts'
import { ranked } from './choose.ts'
import { nobodyTakes } from './nobody-takes.ts'
import { mayBePaid } from './quorum.ts'
import type { QuoteAnswer } from './quote-all.ts'
import type { MarketRecord, Meeting } from './record.ts'

/** A provider that has said what it would run the task for. */
type Offered = Extract<QuoteAnswer, { readonly offered: object }>

/** A provider that is asked to run the task, and why the one before it does not. */
export interface Move {
  readonly provider: string
  /** The most that it may cost there. */
  readonly maxPriceWei: bigint
  /** Why the one before does not run it. */
  readonly after?: SoukError
}

export interface RunAnywhereOptions {
  readonly task: LoadedTask
  readonly record: MarketRecord
  /** Asks every provider that can be found for a quote. Once `enough` have offered to run the task, slow ones are not waited for. */
  readonly quotes: (asked: { readonly enough?: number }) => Promise<readonly QuoteAnswer[]>
  readonly onMove?: (move: Move) => void
  readonly signal?: AbortSignal
}

/** A task that some provider has accepted, and that another may be given while its result is waited for. */
export interface AnywhereTask extends Pick<RemoteTask, 'taskId' | 'provider' | 'events' | 'cancel' | 'saveOutputs'> {
  /** Where its provider is. */
  readonly multiaddr: string
  /**
   * Waits for the task's end, as {@link RemoteTask.result}; goes on with the next provider where this one has failed. That the
   * output starts anew shows as `started` with a higher attempt.
   */
  result(options?: ResultOptions): Promise<RunResult>
}

/**
 * Has a task run by the best provider that offers to. If that one refuses it or fails by its own fault, the next one gets it, until the
 * task's total timeout is over. The task is never paid for twice:
 *
 * - A provider that refuses has not taken the task. One that reports a failure has no receipt, and is not paid without one.
 * - What became of the task at a provider that cannot be reached any more is unknown. If the task is free there, the next provider gets
 *   it, and it is cancelled at the first one should that come back meanwhile. If it may cost something, no other provider gets it: it
 *   is waited for until its provider comes back or the total timeout is over.
 * - If a provider hands over something else than its receipt says, or withholds it, that receipt may have been paid already. If the task
 *   may cost something, no other provider gets it then.
 *
 * @throws SoukError REFUSED, UNREACHABLE or what the last one failed with, where nobody is left; the signal's reason
 */
export async function runAnywhere(options: RunAnywhereOptions): Promise<AnywhereTask> {
  const run = new AnywhereRun(options)
  await run.next({ ...(options.signal !== undefined && { signal: options.signal }) })
  return run
}

/** A start counts as late if it is later than quoted by more than this, and by more than the quoted time itself. */
const LATE_MS = 5000

class AnywhereRun implements AnywhereTask {
  readonly #options: RunAnywhereOptions
  readonly #tried = new Set<string>()
  readonly #deadlineMs: number
  #answers: readonly QuoteAnswer[] | undefined
  #current: { readonly offered: Offered; readonly remote: RemoteTask } | undefined
  /** Why the best of the providers that could not be paid was not paid: the error that the user can do something about. */
  #unpaid: SoukError | undefined
  /** Attempts of providers before. */
  #attemptsBefore = 0
  #attempts = 0

  constructor(options: RunAnywhereOptions) {
    this.#options = options
    this.#deadlineMs = performance.now() + (options.task.spec.totalTimeoutMs ?? Infinity)
  }

  get taskId(): string {
    return this.#remote.taskId
  }

  get provider(): string {
    return this.#remote.provider
  }

  get multiaddr(): string {
    return this.#current?.offered.multiaddr ?? ''
  }

  get #remote(): RemoteTask {
    if (this.#current === undefined) throw new TypeError('no provider has taken the task')
    return this.#current.remote
  }

  events: AnywhereTask['events'] = (options) => this.#remote.events(options)
  cancel: AnywhereTask['cancel'] = (options) => this.#remote.cancel(options)
  saveOutputs: AnywhereTask['saveOutputs'] = (options) => this.#remote.saveOutputs(options)

  async result({ onEvent, ...options }: ResultOptions = {}): Promise<RunResult> {
    const tell = async (event: TaskEvent): Promise<void> => {
      if (event.kind === 'started') this.#attempts = event.attempt
      // That one provider has failed is no end.
      if (event.kind === 'finished' && event.result.kind === 'failed') return
      await onEvent?.(event.kind === 'started' ? { ...event, attempt: event.attempt + this.#attemptsBefore } : event)
    }
    for (;;) {
      try {
        const result = await this.#remote.result({ ...options, onEvent: tell })
        this.#noteEnd(result)
        return result
      } catch (thrown) {
        await this.#afterFailure(thrown, options.signal)
      }
    }
  }

  /** Gives the task to the next of those who offer to run it. @throws SoukError where nobody is left */
  async next({ signal, after }: { readonly signal?: AbortSignal; readonly after?: SoukError }): Promise<void> {
    let last = after
    // First the answers that are there, or that come first; then, if nobody of those takes it, everybody's.
    for (const everybody of [false, true]) {
      if (everybody && after === undefined && !this.#isCutShort) break
      if (everybody) this.#answers = await this.#options.quotes({})
      this.#answers ??= await this.#options.quotes({ enough: 1 })
      for (let offered = this.#best(); offered !== undefined; offered = this.#best()) {
        signal?.throwIfAborted()
        if (performance.now() >= this.#deadlineMs) throw outOfTime({ task: this.#options.task, last })
        const failure = await this.#submit({ offered, last, signal })
        if (failure === undefined) return
        last = failure
      }
    }
    throw this.#unpaid ?? last ?? nobodyTakes({ answers: this.#answers ?? [], task: this.#options.task })
  }

  /** Whether a slow provider was not waited for. */
  get #isCutShort(): boolean {
    return this.#answers?.some((answer) => answer.offered === undefined && answer.cutShort === true) === true
  }

  #best(): Offered | undefined {
    const { record, task } = this.#options
    const candidates = (this.#answers ?? []).flatMap((answer) => {
      if (answer.offered === undefined || this.#tried.has(answer.client.provider)) return []
      const { quote } = answer.offered
      return [{ quote, record: record.of(quote.provider), answer }]
    })
    const maxPriceWei = BigInt(task.spec.maxPriceWei)
    return ranked({ candidates, maxPriceWei, nowMs: Date.now() })[0]?.answer
  }

  /** Submits the task to one provider. Resolves to why that does not run it; to undefined if it does, or may. */
  async #submit({
    offered: answer,
    last,
    signal,
  }: {
    readonly offered: Offered
    readonly last: SoukError | undefined
    readonly signal: AbortSignal | undefined
  }): Promise<SoukError | undefined> {
    const { client, offered } = answer
    const { task, onMove } = this.#options
    this.#tried.add(client.provider)
    onMove?.({
      provider: client.provider,
      maxPriceWei: BigInt(offered.quote.maxPriceWei),
      ...(last !== undefined && { after: last }),
    })
    let sent: string | undefined
    try {
      const remote = await client.submit({
        task,
        quote: offered,
        onSent: (taskId) => {
          sent = taskId
        },
        ...(signal !== undefined && { signal }),
      })
      this.#current = { offered: answer, remote }
      this.#note(client.provider, 'accepted')
      return undefined
    } catch (thrown) {
      signal?.throwIfAborted()
      if (!(thrown instanceof SoukError)) throw thrown
      const error = SoukError.from(thrown)
      // That this side cannot pay is no fault of the provider's.
      if (error.code === 'PAYMENT_REQUIRED') this.#unpaid ??= error
      else this.#note(client.provider, error.code === 'REFUSED' ? 'refused' : 'faults')
      if (sent === undefined || !isLost(error) || costsNothing(answer)) return error
      this.#current = { offered: answer, remote: client.task(sent, { task, quote: offered }) }
      return undefined
    }
  }

  async #afterFailure(thrown: unknown, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (!(thrown instanceof SoukError) || this.#current === undefined) throw thrown
    const error = SoukError.from(thrown)
    const { offered, remote } = this.#current
    const lost = isLost(error)
    if (!lost && !hasEnded(error)) throw error
    if (lost && !costsNothing(offered)) {
      if (performance.now() >= this.#deadlineMs) throw stillUnknown({ error, taskId: remote.taskId })
      return
    }
    this.#note(remote.provider, 'faults')
    // Its receipt may have been paid before the lie was found.
    if (mayBePaid(error) && !costsNothing(offered)) throw error
    // Where it comes back, it need not go on with what somebody else does now.
    if (lost) remote.cancel().catch(() => undefined)
    this.#attemptsBefore += this.#attempts
    this.#attempts = 0
    await this.next({ after: error, ...(signal !== undefined && { signal }) })
  }

  #noteEnd({ receipt: { provider, timings } }: RunResult): void {
    this.#note(provider, 'finished')
    const expectedMs = this.#current?.offered.offered.quote.expectedStartMs ?? 0
    if (timings.startedAtMs - timings.acceptedAtMs > 2 * expectedMs + LATE_MS) this.#note(provider, 'late')
  }

  #note(provider: string, what: Meeting): void {
    this.#options.record.note({ provider, what, atMs: Date.now() })
  }
}

/** Nothing is known of a task whose provider does not answer, or answers what makes no sense. */
function isLost({ code }: SoukError): boolean {
  return code === 'CONNECTION_LOST' || code === 'UNREACHABLE' || code === 'PROTOCOL_ERROR'
}

/** Whether the task has surely come to nothing there, by no fault of who asked for it. */
function hasEnded(error: SoukError): boolean {
  return error.fault === 'provider' || isSoukError(error, 'NOT_FOUND') || isSoukError(error, 'RECEIPT_INVALID')
}

function costsNothing({ offered: { quote } }: Offered): boolean {
  return quote.maxPriceWei === '0' || quote.payment.kind === 'none'
}

function outOfTime({ task, last }: { readonly task: LoadedTask; readonly last: SoukError | undefined }): SoukError {
  const limitMs = task.spec.totalTimeoutMs ?? 0
  return new SoukError({
    code: 'TOTAL_TIMEOUT',
    message: `The task's total timeout of ${limitMs} ms ran out before a provider had seen it through${last === undefined ? '' : `: ${last.message}`}`,
    details: { limitMs },
    cause: last,
  })
}

function stillUnknown({ error, taskId }: { readonly error: SoukError; readonly taskId: string }): SoukError {
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: `${error.message} What became of task ${taskId} is not known; as it may cost something, nobody else was asked.`,
    details: {},
    hint: `Ask its provider for task ${taskId} later; run the task again only where that does not know it.`,
    cause: error,
  })
}
