import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { runQuorum, type Disagreement, type QuorumCandidate } from '../../src/client/market/quorum.ts'
import { runVerified } from '../../src/client/market/run-verified.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { deterministicTask as task, receiptSaying } from '../fixtures/provider-says.ts'
import { keyOf } from '../fixtures/receipts.ts'

interface Scripted extends QuorumCandidate {
  readonly number: number
}
const candidate = (number: number, more: Partial<QuorumCandidate> = {}): Scripted => ({
  number,
  provider: keyOf(number).address,
  ...more,
})
const refused = new SoukError({ code: 'REFUSED', message: 'No.', details: { reasons: [] } })
const timedOut = { outcome: { kind: 'limit', limit: 'wallTime' } } as const

type Script = Readonly<Record<number, string | SoukError | Parameters<typeof receiptSaying>[0]['changed'] | Error>>

/** Providers that say `3.14`, but for those that the script names: another text, another receipt, or an error. */
function stage(script: Script = {}) {
  const ran: number[] = []
  const disagreements: Disagreement[] = []
  return {
    ran,
    disagreements,
    async runOn(
      { number }: Scripted,
      signal: AbortSignal,
    ): Promise<{ readonly receipt: Receipt; readonly by: number }> {
      ran.push(number)
      await sleep(1, undefined, { signal }).catch(() => signal.throwIfAborted())
      const says = script[number]
      if (says instanceof Error) throw says
      const receipt = receiptSaying({
        number,
        ...(typeof says === 'string' ? { stdout: says } : { changed: says ?? {} }),
      })
      return { receipt, by: number }
    },
    onDisagreement(disagreement: Disagreement): void {
      disagreements.push(disagreement)
    },
  }
}
const numbers = (candidates: readonly Scripted[]): readonly number[] => candidates.map(({ number }) => number)
const noQuorum = async (running: Promise<unknown>): Promise<SoukError<'NO_QUORUM'>> => {
  try {
    await running
  } catch (thrown) {
    assert.ok(isSoukError(thrown, 'NO_QUORUM'), String(thrown))
    return thrown
  }
  throw new Error('it came to a quorum')
}

