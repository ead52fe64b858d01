import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import {
  decodeBlobAnswer,
  decodeBlobRequest,
  encodeBlobAnswer,
  encodeBlobRequest,
} from '../../src/protocol/blob-codec.ts'
import {
  decodeAnswer,
  decodeQuoteAnswer,
  decodeQuoteRequest,
  decodeRequest,
  encodeAnswer,
  encodeQuoteAnswer,
  encodeQuoteRequest,
  encodeRequest,
  type Answer,
  type Request,
} from '../../src/protocol/codec.ts'
import { ERROR_DETAILS_SCHEMAS } from '../../src/protocol/error-details.ts'
import { SoukError, isSoukError } from '../../src/protocol/errors.ts'
import { BlobRequest, ProviderFrame, RequesterFrame } from '../../src/protocol/messages.js'
import { WIRE_BOUNDS } from '../../src/protocol/wire-bounds.ts'
import { receiptOf, sha256Of, summaryOf, taskOf } from '../fixtures/network-services.ts'
import { voucherOf } from '../fixtures/payments.ts'
import { requesterKey } from '../fixtures/receipts.ts'

const taskId = `0x${'5a'.repeat(32)}`
const from = { offsets: { stdout: 2 ** 53 - 1, stderr: 0 }, creditBytes: 65_536 }
const error = new SoukError({
  code: 'REFUSED',
  message: 'no',
  details: { reasons: [{ reason: 'EXPIRED', message: 'too late', asked: '1' }] },
}).toJSON()

const voucher = voucherOf({ key: requesterKey, amountWei: 10n ** 77n })

const requests: readonly Request[] = [
  { id: 1, kind: 'submit', task: taskOf({ kind: 'noop' }, 77) },
  { id: 2, kind: 'submit', task: taskOf({ kind: 'noop' }, 78), follow: from },
  {
    id: 2,
    kind: 'submit',
    task: taskOf({ kind: 'noop' }, 79),
    quote: { bytes: new Uint8Array(WIRE_BOUNDS.quoteBytes).fill(7), signature: `0x${'11'.repeat(64)}1c` },
  },
  { id: 3, kind: 'cancel', taskId },
  { id: 4, kind: 'list' },
  { id: 5, kind: 'show', taskId },
  { id: 6, kind: 'follow', taskId, from },
  { id: 6, kind: 'credit', bytes: 1 },
  { id: 0xffff_ffff, kind: 'unfollow' },
  { id: 7, kind: 'submit', task: taskOf({ kind: 'noop' }, 79), follow: from, voucher },
  { id: 8, kind: 'pay', voucher },
  { id: 9, kind: 'account', channelId: taskId },
  { id: 10, kind: 'close', channelId: taskId },
]

const amounts = { receivedWei: '3', chargedWei: '2', reservedWei: '1', creditWei: '0' }

const answers: readonly Answer[] = [
  { id: 1, kind: 'accepted', taskId },
  { id: 2, kind: 'done' },
  { id: 2, kind: 'statement', statement: { ...amounts, channelId: taskId } },
  { id: 2, kind: 'statement', statement: { ...amounts, channelId: taskId, voucher } },
  { id: 2, kind: 'consent', consent: { channelId: taskId, amountWei: '7', signature: voucher.signature } },
  {
    id: 2,
    kind: 'consent',
    consent: {
      channelId: taskId,
      amountWei: '7',
      signature: voucher.signature,
      authorization: {
        node: voucher.channel.payer,
        payout: voucher.channel.payee,
        expiryMs: 9,
        signature: voucher.signature,
      },
    },
  },
  { id: 3, kind: 'list', tasks: [summaryOf(taskId)], more: true },
  { id: 3, kind: 'list', tasks: [], more: false },
  ...(
    [
      { kind: 'exited', code: 0 },
      { kind: 'exited', code: 0xffff_ffff },
      { kind: 'killed', signal: 'SIGSEGV' },
      { kind: 'trapped', trap: 'unreachable' },
      { kind: 'limit', limit: 'wallTime' },
      { kind: 'cancelled' },
    ] as const
  ).map((outcome): Answer => ({
    id: 4,
    kind: 'task',
    task: { ...summaryOf(taskId), state: 'finished', finishedAtMs: 9, outcome },
  })),
  { id: 4, kind: 'task', task: { ...summaryOf(taskId), state: 'failed', errorCode: 'QUEUE_TIMEOUT' } },
  { id: 5, kind: 'event', event: { kind: 'queued', atMs: 5, position: 3 } },
  { id: 5, kind: 'event', event: { kind: 'preparing', atMs: 0, what: 'inputs', fetchedBytes: 1, totalBytes: 2 } },
  { id: 5, kind: 'event', event: { kind: 'preparing', atMs: 9, what: 'image', fetchedBytes: 0, totalBytes: 0 } },
  { id: 5, kind: 'event', event: { kind: 'started', atMs: 5, attempt: 1 } },
  { id: 5, kind: 'event', event: { kind: 'output', stream: 'stdout', offset: 0, data: Uint8Array.of(0, 255) } },
  {
    id: 5,
    kind: 'event',
    event: { kind: 'output', stream: 'stderr', offset: 7, data: new Uint8Array(WIRE_BOUNDS.outputChunkBytes) },
  },
  {
    id: 5,
    kind: 'event',
    event: { kind: 'finished', atMs: 5, result: { kind: 'receipt', receipt: receiptOf(taskId) } },
  },
  { id: 5, kind: 'event', event: { kind: 'finished', atMs: 5, result: { kind: 'failed', error } } },
  { id: 0, kind: 'error', error },
]

