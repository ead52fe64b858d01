import { decodeRequest, encodeAnswer, type Answer, type FollowFrom, type Request } from '../codec.ts'
import { SoukError } from '../errors.ts'
import type { TaskEvent } from '../events.ts'
import { WIRE_BOUNDS } from '../wire-bounds.ts'
import { protocolError } from '../wire-fields.ts'
import { FollowCredit } from './follow-credit.ts'
import type { FramedStream } from './framed-stream.ts'
import { forStranger, type InternalErrorListener } from './stranger-error.ts'
import type { TaskService } from './task-service.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

export interface TaskServerOptions {
  readonly service: TaskService
  /** How many follows one peer may have open, over all its streams and connections. */
  readonly followsPerPeer: number
  readonly onInternalError: InternalErrorListener
}

/** Serves a {@link TaskService} over streams of the task protocol. */
export class TaskServer {
  readonly options: TaskServerOptions
  readonly #followsOfPeer = new Map<string, number>()

  constructor(options: TaskServerOptions) {
    this.options = options
  }

  /** Serves one stream until the peer ends it or breaks the protocol. Never rejects. */
  async serve({ stream, peer }: { readonly stream: FramedStream; readonly peer: string }): Promise<void> {
    await new TaskStreamServer({ server: this, stream, peer }).run()
  }

  /** Counts one more follow of the peer; false if it has as many as it may. To be given back with `releaseFollow`. */
  takeFollow(peer: string): boolean {
    const open = this.#followsOfPeer.get(peer) ?? 0
    if (open >= this.options.followsPerPeer) return false
    this.#followsOfPeer.set(peer, open + 1)
    return true
  }

  releaseFollow(peer: string): void {
    const open = (this.#followsOfPeer.get(peer) ?? 1) - 1
    if (open > 0) this.#followsOfPeer.set(peer, open)
    else this.#followsOfPeer.delete(peer)
  }
}

interface ToFollow {
  readonly taskId: string
  /** Settles when the transport has taken the answer. */
  readonly sent?: Promise<void>
}

interface OpenFollow {
  readonly credit: FollowCredit
  readonly abort: AbortController
}

class TaskStreamServer {
  readonly #server: TaskServer
  readonly #service: TaskService
  readonly #stream: FramedStream
  readonly #peer: string
  readonly #follows = new Map<number, OpenFollow>()
  #lastId = 0
  /** How many requests are being answered; follows do not count. */
  #answering = 0
  #wake: (() => void) | undefined
  /** Set once the reason for resetting the stream is being sent: nothing may be sent after that. */
  #refusing = false

  constructor({
    server,
    stream,
    peer,
  }: {
    readonly server: TaskServer
    readonly stream: FramedStream
    readonly peer: string
  }) {
    this.#server = server
    this.#service = server.options.service
    this.#stream = stream
    this.#peer = peer
  }

  async run(): Promise<void> {
    try {
      for (;;) {
        await this.#belowLimit()
        const frame = await this.#stream.read()
        if (frame === undefined) break
        this.#dispatch(decodeRequest(frame))
      }
      // The peer asks for nothing more and can grant no more credit: its follows are over, its requests are answered.
      this.#endFollows()
      while (this.#answering > 0) await this.#answered()
      await this.#stream.close()
    } catch (thrown) {
      this.#endFollows()
      await this.#refuse(SoukError.from(thrown))
    }
  }

  /** Sends the reason if the peer can still get it, and resets the stream. */
  async #refuse(error: SoukError): Promise<void> {
    if (error.code === 'CONNECTION_LOST') return this.#stream.abort(error)
    this.#refusing = true
    const said = forStranger(error, this.#server.options.onInternalError)
    await this.#stream.reject(encodeAnswer({ id: 0, kind: 'error', error: said }), error)
  }

  #dispatch(request: Request): void {
    const { id } = request
    if (request.kind === 'credit' || request.kind === 'unfollow') {
      if (id > this.#lastId) throw protocolError(`${request.kind} is about id ${id}, which no request had`)
      // If there is no such follow, it has ended while this message was on its way.
      const follow = this.#follows.get(id)
      return request.kind === 'credit' ? follow?.credit.grant(request.bytes) : follow?.abort.abort()
    }
    if (id <= this.#lastId) throw protocolError(`a request has id ${id} after one with id ${this.#lastId}`)
    this.#lastId = id
    const from = request.kind === 'follow' ? request.from : request.kind === 'submit' ? request.follow : undefined
    const follow =
      from === undefined ? undefined : { credit: new FollowCredit(from.creditBytes), abort: new AbortController() }
    if (follow !== undefined) this.#follows.set(id, follow)
    void this.#handle(request, from, follow)
  }

  /** Answers one request, its follow included. Never rejects. */
  async #handle(request: Request, from: FollowFrom | undefined, follow: OpenFollow | undefined): Promise<void> {
    const { id } = request
    const followTaken = follow !== undefined && this.#server.takeFollow(this.#peer)
    this.#answering += 1
    const answered = await this.#orError(id, () => {
      if (follow !== undefined && !followTaken) throw tooManyFollows(this.#server.options.followsPerPeer)
      return this.#answer(request)
    })
    // The answer is queued before the events, but need not be sent before they are: they go together.
    const taskId = answered?.taskId
    const followed =
      taskId === undefined || from === undefined || follow === undefined
        ? undefined
        : this.#orError(id, () => this.#follow({ id, taskId, from, follow }))
    await answered?.sent?.catch(ignoreLostStream)
    this.#answering -= 1
    this.#wake?.()
    await followed
    if (followTaken) this.#server.releaseFollow(this.#peer)
    this.#follows.delete(id)
  }

