import type { Connection } from '@libp2p/interface'
import type { Answer } from '../codec.ts'
import { SoukError } from '../errors.ts'
import type { OutputOffsets, TaskEvent, TaskSummary } from '../events.ts'
import type { SignedQuote } from '../quote.ts'
import type { CloseConsent, Statement, Voucher } from '../payment.ts'
import type { SignedTask } from '../receipt.ts'
import { WIRE_BOUNDS } from '../wire-bounds.ts'
import { protocolError } from '../wire-fields.ts'
import { readBlobOver, type BlobRead } from './blob-client.ts'
import { FollowBuffer } from './follow-buffer.ts'
import { connectionLost, isLimited } from './network-errors.ts'
import { QuoteClient } from './quote-client.ts'
import { openFramed } from './open-stream.ts'
import { TaskChannel, type AnswerHandler, type NewRequest } from './task-channel.ts'
import { TASK_PROTOCOL, WIRE_LIMITS } from './wire-limits.ts'

export interface RequestOptions {
  /** Gives up waiting, and throws the signal's reason; what the provider was asked may still happen. */
  readonly signal?: AbortSignal
}

export interface SubmitOptions extends RequestOptions {
  /** The provider's quote for the task. */
  readonly quote?: SignedQuote
  /** Names the channel that the task is charged to. If it is newer than what the provider has, it also pays ahead. */
  readonly voucher?: Voucher
}

export interface FollowOptions extends RequestOptions {
  readonly taskId: string
  /** Bytes from each stream's start; from the beginning where absent. */
  readonly offsets?: OutputOffsets
}

/**
 * A connection to one provider. Every method throws a SoukError: the one that the provider answers with; CONNECTION_LOST (retryable) if
 * the connection broke or no answer came in time; PROTOCOL_ERROR if the answer does not follow the protocol.
 */
export interface ProviderConnection {
  /** The provider's Ethereum address, proven by the handshake. */
  readonly provider: string
  readonly peerId: string
  /** Whether it goes through a relay that bounds what it carries: enough for tasks with small files and results. */
  readonly limited: boolean
  /** The provider's quote for running the task. @throws SoukError REFUSED with every reason why it would not run it */
  quote(spec: Uint8Array, options?: RequestOptions): Promise<SignedQuote>
  submit(task: SignedTask, options?: SubmitOptions): Promise<{ readonly taskId: string }>
  /** Submits and follows in one round trip; `signal` also ends the follow. */
  submitAndFollow(
    task: SignedTask,
    options?: SubmitOptions,
  ): Promise<{ readonly taskId: string; readonly events: AsyncIterable<TaskEvent> }>
  /** Resolves once the voucher is durable at the provider, to the channel's balance there. */
  pay(voucher: Voucher, options?: RequestOptions): Promise<Statement>
  /** The balance of a channel of this requester's, in the provider's books. */
  account(channelId: string, options?: RequestOptions): Promise<Statement>
  /** The provider's consent to closing a channel of this requester's; it takes nothing on it from then on. */
  closeConsent(channelId: string, options?: RequestOptions): Promise<CloseConsent>
  cancel(taskId: string, options?: RequestOptions): Promise<void>
  list(options?: RequestOptions): Promise<readonly TaskSummary[]>
  show(taskId: string, options?: RequestOptions): Promise<TaskSummary>
  /** Events at the pace of who iterates; ends after `finished`. Ending the iteration ends the follow. */
  follow(options: FollowOptions): AsyncIterable<TaskEvent>
  readBlob(options: BlobRead): AsyncIterable<Uint8Array>
  /** Resolves when the connection is closed, whoever closed it or whatever broke it. */
  readonly closed: Promise<void>
  close(): Promise<void>
}

const START: OutputOffsets = { stdout: 0, stderr: 0 }

/** The requester's side of the task protocol over an open connection. */
export class TaskClient implements ProviderConnection {
  readonly provider: string
  readonly peerId: string
  readonly limited: boolean
  readonly closed: Promise<void>
  readonly #connection: Connection
  readonly #quotes: QuoteClient
  #channel: Promise<TaskChannel> | undefined
  /** The channel that is being opened, for all who want one meanwhile. */
  #reopening: Promise<TaskChannel> | undefined
  #closedHere = false

  /** @param connection used by this client alone, which closes it */
  constructor({ connection, provider }: { readonly connection: Connection; readonly provider: string }) {
    this.provider = provider
    this.peerId = connection.remotePeer.toString()
    this.limited = isLimited(connection)
    this.#connection = connection
    this.#quotes = new QuoteClient(connection)
    this.closed =
      connection.status === 'open'
        ? new Promise((resolve) => connection.addEventListener('close', () => resolve(), { once: true }))
        : Promise.resolve()
  }

