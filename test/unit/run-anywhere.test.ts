import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../../src/client/connect.ts'
import { openMarketRecord, type MarketRecord } from '../../src/client/market/record.ts'
import type { QuoteAnswer } from '../../src/client/market/quote-all.ts'
import { runAnywhere } from '../../src/client/market/run-anywhere.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { Quote } from '../../src/protocol/quote.ts'
import { MapSettler } from '../fixtures/payments.ts'
import { deterministicTask, receiptSaying } from '../fixtures/provider-says.ts'
import { keyOf } from '../fixtures/receipts.ts'

const task = { ...deterministicTask, blobs: new Map(), spec: { ...deterministicTask.spec, maxPriceWei: '100' } }
const payment = new MapSettler().terms(keyOf(1).address)
const kept = new SoukError({ code: 'RECEIPT_INVALID', message: 'Kept back.', details: { reasons: [] } })
const noChannel = new SoukError({
  code: 'PAYMENT_REQUIRED',
  message: 'There is no channel.',
  details: { channelId: '', askedWei: '1', receivedWei: '0' },
})

describe('running a task anywhere', () => {
  let dir: string
  let record: MarketRecord
  const ran: number[] = []

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-anywhere-'))
    record = openMarketRecord({ dir })
    ran.length = 0
  })
  afterEach(() => {
    record[Symbol.dispose]()
    rmSync(dir, { recursive: true })
  })

  /** A provider that has quoted: what comes of submitting, and of the task. */
  function answerOf(
    number: number,
    maxPriceWei: string,
    fails: { submit?: SoukError; result?: SoukError },
  ): QuoteAnswer {
    const { address: provider } = keyOf(number)
    const quote = { provider, maxPriceWei, payment, expectedStartMs: 0, expiryMs: Date.now() + 60_000 } as Quote
    const client = {
      provider,
      submit() {
        if (fails.submit !== undefined) return Promise.reject(fails.submit)
        ran.push(number)
        const result = () =>
          fails.result === undefined
            ? Promise.resolve({ receipt: receiptSaying({ number }) })
            : Promise.reject(fails.result)
        return Promise.resolve({ provider, taskId: '', result })
      },
    } as unknown as Client
    return { multiaddr: '', client, offered: { quote, signed: { bytes: new Uint8Array(0), signature: '' } } }
  }
  const run = async (...answers: readonly QuoteAnswer[]) => {
    const anywhere = await runAnywhere({ task, record, quotes: () => Promise.resolve(answers) })
    return anywhere.result()
  }

  it('goes on with nobody else where one may have been paid for a result that it keeps back', async () => {
    const answers = [answerOf(11, '10', { result: kept }), answerOf(12, '20', {})] as const
    await assert.rejects(run(...answers), (thrown) => isSoukError(thrown, 'RECEIPT_INVALID'))
    assert.deepEqual(ran, [11])
    assert.equal(record.of(keyOf(11).address)?.faults, 1)
  })

  it('goes on with the next where such a one costs nothing', async () => {
    await run(answerOf(11, '0', { result: kept }), answerOf(12, '20', {}))
    assert.deepEqual(ran, [11, 12])
  })

  it('blames no provider for a channel that its requester does not have', async () => {
    await run(answerOf(11, '10', { submit: noChannel }), answerOf(12, '20', {}))
    assert.deepEqual(ran, [12])
    assert.equal(record.of(keyOf(11).address)?.faults ?? 0, 0)
  })

  it('asks everybody again, and waits, where those who answered first do not take it after all', async () => {
    const refused = answerOf(11, '10', {
      submit: new SoukError({ code: 'REFUSED', message: 'Full.', details: { reasons: [] } }),
    })
    const late = answerOf(12, '5', {})
    const cutShort = { multiaddr: '', error: kept, cutShort: true } as const
    const asked: unknown[] = []
    const anywhere = await runAnywhere({
      task,
      record,
      quotes: (how) => Promise.resolve(asked.push(how) === 1 ? [refused, cutShort] : [refused, late]),
    })
    await anywhere.result()
    assert.deepEqual(asked, [{ enough: 1 }, {}])
    assert.deepEqual(ran, [12])
  })

  it('asks nobody twice where all have answered', async () => {
    const refused = answerOf(11, '10', {
      submit: new SoukError({ code: 'REFUSED', message: 'Full.', details: { reasons: [] } }),
    })
    let asked = 0
    const quotes = () => {
      asked += 1
      return Promise.resolve([refused])
    }
    await assert.rejects(runAnywhere({ task, record, quotes }), (thrown) => isSoukError(thrown, 'REFUSED'))
    assert.equal(asked, 1)
  })
})