  /** Does the work. Resolves to its result, or to undefined after sending its error to the peer. */
  async #orError<T>(id: number, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (thrown) {
      const error = forStranger(thrown, this.#server.options.onInternalError)
      await this.#send({ id, kind: 'error', error }).catch(ignoreLostStream)
      return undefined
    }
  }

  /** Calls the service and writes its answer; resolves to the task that may be followed. */
  async #answer(request: Request): Promise<ToFollow | undefined> {
    const peer = this.#peer
    const { id } = request
    switch (request.kind) {
      case 'submit': {
        const { task, quote, voucher } = request
        const brought = { ...(quote !== undefined && { quote }), ...(voucher !== undefined && { voucher }) }
        const { taskId } = await this.#service.submit({ peer, task, ...brought })
        return { taskId, sent: this.#send({ id, kind: 'accepted', taskId }) }
      }
      case 'follow':
        return { taskId: request.taskId }
      case 'cancel':
        await this.#service.cancel({ peer, taskId: request.taskId })
        await this.#send({ id, kind: 'done' })
        return undefined
      case 'show':
        await this.#send({ id, kind: 'task', task: await this.#service.show({ peer, taskId: request.taskId }) })
        return undefined
      case 'list': {
        const tasks = await this.#service.list({ peer })
        const { listTasksPerFrame } = WIRE_BOUNDS
        for (let start = 0, more = true; more; start += listTasksPerFrame) {
          more = start + listTasksPerFrame < tasks.length
          await this.#send({ id, kind: 'list', tasks: tasks.slice(start, start + listTasksPerFrame), more })
        }
        return undefined
      }
      case 'pay': {
        const statement = await this.#service.pay({ peer, voucher: request.voucher })
        await this.#send({ id, kind: 'statement', statement })
        return undefined
      }
      case 'account': {
        const statement = await this.#service.account({ peer, channelId: request.channelId })
        await this.#send({ id, kind: 'statement', statement })
        return undefined
      }
      case 'close': {
        const consent = await this.#service.close({ peer, channelId: request.channelId })
        await this.#send({ id, kind: 'consent', consent })
        return undefined
      }
      case 'credit':
      case 'unfollow':
        return undefined
    }
  }

  /** Sends a task's events as fast as the peer takes them; each is asked for only once the one before is sent. */
  async #follow(options: {
    readonly id: number
    readonly taskId: string
    readonly from: FollowFrom
    readonly follow: OpenFollow
  }): Promise<void> {
    const { id, taskId, from, follow } = options
    const { signal } = follow.abort
    const events = this.#service.follow({ peer: this.#peer, taskId, offsets: from.offsets, signal })
    for await (const event of events) {
      for (const piece of piecesOf(event)) {
        await follow.credit.available(signal)
        if (signal.aborted) break
        const frame = encodeAnswer({ id, kind: 'event', event: piece })
        follow.credit.spend(frame.byteLength)
        await this.#stream.write(frame, 'event')
      }
      if (signal.aborted) break
      if (event.kind === 'finished') return
    }
    if (!this.#refusing) await this.#send({ id, kind: 'done' })
  }

  #send(answer: Answer): Promise<void> {
    return this.#stream.write(encodeAnswer(answer))
  }

  async #belowLimit(): Promise<void> {
    while (this.#answering >= WIRE_LIMITS.openRequestsPerStream) await this.#answered()
  }

  async #answered(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  #endFollows(): void {
    for (const { abort } of this.#follows.values()) abort.abort()
  }
}

function* piecesOf(event: TaskEvent): Iterable<TaskEvent> {
  if (event.kind !== 'output' || event.data.byteLength <= WIRE_BOUNDS.outputChunkBytes) {
    yield event
    return
  }
  const { outputChunkBytes } = WIRE_BOUNDS
  for (let start = 0; start < event.data.byteLength; start += outputChunkBytes) {
    yield { ...event, offset: event.offset + start, data: event.data.subarray(start, start + outputChunkBytes) }
  }
}

function tooManyFollows(most: number): SoukError<'REFUSED'> {
  const message = `${most} follows are open for this requester, and no more are allowed`
  return new SoukError({
    code: 'REFUSED',
    message: `The provider follows no more tasks for this requester: ${message}.`,
    details: { reasons: [{ reason: 'PEER_OVER_SHARE', message }] },
    retryable: true,
    hint: 'End other follows first.',
  })
}

/** An answer that can no longer be delivered is nobody's error: the task goes on, the peer asks again. */
function ignoreLostStream(): void {}
