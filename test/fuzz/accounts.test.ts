import assert from 'node:assert/strict'
import fc from 'fast-check'
import { paymentRefusals } from '../../src/node/payments/payment-refusals.ts'
import { channelIdOf } from '../../src/settlement/voucher.ts'
import { channelOf, MapSettler, voucherOf } from '../fixtures/payments.ts'
import { ProviderBooks, settleStep } from '../fixtures/provider-books.ts'
import { keyOf } from '../fixtures/receipts.ts'

const CREDIT = 100n
const DEPOSIT = 2000n
/** The first two are known to the operator, each with a credit of its own; the others have one together. */
const keys = [1, 2, 3, 4].map(keyOf)
const known = new Set(keys.slice(0, 2).map(({ address }) => address))
const isKnown = (payer: string): boolean => known.has(payer)

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      /** Several that come at once, of any payers, with vouchers that may pay ahead. */
      tasks: fc.array(
        fc.record({
          payer: fc.nat(3),
          nonce: fc.nat(1),
          maxPriceWei: fc.bigInt(1n, 80n),
          moreWei: fc.bigInt(0n, 80n),
          isLost: fc.boolean(),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: settleStep,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pay' as const),
      payer: fc.nat(3),
      nonce: fc.nat(1),
      moreWei: fc.bigInt(0n, 120n),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), payer: fc.nat(3), nonce: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
)

/** One provider's books over one journal, and beside them what its payers know. */
class Place {
  readonly books: ProviderBooks
  /** By channel: what its payer was told is durable. */
  readonly acknowledged = new Map<string, bigint>()
  #tasks = 0

  constructor() {
    const settler = new MapSettler({ creditOf: () => CREDIT })
    for (const key of keys) for (const nonce of [0, 1]) settler.open(channelOf(key, nonce), DEPOSIT)
    this.books = new ProviderBooks({ settler, isKnown })
  }

  voucher({ payer, nonce, moreWei }: { readonly payer: number; readonly nonce: number; readonly moreWei: bigint }) {
    const key = keys[payer] ?? keyOf(1)
    const channel = channelOf(key, nonce)
    const amountWei = (this.acknowledged.get(channelIdOf(channel)) ?? 0n) + moreWei
    return voucherOf({ key, channel, amountWei: amountWei > DEPOSIT ? DEPOSIT : amountWei })
  }

  acknowledge(voucher: ReturnType<Place['voucher']>): void {
    const channelId = channelIdOf(voucher.channel)
    const before = this.acknowledged.get(channelId) ?? 0n
    const amountWei = BigInt(voucher.amountWei)
    this.acknowledged.set(channelId, amountWei > before ? amountWei : before)
  }

  /** `isLost`: admitted, and then not taken after all, as where the journal is full. */
  async submit(task: {
    readonly payer: number
    readonly nonce: number
    readonly maxPriceWei: bigint
    readonly moreWei: bigint
    readonly isLost: boolean
  }): Promise<void> {
    const { maxPriceWei, isLost } = task
    const { payments } = this.books
    const voucher = this.voucher(task)
    const peer = voucher.channel.payer
    // One new channel of a payer is looked up at a time.
    const payment = await payments.examine({ peer, voucher }).catch(() => undefined)
    if (
      payment === undefined ||
      payment.refusals.length > 0 ||
      paymentRefusals({ maxPriceWei, usage: payment.usage() }).length > 0
    )
      return
    const held = payment.hold(maxPriceWei)
    assert(held !== undefined)
    this.#tasks += 1
    const number = this.#tasks
    await Promise.resolve()
    if (isLost) return held.release()
    await this.books.accept(held, { number, requester: peer, maxPriceWei })
    this.acknowledge(voucher)
  }

  async pay(request: { readonly payer: number; readonly nonce: number; readonly moreWei: bigint }): Promise<void> {
    const voucher = this.voucher(request)
    await this.books.payments.pay({ peer: voucher.channel.payer, voucher }).then(
      () => this.acknowledge(voucher),
      () => undefined,
    )
  }

  /** The payer closes: no more vouchers are taken, and the newest one is redeemed. */
  async close({ payer, nonce }: { readonly payer: number; readonly nonce: number }): Promise<void> {
    const { settler, accounts, payments } = this.books
    const channelId = channelIdOf(channelOf(keys[payer] ?? keyOf(1), nonce))
    if (settler.channels.get(channelId)?.status === 'closed') return
    const redeemedWei = accounts.get(channelId)?.standing.receivedWei ?? 0n
    settler.channels.set(channelId, { status: 'closed', depositWei: DEPOSIT, redeemedWei })
    await payments.noteRedeemed({ channelId, redeemedWei, closed: true })
  }

  /** What the provider would have lost if every payer went away now: what it gave, or may give, and holds no voucher for. */
  check(): void {
    const { accounts, live, earned, settler } = this.books
    for (const { channelId, standing } of accounts.all()) {
      const reservedWei = [...live.values()].reduce(
        (sum, task) => sum + (task.channelId === channelId ? BigInt(task.maxPriceWei) : 0n),
        0n,
      )
      assert.equal(standing.chargedWei, earned.get(channelId) ?? 0n, 'what tasks came to is charged')
      assert.equal(standing.reservedWei, reservedWei, 'what tasks can come to is set aside')
      assert(standing.receivedWei >= (this.acknowledged.get(channelId) ?? 0n), 'a voucher is forgotten')
    }
    const { byUnknownWei, byKnownWei } = this.books.owed()
    assert(byUnknownWei <= CREDIT, `strangers owe ${byUnknownWei}`)
    for (const owedWei of byKnownWei) assert(owedWei <= CREDIT, `a known payer owes ${owedWei}`)
    // A channel that is out of the books owes nothing, and its vouchers are redeemed.
    for (const [channelId, earnedWei] of earned)
      if (accounts.get(channelId) === undefined)
        assert((settler.channels.get(channelId)?.redeemedWei ?? 0n) >= earnedWei, 'an unpaid channel is forgotten')
  }
}

describe('the books of channels, fuzzed', function () {
  this.timeout(240_000)

  it('never have a payer owe more than its credit, and forget no voucher, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const place = new Place()
        try {
          for (const action of steps) {
            if (action.kind === 'submit') await Promise.all(action.tasks.map((task) => place.submit(task)))
            else if (action.kind === 'settle') await place.books.settle(action)
            else if (action.kind === 'pay') await place.pay(action)
            else if (action.kind === 'close') await place.close(action)
            else await place.books.crash()
            place.check()
          }
          await place.books.crash()
          place.check()
        } finally {
          await place.books.close()
        }
      }),
      { numRuns: 150 },
    )
  })
})
