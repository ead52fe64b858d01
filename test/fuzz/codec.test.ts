import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { decodeBlobAnswer, decodeBlobRequest, encodeBlobRequest } from '../../src/protocol/blob-codec.ts'
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
import { isSoukError } from '../../src/protocol/errors.ts'
import { receiptOf, summaryOf, taskOf } from '../fixtures/network-services.ts'
import { voucherOf } from '../fixtures/payments.ts'
import { requesterKey } from '../fixtures/receipts.ts'

const taskId = `0x${'5a'.repeat(32)}`
const signedQuote = { bytes: new TextEncoder().encode('{"version":1}'), signature: `0x${'11'.repeat(64)}1b` }
const decoders = [
  decodeRequest,
  decodeAnswer,
  decodeBlobRequest,
  decodeBlobAnswer,
  decodeQuoteRequest,
  decodeQuoteAnswer,
]
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER - 65_536 })
const voucher = voucherOf({ key: requesterKey, amountWei: 12n })
const id = fc.integer({ min: 1, max: 0xffff_ffff })
const from = fc.record({
  offsets: fc.record({ stdout: offset, stderr: offset }),
  creditBytes: fc.integer({ min: 1, max: 4 * 1024 * 1024 }),
})

/** Valid messages, to be damaged: random bytes alone rarely get past the first field. */
const valid: readonly Uint8Array[] = [
  encodeRequest({
    id: 1,
    kind: 'submit',
    task: taskOf({ kind: 'noop' }, 1),
    follow: { offsets: { stdout: 1, stderr: 2 }, creditBytes: 9 },
  }),
  encodeRequest({ id: 1, kind: 'follow', taskId, from: { offsets: { stdout: 1, stderr: 2 }, creditBytes: 9 } }),
  encodeAnswer({
    id: 1,
    kind: 'list',
    tasks: [summaryOf(taskId), { ...summaryOf(taskId), outcome: { kind: 'killed', signal: 'SIGKILL' } }],
    more: true,
  }),
  encodeAnswer({
    id: 1,
    kind: 'event',
    event: { kind: 'finished', atMs: 1, result: { kind: 'receipt', receipt: receiptOf(taskId) } },
  }),
  encodeAnswer({
    id: 1,
    kind: 'event',
    event: { kind: 'output', stream: 'stderr', offset: 1, data: Uint8Array.of(1, 2, 3) },
  }),
  encodeRequest({ id: 1, kind: 'submit', task: taskOf({ kind: 'noop' }, 1), voucher }),
  encodeRequest({ id: 1, kind: 'pay', voucher }),
  encodeRequest({ id: 1, kind: 'account', channelId: taskId }),
  encodeRequest({ id: 1, kind: 'close', channelId: taskId }),
  encodeAnswer({
    id: 1,
    kind: 'consent',
    consent: { channelId: taskId, amountWei: '7', signature: voucher.signature },
  }),
  encodeAnswer({
    id: 1,
    kind: 'statement',
    statement: { channelId: taskId, receivedWei: '3', chargedWei: '2', reservedWei: '1', creditWei: '0', voucher },
  }),
  encodeBlobRequest({ sha256: '0'.repeat(64), offset: 1, length: 2 }),
  encodeRequest({ id: 1, kind: 'submit', task: taskOf({ kind: 'noop' }, 1), quote: signedQuote }),
  encodeQuoteRequest({ spec: Uint8Array.of(1) }),
  encodeQuoteAnswer({ kind: 'quote', quote: signedQuote }),
]

function decodesOrRefuses(bytes: Uint8Array): void {
  for (const decode of decoders) {
    try {
      decode(bytes)
    } catch (thrown) {
      assert.ok(isSoukError(thrown, 'PROTOCOL_ERROR'), `${decode.name}: ${String(thrown)}`)
    }
  }
}

describe('codec, fuzzed', () => {
  it('decodes any bytes or says PROTOCOL_ERROR', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), decodesOrRefuses), { numRuns: 2000 })
  })

  it('decodes damaged messages or says PROTOCOL_ERROR', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.constantFrom(...valid), damage, fc.nat({ max: 20 }), (message, changes, cutOff) => {
        const bytes = message.slice(0, message.byteLength - (cutOff % message.byteLength))
        for (const { at, byte } of changes) bytes[at % bytes.byteLength] = byte
        decodesOrRefuses(bytes)
      }),
      { numRuns: 3000 },
    )
  })

  it('carries every request unchanged', () => {
    const request: fc.Arbitrary<Request> = fc.oneof(
      fc.record({ id, kind: fc.constant('follow' as const), taskId: fc.constant(taskId), from }),
      fc.record({ id, kind: fc.constant('credit' as const), bytes: fc.integer({ min: 1, max: 4 * 1024 * 1024 }) }),
      fc.record({ id, kind: fc.constantFrom('list' as const, 'unfollow' as const) }),
    )
    fc.assert(
      fc.property(request, (sent) => assert.deepEqual(decodeRequest(encodeRequest(sent)), structuredClone(sent))),
    )
  })

  it('carries every output event unchanged', () => {
    const answer: fc.Arbitrary<Answer> = fc.record({
      id,
      kind: fc.constant('event' as const),
      event: fc.record({
        kind: fc.constant('output' as const),
        stream: fc.constantFrom('stdout' as const, 'stderr' as const),
        offset,
        data: fc.uint8Array({ minLength: 1, maxLength: 1000 }),
      }),
    })
    fc.assert(fc.property(answer, (sent) => assert.deepEqual(decodeAnswer(encodeAnswer(sent)), structuredClone(sent))))
  })
})
