import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { ByteCollector } from '../../src/client/byte-collector.ts'
import { expectedReceipt } from '../../src/client/check-result.ts'
import { collectResult, type CollectOptions } from '../../src/client/collect-result.ts'
import { completedOrThrow } from '../../src/client/completed-or-throw.ts'
import { runDocumentOf } from '../../src/client/run-document.ts'
import { signReceipt } from '../../src/identity/receipt.ts'
import { signDigest } from '../../src/identity/sign.ts'
import { receiptHashOf } from '../../src/identity/typed-data.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { TaskEvent } from '../../src/protocol/events.ts'
import type { Outcome } from '../../src/protocol/execution.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { taskSpecSchema } from '../../src/protocol/task.ts'
import { keyOf, pricedReceipt, providerKey, requesterKey, specText, unsignedReceipt } from '../fixtures/receipts.ts'

const streams = { stdout: Buffer.from('hello\n'), stderr: Buffer.from('oh\n') }
const receipt = signReceipt({ receipt: pricedReceipt(streams), key: providerKey })
const task = { spec: taskSpecSchema.parse(JSON.parse(specText)), bytes: new Uint8Array(Buffer.from(specText)) }
const expected = { taskId: receipt.taskId, provider: providerKey.address, requester: requesterKey.address, task }

const outputOf = (text: Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): TaskEvent => ({
  kind: 'output',
  stream,
  offset: 0,
  data: text,
})
const finishedWith = (claimed: Receipt): TaskEvent => ({
  kind: 'finished',
  atMs: 1,
  result: { kind: 'receipt', receipt: claimed },
})

async function* these(events: readonly TaskEvent[]): AsyncGenerator<TaskEvent> {
  yield* events
}

const collect = (events: readonly TaskEvent[], options: Partial<CollectOptions> = {}) =>
  collectResult({ events: these(events), expected, ...options })
const run = [outputOf(streams.stdout), outputOf(streams.stderr, 'stderr'), finishedWith(receipt)]

const refusedFor =
  (reason: RegExp) =>
  (thrown: unknown): boolean => {
    assert(isSoukError(thrown, 'RECEIPT_INVALID'), String(thrown))
    assert.match(thrown.details.reasons.join('; '), reason)
    return true
  }

