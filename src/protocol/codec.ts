import type { SerialisedError } from './errors.ts'
import type { OutputOffsets, TaskEvent, TaskSummary } from './events.ts'
import {
  BlobRequest,
  BlobResponse,
  QuoteRequest,
  QuoteResponse,
  ProviderFrame,
  RequesterFrame,
  type FollowFrom as FollowFromMessage,
} from './messages.js'
import type { SignedQuote } from './quote.ts'
import type { SignedTask } from './receipt.ts'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { errorFromMessage, errorToMessage } from './wire-error.ts'
import { eventFromMessage, eventToMessage } from './wire-event.ts'
import { coding, oneOf, protocolError, required, safeInteger } from './wire-fields.ts'
import {
  checkedSpec,
  sha256FromBytes,
  sha256ToBytes,
  signedQuoteFromMessage,
  signedQuoteToMessage,
  signedTaskFromMessage,
  signedTaskToMessage,
  summaryFromMessage,
  summaryToMessage,
  taskIdFromBytes,
  taskIdToBytes,
} from './wire-task.ts'

/** Where a follow starts, and the bytes of frames that may be sent before more are granted. */
export interface FollowFrom {
  readonly offsets: OutputOffsets
  readonly creditBytes: number
}

/** What a requester sends. `credit` and `unfollow` carry the id of the follow that they are about. */
export type Request = { readonly id: number } & (
  | { readonly kind: 'submit'; readonly task: SignedTask; readonly follow?: FollowFrom; readonly quote?: SignedQuote }
  | { readonly kind: 'cancel'; readonly taskId: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'show'; readonly taskId: string }
  | { readonly kind: 'follow'; readonly taskId: string; readonly from: FollowFrom }
  | { readonly kind: 'credit'; readonly bytes: number }
  | { readonly kind: 'unfollow' }
)

/** What a provider sends. Id 0 is about the stream itself and only goes with `error`. */
export type Answer = { readonly id: number } & (
  | { readonly kind: 'accepted'; readonly taskId: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'list'; readonly tasks: readonly TaskSummary[]; readonly more: boolean }
  | { readonly kind: 'task'; readonly task: TaskSummary }
  | { readonly kind: 'event'; readonly event: TaskEvent }
  | { readonly kind: 'error'; readonly error: SerialisedError }
)

export interface BlobRange {
  readonly sha256: string
  readonly offset: number
  readonly length: number
}

export type BlobAnswer =
  | { readonly kind: 'chunk'; readonly offset: number; readonly totalBytes: number; readonly data: Uint8Array }
  | { readonly kind: 'error'; readonly error: SerialisedError }

/**
 * Every encoder here throws SoukError PROTOCOL_ERROR where what it is given is beyond a bound of the wire, and
 * every decoder where the bytes are anything but a message within all bounds.
 */
export function encodeRequest(request: Request): Uint8Array {
  return coding('request', () =>
    bounded('request', RequesterFrame.encode(requestToMessage(request)), WIRE_BOUNDS.requesterFrameBytes),
  )
}

export function decodeRequest(bytes: Uint8Array): Request {
  return coding('request', () => {
    const message = RequesterFrame.decode(bounded('request', bytes, WIRE_BOUNDS.requesterFrameBytes))
    if (message.id === 0) throw protocolError('a request has id 0')
    return requestFromMessage(message)
  })
}

export function encodeAnswer(answer: Answer): Uint8Array {
  return coding('answer', () =>
    bounded('answer', ProviderFrame.encode(answerToMessage(answer)), WIRE_BOUNDS.providerFrameBytes),
  )
}

export function decodeAnswer(bytes: Uint8Array): Answer {
  return coding('answer', () => {
    const limits = { list: { tasks: WIRE_BOUNDS.listTasksPerFrame } }
    const answer = answerFromMessage(
      ProviderFrame.decode(bounded('answer', bytes, WIRE_BOUNDS.providerFrameBytes), { limits }),
    )
    if (answer.id === 0 && answer.kind !== 'error') throw protocolError('an answer has id 0')
    return answer
  })
}

