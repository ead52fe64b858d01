import { decodeAnswer, encodeRequest, type Answer, type Request } from '../codec.ts'
import { SoukError } from '../errors.ts'
import { protocolError } from '../wire-fields.ts'
import type { FramedStream } from './framed-stream.ts'
import { connectionLost } from './network-errors.ts'
import { receiveFrames } from './open-stream.ts'

/** What waits for the answers to one request. `onAnswer` returns true once the request is over. */
export interface AnswerHandler {
  onAnswer(answer: Answer, frameBytes: number): boolean
  /** The stream ended first. */
  onLost(reason: SoukError): void
}

/** A request without its id, which the channel gives it. */
export type NewRequest = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never

const LAST_ID = 0xffff_ffff

/** The requester's end of one stream of the task protocol: gives requests their ids, and answers to who asked. */
export class TaskChannel {
  readonly #stream: FramedStream
  readonly #handlers = new Map<number, AnswerHandler>()
  #lastId = 0
  #lost: SoukError | undefined

  constructor(stream: FramedStream) {
    this.#stream = stream
    void receiveFrames({
      stream,
      onFrame: (frame) => this.#receiveAnswer(decodeAnswer(frame), frame.byteLength),
      onLost: (reason) => this.#lose(reason),
    })
  }

  /** Whether new requests can be made. */
  get usable(): boolean {
    return this.#lost === undefined && this.#lastId < LAST_ID
  }

  /** Sends a request; resolves to its id. Its handler is told of everything after. @throws SoukError */
  request(request: NewRequest, handler: AnswerHandler): number {
    if (this.#lost !== undefined) throw this.#lost
    const id = (this.#lastId += 1)
    const frame = encodeRequest({ id, ...request })
    this.#handlers.set(id, handler)
    this.#write(frame)
    return id
  }

  /** Grants credit to a follow, or ends it. Does nothing for one that is over. */
  about(
    id: number,
    message: { readonly kind: 'credit'; readonly bytes: number } | { readonly kind: 'unfollow' },
  ): void {
    if (this.#handlers.has(id)) this.#write(encodeRequest({ id, ...message }))
  }

  async close(): Promise<void> {
    this.#lose(connectionLost('it was closed here'))
    await this.#stream.close()
  }

  #receiveAnswer(answer: Answer, frameBytes: number): void {
    if (answer.id === 0 && answer.kind === 'error') throw SoukError.fromJSON(answer.error)
    const handler = this.#handlers.get(answer.id)
    if (handler === undefined) throw protocolError(`an answer has the id ${answer.id}, which no open request has`)
    if (handler.onAnswer(answer, frameBytes)) this.#handlers.delete(answer.id)
  }

  #lose(reason: SoukError): void {
    this.#lost ??= reason
    const handlers = [...this.#handlers.values()]
    this.#handlers.clear()
    for (const handler of handlers) handler.onLost(this.#lost)
  }

  #write(frame: Uint8Array): void {
    // A write that fails ends the stream, which the reading side sees and tells every handler.
    this.#stream.write(frame).catch(() => undefined)
  }
}
