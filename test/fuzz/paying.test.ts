import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openWallet, type Wallet, type WalletChannel } from '../../src/client/wallet.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { createAccounts, type Accounts } from '../../src/node/accounts.ts'
import { exposureOf } from '../../src/node/exposure.ts'
import type { Journal } from '../../src/node/journal.ts'
import { paymentRefusals } from '../../src/node/payment-refusals.ts'
import { createPayments, type Payments } from '../../src/node/payments.ts'
import { openSqliteJournal } from '../../src/node/sqlite-journal.ts'
import type { AcceptedEvent } from '../../src/node/task-state.ts'
import type { Statement, Voucher } from '../../src/protocol/payment.ts'
import { channelIdOf } from '../../src/settlement/voucher.ts'
import { CHAIN_ID, channelOf, CONTRACT, MapSettler } from '../fixtures/payments.ts'
import { acceptedEvent, bytes32, PROVIDER, providerFault, receiptOf } from '../fixtures/provider-tasks.ts'
import { keyOf } from '../fixtures/receipts.ts'

const CREDIT = 100n
const DEPOSIT = 3000n
/** The first one is known to the operator; the others share what strangers may owe. */
const keys = [1, 2, 3].map(keyOf)
const isKnown = (payer: string): boolean => payer === keys[0]?.address

/** What becomes of a message: it arrives, and its answer too; its answer is lost; it is lost itself. */
const fate = fc.constantFrom('arrives' as const, 'arrives' as const, 'unanswered' as const, 'lost' as const)
type Fate = 'arrives' | 'unanswered' | 'lost'

const payer = fc.nat(2)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('submit' as const), payer, maxPriceWei: fc.bigInt(1n, 80n), fate }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      at: fc.nat(),
      part: fc.nat(100),
      fails: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('fetch' as const), at: fc.nat(), fate }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('lie' as const), payer, chargedWei: fc.bigInt(0n, 4000n) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('new credit' as const), creditWei: fc.bigInt(0n, CREDIT) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'provider crashes' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('requester crashes' as const), payer }) },
)

/** A task as its requester knows it: sent, and maybe there. */
interface Sent {
  readonly taskId: string
  readonly maxPriceWei: bigint
}

/** One payer, its wallet, and what it may have signed at most. */
class Requester {
  readonly dir = mkdtempSync(join(tmpdir(), 'souk-paying-wallet-'))
  readonly key: Key
  readonly channelId: string
  readonly sent = new Map<string, Sent>()
  wallet!: Wallet
  mostWei = 0n

  constructor(key: Key) {
    this.key = key
    this.channelId = channelIdOf(channelOf(key))
    this.open()
    this.wallet.noteChannel({ chainId: CHAIN_ID, contract: CONTRACT, channel: channelOf(key), depositWei: DEPOSIT })
  }

  open(): void {
    this.wallet = openWallet({ dir: this.dir, key: this.key })
  }

  crash(): void {
    this.wallet.close()
    this.open()
  }

  get channel(): WalletChannel {
    const [only] = this.wallet.channels()
    assert(only !== undefined)
    return only
  }

  /** After each change: what tasks came to and can come to is the most that it can ever be asked for. */
  note(): void {
    const { chargedWei, reservedWei } = this.channel
    if (chargedWei + reservedWei > this.mostWei) this.mostWei = chargedWei + reservedWei
  }
}

/** A provider and its requesters, and messages between them that get lost. */
class Market {
  readonly dir = mkdtempSync(join(tmpdir(), 'souk-paying-'))
  creditWei = CREDIT
  readonly settler = new MapSettler({ creditOf: () => this.creditWei })
  readonly requesters = keys.map((key) => new Requester(key))
  readonly live = new Map<string, AcceptedEvent>()
  /** What became of tasks that have ended: the price of a receipt, or nothing. */
  readonly ended = new Map<string, bigint | undefined>()
  readonly earned = new Map<string, bigint>()
  journal!: Journal
  accounts!: Accounts
  payments!: Payments
  #tasks = 0
  #nowMs = 0

  constructor() {
    for (const key of keys) this.settler.open(channelOf(key), DEPOSIT)
    this.open()
  }