export function encodeBlobRequest({ sha256, offset, length }: BlobRange): Uint8Array {
  return coding('blob request', () => BlobRequest.encode({ sha256: sha256ToBytes(sha256), offset, length }))
}

export function decodeBlobRequest(bytes: Uint8Array): BlobRange {
  return coding('blob request', () => {
    const message = BlobRequest.decode(bounded('blob request', bytes, WIRE_BOUNDS.blobRequestFrameBytes))
    const offset = safeInteger('blob request.offset', message.offset)
    const length = within('blob request.length', message.length, WIRE_BOUNDS.blobChunkBytes)
    return { sha256: sha256FromBytes(message.sha256), offset, length }
  })
}

export function encodeBlobAnswer(answer: BlobAnswer): Uint8Array {
  return coding('blob answer', () =>
    bounded('blob answer', BlobResponse.encode(blobAnswerToMessage(answer)), WIRE_BOUNDS.blobResponseFrameBytes),
  )
}

export function decodeBlobAnswer(bytes: Uint8Array): BlobAnswer {
  return coding('blob answer', () => {
    const message = BlobResponse.decode(bounded('blob answer', bytes, WIRE_BOUNDS.blobResponseFrameBytes))
    const kind = oneOf('blob answer', message, ['chunk', 'error'])
    if (kind === 'error') return { kind, error: errorFromMessage(required('error', message.error)) }
    const { offset, totalBytes, data } = required('chunk', message.chunk)
    return {
      kind,
      offset: safeInteger('chunk.offset', offset),
      totalBytes: safeInteger('chunk.total_bytes', totalBytes),
      data,
    }
  })
}

export type QuoteAnswer =
  | { readonly kind: 'quote'; readonly quote: SignedQuote }
  | { readonly kind: 'error'; readonly error: SerialisedError }

export function encodeQuoteRequest({ spec }: { readonly spec: Uint8Array }): Uint8Array {
  return coding('quote request', () => QuoteRequest.encode({ spec: checkedSpec(spec) }))
}

/** The exact bytes of the task that is asked about. */
export function decodeQuoteRequest(bytes: Uint8Array): Uint8Array {
  return coding('quote request', () =>
    checkedSpec(QuoteRequest.decode(bounded('quote request', bytes, WIRE_BOUNDS.quoteRequestFrameBytes)).spec),
  )
}

export function encodeQuoteAnswer(answer: QuoteAnswer): Uint8Array {
  const message =
    answer.kind === 'error'
      ? { error: errorToMessage(answer.error) }
      : { quote: coding('quote', () => signedQuoteToMessage(answer.quote)) }
  return coding('quote answer', () =>
    bounded('quote answer', QuoteResponse.encode(message), WIRE_BOUNDS.quoteResponseFrameBytes),
  )
}

export function decodeQuoteAnswer(bytes: Uint8Array): QuoteAnswer {
  return coding('quote answer', () => {
    const message = QuoteResponse.decode(bounded('quote answer', bytes, WIRE_BOUNDS.quoteResponseFrameBytes))
    const kind = oneOf('quote answer', message, ['quote', 'error'])
    return kind === 'error'
      ? { kind, error: errorFromMessage(required('error', message.error)) }
      : { kind, quote: signedQuoteFromMessage(required('quote', message.quote)) }
  })
}

function blobAnswerToMessage(answer: BlobAnswer): BlobResponse {
  if (answer.kind === 'error') return { error: errorToMessage(answer.error) }
  const { offset, totalBytes, data } = answer
  return { chunk: { offset, totalBytes, data: data as Uint8Array<ArrayBuffer> } }
}

function requestToMessage(request: Request): RequesterFrame {
  const { id } = request
  switch (request.kind) {
    case 'submit': {
      const follow = request.follow === undefined ? {} : { follow: followToMessage(request.follow) }
      const quote = request.quote === undefined ? {} : { quote: signedQuoteToMessage(request.quote) }
      return { id, submit: { task: signedTaskToMessage(request.task), ...follow, ...quote } }
    }
    case 'cancel':
      return { id, cancel: { taskId: taskIdToBytes(request.taskId) } }
    case 'list':
      return { id, list: {} }
    case 'show':
      return { id, show: { taskId: taskIdToBytes(request.taskId) } }
    case 'follow':
      return { id, follow: { taskId: taskIdToBytes(request.taskId), from: followToMessage(request.from) } }
    case 'credit':
      return { id, credit: { bytes: request.bytes } }
    case 'unfollow':
      return { id, unfollow: {} }
  }
}