  quote(spec: Uint8Array, { signal }: RequestOptions = {}): Promise<SignedQuote> {
    return settled(this.#quotes.quote(spec), signal)
  }

  async submit(task: SignedTask, options: SubmitOptions = {}): Promise<{ readonly taskId: string }> {
    return this.#ask({ kind: 'submit', task, ...broughtBy(options) }, options, (answer, done) => {
      if (answer.kind === 'accepted') done({ taskId: answer.taskId })
    })
  }

  async submitAndFollow(
    task: SignedTask,
    options: SubmitOptions = {},
  ): Promise<{ readonly taskId: string; readonly events: AsyncIterable<TaskEvent> }> {
    const follow = await this.#startFollow({
      kind: 'submit',
      task,
      follow: { offsets: START, creditBytes: WIRE_LIMITS.followWindowBytes },
      ...broughtBy(options),
    })
    const taskId = await settled(follow.accepted, options.signal).catch((thrown: unknown) => {
      follow.giveUp()
      throw thrown
    })
    return { taskId, events: eventsOf(follow, options.signal) }
  }

  async cancel(taskId: string, options: RequestOptions = {}): Promise<void> {
    await this.#ask<true>({ kind: 'cancel', taskId }, options, (answer, done) => {
      if (answer.kind === 'done') done(true)
    })
  }

  async pay(voucher: Voucher, options: RequestOptions = {}): Promise<Statement> {
    return this.#ask({ kind: 'pay', voucher }, options, (answer, done) => {
      if (answer.kind === 'statement') done(answer.statement)
    })
  }

  async account(channelId: string, options: RequestOptions = {}): Promise<Statement> {
    return this.#ask({ kind: 'account', channelId }, options, (answer, done) => {
      if (answer.kind === 'statement') done(answer.statement)
    })
  }

  async closeConsent(channelId: string, options: RequestOptions = {}): Promise<CloseConsent> {
    return this.#ask({ kind: 'close', channelId }, options, (answer, done) => {
      if (answer.kind === 'consent') done(answer.consent)
    })
  }

  async list(options: RequestOptions = {}): Promise<readonly TaskSummary[]> {
    const tasks: TaskSummary[] = []
    return this.#ask({ kind: 'list' }, options, (answer, done) => {
      if (answer.kind !== 'list') return
      tasks.push(...answer.tasks)
      if (tasks.length > WIRE_LIMITS.listTasks)
        throw protocolError(`a list has more than ${WIRE_LIMITS.listTasks} tasks`)
      if (answer.more && answer.tasks.length < WIRE_BOUNDS.listTasksPerFrame)
        throw protocolError('a list goes on after a frame that was not full')
      if (!answer.more) done(tasks)
      return 'more'
    })
  }

  async show(taskId: string, options: RequestOptions = {}): Promise<TaskSummary> {
    return this.#ask({ kind: 'show', taskId }, options, (answer, done) => {
      if (answer.kind === 'task') done(answer.task)
    })
  }

  async *follow({ taskId, offsets = START, signal }: FollowOptions): AsyncGenerator<TaskEvent, void, undefined> {
    signal?.throwIfAborted()
    const from = { offsets, creditBytes: WIRE_LIMITS.followWindowBytes }
    yield* eventsOf(await this.#startFollow({ kind: 'follow', taskId, from }), signal)
  }

  readBlob(options: BlobRead): AsyncIterable<Uint8Array> {
    return readBlobOver(this.#connection, options)
  }

  async close(): Promise<void> {
    if (this.#closedHere) return
    this.#closedHere = true
    const channel = await this.#channel?.catch(() => undefined)
    await Promise.all([channel?.close(), this.#quotes.close()])
    await this.#connection
      .close()
      .catch((cause: unknown) => this.#connection.abort(cause instanceof Error ? cause : new Error(String(cause))))
  }

  /**
   * Makes one request and waits for its result. `collect` is called with each answer, and calls `done` with the result. For a valid answer
   * after which more are to come it returns 'more'. If it does neither, the answer breaks the protocol.
   */
  async #ask<T extends object | true>(
    request: NewRequest,
    { signal }: RequestOptions,
    collect: (answer: Answer, done: (value: T) => void) => 'more' | void,
  ): Promise<T> {
    signal?.throwIfAborted()
    const channel = await settled(this.#openChannel(), signal)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    channel.request(request, {
      onAnswer(answer) {
        if (answer.kind === 'error') {
          reject(SoukError.fromJSON(answer.error))
          return true
        }
        let over = false
        const more = collect(answer, (value) => {
          over = true
          resolve(value)
        })
        if (!over && more !== 'more') throw protocolError(`the answer to ${request.kind} is ${answer.kind}`)
        return over
      },
      onLost: reject,
    })
    return settled(promise, signal)
  }

  async #startFollow(request: NewRequest & { readonly kind: 'submit' | 'follow' }): Promise<StartedFollow> {
    const channel = await this.#openChannel()
    const follow = new StartedFollow(request.kind, (message) => channel.about(id, message))
    const id = channel.request(request, follow)
    return follow
  }

  /** The stream that all requests share; a new one if the last has ended. */
  async #openChannel(): Promise<TaskChannel> {
    if (this.#closedHere) throw connectionLost('it was closed here')
    const current = await this.#channel?.catch(() => undefined)
    if (current?.usable) return current
    // Several callers may have found the same stream unusable: the first opens the next for all.
    this.#channel = this.#reopening ??= this.#open()
    return this.#channel
  }

  async #open(): Promise<TaskChannel> {
    try {
      const maxFrameBytes = WIRE_BOUNDS.providerFrameBytes
      return new TaskChannel(await openFramed({ connection: this.#connection, protocol: TASK_PROTOCOL, maxFrameBytes }))
    } finally {
      this.#reopening = undefined
    }
  }
}

/** The optional fields of a submission. */
function broughtBy({ quote, voucher }: SubmitOptions): Pick<SubmitOptions, 'quote' | 'voucher'> {
  return { ...(quote !== undefined && { quote }), ...(voucher !== undefined && { voucher }) }
}

type FollowMessage = { readonly kind: 'credit'; readonly bytes: number } | { readonly kind: 'unfollow' }

/** A follow that has been asked for, with the submission that it may be part of. */
class StartedFollow implements AnswerHandler {
  readonly buffer: FollowBuffer
  readonly accepted: Promise<string>
  readonly #send: (message: FollowMessage) => void
  readonly #acceptance = Promise.withResolvers<string>()
  #isAccepted: boolean

  constructor(kind: 'submit' | 'follow', send: (message: FollowMessage) => void) {
    this.#send = send
    this.#isAccepted = kind === 'follow'
    this.accepted = this.#acceptance.promise
    // A mere follow never awaits this: it must not count as unhandled.
    this.accepted.catch(() => undefined)
    this.buffer = new FollowBuffer((bytes) => send({ kind: 'credit', bytes }))
  }

  onAnswer(answer: Answer, frameBytes: number): boolean {
    if (answer.kind === 'error') {
      this.onLost(SoukError.fromJSON(answer.error))
      return true
    }
    if (!this.#isAccepted) {
      if (answer.kind !== 'accepted') throw protocolError(`the answer to submit is ${answer.kind}`)
      this.#isAccepted = true
      this.#acceptance.resolve(answer.taskId)
      return false
    }
    if (answer.kind === 'event') {
      this.buffer.push(answer.event, frameBytes)
      if (answer.event.kind !== 'finished') return false
    } else if (answer.kind !== 'done') {
      throw protocolError(`the answer to a follow is ${answer.kind}`)
    }
    this.buffer.end()
    return true
  }

  onLost(reason: SoukError): void {
    this.#acceptance.reject(reason)
    this.buffer.end(reason)
  }

  /** Ends the follow, at the provider too unless it has ended there already. */
  giveUp(reason?: Error): void {
    if (!this.buffer.ended) this.#send({ kind: 'unfollow' })
    this.buffer.end(reason)
  }
}

async function* eventsOf(
  follow: StartedFollow,
  signal: AbortSignal | undefined,
): AsyncGenerator<TaskEvent, void, undefined> {
  const onAbort = (): void => follow.giveUp(signal?.reason as Error)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    for (let event = await follow.buffer.next(); event !== undefined; event = await follow.buffer.next()) yield event
  } finally {
    signal?.removeEventListener('abort', onAbort)
    follow.giveUp()
  }
}

/** Awaits the promise. @throws the signal's reason if it aborts first; SoukError CONNECTION_LOST after too long a silence */
async function settled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const { promise: given, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal?.reason as Error)
  const timeoutMs = WIRE_LIMITS.inactivityTimeoutMs
  const timer = setTimeout(() => reject(connectionLost(`no answer came for ${timeoutMs / 1000} seconds`)), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    return await Promise.race([promise, given])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