describe('collecting a result', () => {
  it('resolves to the output and the receipt that vouches for it', async () => {
    const result = await collect(run)
    assert.deepEqual(Buffer.from(result.stdout), streams.stdout)
    assert.deepEqual(Buffer.from(result.stderr), streams.stderr)
    assert.deepEqual(result.receipt, receipt)
  })

  it('gives the receipt as it was when it was paid for, and holds the output against that', async () => {
    const claimed = structuredClone(receipt)
    const found = new WeakMap<Receipt, Receipt>()
    expectedReceipt(claimed, { ...expected, found })
    claimed.provider = requesterKey.address
    const paid = { expected: { ...expected, found } }
    const { receipt: given } = await collect([...run.slice(0, 2), finishedWith(claimed)], paid)
    assert.deepEqual(given, receipt)
    await assert.rejects(
      collect([outputOf(Buffer.from('hallo\n')), ...run.slice(1, 2), finishedWith(claimed)], paid),
      refusedFor(/^stdout/),
    )
    await assert.rejects(
      collect([...run.slice(0, 2), finishedWith(structuredClone(claimed))], paid),
      refusedFor(/provider/),
    )
  })

  it('remembers of a receipt only that it was right', () => {
    const found = new WeakMap<Receipt, Receipt>()
    for (const wrong of [
      { ...receipt, priceWei: '7' },
      { ...receipt, provider: requesterKey.address },
    ])
      for (const time of ['first', 'second'])
        assert.throws(
          () => expectedReceipt(wrong, { ...expected, found }),
          refusedFor(/priceWei|provider|signature/),
          time,
        )
  })

  it('makes a document that verifies', async () => {
    const document = runDocumentOf({ task, result: await collect(run) })
    assert.deepEqual(verifyDocument(JSON.parse(JSON.stringify(document))).document, document)
  })

  it('keeps the output of the newest attempt alone, and tells of every event in turn', async () => {
    const seen: string[] = []
    const attempts = [
      { kind: 'started', atMs: 1, attempt: 1 },
      outputOf(Buffer.from('old')),
      { kind: 'started', atMs: 2, attempt: 2 },
      ...run,
    ] as const
    const result = await collect(attempts, {
      async onEvent(event) {
        await Promise.resolve()
        seen.push(event.kind)
      },
    })
    assert.deepEqual(Buffer.from(result.stdout), streams.stdout)
    assert.deepEqual(seen, ['started', 'output', 'started', 'output', 'output', 'finished'])
  })

  it('rejects with what the task failed with', async () => {
    const error = new SoukError({ code: 'QUEUE_TIMEOUT', message: 'too long', details: { waitedMs: 5 } })
    await assert.rejects(
      collect([{ kind: 'finished', atMs: 1, result: { kind: 'failed', error: error.toJSON() } }]),
      (thrown) => {
        assert(isSoukError(thrown, 'QUEUE_TIMEOUT'))
        return thrown.details.waitedMs === 5 && thrown.fault === 'provider'
      },
    )
  })

  it('refuses output that the receipt does not vouch for', async () => {
    await assert.rejects(
      collect([outputOf(Buffer.from('hallo\n')), outputOf(streams.stderr, 'stderr'), finishedWith(receipt)]),
      refusedFor(/^stdout/),
    )
    const more = Buffer.concat([streams.stderr, Buffer.from('and more')])
    await assert.rejects(
      collect([outputOf(streams.stdout), outputOf(more, 'stderr'), finishedWith(receipt)]),
      refusedFor(/^stderr/),
    )
  })

  it('says that output is kept back where less of it came than a receipt with a price names', async () => {
    await assert.rejects(collect([outputOf(streams.stdout), finishedWith(receipt)]), { code: 'PAYMENT_REQUIRED' })
  })

  it('refuses a receipt by another provider, however well signed', async () => {
    const impostor = keyOf(7)
    const { ...claimed } = unsignedReceipt(streams)
    const forged = { ...claimed, provider: impostor.address }
    const signature = signDigest({ digest: receiptHashOf(forged), key: impostor })
    await assert.rejects(
      collect([...run.slice(0, 2), finishedWith({ ...forged, signature })]),
      refusedFor(/by another provider/),
    )
  })

  it('refuses a receipt about another task, another requester, another spec or a foreign runtime', async () => {
    await assert.rejects(
      collect(run, { expected: { ...expected, taskId: `0x${'12'.repeat(32)}` } }),
      refusedFor(/another task/),
    )
    await assert.rejects(
      collect(run, { expected: { ...expected, requester: providerKey.address } }),
      refusedFor(/another requester/),
    )
    const other = { ...task, bytes: Buffer.from(`${specText} `) }
    await assert.rejects(collect(run, { expected: { ...expected, task: other } }), refusedFor(/another spec/))
    const native = { ...task, spec: { ...task.spec, runtime: { type: 'native' as const, image: 'busybox' } } }
    await assert.rejects(
      collect(run, { expected: { ...expected, task: native } }),
      refusedFor(/does not allow the runtime/),
    )
  })

  it('refuses a receipt that charges and does not say at which rates', async () => {
    const bare = signReceipt({ receipt: unsignedReceipt(streams), key: providerKey })
    await assert.rejects(collect([...run.slice(0, 2), finishedWith(bare)]), refusedFor(/at which rates/))
  })

  it('refuses a receipt that was changed after it was signed', async () => {
    await assert.rejects(
      collect([...run.slice(0, 2), finishedWith({ ...receipt, priceWei: '1' })]),
      refusedFor(/signature/),
    )
  })

  it('takes no more than it keeps, and no more than the task may write', async () => {
    await assert.rejects(
      collect(run, { maxOutputBytes: 8 }),
      (thrown) => isSoukError(thrown, 'RESOURCE_LIMIT') && thrown.details.limit === 'output',
    )
    const small = { ...task, spec: { ...task.spec, limits: { outputBytes: 5 } } }
    await assert.rejects(collect(run, { expected: { ...expected, task: small } }), (thrown) =>
      isSoukError(thrown, 'PROTOCOL_ERROR'),
    )
  })
})

describe('collected bytes', () => {
  it('stay small however small the pieces are', () => {
    const collector = new ByteCollector()
    for (let index = 0; index < 10_000; index++) collector.append(Uint8Array.of(index & 0xff))
    assert.equal(collector.byteLength, 10_000)
    assert.equal(collector.bytes()[300], 300 & 0xff)
    assert.equal(collector.bytes().buffer.byteLength, 10_000)
  })
})

describe('a result or an exception', () => {
  const resultWith = (outcome: Outcome) => ({ receipt: { ...receipt, outcome } })

  it('is EXECUTION_TIMEOUT for a time, with the limit as it was applied', () => {
    assert.throws(
      () => completedOrThrow(resultWith({ kind: 'limit', limit: 'wallTime' })),
      (thrown) => {
        assert(isSoukError(thrown, 'EXECUTION_TIMEOUT'))
        assert.deepEqual(thrown.details, { limit: 'wallTime', limitMs: 1000 })
        return true
      },
    )
  })

  it('is RESOURCE_LIMIT for every other limit, also one without a value', () => {
    for (const [limit, details] of [
      ['output', { limit: 'output', limitValue: 1000 }],
      ['fuel', { limit: 'fuel' }],
    ] as const) {
      assert.throws(
        () => completedOrThrow(resultWith({ kind: 'limit', limit })),
        (thrown) => {
          assert(isSoukError(thrown, 'RESOURCE_LIMIT'))
          assert.deepEqual(thrown.details, details)
          return true
        },
      )
    }
  })

  it('is CANCELLED for a cancelled task, and the result for every end of its own', () => {
    assert.throws(
      () => completedOrThrow(resultWith({ kind: 'cancelled' })),
      (thrown) => isSoukError(thrown, 'CANCELLED'),
    )
    for (const outcome of [
      { kind: 'exited', code: 3 },
      { kind: 'trapped', trap: 'unreachable' },
      { kind: 'killed', signal: 'SIGSEGV' },
    ] as const) {
      const result = resultWith(outcome)
      assert.equal(completedOrThrow(result), result)
    }
  })
})