  open(): void {
    const journal = openSqliteJournal({ dir: this.dir })
    const accounts = createAccounts({ rows: journal.channels(), isKnown })
    const { settler } = this
    this.journal = journal
    this.accounts = accounts
    // Questions about channels are counted by the minute.
    const clock = { nowMs: () => (this.#nowMs += 60_000) }
    const onFatal = (error: Error): never => assert.fail(error)
    this.payments = createPayments({ key: keyOf(199), settler, accounts, journal, clock, isKnown, onFatal })
    for (const task of this.live.values()) accounts.resume(task)
  }

  async crash(): Promise<void> {
    await this.journal.close()
    this.open()
  }

  requester(number: number): Requester {
    const found = this.requesters[number]
    assert(found !== undefined)
    return found
  }

  /** As the SDK does it: sets aside, sends, goes higher where the provider gives less credit than it said. */
  async submit(task: { readonly payer: number; readonly maxPriceWei: bigint; readonly fate: Fate }): Promise<void> {
    const requester = this.requester(task.payer)
    const { maxPriceWei } = task
    this.#tasks += 1
    const taskId = bytes32(`task ${this.#tasks}`)
    // What was told is of some time ago.
    const terms = { ...this.settler.terms(requester.key.address), creditWei: String(CREDIT) }
    const prepayment = { taskId, provider: PROVIDER, terms, chainId: CHAIN_ID, maxPriceWei, expiryMs: 1 }
    let voucher: Voucher | undefined = requester.wallet.prepay(prepayment)
    requester.note()
    requester.sent.set(taskId, { taskId, maxPriceWei })
    if (task.fate === 'lost') return
    for (let asked = await this.#admit(requester, taskId, { maxPriceWei, voucher }); asked !== undefined;) {
      const before: bigint = BigInt(voucher.amountWei)
      voucher = asked > before ? requester.wallet.raise({ taskId, askedWei: asked }) : undefined
      if (voucher === undefined || BigInt(voucher.amountWei) <= before) {
        requester.wallet.release({ taskId })
        requester.sent.delete(taskId)
        return
      }
      asked = await this.#admit(requester, taskId, { maxPriceWei, voucher })
    }
  }

  /** Returns the amount that is asked for, where the task is not taken. */
  async #admit(
    { key }: Requester,
    taskId: string,
    { maxPriceWei, voucher }: { readonly maxPriceWei: bigint; readonly voucher: Voucher },
  ): Promise<bigint | undefined> {
    const payment = await this.payments.examine({ peer: key.address, voucher })
    assert.deepEqual(payment.refusals, [])
    const [refusal] = paymentRefusals({ maxPriceWei, usage: payment.usage() })
    if (refusal !== undefined) return BigInt(refusal.asked ?? 0)
    const held = payment.hold(maxPriceWei)
    assert(held !== undefined)
    const { channelId, records } = held
    const changes = { taskId, requester: key.address, channelId, maxPriceWei: String(maxPriceWei) }
    const event = acceptedEvent(this.#tasks, changes)
    const started = { kind: 'started', taskId, attempt: 1, atMs: event.atMs } as const
    await this.journal.append([event, started, ...records])
    this.payments.accepted(held)
    this.live.set(taskId, event)
    return undefined
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
    const task = [...this.live.values()][this.live.size === 0 ? 0 : at % this.live.size]
    if (task?.channelId === undefined) return
    const { taskId, atMs, channelId } = task
    this.live.delete(taskId)
    if (fails) {
      await this.journal.append([{ kind: 'failed', taskId, atMs, error: providerFault() }])
      this.accounts.settle(task, undefined)
      this.ended.set(taskId, undefined)
      return
    }
    const priceWei = (BigInt(task.maxPriceWei) * BigInt(part)) / 100n
    const receipt = { ...receiptOf(task), priceWei: String(priceWei) }
    await this.journal.append([{ kind: 'finished', taskId, atMs, receipt, channelId }])
    this.accounts.settle(task, receipt.priceWei)
    this.ended.set(taskId, priceWei)
    this.earned.set(channelId, (this.earned.get(channelId) ?? 0n) + priceWei)
  }

  /** A requester asks what became of a task, and pays. It may ask again for what it has paid. */
  async fetch({ at, fate: becomes }: { readonly at: number; readonly fate: Fate }): Promise<void> {
    const all = this.requesters.flatMap((requester) =>
      [...requester.sent.values()].map((task) => ({ requester, task })),
    )
    const found = all[all.length === 0 ? 0 : at % all.length]
    if (found !== undefined) await this.settleFor(found.requester, found.task.taskId, becomes)
  }

  async settleFor(requester: Requester, taskId: string, becomes: Fate): Promise<void> {
    const { wallet, key } = requester
    if (this.live.has(taskId)) return
    const priceWei = this.ended.get(taskId)
    if (priceWei === undefined) {
      // It failed, or never came, and can no longer.
      wallet.release({ taskId })
      return
    }
    const voucher = wallet.charge({ taskId, priceWei }) ?? wallet.newest({ taskId })
    assert(voucher !== undefined)
    requester.note()
    if (becomes === 'lost') return
    const statement = await this.payments.pay({ peer: key.address, voucher })
    if (becomes === 'arrives') wallet.reconcile(statement)
  }

  /** A provider says that more is charged, and shows what vouchers it has. */
  lie({ payer: number, chargedWei }: { readonly payer: number; readonly chargedWei: bigint }): void {
    const { wallet, channelId } = this.requester(number)
    const voucher = this.accounts.get(channelId)?.voucher
    const said = { channelId, receivedWei: '0', reservedWei: '0', creditWei: '0', chargedWei: String(chargedWei) }
    const statement: Statement = { ...said, ...(voucher !== undefined && { voucher }) }
    wallet.reconcile(statement)
  }

  check(): void {
    let ofUnknownWei = 0n
    for (const { channel, channelId, key, mostWei } of this.requesters) {
      const earnedWei = this.earned.get(channelId) ?? 0n
      assert(channel.signedWei <= mostWei, `${channel.signedWei} is signed, and ${mostWei} was the most`)
      assert(channel.chargedWei <= earnedWei, 'more is charged than receipts come to')
      const account = this.accounts.get(channelId)
      if (account === undefined) continue
      const { standing } = account
      assert.equal(standing.chargedWei, earnedWei, 'what receipts come to is charged, and once')
      assert(standing.receivedWei <= channel.signedWei, 'the wallet has forgotten a voucher')
      const owedWei = exposureOf(standing)
      if (isKnown(key.address)) assert(owedWei <= CREDIT)
      else ofUnknownWei += owedWei
    }
    assert(ofUnknownWei <= CREDIT, `strangers owe ${ofUnknownWei}`)
  }

  /** Everybody comes back, and whatever was left is settled. */
  async settleAll(): Promise<void> {
    while (this.live.size > 0) await this.settle({ at: 0, part: 50, fails: false })
    for (const requester of this.requesters) {
      for (const taskId of requester.sent.keys()) await this.settleFor(requester, taskId, 'arrives')
      const { channel, channelId } = requester
      const earnedWei = this.earned.get(channelId) ?? 0n
      assert.deepEqual([channel.chargedWei, channel.reservedWei], [earnedWei, 0n])
      const receivedWei = this.accounts.get(channelId)?.standing.receivedWei ?? 0n
      assert(receivedWei >= earnedWei, `${receivedWei} is received for ${earnedWei}`)
      assert(receivedWei <= channel.signedWei && channel.signedWei <= requester.mostWei)
    }
  }

  async close(): Promise<void> {
    await this.journal.close()
    rmSync(this.dir, { recursive: true })
    for (const { wallet, dir } of this.requesters) {
      wallet.close()
      rmSync(dir, { recursive: true })
    }
  }
}

describe('a provider’s books and its requesters’ wallets, fuzzed against each other', function () {
  this.timeout(240_000)

  it('agree in the end, and neither loses more than its bound, whatever is lost, said or killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const market = new Market()
        try {
          for (const action of steps) {
            if (action.kind === 'submit') await market.submit(action)
            else if (action.kind === 'settle') await market.settle(action)
            else if (action.kind === 'fetch') await market.fetch(action)
            else if (action.kind === 'lie') market.lie(action)
            else if (action.kind === 'new credit') market.creditWei = action.creditWei
            else if (action.kind === 'requester crashes') market.requester(action.payer).crash()
            else await market.crash()
            market.check()
          }
          await market.crash()
          await market.settleAll()
          market.check()
        } finally {
          await market.close()
        }
      }),
      { numRuns: 60 },
    )
  })
})