describe('codec', () => {
  for (const request of requests) {
    it(`carries a ${request.kind} request unchanged`, () =>
      assert.deepEqual(plain(decodeRequest(encodeRequest(request))), plain(request)))
  }

  for (const answer of answers) {
    const what = answer.kind === 'event' ? `event ${answer.event.kind}` : answer.kind
    it(`carries the answer ${what} unchanged`, () =>
      assert.deepEqual(plain(decodeAnswer(encodeAnswer(answer))), plain(answer)))
  }

  it('carries blob requests and chunks unchanged', () => {
    const range = { sha256: sha256Of('a'), offset: 2 ** 40, length: WIRE_BOUNDS.blobChunkBytes }
    assert.deepEqual(decodeBlobRequest(encodeBlobRequest(range)), range)
    const chunk = {
      kind: 'chunk',
      offset: 0,
      totalBytes: 2 ** 40,
      data: new Uint8Array(WIRE_BOUNDS.blobChunkBytes).fill(3),
    } as const
    assert.deepEqual(plain(decodeBlobAnswer(encodeBlobAnswer(chunk))), plain(chunk))
    assert.deepEqual(decodeBlobAnswer(encodeBlobAnswer({ kind: 'error', error })), { kind: 'error', error })
  })

  it('carries questions for a quote, and its answers, unchanged, and none that are empty or too large', () => {
    const spec = Uint8Array.of(1, 2, 3)
    assert.deepEqual(plain(decodeQuoteRequest(encodeQuoteRequest({ spec }))), plain(spec))
    const quote = { bytes: new Uint8Array(WIRE_BOUNDS.quoteBytes), signature: `0x${'11'.repeat(64)}1b` }
    for (const answer of [
      { kind: 'quote', quote },
      { kind: 'error', error },
    ] as const)
      assert.deepEqual(plain(decodeQuoteAnswer(encodeQuoteAnswer(answer))), plain(answer))
    refuses(() => encodeQuoteRequest({ spec: new Uint8Array(0) }), /spec is empty/)
    refuses(() => decodeQuoteRequest(new Uint8Array(0)), /spec is empty/)
    refuses(() => encodeQuoteRequest({ spec: new Uint8Array(WIRE_BOUNDS.specBytes + 1) }), /1048577 bytes/)
    const large = { ...quote, bytes: new Uint8Array(WIRE_BOUNDS.quoteBytes + 1) }
    refuses(() => encodeQuoteAnswer({ kind: 'quote', quote: large }), /65537 bytes/)
    refuses(() => decodeQuoteAnswer(new Uint8Array(WIRE_BOUNDS.quoteResponseFrameBytes + 1)), /more than/)
    refuses(() => decodeQuoteAnswer(new Uint8Array(0)), /none of/)
  })

  it('keeps the bytes of the spec as the requester serialised them', () => {
    const spec = new TextEncoder().encode(' { "b" :1,\n"a":2 } ')
    const request = decodeRequest(
      encodeRequest({ id: 1, kind: 'submit', task: { ...taskOf({ kind: 'noop' }, 1), spec } }),
    )
    assert.ok(request.kind === 'submit')
    assert.deepEqual(Buffer.from(request.task.spec), Buffer.from(spec))
  })

  it('takes a spec of exactly the largest size, and refuses one byte more', () => {
    const task = (bytes: number) => ({ ...taskOf({ kind: 'noop' }, 1), spec: new Uint8Array(bytes) })
    assert.ok(
      encodeRequest({ id: 1, kind: 'submit', task: task(WIRE_BOUNDS.specBytes), follow: from }).byteLength <=
        WIRE_BOUNDS.requesterFrameBytes,
    )
    refuses(
      () => encodeRequest({ id: 1, kind: 'submit', task: task(WIRE_BOUNDS.specBytes + 1) }),
      /the spec has 1048577 bytes/,
    )
  })

  it('takes an offset of 2^53 - 1', () => {
    const request = decodeRequest(encodeRequest({ id: 1, kind: 'follow', taskId, from }))
    assert.equal(request.kind === 'follow' && request.from.offsets.stdout, Number.MAX_SAFE_INTEGER)
  })

  const submit = (change: (task: NonNullable<NonNullable<RequesterFrame['submit']>['task']>) => void): Uint8Array => {
    const frame = RequesterFrame.decode(encodeRequest({ id: 1, kind: 'submit', task: taskOf({ kind: 'noop' }, 1) }))
    const task = frame.submit?.task
    assert.ok(task)
    change(task)
    return RequesterFrame.encode(frame)
  }

  const badRequests: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ['nothing', () => new Uint8Array(), /id 0/],
    ['no request', () => RequesterFrame.encode({ id: 1 }), /none of submit/],
    ['id 0', () => RequesterFrame.encode({ id: 0, list: {} }), /id 0/],
    ['no task', () => RequesterFrame.encode({ id: 1, submit: {} }), /submit.task is missing/],
    [
      'no authorization',
      () => submit((task) => delete (task as { authorization?: unknown }).authorization),
      /authorization is missing/,
    ],
    ['an empty spec', () => submit((task) => (task.spec = new Uint8Array())), /spec is empty/],
    [
      'a short address',
      () => submit((task) => (task.authorization!.requester = new Uint8Array(19))),
      /requester has 19 bytes, not 20/,
    ],
    ['a long nonce', () => submit((task) => (task.authorization!.nonce = new Uint8Array(33))), /nonce has 33 bytes/],
    ['v of 0', () => submit((task) => (task.signature[64] = 0)), /signature/],
    ['money in hex', () => submit((task) => (task.authorization!.maxPriceWei = '0x1')), /maxPriceWei/],
    [
      'an offset beyond 2^53',
      () => followAt(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)),
      /varint|stdout_offset/,
    ],
    [
      'an offset of 2^64 - 1',
      () => followAt(Uint8Array.of(...new Uint8Array(9).fill(0xff), 1)),
      /varint|stdout_offset/,
    ],
    ['credit 0', () => RequesterFrame.encode({ id: 1, credit: { bytes: 0 } }), /credit.bytes is 0/],
    [
      'too much credit',
      () => RequesterFrame.encode({ id: 1, credit: { bytes: WIRE_BOUNDS.followCreditBytes + 1 } }),
      /credit.bytes is/,
    ],
    [
      'a short task id',
      () => RequesterFrame.encode({ id: 1, show: { taskId: new Uint8Array(31) } }),
      /task id has 31 bytes/,
    ],
    ['a frame cut off', () => encodeRequest(requests[0]!).subarray(0, -1), /malformed/],
    ['nested groups without end', () => new Uint8Array(500_000).fill(0x7b), /malformed/],
    ['a frame too large', () => new Uint8Array(WIRE_BOUNDS.requesterFrameBytes + 1), /more than/],
  ]
  for (const [what, bytes, reason] of badRequests) {
    it(`refuses a request with ${what}`, () => refuses(() => decodeRequest(bytes()), reason))
  }

  const event = (event: NonNullable<ProviderFrame['event']>): Uint8Array => ProviderFrame.encode({ id: 1, event })
  const withError = (change: object): Uint8Array =>
    ProviderFrame.encode({
      id: 1,
      error: { ...error, details: new TextEncoder().encode(JSON.stringify(error.details)), ...change },
    })
  const receipt = (json: string): Uint8Array =>
    event({ finished: { atMs: 1, receipt: new TextEncoder().encode(json) } })

  const badAnswers: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ['id 0 and no error', () => ProviderFrame.encode({ id: 0, done: {} }), /id 0/],
    ['no member', () => ProviderFrame.encode({ id: 1 }), /none of accepted/],
    ['an empty event', () => event({}), /none of queued/],
    [
      'empty output',
      () => event({ output: { stream: 0 as never, offset: 0, data: new Uint8Array() } }),
      /output.data has 0 bytes/,
    ],
    ['finished without a result', () => event({ finished: { atMs: 1 } }), /none of receipt, error/],
    ['attempt 0', () => event({ started: { atMs: 1, attempt: 0 } }), /attempt/],
    [
      'an outcome without a kind',
      () => ProviderFrame.encode({ id: 1, task: { ...messageOfSummary(), outcome: {} } }),
      /none of exited/,
    ],
    [
      'an unknown state',
      () => ProviderFrame.encode({ id: 1, task: { ...messageOfSummary(), state: 'lost' } }),
      /state/,
    ],
    ['a receipt that is no JSON', () => receipt('{'), /receipt is malformed/],
    ['a receipt with a field too many', () => receipt(JSON.stringify({ ...receiptOf(taskId), extra: 1 })), /receipt/],
    [
      'a receipt not in UTF-8',
      () => event({ finished: { atMs: 1, receipt: Uint8Array.of(34, 0xff, 34) } }),
      /receipt is malformed/,
    ],
    ['an unknown error code', () => withError({ code: 'NEVER_HEARD' }), /error.code/],
    [
      'details of another shape',
      () => withError({ details: new TextEncoder().encode('{"reasons":"all"}') }),
      /error.details.reasons/,
    ],
    ['details that are no object', () => withError({ details: new TextEncoder().encode('[]') }), /error.details/],
    [
      'details too large',
      () => withError({ details: new Uint8Array(WIRE_BOUNDS.errorDetailsBytes + 1).fill(32) }),
      /error.details has/,
    ],
    ['more tasks than a frame may have', () => tooLongList(), /malformed/],
  ]
  for (const [what, bytes, reason] of badAnswers) {
    it(`refuses an answer with ${what}`, () => refuses(() => decodeAnswer(bytes()), reason))
  }

  it('refuses blob requests of no length, of too much, and of another digest', () => {
    const request = { sha256: new Uint8Array(32), offset: 0, length: 1 }
    refuses(() => decodeBlobRequest(BlobRequest.encode({ ...request, length: 0 })), /length is 0/)
    refuses(
      () => decodeBlobRequest(BlobRequest.encode({ ...request, length: WIRE_BOUNDS.blobChunkBytes + 1 })),
      /length is 1048577/,
    )
    refuses(
      () => decodeBlobRequest(BlobRequest.encode({ ...request, sha256: new Uint8Array(20) })),
      /sha256 has 20 bytes/,
    )
    refuses(() => decodeBlobAnswer(new Uint8Array()), /none of chunk, error/)
  })

  it('cuts an error that is too large for the wire, and keeps its shape', () => {
    const issues = Array.from({ length: 50_000 }, (_, index) => ({
      path: `inputs.${index}`,
      message: '\u0000'.repeat(2000),
    }))
    const large = { ...error, code: 'INVALID_INPUT' as const, message: 'x'.repeat(20_000), details: { issues } }
    const answer = decodeAnswer(encodeAnswer({ id: 1, kind: 'error', error: large }))
    assert.ok(answer.kind === 'error')
    assert.equal(answer.error.message.length, WIRE_BOUNDS.errorTextCharacters)
    assert.equal((answer.error.details['issues'] as readonly unknown[]).length, 100)
  })

  it('drops what is not of an error, such as a prototype', () => {
    const answer = decodeAnswer(
      withError({ details: new TextEncoder().encode('{"reasons":[],"__proto__":{"polluted":1},"constructor":1}') }),
    )
    assert.ok(answer.kind === 'error')
    assert.deepEqual(Object.keys(answer.error.details), ['reasons'])
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  })

  it('has a shape for the details of every code', () => {
    for (const schema of Object.values(ERROR_DETAILS_SCHEMAS)) assert.equal(schema.safeParse('text').success, false)
  })
})

