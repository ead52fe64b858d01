import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openWallet, type Wallet, type WalletChannel } from '../../src/client/payments/wallet.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { paymentRefusals } from '../../src/node/payments/payment-refusals.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import type { Statement, Voucher } from '../../src/protocol/payment.ts'
import { channelIdOf } from '../../src/settlement/voucher.ts'
import { CHAIN_ID, channelOf, CONTRACT, MapSettler } from '../fixtures/payments.ts'
import { ProviderBooks, settleStep } from '../fixtures/provider-books.ts'
import { bytes32, PROVIDER } from '../fixtures/provider-tasks.ts'
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
    arbitrary: settleStep,
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
  creditWei = CREDIT
  readonly books: ProviderBooks
  readonly requesters = keys.map((key) => new Requester(key))
  #tasks = 0

  constructor() {
    const settler = new MapSettler({ creditOf: () => this.creditWei })
    for (const key of keys) settler.open(channelOf(key), DEPOSIT)
    this.books = new ProviderBooks({ settler, isKnown })
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
    const terms = { ...this.books.settler.terms(requester.key.address), creditWei: String(CREDIT) }
    const agreed = { rates: FREE_RATES, limits: {} }
    const prepayment = { taskId, provider: PROVIDER, terms, chainId: CHAIN_ID, maxPriceWei, agreed, expiryMs: 1 }
    let voucher: Voucher | undefined = requester.wallet.prepay(prepayment)
    requester.note()
    requester.sent.set(taskId, { taskId, maxPriceWei })
    if (task.fate === 'lost') return
    for (let asked = await this.#admit(requester, { maxPriceWei, voucher }); asked !== undefined;) {
      const before: bigint = BigInt(voucher.amountWei)
      voucher = asked > before ? requester.wallet.raise({ taskId, askedWei: asked }) : undefined
      if (voucher === undefined || BigInt(voucher.amountWei) <= before) {
        requester.wallet.release({ taskId })
        requester.sent.delete(taskId)
        return
      }
      asked = await this.#admit(requester, { maxPriceWei, voucher })
    }
  }

  /** Returns the amount that is asked for, where the task is not taken. */
  async #admit(
    { key }: Requester,
    { maxPriceWei, voucher }: { readonly maxPriceWei: bigint; readonly voucher: Voucher },
  ): Promise<bigint | undefined> {
    const payment = await this.books.payments.examine({ peer: key.address, voucher })
    assert.deepEqual(payment.refusals, [])
    const [refusal] = paymentRefusals({ maxPriceWei, usage: payment.usage() })
    if (refusal !== undefined) return BigInt(refusal.asked ?? 0)
    const held = payment.hold(maxPriceWei)
    assert(held !== undefined)
    await this.books.accept(held, { number: this.#tasks, requester: key.address, maxPriceWei })
    return undefined
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
    if (this.books.live.has(taskId)) return
    const priceWei = this.books.ended.get(taskId)
    if (priceWei === undefined) {
      // It failed, or never came, and can no longer.
      wallet.release({ taskId })
      return
    }
    const voucher = wallet.charge({ taskId, priceWei }) ?? wallet.newest({ taskId })
    assert(voucher !== undefined)
    requester.note()
    if (becomes === 'lost') return
    const statement = await this.books.payments.pay({ peer: key.address, voucher })
    if (becomes === 'arrives') wallet.reconcile(statement)
  }

  /** A provider says that more is charged, and shows what vouchers it has. */
  lie({ payer: number, chargedWei }: { readonly payer: number; readonly chargedWei: bigint }): void {
    const { wallet, channelId } = this.requester(number)
    const voucher = this.books.accounts.get(channelId)?.voucher
    const said = { channelId, receivedWei: '0', reservedWei: '0', creditWei: '0', chargedWei: String(chargedWei) }
    const statement: Statement = { ...said, ...(voucher !== undefined && { voucher }) }
    wallet.reconcile(statement)
  }

  check(): void {
    for (const { channel, channelId, mostWei } of this.requesters) {
      const earnedWei = this.books.earned.get(channelId) ?? 0n
      assert(channel.signedWei <= mostWei, `${channel.signedWei} is signed, and ${mostWei} was the most`)
      assert(channel.chargedWei <= earnedWei, 'more is charged than receipts come to')
      const account = this.books.accounts.get(channelId)
      if (account === undefined) continue
      const { standing } = account
      assert.equal(standing.chargedWei, earnedWei, 'what receipts come to is charged, and once')
      assert(standing.receivedWei <= channel.signedWei, 'the wallet has forgotten a voucher')
    }
    const { byUnknownWei, byKnownWei } = this.books.owed()
    assert(byUnknownWei <= CREDIT, `strangers owe ${byUnknownWei}`)
    for (const owedWei of byKnownWei) assert(owedWei <= CREDIT, `a known payer owes ${owedWei}`)
  }

  /** Everybody comes back, and whatever was left is settled. */
  async settleAll(): Promise<void> {
    while (this.books.live.size > 0) await this.books.settle({ at: 0, part: 50, fails: false })
    for (const requester of this.requesters) {
      for (const taskId of requester.sent.keys()) await this.settleFor(requester, taskId, 'arrives')
      const { channel, channelId } = requester
      const earnedWei = this.books.earned.get(channelId) ?? 0n
      assert.deepEqual([channel.chargedWei, channel.reservedWei], [earnedWei, 0n])
      const receivedWei = this.books.accounts.get(channelId)?.standing.receivedWei ?? 0n
      assert(receivedWei >= earnedWei, `${receivedWei} is received for ${earnedWei}`)
      assert(receivedWei <= channel.signedWei && channel.signedWei <= requester.mostWei)
    }
  }

  async close(): Promise<void> {
    await this.books.close()
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
            else if (action.kind === 'settle') await market.books.settle(action)
            else if (action.kind === 'fetch') await market.fetch(action)
            else if (action.kind === 'lie') market.lie(action)
            else if (action.kind === 'new credit') market.creditWei = action.creditWei
            else if (action.kind === 'requester crashes') market.requester(action.payer).crash()
            else await market.books.crash()
            market.check()
          }
          await market.books.crash()
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