function requestFromMessage(message: RequesterFrame): Request {
  const { id } = message
  const kind = oneOf('request', message, ['submit', 'cancel', 'list', 'show', 'follow', 'credit', 'unfollow'])
  switch (kind) {
    case 'submit': {
      const { task, follow, quote } = required('submit', message.submit)
      const signed = signedTaskFromMessage(required('submit.task', task))
      return {
        id,
        kind,
        task: signed,
        ...(follow === undefined ? {} : { follow: followFromMessage(follow) }),
        ...(quote === undefined ? {} : { quote: signedQuoteFromMessage(quote) }),
      }
    }
    case 'cancel':
    case 'show':
      return { id, kind, taskId: taskIdFromBytes(required(kind, message[kind]).taskId) }
    case 'follow': {
      const { taskId, from } = required('follow', message.follow)
      return { id, kind, taskId: taskIdFromBytes(taskId), from: followFromMessage(required('follow.from', from)) }
    }
    case 'credit':
      return {
        id,
        kind,
        bytes: within('credit.bytes', required('credit', message.credit).bytes, WIRE_BOUNDS.followCreditBytes),
      }
    case 'list':
    case 'unfollow':
      return { id, kind }
  }
}

function followToMessage({ offsets, creditBytes }: FollowFrom): FollowFromMessage {
  return { stdoutOffset: offsets.stdout, stderrOffset: offsets.stderr, credit: creditBytes }
}

function followFromMessage(message: FollowFromMessage): FollowFrom {
  return {
    offsets: {
      stdout: safeInteger('follow.stdout_offset', message.stdoutOffset),
      stderr: safeInteger('follow.stderr_offset', message.stderrOffset),
    },
    creditBytes: within('follow.credit', message.credit, WIRE_BOUNDS.followCreditBytes),
  }
}

function answerToMessage(answer: Answer): ProviderFrame {
  const { id } = answer
  switch (answer.kind) {
    case 'accepted':
      return { id, accepted: { taskId: taskIdToBytes(answer.taskId) } }
    case 'done':
      return { id, done: {} }
    case 'list':
      return { id, list: { tasks: answer.tasks.map(summaryToMessage), more: answer.more } }
    case 'task':
      return { id, task: summaryToMessage(answer.task) }
    case 'event':
      return { id, event: eventToMessage(answer.event) }
    case 'error':
      return { id, error: errorToMessage(answer.error) }
  }
}

function answerFromMessage(message: ProviderFrame): Answer {
  const { id } = message
  const kind = oneOf('answer', message, ['accepted', 'done', 'list', 'task', 'event', 'error'])
  switch (kind) {
    case 'accepted':
      return { id, kind, taskId: taskIdFromBytes(required(kind, message.accepted).taskId) }
    case 'done':
      return { id, kind }
    case 'list': {
      const { tasks, more } = required(kind, message.list)
      return { id, kind, tasks: tasks.map(summaryFromMessage), more }
    }
    case 'task':
      return { id, kind, task: summaryFromMessage(required(kind, message.task)) }
    case 'event':
      return { id, kind, event: eventFromMessage(required(kind, message.event)) }
    case 'error':
      return { id, kind, error: errorFromMessage(required(kind, message.error)) }
  }
}

function within(what: string, value: number, max: number): number {
  if (value < 1 || value > max) throw protocolError(`${what} is ${value}, not 1 to ${max}`)
  return value
}

function bounded<T extends Uint8Array>(what: string, bytes: T, maxBytes: number): T {
  if (bytes.byteLength > maxBytes)
    throw protocolError(`the ${what} has ${bytes.byteLength} bytes, more than ${maxBytes}`)
  return bytes
}
