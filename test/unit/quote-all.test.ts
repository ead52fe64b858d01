import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '../../src/client/connect.ts'
import { quoteAll, type QuoteAllOptions } from '../../src/client/market/quote-all.ts'
import type { Quote } from '../../src/protocol/quote.ts'
import { deterministicTask } from '../fixtures/provider-says.ts'

const task = { ...deterministicTask, blobs: new Map(), spec: { ...deterministicTask.spec, maxPriceWei: '100' } }
const TIMEOUT_MS = 2_000

/** What is at an address: nobody who ever answers, or a provider that asks for so much, so late. */
type There = 'nobody' | { readonly maxPriceWei: string; readonly afterMs: number }

function asking(there: Readonly<Record<string, There>>): Pick<QuoteAllOptions, 'multiaddrs' | 'clientOf'> {
  return {
    multiaddrs: Object.keys(there),
    async clientOf(multiaddr, signal) {
      const found = there[multiaddr] ?? 'nobody'
      if (found === 'nobody') {
        await delay(60_000, undefined, { signal })
        throw new Error('nobody gave it up')
      }
      const quote = { maxPriceWei: found.maxPriceWei } as Quote
      return {
        provider: multiaddr,
        quote: (request: { signal: AbortSignal }) =>
          delay(found.afterMs, { quote, signed: { bytes: new Uint8Array(0), signature: '' } }, request),
      } as unknown as Client
    },
  }
}

const offering = async (options: Pick<QuoteAllOptions, 'multiaddrs' | 'clientOf' | 'enough'>) => {
  const startedAtMs = performance.now()
  const answers = await quoteAll({ task, timeoutMs: TIMEOUT_MS, ...options })
  return {
    offering: answers.flatMap(({ multiaddr, offered }) => (offered === undefined ? [] : [multiaddr])),
    all: answers.map(({ multiaddr, error }) => [multiaddr, error?.code]),
    tookMs: performance.now() - startedAtMs,
  }
}

describe('asking many for a quote', () => {
  const near = { maxPriceWei: '10', afterMs: 1 }
  const far = { maxPriceWei: '5', afterMs: 200 }

  it('waits for whoever is slow, and says of each that did not answer that it did not', async () => {
    const { all, tookMs } = await offering(asking({ near, gone: 'nobody', far }))
    assert.deepEqual(all, [
      ['near', undefined],
      ['gone', 'UNREACHABLE'],
      ['far', undefined],
    ])
    assert(tookMs >= TIMEOUT_MS - 5)
  })

  it('leaves those out that are slower than the rest, where enough have offered to run it', async () => {
    const { all, tookMs } = await offering({ ...asking({ near, gone: 'nobody', far }), enough: 1 })
    assert.deepEqual(all, [
      ['near', undefined],
      ['gone', 'UNREACHABLE'],
      ['far', undefined],
    ])
    assert(tookMs < TIMEOUT_MS, `${tookMs} ms`)
  })

  it('says whom it did not wait for', async () => {
    const { multiaddrs, clientOf } = asking({ near, gone: 'nobody' })
    const of = async (enough?: number) =>
      (await quoteAll({ task, timeoutMs: TIMEOUT_MS, enough, multiaddrs, clientOf })).map(
        (answer) => answer.offered === undefined && answer.cutShort,
      )
    assert.deepEqual(await of(1), [false, true])
    assert.deepEqual(await of(), [false, undefined])
  })

  it('does not take for an offer what costs more than the task pays', async () => {
    const dear = { maxPriceWei: '101', afterMs: 1 }
    const slow = { maxPriceWei: '100', afterMs: 1_200 }
    const { offering: found } = await offering({ ...asking({ dear, slow }), enough: 1 })
    assert.deepEqual(found, ['dear', 'slow'])
  })

  it('finds whoever is there among many that are not, and gives up where there are more of them', async () => {
    const gone = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`gone-${index}`, 'nobody' as const]))
    const timeoutMs = 200
    const some = await quoteAll({ task, timeoutMs, enough: 1, ...asking({ ...gone(100), near }) })
    assert.equal(some.at(-1)?.offered?.quote.maxPriceWei, '10')
    const startedAtMs = performance.now()
    const many = await quoteAll({ task, timeoutMs, ...asking({ ...gone(5_000), near }) })
    assert.equal(many.length, 5_001)
    assert(many.every(({ error }) => error?.code === 'UNREACHABLE'))
    assert(performance.now() - startedAtMs < 20_000)
  })

  it('ends with the reason of whoever gives it up', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(quoteAll({ task, timeoutMs: TIMEOUT_MS, signal, ...asking({ gone: 'nobody' }) }), reason)
  })
})
