import type { SerialisedError } from './errors.ts'
import type { OutputOffsets, TaskEvent, TaskSummary } from './events.ts'
import {
  QuoteRequest,
  QuoteResponse,
  ProviderFrame,
  RequesterFrame,
  type FollowFrom as FollowFromMessage,
} from './messages.js'
import type { SignedQuote } from './quote.ts'
import type { CloseConsent, Statement, Voucher } from './payment.ts'
import type { SignedTask } from './receipt.ts'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { errorFromMessage, errorToMessage } from './wire-error.ts'
import { eventFromMessage, eventToMessage } from './wire-event.ts'
import {
  channelIdFromBytes,
  channelIdToBytes,
  consentFromMessage,
  consentToMessage,
  statementFromMessage,
  statementToMessage,
  voucherFromMessage,
  voucherToMessage,
} from './wire-payment.ts'
import { bounded, within, coding, oneOf, protocolError, required, safeInteger } from './wire-fields.ts'
import {
  checkedSpec,
  signedQuoteFromMessage,
  signedQuoteToMessage,
  signedTaskFromMessage,
  signedTaskToMessage,
  summaryFromMessage,
  summaryToMessage,
  taskIdFromBytes,
  taskIdToBytes,
} from './wire-task.ts'

/** Where a follow starts, and how many bytes of frames may be sent before more credit is granted. */
export interface FollowFrom {
  readonly offsets: OutputOffsets
  readonly creditBytes: number
}

/** What a requester sends. `credit` and `unfollow` carry the id of the follow that they are about. */
export type Request = { readonly id: number } & (
  | {
      readonly kind: 'submit'
      readonly task: SignedTask
      readonly follow?: FollowFrom
      readonly quote?: SignedQuote
      /** Names the channel that the task is charged to. If it is newer than what the provider has, it also pays ahead. */
      readonly voucher?: Voucher
    }
  | { readonly kind: 'cancel'; readonly taskId: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'show'; readonly taskId: string }
  | { readonly kind: 'follow'; readonly taskId: string; readonly from: FollowFrom }
  | { readonly kind: 'credit'; readonly bytes: number }
  | { readonly kind: 'unfollow' }
  | { readonly kind: 'pay'; readonly voucher: Voucher }
  | { readonly kind: 'account'; readonly channelId: string }
  | { readonly kind: 'close'; readonly channelId: string }
)

/** What a provider sends. An `error` with id 0 is about the stream itself; nothing else has id 0. */
export type Answer = { readonly id: number } & (
  | { readonly kind: 'accepted'; readonly taskId: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'list'; readonly tasks: readonly TaskSummary[]; readonly more: boolean }
  | { readonly kind: 'task'; readonly task: TaskSummary }
  | { readonly kind: 'event'; readonly event: TaskEvent }
  | { readonly kind: 'statement'; readonly statement: Statement }
  | { readonly kind: 'consent'; readonly consent: CloseConsent }
  | { readonly kind: 'error'; readonly error: SerialisedError }
)

export type QuoteAnswer =
  | { readonly kind: 'quote'; readonly quote: SignedQuote }
  | { readonly kind: 'error'; readonly error: SerialisedError }

/**
 * As all encoders here: throws SoukError PROTOCOL_ERROR if the value exceeds a bound of the wire. All decoders throw it if the bytes are
 * not a message within all bounds.
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

function requestToMessage(request: Request): RequesterFrame {
  const { id } = request
  switch (request.kind) {
    case 'submit': {
      const follow = request.follow === undefined ? {} : { follow: followToMessage(request.follow) }
      const quote = request.quote === undefined ? {} : { quote: signedQuoteToMessage(request.quote) }
      const voucher = request.voucher === undefined ? {} : { voucher: voucherToMessage(request.voucher) }
      return { id, submit: { task: signedTaskToMessage(request.task), ...follow, ...quote, ...voucher } }
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
    case 'pay':
      return { id, pay: { voucher: voucherToMessage(request.voucher) } }
    case 'account':
      return { id, account: { channelId: channelIdToBytes(request.channelId) } }
    case 'close':
      return { id, close: { channelId: channelIdToBytes(request.channelId) } }
  }
}

const REQUEST_KINDS = [
  'submit',
  'cancel',
  'list',
  'show',
  'follow',
  'credit',
  'unfollow',
  'pay',
  'account',
  'close',
] as const satisfies readonly Request['kind'][]

function requestFromMessage(message: RequesterFrame): Request {
  const { id } = message
  const kind = oneOf('request', message, REQUEST_KINDS)
  switch (kind) {
    case 'submit': {
      const { task, follow, quote, voucher } = required('submit', message.submit)
      const signed = signedTaskFromMessage(required('submit.task', task))
      return {
        id,
        kind,
        task: signed,
        ...(follow === undefined ? {} : { follow: followFromMessage(follow) }),
        ...(quote === undefined ? {} : { quote: signedQuoteFromMessage(quote) }),
        ...(voucher === undefined ? {} : { voucher: voucherFromMessage(voucher) }),
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
    case 'pay':
      return {
        id,
        kind,
        voucher: voucherFromMessage(required('pay.voucher', required('pay', message.pay).voucher)),
      }
    case 'account':
    case 'close':
      return { id, kind, channelId: channelIdFromBytes(required(kind, message[kind]).channelId) }
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
    case 'statement':
      return { id, statement: statementToMessage(answer.statement) }
    case 'consent':
      return { id, consent: consentToMessage(answer.consent) }
  }
}

const ANSWER_KINDS = [
  'accepted',
  'done',
  'list',
  'task',
  'event',
  'error',
  'statement',
  'consent',
] as const satisfies readonly Answer['kind'][]

function answerFromMessage(message: ProviderFrame): Answer {
  const { id } = message
  const kind = oneOf('answer', message, ANSWER_KINDS)
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
    case 'statement':
      return { id, kind, statement: statementFromMessage(required(kind, message.statement)) }
    case 'consent':
      return { id, kind, consent: consentFromMessage(required(kind, message.consent)) }
  }
}
