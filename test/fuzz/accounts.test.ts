import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { createAccounts, type Accounts } from '../../src/node/accounts.ts'
import { exposureOf } from '../../src/node/exposure.ts'
import { paymentRefusals } from '../../src/node/payment-refusals.ts'
import { createPayments, type Payments } from '../../src/node/payments.ts'
import { openSqliteJournal } from '../../src/node/sqlite-journal.ts'
import type { Journal } from '../../src/node/journal.ts'
import type { AcceptedEvent } from '../../src/node/task-state.ts'
import { channelIdOf } from '../../src/settlement/voucher.ts'
import { channelOf, MapSettler, voucherOf } from '../fixtures/payments.ts'
import { acceptedEvent, bytes32, providerFault, receiptOf } from '../fixtures/provider-tasks.ts'
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
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      at: fc.nat(),
      part: fc.nat(100),
      fails: fc.boolean(),
    }),
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

/** One provider's books over one journal, and beside them what its payers and its tasks know. */
class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'souk-accounts-'))
  readonly settler = new MapSettler({ creditOf: () => CREDIT })
  readonly key = keyOf(198)
  readonly live: AcceptedEvent[] = []
  /** By channel: what its payer was told is durable, and what finished tasks came to. */
  readonly acknowledged = new Map<string, bigint>()
  readonly earned = new Map<string, bigint>()
  journal!: Journal
  accounts!: Accounts
  payments!: Payments
  #tasks = 0
  #nowMs = 0

  constructor() {
    for (const key of keys) for (const nonce of [0, 1]) this.settler.open(channelOf(key, nonce), DEPOSIT)
    this.open()
  }

  open(): void {
    this.journal = openSqliteJournal({ dir: this.dir })
    this.accounts = createAccounts({ rows: this.journal.channels(), isKnown })
    const onFatal = (error: Error): never => assert.fail(error)
    const { key, settler, accounts, journal } = this
    const clock = { nowMs: () => (this.#nowMs += 60_000) }
    this.payments = createPayments({ key, settler, accounts, journal, clock, isKnown, onFatal })
    for (const task of this.live) this.accounts.resume(task)
  }

  async crash(): Promise<void> {
    await this.journal.close()
    this.open()
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
    const voucher = this.voucher(task)
    const peer = voucher.channel.payer
    // One new channel of a payer is looked up at a time.
    const payment = await this.payments.examine({ peer, voucher }).catch(() => undefined)
    if (
      payment === undefined ||
      payment.refusals.length > 0 ||
      paymentRefusals({ maxPriceWei, usage: payment.usage() }).length > 0
    )
      return
    const held = payment.hold(maxPriceWei)
    assert(held !== undefined)
    this.#tasks += 1
    const event = acceptedEvent(this.#tasks, {
      taskId: bytes32(`task ${this.#tasks}`),
      requester: peer,
      channelId: held.channelId,
      maxPriceWei: String(maxPriceWei),
    })
    await Promise.resolve()
    if (isLost) return held.release()
    const started = { kind: 'started', taskId: event.taskId, attempt: 1, atMs: event.atMs } as const
    await this.journal.append([event, started, ...held.records])
    this.payments.accepted(held)
    this.live.push(event)
    this.acknowledge(voucher)
  }

  async settle({
    at,
    part,
    fails,
  }: {
    readonly at: number
    readonly part: number
    readonly fails: boolean
  }): Promise<void> {
    const [task] = this.live.length === 0 ? [] : this.live.splice(at % this.live.length, 1)
    if (task?.channelId === undefined) return
    const { taskId, atMs, channelId } = task
    if (fails) {
      await this.journal.append([{ kind: 'failed', taskId, atMs, error: providerFault() }])
      this.accounts.settle(task, undefined)
      return
    }
    const priceWei = (BigInt(task.maxPriceWei) * BigInt(part)) / 100n
    const receipt = { ...receiptOf(task), priceWei: String(priceWei) }
    await this.journal.append([{ kind: 'finished', taskId, atMs, receipt, channelId }])
    this.accounts.settle(task, receipt.priceWei)
    this.earned.set(channelId, (this.earned.get(channelId) ?? 0n) + priceWei)
  }

  async pay(request: { readonly payer: number; readonly nonce: number; readonly moreWei: bigint }): Promise<void> {
    const voucher = this.voucher(request)
    await this.payments.pay({ peer: voucher.channel.payer, voucher }).then(
      () => this.acknowledge(voucher),
      () => undefined,
    )
  }

  /** The payer closes: no more vouchers are taken, and the newest one is redeemed. */
  async close({ payer, nonce }: { readonly payer: number; readonly nonce: number }): Promise<void> {
    const channelId = channelIdOf(channelOf(keys[payer] ?? keyOf(1), nonce))
    if (this.settler.channels.get(channelId)?.status === 'closed') return
    const redeemedWei = this.accounts.get(channelId)?.standing.receivedWei ?? 0n
    this.settler.channels.set(channelId, { status: 'closed', depositWei: DEPOSIT, redeemedWei })
    await this.payments.noteRedeemed({ channelId, redeemedWei, closed: true })
  }

  /** What the provider would have lost if every payer went away now: what it gave, or may give, and holds no voucher for. */
  check(): void {
    let ofUnknown = 0n
    const ofKnown = new Map<string, bigint>()
    for (const { channelId, channel, standing } of this.accounts.all()) {
      const reservedWei = this.live.reduce(
        (sum, task) => sum + (task.channelId === channelId ? BigInt(task.maxPriceWei) : 0n),
        0n,
      )
      assert.equal(standing.chargedWei, this.earned.get(channelId) ?? 0n, 'what tasks came to is charged')
      assert.equal(standing.reservedWei, reservedWei, 'what tasks can come to is set aside')
      assert(standing.receivedWei >= (this.acknowledged.get(channelId) ?? 0n), 'a voucher is forgotten')
      const owed = exposureOf(standing)
      if (isKnown(channel.payer)) ofKnown.set(channel.payer, (ofKnown.get(channel.payer) ?? 0n) + owed)
      else ofUnknown += owed
    }
    assert(ofUnknown <= CREDIT, `strangers owe ${ofUnknown}`)
    for (const owed of ofKnown.values()) assert(owed <= CREDIT, `a known payer owes ${owed}`)
    // A channel that is out of the books owes nothing, and its vouchers are redeemed.
    for (const [channelId, earned] of this.earned)
      if (this.accounts.get(channelId) === undefined)
        assert((this.settler.channels.get(channelId)?.redeemedWei ?? 0n) >= earned, 'an unpaid channel is forgotten')
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
            else if (action.kind === 'settle') await place.settle(action)
            else if (action.kind === 'pay') await place.pay(action)
            else if (action.kind === 'close') await place.close(action)
            else await place.crash()
            place.check()
          }
          await place.crash()
          place.check()
        } finally {
          await place.journal.close()
          rmSync(place.dir, { recursive: true })
        }
      }),
      { numRuns: 150 },
    )
  })
})
