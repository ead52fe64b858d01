import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createAccounts, type Accounts } from '../../src/node/payments/accounts.ts'
import type { Journal } from '../../src/node/journal/journal.ts'
import { voucherRefusals } from '../../src/node/payments/payment-refusals.ts'
import { createPayments, type Payments } from '../../src/node/payments/payments.ts'
import { openSqliteJournal } from '../../src/node/journal/sqlite-journal.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Voucher } from '../../src/protocol/payment.ts'
import { noncesOf } from '../../src/settlement/channel-nonces.ts'
import { closeConsentFault } from '../../src/settlement/close-consent.ts'
import { channelIdOf, isVoucherOf } from '../../src/settlement/voucher.ts'
import { CHAIN_ID, channelOf, CONTRACT, MapSettler, PAYEE, voucherOf } from '../fixtures/payments.ts'
import { acceptedEvent, address, receiptOf } from '../fixtures/provider-tasks.ts'
import { keyOf, requesterKey as key } from '../fixtures/receipts.ts'

const channelId = channelIdOf(channelOf(key))
const node = keyOf(198)
const peer = key.address

describe('payments', () => {
  let dir: string
  let journal: Journal
  let settler: MapSettler
  let accounts: Accounts
  let payments: Payments
  let nowMs = 0
  const open = (): void => {
    journal = openSqliteJournal({ dir })
    accounts = createAccounts({ rows: journal.channels(), isKnown: () => true })
    payments = createPayments({
      key: node,
      settler,
      accounts,
      journal,
      clock: { nowMs: () => (nowMs += 60_000) },
      isKnown: () => true,
      onFatal: (error) => assert.fail(error),
    })
  }
  const reopen = async (): Promise<void> => {
    await journal.close()
    open()
  }
  const why = async (voucher: Voucher, from = peer): Promise<readonly (string | undefined)[]> => {
    const { refusals } = await payments.examine({ peer: from, voucher })
    return refusals.map(({ reason, subject }) => (reason === 'VOUCHER_REFUSED' ? subject : reason))
  }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-payments-'))
    settler = new MapSettler({ creditOf: () => 50n })
    settler.open(channelOf(key), 1000n)
    open()
  })
  afterEach(async () => {
    await journal.close()
    rmSync(dir, { recursive: true })
  })

  it('takes a voucher, has it on disk before it says so, and tells who redeems', async () => {
    const voucher = voucherOf({ key, amountWei: 100n })
    const statement = await payments.pay({ peer, voucher })
    assert.deepEqual(statement, {
      channelId,
      receivedWei: '100',
      chargedWei: '0',
      reservedWei: '0',
      creditWei: '50',
      voucher,
    })
    assert.deepEqual(settler.vouchers, [voucher])
    await reopen()
    assert.deepEqual(payments.statement({ peer, channelId }), statement)
  })

  it('changes nothing for a voucher that is not newer, and needs no signature of it: it only names the channel', async () => {
    await payments.pay({ peer, voucher: voucherOf({ key, amountWei: 100n }) })
    const old = { ...voucherOf({ key, amountWei: 60n }), signature: voucherOf({ key, amountWei: 1n }).signature }
    assert.equal((await payments.pay({ peer, voucher: old })).receivedWei, '100')
    assert.equal(settler.vouchers.length, 1)
    await reopen()
    assert.equal(payments.statement({ peer, channelId }).receivedWei, '100')
  })

  it('writes no voucher whose signature nobody looked at, because a higher one was on its way and was given up', async () => {
    await payments.pay({ peer, voucher: voucherOf({ key, amountWei: 10n }) })
    const given = (await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 100n }) })).hold(50n)
    const forged = { ...voucherOf({ key, amountWei: 99n }), signature: voucherOf({ key, amountWei: 1n }).signature }
    const statement = await payments.pay({ peer, voucher: forged })
    given?.release()
    assert(statement.voucher !== undefined && isVoucherOf(statement.voucher))
    for (const { voucher } of journal.channels()) assert(isVoucherOf(voucher), voucher.amountWei)
    for (const voucher of settler.vouchers) assert(isVoucherOf(voucher), voucher.amountWei)
  })

  it('admits nothing on a voucher whose signature nobody looked at, where the higher one before it is forgotten', async () => {
    const given = (await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 100n }) })).hold(50n)
    const forged = { ...voucherOf({ key, amountWei: 99n }), signature: voucherOf({ key, amountWei: 1n }).signature }
    const examined = await payments.examine({ peer, voucher: forged })
    const paid = payments.pay({ peer, voucher: forged })
    given?.release()
    assert.equal(examined.usage(), undefined)
    await assert.rejects(paid, (thrown) => isSoukError(thrown, 'REFUSED'))
    assert.deepEqual([...journal.channels()], [])
  })

  it('refuses every voucher that is not this provider’s, with every reason', async () => {
    const stranger = keyOf(9)
    const voucher = voucherOf({ key, amountWei: 100n })
    assert.deepEqual(await why(voucher), [])
    assert.deepEqual(await why(voucher, stranger.address), ['payer'])
    assert.deepEqual(await why({ ...voucher, chainId: 1, contract: address('other') }), ['contract', 'chainId'])
    const elsewhere = { ...voucher.channel, payee: address('other'), token: address('token') }
    assert.deepEqual(await why({ ...voucher, channel: elsewhere }), ['payee', 'token'])
    assert.deepEqual(await why({ ...voucher, amountWei: '101' }), ['signature'])
    assert.deepEqual(await why(voucherOf({ key, amountWei: 1001n })), ['amount'])
    assert.deepEqual(await why(voucherOf({ key, amountWei: 1n, channel: channelOf(key, 7) })), ['channel'])
    for (const status of ['closing', 'closed'] as const) {
      settler.channels.set(channelId, { status, depositWei: 1000n, redeemedWei: 0n })
      assert.deepEqual(await why(voucher), ['channel'])
    }
    assert.equal(accounts.count(), 0)
    await assert.rejects(payments.pay({ peer, voucher }), (thrown) => isSoukError(thrown, 'REFUSED'))
    assert.deepEqual([...journal.channels()], [])
  })

  it('takes no voucher of a channel that others were paid from: it may have paid for their tasks', async () => {
    settler.channels.set(channelId, { status: 'open', depositWei: 1000n, redeemedWei: 80n })
    for (const amountWei of [0n, 80n, 500n]) assert.deepEqual(await why(voucherOf({ key, amountWei })), ['channel'])
    assert.equal(accounts.count(), 0)
    // One that is in the books may have been redeemed from here.
    settler.open(channelOf(key), 1000n)
    await payments.pay({ peer, voucher: voucherOf({ key, amountWei: 80n }) })
    settler.channels.set(channelId, { status: 'open', depositWei: 1000n, redeemedWei: 80n })
    assert.deepEqual(await why(voucherOf({ key, amountWei: 500n })), [])
  })

  describe('consents to closing a channel', () => {
    const own = channelOf(key, noncesOf({ node: node.address, payee: PAYEE }).first)
    const channelId = channelIdOf(own)
    const at = { chainId: CHAIN_ID, contract: CONTRACT }
    const charge = async (priceWei: string): Promise<void> => {
      const task = { channelId, maxPriceWei: '100' }
      const { hold } = await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 100n, channel: own }) })
      const held = hold(100n)
      const accepted = { ...acceptedEvent(1), ...task }
      const { taskId } = accepted
      const receipt = { ...receiptOf(accepted), priceWei }
      await journal.append([...(held?.records ?? []), accepted])
      payments.accepted(held)
      await assert.rejects(payments.close({ peer, channelId }), (thrown) => {
        assert.ok(isSoukError(thrown, 'REFUSED'))
        assert.deepEqual(
          [thrown.retryable, thrown.details.reasons.map(({ reason }) => reason)],
          [true, ['CHANNEL_BUSY']],
        )
        return true
      })
      await journal.append([{ kind: 'finished', taskId, atMs: 9, channelId, receipt }])
      accounts.settle(task, priceWei)
    }
    beforeEach(() => {
      settler.node = node.address
      settler.open(own, 1000n)
    })

    it('with what was charged, once no task of it is under way, the same each time and after a restart', async () => {
      await charge('30')
      const consents = await Promise.all([payments.close({ peer, channelId }), payments.close({ peer, channelId })])
      const [consent] = consents
      assert.ok(consent !== undefined)
      assert.equal(consent.amountWei, '30')
      assert.equal(closeConsentFault({ consent, channel: own, at, nowMs: 1 }), undefined)
      assert.match(
        closeConsentFault({ consent: { ...consent, amountWei: '29' }, channel: own, at, nowMs: 1 }) ?? '',
        /authorised/,
      )
      assert.match(closeConsentFault({ consent, channel: channelOf(key, 1), at, nowMs: 1 }) ?? '', /channel/)
      assert.match(closeConsentFault({ consent, channel: own, at, nowMs: 5_000_000_000_000 }) ?? '', /expired/)
      await reopen()
      assert.deepEqual([...consents, await payments.close({ peer, channelId })], [consent, consent, consent])
    })

    it('and takes no voucher and no task on it from then on, also where they came before', async () => {
      await charge('30')
      const before = await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 200n, channel: own }) })
      const [paid] = await Promise.allSettled([
        payments.pay({ peer, voucher: voucherOf({ key, amountWei: 300n, channel: own }) }),
        payments.close({ peer, channelId }),
      ])
      assert.equal(accounts.get(channelId)?.closingWei, 30n)
      assert.equal(before.usage(), undefined)
      assert.equal(paid.status === 'fulfilled' ? paid.value.chargedWei : '30', '30')
      for (const again of [false, true]) {
        if (again) await reopen()
        assert.deepEqual(await why(voucherOf({ key, amountWei: 400n, channel: own })), ['channel'])
        await assert.rejects(
          payments.pay({ peer, voucher: voucherOf({ key, amountWei: 400n, channel: own }) }),
          (thrown) => isSoukError(thrown, 'REFUSED'),
        )
      }
    })

    it('with what was redeemed, where that is more: it cannot come back', async () => {
      await charge('30')
      settler.channels.set(channelId, { status: 'open', depositWei: 1000n, redeemedWei: 80n })
      assert.equal((await payments.close({ peer, channelId })).amountWei, '80')
    })

    it('never for somebody else, nor where the payee’s word is missing, nor of what is not paid', async () => {
      await payments.pay({ peer, voucher: voucherOf({ key, amountWei: 10n, channel: own }) })
      await assert.rejects(payments.close({ peer: keyOf(9).address, channelId }), (thrown) =>
        isSoukError(thrown, 'NOT_FOUND'),
      )
      settler.node = undefined
      await assert.rejects(
        payments.close({ peer, channelId }),
        (thrown) => isSoukError(thrown, 'REFUSED') && !thrown.retryable,
      )
      settler.node = node.address
      const { hold } = await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 10n, channel: own }) })
      hold(40n)
      accounts.settle({ channelId, maxPriceWei: '40' }, '40')
      await assert.rejects(payments.close({ peer, channelId }), (thrown) => {
        assert.ok(isSoukError(thrown, 'REFUSED'))
        assert.deepEqual(
          thrown.details.reasons.map(({ reason, asked, offered }) => [reason, asked, offered]),
          [['CHANNEL_BUSY', '40', '10']],
        )
        return true
      })
      assert.equal(accounts.get(channelId)?.closingWei, undefined)
    })
  })

  it('keeps no channel that has no deposit, however many a stranger names, and asks the chain about one at a time', async () => {
    const named = await Promise.allSettled(
      Array.from({ length: 50 }, (_, nonce) =>
        payments.pay({ peer, voucher: voucherOf({ key, amountWei: 0n, channel: channelOf(key, nonce + 1) }) }),
      ),
    )
    assert(named.every(({ status }) => status === 'rejected'))
    assert.equal(settler.asked, 1)
    assert.equal(accounts.count(), 0)
  })

  it('keeps no more than sixteen channels of one payer', async () => {
    for (let nonce = 0; nonce < 17; nonce += 1) settler.open(channelOf(key, nonce), 5n)
    const voucher = (nonce: number): Voucher => voucherOf({ key, amountWei: 0n, channel: channelOf(key, nonce) })
    for (let nonce = 0; nonce < 16; nonce += 1) await payments.pay({ peer, voucher: voucher(nonce) })
    assert.deepEqual(await why(voucher(16)), ['PEER_OVER_SHARE'])
    assert.deepEqual(await why(voucher(3)), [])
  })

  it('takes no voucher of a channel that is bound to another node, also where both are paid at one address', async () => {
    const other = address('another node')
    const { first, end } = noncesOf({ node: other, payee: PAYEE })
    for (const nonce of [first, end - 1, 2 ** 20]) {
      settler.open(channelOf(key, nonce), 1000n)
      assert.deepEqual(await why(voucherOf({ key, amountWei: 5n, channel: channelOf(key, nonce) })), ['nonce'])
    }
    settler.open(channelOf(key, 2 ** 20 - 1), 1000n)
    assert.deepEqual(await why(voucherOf({ key, amountWei: 5n, channel: channelOf(key, 2 ** 20 - 1) })), [])
    const authorization = { node: other, payout: PAYEE, expiryMs: 1, signature: `0x${'0'.repeat(130)}` }
    const terms = { ...settler.terms(peer), authorization }
    const whyThere = (nonce: number): readonly (string | undefined)[] =>
      voucherRefusals({
        ...{ voucher: voucherOf({ key, amountWei: 5n, channel: channelOf(key, nonce) }), peer, terms },
        ...{ chainId: CHAIN_ID, checksSignature: true },
      }).map(({ subject }) => subject)
    assert.deepEqual([first - 1, first, end - 1, end, 0].map(whyThere), [['nonce'], [], [], ['nonce'], ['nonce']])
  })

  it('tells nobody of the channel of another', () => {
    assert.throws(
      () => payments.statement({ peer: keyOf(9).address, channelId }),
      (thrown) => isSoukError(thrown, 'NOT_FOUND'),
    )
  })

  it('writes what a task was admitted on with its acceptance, also where another task brought it and failed', async () => {
    const bringing = await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 100n }) })
    const standing = await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 0n }) })
    const first = bringing.hold(50n)
    assert.equal(standing.usage()?.standing.receivedWei, 100n)
    const second = standing.hold(50n)
    first?.release()
    assert(second !== undefined)
    await journal.append(second.records)
    payments.accepted(second)
    assert.equal(accounts.get(channelId)?.standing.receivedWei, 100n)
    await reopen()
    assert.equal(accounts.get(channelId)?.standing.receivedWei, 100n)
  })

  it('lets two tasks that come at once have a credit only once', async () => {
    const voucher = voucherOf({ key, amountWei: 0n })
    const [one, two] = await Promise.all([payments.examine({ peer, voucher }), payments.examine({ peer, voucher })])
    assert.equal(two.usage()?.standing.reservedWei, 0n)
    one.hold(50n)
    assert.equal(two.usage()?.standing.reservedWei, 50n)
  })

  it('leaves no trace of a channel whose only task was not accepted', async () => {
    const held = (await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 5n }) })).hold(5n)
    assert.equal(accounts.count(), 1)
    held?.release()
    assert.equal(accounts.count(), 0)
  })

  it('charges a channel in the same write as the result, and forgets it once it is closed and nothing is owed', async () => {
    const event = acceptedEvent(1, { channelId, maxPriceWei: '80', requester: peer })
    const { taskId, atMs } = event
    const held = (await payments.examine({ peer, voucher: voucherOf({ key, amountWei: 30n }) })).hold(80n)
    await journal.append([event, { kind: 'started', taskId, attempt: 1, atMs }, ...(held?.records ?? [])])
    payments.accepted(held)
    const receipt = { ...receiptOf(event), priceWei: '70' }
    await journal.append([{ kind: 'finished', taskId, atMs, receipt, channelId }])
    accounts.settle({ channelId, maxPriceWei: '80' }, '70')
    assert.equal(accounts.isPaid({ channelId }), false)
    await payments.noteRedeemed({ channelId, redeemedWei: 30n, closed: true })
    await reopen()
    const account = accounts.get(channelId)
    assert.deepEqual(account?.standing, { receivedWei: 30n, chargedWei: 70n, reservedWei: 0n })
    assert.equal(account?.redeemedWei, 30n)
    await payments.pay({ peer, voucher: voucherOf({ key, amountWei: 70n }) })
    assert(accounts.isPaid({ channelId }))
    await payments.noteRedeemed({ channelId, redeemedWei: 70n, closed: true })
    assert.deepEqual([accounts.count(), [...journal.channels()]], [0, []])
  })

  it('refuses to journal a result that charges a channel which is not there', async () => {
    const event = acceptedEvent(1, { channelId })
    const { taskId, atMs } = event
    await journal.append([event, { kind: 'started', taskId, attempt: 1, atMs }])
    await assert.rejects(
      journal.append([{ kind: 'finished', taskId, atMs, receipt: receiptOf(event), channelId }]),
      (thrown) => isSoukError(thrown, 'INTERNAL'),
    )
    assert(![...journal.load()].some(({ kind }) => kind === 'finished'))
  })

  it('takes over a journal of the version before, with its tasks', async () => {
    await journal.append([acceptedEvent(1)])
    await journal.close()
    const db = new DatabaseSync(join(dir, 'journal.sqlite'))
    db.exec('DROP TABLE channels; PRAGMA user_version = 1')
    db.close()
    open()
    assert.deepEqual([...journal.load()], [acceptedEvent(1)])
    await payments.pay({ peer, voucher: voucherOf({ key, amountWei: 3n }) })
    await reopen()
    assert.equal(accounts.count(), 1)
  })
})
