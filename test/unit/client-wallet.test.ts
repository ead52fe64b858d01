import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { openWallet, type Prepayment, type Wallet } from '../../src/client/payments/wallet.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import type { Statement } from '../../src/protocol/payment.ts'
import { noncesOf } from '../../src/settlement/channel-nonces.ts'
import { isVoucherOf } from '../../src/settlement/voucher.ts'
import { CHAIN_ID, channelOf, CONTRACT, MapSettler, voucherOf } from '../fixtures/payments.ts'
import { bytes32, PROVIDER } from '../fixtures/provider-tasks.ts'
import { requesterKey as key } from '../fixtures/receipts.ts'

const { terms } = new MapSettler()
const prepayment = (number: number, maxPriceWei: bigint, creditWei = 0n): Prepayment => ({
  taskId: bytes32(number),
  provider: PROVIDER,
  terms: { ...terms.call(new MapSettler(), key.address), creditWei: String(creditWei) },
  chainId: CHAIN_ID,
  maxPriceWei,
  agreed: { rates: { ...FREE_RATES, startWei: String(number) }, limits: { wallTimeMs: number + 1 } },
  expiryMs: 1,
})
const task = (number: number): { taskId: string } => ({ taskId: bytes32(number) })

describe('the wallet', () => {
  let dir: string
  let wallet: Wallet
  const open = (depositWei = 1000n, nonce = 0): string =>
    wallet.noteChannel({ chainId: CHAIN_ID, contract: CONTRACT, channel: channelOf(key, nonce), depositWei })
  const only = () => {
    const [channel] = wallet.channels()
    assert(channel !== undefined)
    return channel
  }
  const statementOf = (changes: Partial<Statement>): Statement => ({
    channelId: only().channelId,
    receivedWei: '0',
    chargedWei: '0',
    reservedWei: '0',
    creditWei: '0',
    ...changes,
  })

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-wallet-'))
    wallet = openWallet({ dir, key })
  })
  afterEach(() => {
    wallet.close()
    rmSync(dir, { recursive: true })
  })

  it('is readable by its owner alone', () => {
    assert.equal(statSync(join(dir, 'wallet.sqlite')).mode & 0o777, 0o600)
  })

  it('looks through no settled task for what is open, in a file from before as well', () => {
    const indexed = (change = ''): string[] => {
      wallet.close()
      const db = new DatabaseSync(join(dir, 'wallet.sqlite'))
      db.exec(change)
      const plans = [
        'channel_id = ? AND settled = 0',
        'provider = ? AND settled = 0',
        'settled = 1 AND expiry_ms < ?',
      ].flatMap((condition) => db.prepare(`EXPLAIN QUERY PLAN SELECT max_wei FROM tasks WHERE ${condition}`).all())
      db.close()
      wallet = openWallet({ dir, key })
      return plans.map(({ detail }) => /open_tasks\w+|settled_tasks/.exec(String(detail))?.[0] ?? 'none')
    }
    const all = ['open_tasks_of_channel', 'open_tasks_at', 'settled_tasks']
    assert.deepEqual(indexed(), all)
    assert.ok(indexed(all.map((name) => `DROP INDEX ${name};`).join(' ')).includes('none'))
    assert.deepEqual(indexed(), all)
  })

  it('pays a node through channels alone that are bound to it', () => {
    const node = bytes32('node').slice(0, 42)
    const { terms: plain, ...rest } = prepayment(1, 100n)
    const authorization = { node, payout: plain.payee, expiryMs: 1, signature: `0x${'0'.repeat(130)}` }
    const bound = { ...rest, terms: { ...plain, authorization } }
    const { first } = noncesOf({ node, payee: plain.payee })
    open()
    assert.throws(
      () => wallet.prepay(bound),
      (thrown) => isSoukError(thrown, 'PAYMENT_REQUIRED') && String(thrown.hint).includes(`--node ${node}`),
    )
    open(1000n, first)
    assert.equal(wallet.prepay(bound).channel.nonce, first)
    assert.equal(wallet.prepay(prepayment(2, 100n)).channel.nonce, 0)
  })

  it('pays a task’s most ahead where there is no credit, and the next one so much less as was not used', () => {
    open()
    const first = wallet.prepay(prepayment(1, 100n))
    assert.equal(first.amountWei, '100')
    assert(isVoucherOf(first))
    assert.equal(wallet.charge({ ...task(1), priceWei: 30n }), undefined)
    assert.equal(wallet.prepay(prepayment(2, 100n)).amountWei, '130')
    wallet.release(task(2))
    assert.equal(wallet.prepay(prepayment(3, 100n)).amountWei, '130')
  })

  it('names its channel with a voucher for 0 where credit suffices, and pays after the receipt', () => {
    open()
    assert.equal(wallet.prepay(prepayment(1, 100n, 500n)).amountWei, '0')
    const voucher = wallet.charge({ ...task(1), priceWei: 30n })
    assert.equal(voucher?.amountWei, '30')
    assert.deepEqual(wallet.newest(task(1)), voucher)
  })

  it('charges a receipt once, and never one above what was set aside', () => {
    open()
    wallet.prepay(prepayment(1, 100n))
    assert.throws(
      () => wallet.charge({ ...task(1), priceWei: 101n }),
      (thrown) => isSoukError(thrown, 'RECEIPT_INVALID'),
    )
    wallet.charge({ ...task(1), priceWei: 30n })
    assert.equal(wallet.charge({ ...task(1), priceWei: 30n }), undefined)
    assert.equal(wallet.charge({ ...task(9), priceWei: 30n }), undefined)
    assert.equal(only().chargedWei, 30n)
  })

  it('goes higher only as far as tasks under way can come to', () => {
    open()
    wallet.prepay(prepayment(1, 100n, 500n))
    assert.equal(wallet.raise({ ...task(1), askedWei: 101n }), undefined)
    assert.equal(wallet.raise({ ...task(1), askedWei: 60n })?.amountWei, '60')
  })

  it('says where to open a channel, and by how much to top one up', () => {
    const why = (hint: RegExp) => (thrown: unknown) => isSoukError(thrown, 'PAYMENT_REQUIRED') && hint.test(thrown.hint)
    assert.throws(() => wallet.prepay(prepayment(1, 100n)), why(/channel open 0x[0-9a-f]{40} --deposit 100$/))
    open(150n)
    wallet.prepay(prepayment(1, 100n))
    assert.throws(() => wallet.prepay(prepayment(2, 100n)), why(/channel top-up 0x[0-9a-f]{64} --amount 50$/))
    open(200n)
    assert.equal(wallet.prepay(prepayment(2, 100n)).amountWei, '200')
  })

  it('pays through no channel that is closed, and through the next one instead', () => {
    open()
    wallet.noteChannel({
      chainId: CHAIN_ID,
      contract: CONTRACT,
      channel: channelOf(key),
      depositWei: 1000n,
      closed: true,
    })
    open(1000n, 1)
    assert.equal(wallet.prepay(prepayment(1, 100n)).channel.nonce, 1)
  })

  it('learns from a provider what it had signed and lost, and believes nobody’s but its own signature', () => {
    open()
    const voucher = voucherOf({ key, amountWei: 400n })
    wallet.reconcile(statementOf({ chargedWei: '250', voucher: { ...voucher, amountWei: '900' } }))
    assert.equal(only().signedWei, 0n)
    wallet.reconcile(statementOf({ chargedWei: '250', voucher }))
    assert.deepEqual([only().signedWei, only().chargedWei, only().disputedWei], [400n, 250n, 0n])
    assert.equal(wallet.prepay(prepayment(1, 200n)).amountWei, '450')
  })

  it('charges a task once whose receipt it has yet to see, also where a provider has told of it in a statement', () => {
    open()
    wallet.prepay(prepayment(1, 100n))
    // Another task was signed for, and charged, where the file was lost since.
    wallet.reconcile(statementOf({ chargedWei: '180', voucher: voucherOf({ key, amountWei: 200n }) }))
    assert.deepEqual([only().signedWei, only().chargedWei], [200n, 80n])
    assert.equal(wallet.charge({ ...task(1), priceWei: 100n }), undefined)
    assert.deepEqual([only().signedWei, only().chargedWei], [200n, 180n])
  })

  it('notes what is claimed beyond its receipts, and pays none of it', () => {
    open()
    wallet.prepay(prepayment(1, 100n, 500n))
    wallet.charge({ ...task(1), priceWei: 30n })
    wallet.reconcile(statementOf({ chargedWei: '90' }))
    assert.equal(only().disputedWei, 60n)
    assert.equal(wallet.prepay(prepayment(2, 10n)).amountWei, '40')
  })

  it('keeps everything over its being opened again, beside another process’s', () => {
    open()
    const other = openWallet({ dir, key })
    wallet.prepay(prepayment(1, 100n))
    assert.equal(other.prepay(prepayment(2, 100n)).amountWei, '200')
    other.close()
    wallet.close()
    wallet = openWallet({ dir, key })
    assert.deepEqual([only().signedWei, only().reservedWei], [200n, 200n])
    assert.deepEqual(wallet.leftAt(PROVIDER), [])
  })

  it('knows on what terms a task was sent, whichever process asks, until it is settled', () => {
    open()
    wallet.prepay(prepayment(7, 100n))
    const other = openWallet({ dir, key })
    const terms = { rates: { ...FREE_RATES, startWei: '7' }, limits: { wallTimeMs: 8 }, maxPriceWei: '100' }
    assert.deepEqual(other.agreed(task(7)), terms)
    assert.equal(other.agreed(task(8)), undefined)
    other.charge({ ...task(7), priceWei: 7n })
    assert.equal(wallet.agreed(task(7)), undefined)
    other.close()
  })

  it('takes up a file from before terms were kept, with the tasks that are in it', () => {
    open()
    wallet.prepay(prepayment(1, 100n))
    wallet.close()
    const db = new DatabaseSync(join(dir, 'wallet.sqlite'))
    db.exec('ALTER TABLE tasks DROP COLUMN agreed; PRAGMA user_version = 1')
    db.close()
    wallet = openWallet({ dir, key })
    assert.equal(wallet.agreed(task(1)), undefined)
    wallet.charge({ ...task(1), priceWei: 30n })
    wallet.prepay(prepayment(2, 100n))
    assert.deepEqual([only().signedWei, only().chargedWei, only().reservedWei], [130n, 30n, 100n])
    assert.equal(wallet.agreed(task(2))?.rates.startWei, '2')
  })

  it('never signs more than receipts and tasks under way come to, whatever happens in whatever order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('prepay' as const), max: fc.bigInt(0n, 60n), credit: fc.bigInt(0n, 100n) }),
      fc.record({ kind: fc.constantFrom('charge' as const, 'release' as const), at: fc.nat(20), part: fc.nat(100) }),
      fc.record({ kind: fc.constant('raise' as const), at: fc.nat(20), asked: fc.bigInt(0n, 300n) }),
      fc.constant({ kind: 'reopen' as const }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const place = mkdtempSync(join(tmpdir(), 'souk-wallet-'))
        let one = openWallet({ dir: place, key })
        one.noteChannel({ chainId: CHAIN_ID, contract: CONTRACT, channel: channelOf(key), depositWei: 10_000n })
        const under = new Map<number, bigint>()
        let [charged, most, newest] = [0n, 0n, -1n]
        const signed = (amountWei: string | undefined): void => {
          if (amountWei === undefined) return
          assert(BigInt(amountWei) >= newest, 'a voucher is taken back')
          newest = BigInt(amountWei)
        }
        try {
          for (const [number, action] of steps.entries()) {
            const reserved = (): bigint => [...under.values()].reduce((sum, wei) => sum + wei, 0n)
            if (action.kind === 'prepay') {
              under.set(number, action.max)
              most = most > charged + reserved() ? most : charged + reserved()
              signed(one.prepay(prepayment(number, action.max, action.credit)).amountWei)
            } else if (action.kind === 'charge') {
              const max = under.get(action.at)
              const priceWei = max === undefined ? 0n : (max * BigInt(action.part)) / 100n
              under.delete(action.at)
              charged += priceWei
              signed(one.charge({ ...task(action.at), priceWei })?.amountWei)
            } else if (action.kind === 'release') {
              under.delete(action.at)
              one.release(task(action.at))
            } else if (action.kind === 'raise') {
              signed(one.raise({ ...task(action.at), askedWei: action.asked })?.amountWei)
            } else {
              one.close()
              one = openWallet({ dir: place, key })
            }
            const [channel] = one.channels()
            assert.deepEqual([channel?.chargedWei, channel?.reservedWei], [charged, reserved()])
            assert(newest <= most, `${newest} was signed where ${most} was the most`)
            assert(newest < 0n || channel?.signedWei === newest)
          }
        } finally {
          one.close()
          rmSync(place, { recursive: true })
        }
      }),
      { numRuns: 60 },
    )
  })
})