/** A follow whose stdout_offset is that varint. */
function followAt(varint: Uint8Array): Uint8Array {
  const start = Uint8Array.of(0x08, ...varint)
  const follow = Uint8Array.of(0x0a, 32, ...new Uint8Array(32), 0x12, start.byteLength, ...start)
  return Uint8Array.of(0x08, 1, 0x32, follow.byteLength, ...follow)
}

function messageOfSummary(): NonNullable<ProviderFrame['task']> {
  const { task } = ProviderFrame.decode(encodeAnswer({ id: 1, kind: 'task', task: summaryOf(taskId) }))
  assert.ok(task)
  return task
}

function tooLongList(): Uint8Array {
  return ProviderFrame.encode({
    id: 1,
    list: { tasks: Array.from({ length: WIRE_BOUNDS.listTasksPerFrame + 1 }, messageOfSummary), more: false },
  })
}

/** Buffers and Uint8Arrays with the same bytes are the same to the wire. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) =>
      item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item,
    ),
  )
}

function refuses(act: () => unknown, reason: RegExp): void {
  assert.throws(act, (thrown) => {
    assert.ok(isSoukError(thrown, 'PROTOCOL_ERROR'), String(thrown))
    assert.equal(thrown.phase, 'deliver')
    assert.match(thrown.details.reason, reason)
    return true
  })
}
