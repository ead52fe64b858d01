import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Link } from '../../src/client/link.ts'
import { settleTask, taskPayment } from '../../src/client/payments/task-payment.ts'
import { openWallet, type Wallet } from '../../src/client/payments/wallet.ts'
import { signReceipt } from '../../src/identity/receipt.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { Statement, Voucher } from '../../src/protocol/payment.ts'
import { channelIdOf, signVoucher } from '../../src/settlement/voucher.ts'
import { CHAIN_ID, channelOf, CONTRACT, MapSettler } from '../fixtures/payments.ts'
import { providerKey, requesterKey as key, unsignedReceipt } from '../fixtures/receipts.ts'

const provider = providerKey.address
const requester = key.address
const RATES = {
  ...{ startWei: '1000', cpuSecondWei: '0', mibSecondWei: '0' },
  ...{ outputMibWei: '0', millionFuelWei: '0', minimumWei: '0' },
}

describe('paying for a task', () => {
  let dir: string
  let wallet: Wallet
  const paid: Voucher[] = []
  let said: Partial<Statement> = {}
  /** A provider that takes every voucher, and says of it what it likes. */
  const link = {
    provider,
    again: (work: (connection: unknown) => Promise<unknown>) =>
      work({
        pay(voucher: Voucher): Promise<Statement> {
          paid.push(voucher)
          return Promise.resolve({
            channelId: channelIdOf(voucher.channel),
            receivedWei: voucher.amountWei,
            chargedWei: voucher.amountWei,
            reservedWei: '0',
            creditWei: '0',
            ...said,
          })
        },
        account: (channelId: string): Promise<Statement> =>
          Promise.resolve({
            ...{ channelId, receivedWei: '0', chargedWei: '0', reservedWei: '0', creditWei: '0' },
            ...said,
          }),
      }),
  } as unknown as Link
  const payment = (
    changes: { readonly maxPriceWei?: string; readonly authorizedWei?: bigint; creditWei?: string } = {},
  ) => {
    const { maxPriceWei = '100', authorizedWei = 100n, creditWei = '0' } = changes
    const terms = { ...new MapSettler().terms(requester), creditWei }
    const quote = { payment: terms, chainId: CHAIN_ID, maxPriceWei, rates: RATES, limits: unsigned.limits }
    return taskPayment({ wallet, quote, authorizedWei, link, requester })
  }
  const unsigned = { ...unsignedReceipt(), priceWei: '60', terms: { rates: RATES } }
  const { taskId } = unsigned
  const expiryMs = Date.now() + 60_000
  const settled = (priceWei = '60', rates = RATES, limits = unsigned.limits): Promise<void> => {
    const receipt = signReceipt({ receipt: { ...unsigned, priceWei, terms: { rates }, limits }, key: providerKey })
    const result = { kind: 'receipt', receipt } as const
    const expected = { taskId, provider, requester }
    return settleTask({ wallet, link, expected, result, withheld: false, signal: undefined })
  }
  const refusalOf = async (settling: Promise<void>): Promise<SoukError<'RECEIPT_INVALID'>> => {
    const thrown: unknown = await settling.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert(isSoukError(thrown, 'RECEIPT_INVALID'), String(thrown))
    return thrown
  }
  const asking = (asked: bigint): SoukError =>
    new SoukError({
      code: 'REFUSED',
      message: 'More.',
      details: { reasons: [{ reason: 'PAYMENT_REQUIRED', message: 'More.', asked: String(asked) }] },
    })

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-paying-'))
    wallet = openWallet({ dir, key })
    for (const nonce of [0, 1])
      wallet.noteChannel({
        chainId: CHAIN_ID,
        contract: CONTRACT,
        channel: channelOf(key, nonce),
        depositWei: nonce === 0 ? 10_000n : 1n,
      })
    paid.length = 0
    said = {}
  })
  afterEach(() => {
    wallet.close()
    rmSync(dir, { recursive: true })
  })

  it('signs nothing for a quote of more than the task pays', async () => {
    const dear = payment({ maxPriceWei: '10000' })
    await assert.rejects(dear.begin({ taskId, expiryMs }), (thrown) => isSoukError(thrown, 'PAYMENT_REQUIRED'))
    assert.equal(dear.voucher, undefined)
    assert(wallet.channels().every(({ signedWei, reservedWei }) => signedWei === 0n && reservedWei === 0n))
  })

  it('lets itself be asked for more a few times, and not wei by wei', async () => {
    const begun = payment({ creditWei: '100' })
    await begun.begin({ taskId, expiryMs })
    let raised = 0
    while (raised < 100 && (await begun.goesHigher(asking(BigInt(raised + 1)), { signal: undefined }))) raised += 1
    assert(raised > 1 && raised < 20, String(raised))
  })

  it('pays on where its wallet has lost what it signed, as far as the provider shows its signature', async () => {
    const begun = payment()
    await begun.begin({ taskId, expiryMs })
    assert.equal(begun.voucher?.amountWei, '100')
    const held = signVoucher({
      voucher: { chainId: CHAIN_ID, contract: CONTRACT, channel: channelOf(key, 0), amountWei: '500' },
      key,
    })
    said = { receivedWei: '500', chargedWei: '450', voucher: held }
    assert.equal(await begun.goesHigher(asking(550n), { signal: undefined }), true)
    assert.equal(begun.voucher.amountWei, '550')
    // What no signature of its own shows it does not owe, whatever is said.
    said = { receivedWei: '500', chargedWei: '9000', voucher: { ...held, amountWei: '9000' } }
    const other = payment()
    await other.begin({ taskId: `0x${'77'.repeat(32)}`, expiryMs })
    assert.equal(await other.goesHigher(asking(9000n), { signal: undefined }), false)
    assert(BigInt(other.voucher?.amountWei ?? '0') <= 650n)
  })

  it('takes a receipt above what was set aside for one that is invalid, as any other lie', async () => {
    await payment().begin({ taskId, expiryMs })
    await assert.rejects(settled('101'), (thrown) => isSoukError(thrown, 'RECEIPT_INVALID'))
    assert.deepEqual(paid, [])
  })

  it('pays a task that another process has sent at the rates and limits that were agreed, and at no others', async () => {
    await payment().begin({ taskId, expiryMs })
    // Within what was set aside, and it does follow from what it says itself.
    const dearer = { ...RATES, startWei: '2000' }
    const longer = { ...unsigned.limits, wallTimeMs: 99_000 }
    for (const [rates, limits] of [
      [dearer, unsigned.limits],
      [RATES, longer],
    ] as const) {
      const { details } = await refusalOf(settled('60', rates, limits))
      assert.deepEqual(details.reasons.length, 1, details.reasons.join('; '))
      assert.match(details.reasons.join(), /than were quoted/)
    }
    assert.deepEqual(paid, [])
    assert.equal(wallet.channels().find(({ reservedWei }) => reservedWei > 0n)?.chargedWei, 0n)
    await settled()
    assert.deepEqual(
      wallet.channels().map(({ chargedWei }) => chargedWei),
      [60n, 0n],
    )
  })

  it('hears what a provider says of the channel that it was paid on, and of no other', async () => {
    await payment({ creditWei: '100' }).begin({ taskId, expiryMs })
    said = { channelId: channelIdOf(channelOf(key, 1)), chargedWei: '9000' }
    await settled()
    assert.deepEqual(
      paid.map(({ amountWei }) => amountWei),
      ['60'],
    )
    assert.deepEqual(
      wallet.channels().map(({ disputedWei }) => disputedWei),
      [0n, 0n],
    )
  })
})