describe('a quorum', () => {
  it('takes what all say, from the best of them, at once', async () => {
    const { ran, disagreements, ...calls } = stage()
    const found = await runQuorum({
      task,
      providers: 3,
      candidates: [11, 12, 13, 14].map((n) => candidate(n)),
      ...calls,
    })
    assert.equal(found.result.by, 11)
    assert.deepEqual(numbers(found.agreeing), [11, 12, 13])
    assert.deepEqual(ran, [11, 12, 13])
    assert.deepEqual(disagreements, [])
  })

  it('takes what most say, and proves that the others said something else', async () => {
    const { disagreements, ...calls } = stage({ 11: '4\n' })
    const found = await runQuorum({ task, providers: 3, candidates: [11, 12, 13].map((n) => candidate(n)), ...calls })
    assert.equal(found.result.by, 12)
    const [disagreement] = disagreements
    assert.deepEqual(disagreement, found.disagreement)
    assert.deepEqual(disagreement?.agreeing, [keyOf(12).address, keyOf(13).address])
    assert.deepEqual(disagreement.differing, [{ provider: keyOf(11).address, parts: ['stdout'] }])
    assert.deepEqual(
      disagreement.proof.receipts.map(({ provider }) => provider),
      [11, 12, 13].map((n) => keyOf(n).address),
    )
  })

  it('fails where no result has most of them behind it, tells what each said, and keeps the proof', async () => {
    const { disagreements, ...calls } = stage({ 11: 'a', 12: 'b' })
    const error = await noQuorum(
      runQuorum({ task, providers: 3, candidates: [11, 12, 13].map((n) => candidate(n)), ...calls }),
    )
    assert.deepEqual([error.details.needed, error.details.agreed], [2, 1])
    assert.equal(error.details.said.length, 3)
    assert.match(error.details.said[0]?.what ?? '', /^exited 0, stdout [0-9a-f]{12}…, 1 output, fuel 123456$/)
    assert.equal(disagreements[0]?.proof.receipts.length, 3)
    assert.deepEqual(disagreements[0]?.agreeing, [])
  })

  it('gives the place of who refuses, or says nothing, to the next one', async () => {
    const { ran, disagreements, ...calls } = stage({ 11: refused, 12: timedOut, 13: refused })
    const found = await runQuorum({
      task,
      providers: 2,
      candidates: [11, 12, 13, 14, 15].map((n) => candidate(n)),
      ...calls,
    })
    assert.deepEqual(numbers(found.agreeing), [14, 15])
    assert.deepEqual(
      ran.toSorted((a, b) => a - b),
      [11, 12, 13, 14, 15],
    )
    assert.match(
      found.said.find((said) => said.candidate.number === 12)?.what ?? '',
      /^limit wallTime.*not counted: it did not end by its own doing/,
    )
    assert.deepEqual(disagreements, [])
  })

  it('pays for at most twice as many receipts as providers where a task never comes to an end of its own', async () => {
    const script = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [index + 11, timedOut]))
    const { ran, ...calls } = stage(script)
    await noQuorum(
      runQuorum({ task, providers: 3, candidates: Object.keys(script).map((n) => candidate(Number(n))), ...calls }),
    )
    assert.equal(ran.length, 6)
  })

  it('has no two of one payout address, and nobody twice', async () => {
    const payout = keyOf(99).address
    const { ran, ...calls } = stage()
    const candidates = [
      candidate(11, { payout }),
      candidate(12, { payout }),
      candidate(11),
      candidate(13, { payout: keyOf(11).address }),
    ]
    const error = await noQuorum(runQuorum({ task, providers: 2, candidates, ...calls }))
    assert.match(error.message, /there are 1. Nothing was run/)
    assert.deepEqual(ran, [])
    const found = await runQuorum({ task, providers: 2, candidates: [...candidates, candidate(14)], ...calls })
    assert.deepEqual(numbers(found.agreeing), [11, 14])
  })

  it('asks those on the same terms, and does not count who ran it on others', async () => {
    const { limits } = receiptSaying({ number: 11 })
    const terms = { engine: 'V8 13.6', limits }
    const others = { engine: 'V8 14', limits }
    const { ran, ...calls } = stage({ 12: { limits: { ...limits, memoryBytes: 5 } } })
    const found = await runQuorum({
      task,
      providers: 2,
      candidates: [
        candidate(10, { terms: others }),
        candidate(11, { terms }),
        candidate(12, { terms }),
        candidate(13, { terms }),
      ],
      ...calls,
    })
    assert.deepEqual(ran, [11, 12, 13])
    assert.deepEqual(numbers(found.agreeing), [11, 13])
  })

  it('ends at once with the reason of its signal, or with a bug', async () => {
    const { ran, ...calls } = stage()
    const reason = new Error('enough')
    await assert.rejects(
      runQuorum({
        task,
        providers: 2,
        candidates: [candidate(11), candidate(12)],
        ...calls,
        signal: AbortSignal.abort(reason),
      }),
      reason,
    )
    const bug = stage({ 11: new TypeError('a bug') })
    await assert.rejects(
      runQuorum({ task, providers: 2, candidates: [candidate(11), candidate(12)], ...bug }),
      TypeError,
    )
    assert.ok(ran.length <= 2)
  })

  it('takes a result only with more than half behind it, and keeps a proof whenever two that can be compared differ', async () => {
    const text = fc.constantFrom('a', 'b', 'c')
    const says = fc.oneof({ weight: 4, arbitrary: text }, fc.constant(refused), fc.constant(timedOut))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.array(says, { minLength: 2, maxLength: 8 }),
        async (providers, script) => {
          fc.pre(script.length >= providers)
          const { ran, disagreements, ...calls } = stage(
            Object.fromEntries(script.map((say, index) => [index + 11, say])),
          )
          const candidates = script.map((_, index) => candidate(index + 11))
          const votes = (): readonly string[] => ran.map((n) => script[n - 11]).filter((say) => typeof say === 'string')
          const most = (): number =>
            Math.max(0, ...Object.values(Object.groupBy(votes(), (vote) => vote)).map((same) => same?.length ?? 0))
          const needed = Math.floor(providers / 2) + 1
          try {
            const found = await runQuorum({ task, providers, candidates, ...calls })
            assert.ok(most() >= needed)
            assert.equal(found.agreeing.length, most())
            const said = new Set(found.agreeing.map(({ number }) => script[number - 11]))
            assert.equal(said.size, 1)
          } catch (thrown) {
            assert.ok(isSoukError(thrown, 'NO_QUORUM'), String(thrown))
            assert.ok(most() < needed)
            assert.equal(thrown.details.agreed, most())
          }
          assert.equal(disagreements.length, new Set(votes()).size > 1 ? 1 : 0)
          assert.ok(votes().length <= providers)
          assert.equal(new Set(ran).size, ran.length)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a quorum of liars', () => {
  it('is paid for no more often than it says where each keeps back what it was paid for', async () => {
    const invalid = new SoukError({ code: 'RECEIPT_INVALID', message: 'Kept back.', details: { reasons: [] } })
    const many = Array.from({ length: 20 }, (_, index) => index + 11)
    const { ran, ...calls } = stage(Object.fromEntries(many.map((number) => [number, invalid])))
    await noQuorum(runQuorum({ task, providers: 3, candidates: many.map((number) => candidate(number)), ...calls }))
    assert.equal(ran.length, 6)
  })
})

describe('a task that is checked as its requester wants it', () => {
  const candidates = [11, 12, 13].map((n) => candidate(n))

  it('is run once where nobody checks, by the next one where the first refuses, and its end is its result', async () => {
    const { ran, ...calls } = stage({ 11: refused, 12: timedOut })
    const found = await runVerified({ verification: { kind: 'once' }, task, candidates, ...calls })
    assert.equal(found.result.receipt.outcome.kind, 'limit')
    assert.deepEqual(ran, [11, 12])
    const nobody = stage({ 11: refused, 12: refused, 13: refused })
    await assert.rejects(runVerified({ verification: { kind: 'once' }, task, candidates, ...nobody }), refused)
  })

  it('is given to nobody else where who was lost, or has lied, may have to be paid', async () => {
    const invalid = new SoukError({ code: 'RECEIPT_INVALID', message: 'No.', details: { reasons: [] } })
    const lost = new SoukError({ code: 'CONNECTION_LOST', message: 'Gone.', details: {} })
    for (const error of [invalid, lost]) {
      const paid = stage({ 11: error })
      const costly = candidates.map((one) => ({ ...one, costs: true }))
      await assert.rejects(runVerified({ verification: { kind: 'once' }, task, candidates: costly, ...paid }), error)
      assert.deepEqual(paid.ran, [11])
      const free = stage({ 11: error })
      await runVerified({ verification: { kind: 'once' }, task, candidates, ...free })
      assert.deepEqual(free.ran, [11, 12])
    }
  })

  it('is run by a second one as often as it says', async () => {
    const always = stage({ 12: 'a lie' })
    await noQuorum(runVerified({ verification: { kind: 'spot', probability: 1 }, task, candidates, ...always }))
    assert.deepEqual(always.ran, [11, 12])
    assert.equal(always.disagreements.length, 1)
    let checked = 0
    for (let round = 0; round < 200; round += 1) {
      const { ran, ...calls } = stage()
      await runVerified({ verification: { kind: 'spot', probability: 0.5 }, task, candidates, ...calls })
      checked += ran.length - 1
    }
    // Outside of this lies less than one in 10^12.
    assert.ok(checked > 50 && checked < 150, String(checked))
  })

  it('is run by as many as it says', async () => {
    const { ran, ...calls } = stage()
    await runVerified({ verification: { kind: 'quorum', providers: 3 }, task, candidates, ...calls })
    assert.deepEqual(ran, [11, 12, 13])
  })
})
