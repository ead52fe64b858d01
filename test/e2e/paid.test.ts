import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../src/client/connect.ts'
import { taskFromCommandLine, type CommandLineTask, type LoadedTask } from '../../src/client/load-task.ts'
import { ServedBlobs } from '../../src/client/served-blobs.ts'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import { signTask } from '../../src/identity/task.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost } from '../../src/protocol/network/host.ts'
import { chargedUsageOf, FREE_RATES, priceOf } from '../../src/protocol/price.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { isOfNode } from '../../src/settlement/channel-nonces.ts'
import { signVoucher } from '../../src/settlement/voucher.ts'
import {
  CHALLENGE_SECONDS,
  ETHER,
  startPaidMarket,
  type PaidMarket,
  type PayingRequester,
} from '../fixtures/paid-market.ts'
import type { ProviderProcess } from '../fixtures/provider-process.ts'
import { souk } from '../fixtures/souk-command.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const GWEI = 10n ** 9n
const RATES = {
  ...FREE_RATES,
  startWei: String(1_000_000n * GWEI),
  cpuSecondWei: String(7n * GWEI),
  mibSecondWei: '12345',
  outputMibWei: String(3n * GWEI),
  minimumWei: String(1_000_001n * GWEI),
}
const SHARES = 'peers: {share: 1, unknown_share: 1}\n'
/** The most that a task can come to is what it comes to: nothing that is paid ahead is left over. */
const START_ALONE = { ...FREE_RATES, startWei: RATES.startWei }
const PRICING =
  `pricing: {wasm: {start: '${RATES.startWei}', cpu_second: '${RATES.cpuSecondWei}', mib_second: '${RATES.mibSecondWei}', ` +
  `output_mib: '${RATES.outputMibWei}', minimum: '${RATES.minimumWei}'}}\n`
const MOST = 2_000_000n * GWEI
/** Far more than the gas of one transaction here, and far less than any amount that is compared. */
const GAS_WEI = ETHER / 1000n

describe('paying over a chain', function () {
  this.timeout(240_000)
  let market: PaidMarket
  /** Is paid ahead, and redeems whatever is worth its gas. */
  let strict: ProviderProcess
  /** Knows the second requester, lets it owe, has one place, and redeems what is being closed alone. */
  let lenient: ProviderProcess
  let first: PayingRequester
  let second: PayingRequester
  let debtor: PayingRequester
  const receipts: Receipt[] = []
  /** Out of channels that were closed together with their payers. */
  let paidTogetherWei = 0n

  before(async () => {
    market = await startPaidMarket()
    first = await market.requester('first')
    second = await market.requester('second')
    strict = await market.provider({
      name: 'strict',
      config: `${SHARES}pricing: {wasm: {start: '${RATES.startWei}'}}\n`,
      settlement: 'redeem_gas_share: 1',
    })
    debtor = await market.requester('debtor')
    const known = [second, debtor].map(({ key }) => `'${key.address}'`)
    lenient = await market.provider({
      name: 'lenient',
      config: `peers: {known: [${known.join(', ')}], share: 1, unknown_share: 1}\n${PRICING}capacity: {slots: 1, cpu_cores: 1}\n`,
      settlement: `redeem_gas_share: 0, credit_known: '${MOST}'`,
    })
  })
  after(() => market.close())

  async function load(task: Partial<CommandLineTask> & { readonly program?: string } = {}): Promise<LoadedTask> {
    const wasm = await wasmProgram(task.program ?? 'write-outputs')
    const plain = { args: ['/out'], outputs: [{ path: '/out' }], maxPriceWei: String(MOST) }
    return taskFromCommandLine({ ...plain, ...task, wasm, baseDir: '/' })
  }
  async function submit(client: Client, task: LoadedTask): Promise<RemoteTask> {
    return client.submit({ task, quote: await client.quote({ task }) })
  }
  const ofChannel = (requester: PayingRequester, channelId: string) => {
    const found = requester.wallet.channels().find((channel) => channel.channelId === channelId)
    assert.ok(found !== undefined)
    return found
  }
  const sumOf = (charged: readonly Receipt[]): bigint =>
    charged.reduce((sum, { priceWei }) => sum + BigInt(priceWei), 0n)
  async function gasPaid({ by, after }: { readonly by: string; readonly after: number }): Promise<bigint> {
    let sumWei = 0n
    const head = Number(await market.chain.rpc('eth_blockNumber'))
    for (let number = after + 1; number <= head; number += 1) {
      const block = `0x${number.toString(16)}`
      const found = (await market.chain.rpc('eth_getBlockReceipts', block)) as readonly Record<
        'from' | 'gasUsed' | 'effectiveGasPrice',
        string
      >[]
      for (const { from, gasUsed, effectiveGasPrice } of found)
        if (from.toLowerCase() === by) sumWei += BigInt(gasUsed) * BigInt(effectiveGasPrice)
    }
    return sumWei
  }
  /** The chain pays within a moment; a provider that never redeems fails here. */
  async function paidOut(expectedWei: bigint): Promise<void> {
    const deadline = performance.now() + 60_000
    while ((await market.chain.balanceOf(market.payout)) < expectedWei && performance.now() < deadline) await sleep(50)
    assert.equal(await market.chain.balanceOf(market.payout), expectedWei)
  }

  it('refuses a task of a requester without a channel, and says what to do', async () => {
    const task = await load()
    const poor = await first.poorClient(strict)
    await assert.rejects(submit(poor, task), (thrown) => {
      assert.ok(isSoukError(thrown, 'REFUSED'))
      assert.deepEqual(
        thrown.details.reasons.map(({ reason }) => reason),
        ['PAYMENT_REQUIRED'],
      )
      return true
    })
    const client = await first.client(strict)
    await assert.rejects(submit(client, task), (thrown) => {
      assert.ok(isSoukError(thrown, 'PAYMENT_REQUIRED'))
      assert.match(thrown.hint ?? '', new RegExp(`souk channel open ${market.payout} --node ${strict.address}`))
      return true
    })
    assert.deepEqual(await client.list(), [])
  })

  it('is paid ahead, at the quoted rates, hands over the outputs, and is redeemed to the wei', async () => {
    const channelId = await first.open(strict, ETHER / 10n)
    const client = await first.client(strict)
    for (let round = 0; round < 3; round += 1) {
      const task = await submit(client, await load())
      const { receipt } = await task.result()
      assert.deepEqual([receipt.terms?.rates, receipt.priceWei], [START_ALONE, START_ALONE.startWei])
      const saved = join(market.dir, 'saved')
      await task.saveOutputs({ dir: saved, receipt })
      assert.equal(await readFile(join(saved, 'out', 'nested', 'deep.txt'), 'utf8'), 'deep\n')
      await rm(saved, { recursive: true })
      receipts.push(receipt)
    }
    const { chargedWei, signedWei, reservedWei, disputedWei } = ofChannel(first, channelId)
    assert.deepEqual([signedWei, chargedWei, reservedWei, disputedWei], [sumOf(receipts), sumOf(receipts), 0n, 0n])
    await paidOut(sumOf(receipts))
  })

  it('takes no voucher of a channel that is bound to another node of the same operator', async () => {
    const [channel] = first.wallet.channels()
    assert.ok(
      channel !== undefined && isOfNode(channel.channel, strict.address) && !isOfNode(channel.channel, lenient.address),
    )
    const { chainId, contract } = channel
    const voucher = signVoucher({
      voucher: { chainId, contract, channel: channel.channel, amountWei: '1' },
      key: first.key,
    })
    const host = await createHost({ privateKey: first.key.privateKey, listen: [] })
    try {
      const connection = await host.connect({ multiaddr: lenient.multiaddr })
      await assert.rejects(connection.pay(voucher), (thrown) => {
        assert.ok(isSoukError(thrown, 'REFUSED'))
        assert.deepEqual(
          thrown.details.reasons.map(({ reason, subject }) => [reason, subject]),
          [['VOUCHER_REFUSED', 'nonce']],
        )
        return true
      })
    } finally {
      await host.stop()
    }
  })

  it('closes a channel together with its payer: the payee gets what the receipts come to, the payer the rest, to the wei', async () => {
    const payer = await market.requester('closer')
    const depositWei = ETHER / 10n
    const channelId = await payer.open(lenient, depositWei)
    const client = await payer.client(lenient)
    const charged: Receipt[] = []
    for (let round = 0; round < 2; round += 1)
      charged.push((await (await submit(client, await load())).result()).receipt)
    const { signedWei } = ofChannel(payer, channelId)
    assert.ok(signedWei > sumOf(charged), 'something is paid ahead and not used')

    const consent = await client.closeConsent({ channelId })
    assert.equal(consent.amountWei, String(sumOf(charged)))
    assert.deepEqual(await client.closeConsent({ channelId }), consent)
    await assert.rejects(submit(client, await load()), (thrown) => {
      assert.ok(isSoukError(thrown, 'REFUSED'))
      assert.match(thrown.message, /consented to closing/)
      return true
    })
    const payeeWei = await market.chain.balanceOf(market.payout)
    const payerWei = await market.chain.balanceOf(payer.key.address)
    const head = Number(await market.chain.rpc('eth_blockNumber'))
    const { onChain, closed } = await payer.account.close({ channelId, consent })
    assert.deepEqual([onChain.status, onChain.redeemedWei, closed], ['closed', sumOf(charged), true])
    assert.equal((await market.chain.balanceOf(market.payout)) - payeeWei, sumOf(charged))
    const gasWei = await gasPaid({ by: payer.key.address, after: head })
    assert.ok(gasWei > 0n)
    const gainedWei = (await market.chain.balanceOf(payer.key.address)) - payerWei
    assert.equal(gainedWei + gasWei, depositWei - sumOf(charged))
    paidTogetherWei = sumOf(charged)
  })

  it('does not take a consent for more than the receipts: closes alone, and says why', async () => {
    const payer = await market.requester('wary')
    const channelId = await payer.open(lenient, ETHER / 10n)
    const client = await payer.client(lenient)
    await (await submit(client, await load())).result()
    const consent = await client.closeConsent({ channelId })
    const { onChain } = await payer.account.close({
      channelId,
      consent: { ...consent, amountWei: String(BigInt(consent.amountWei) + 1n) },
    })
    assert.equal(onChain.status, 'closing')
    // It has second thoughts: the consent still holds.
    const together = await payer.account.close({ channelId, consent })
    assert.equal(together.onChain.status, 'closed')
    paidTogetherWei += together.onChain.redeemedWei
  })

  it('closes a channel together with its payer by one command, that says whom it asks; alone where the provider does not know it', async () => {
    const payer = await market.requester('commander/souk')
    const used = await payer.open(lenient, ETHER / 10n)
    const { receipt } = await (await submit(await payer.client(lenient), await load())).result()
    const unused = await payer.open(lenient, ETHER / 10n)
    const { url, chainId } = market.chain
    const env = { SOUK_RPC: url, SOUK_CONTRACT: market.contract, SOUK_CHAIN_ID: String(chainId) }
    const close = async (
      ...args: string[]
    ): Promise<{ readonly stderr: string; readonly channel: Record<string, unknown> }> => {
      const all = ['channel', 'close', ...args, '--confirmations', '1', '--json']
      const { code, stdout, stderr } = await souk({ args: all, home: dirname(payer.dir), env })
      assert.equal(code, 0, stdout + stderr)
      return { stderr, channel: JSON.parse(stdout) as Record<string, unknown> }
    }
    const together = await close(used.slice(0, 12), '--to', lenient.multiaddr)
    assert.deepEqual([together.channel['status'], together.channel['redeemedWei']], ['closed', receipt.priceWei])
    assert.match(together.stderr, /asking \S+ to agree/)
    const alone = await close(unused, '--to', lenient.multiaddr)
    assert.equal(alone.channel['status'], 'closing')
    assert.match(alone.stderr, /There is no channel .*: the channel is closed without the provider/)
    paidTogetherWei += BigInt(receipt.priceWei)
  })

  describe('on credit', () => {
    let channelId = ''
    const onCredit: Receipt[] = []

    it('is paid after the receipt, for exactly what that says', async () => {
      channelId = await second.open(lenient, ETHER / 10n)
      const client = await second.client(lenient)
      for (let round = 0; round < 3; round += 1) {
        const task = await submit(client, await load())
        assert.equal(ofChannel(second, channelId).signedWei, sumOf(onCredit))
        const { receipt } = await task.result()
        assert.deepEqual(receipt.terms?.rates, RATES)
        const { totalWei } = priceOf({ rates: RATES, usage: chargedUsageOf(receipt) })
        assert.equal(receipt.priceWei, String(totalWei))
        onCredit.push(receipt)
        assert.equal(ofChannel(second, channelId).signedWei, sumOf(onCredit))
        await task.saveOutputs({ dir: join(market.dir, `credit-${round}`), receipt })
      }
    })

    it('is free where the task fails', async () => {
      const client = await second.client(lenient)
      const before = ofChannel(second, channelId)
      const source = join(market.dir, 'input')
      await writeFile(source, 'is gone when the provider comes for it')
      const task = await load({ inputs: [{ source, target: '/in' }] })
      await rm(source)
      const failing = await submit(client, task)
      await assert.rejects(failing.result(), (thrown) => isSoukError(thrown, 'BLOB_UNAVAILABLE'))
      const { chargedWei, reservedWei, disputedWei } = ofChannel(second, channelId)
      assert.deepEqual([chargedWei, reservedWei, disputedWei], [before.chargedWei, 0n, 0n])
      assert.equal(ofChannel(second, channelId).signedWei, sumOf(onCredit))
    })

    it('hands over nothing to who does not pay, and takes no second task of it', async () => {
      const { channel, contract, chainId } = ofChannel(debtor, await debtor.open(lenient, ETHER / 10n))
      const voucher = signVoucher({ voucher: { chainId, contract, channel, amountWei: '0' }, key: debtor.key })
      const host = await createHost({ privateKey: debtor.key.privateKey, listen: [] })
      try {
        const connection = await host.connect({ multiaddr: lenient.multiaddr })
        const blobs = new ServedBlobs({ provider: lenient.address })
        await host.serveBlobs(blobs)
        const task = await load()
        const submitUnpaid = async (): Promise<string> => {
          const signed = signTask({
            ...{ spec: task.bytes, chainId, key: debtor.key },
            provider: lenient.address,
            maxPriceWei: task.spec.maxPriceWei,
            expiryMs: Date.now() + 60_000,
          })
          blobs.offer(signed.taskId, task.blobs)
          const quote = await connection.quote(task.bytes)
          return (await connection.submit(signed.task, { quote, voucher })).taskId
        }
        const taskId = await submitUnpaid()
        const poor = await debtor.poorClient(lenient)
        const { receipt } = await poor.task(taskId).result()
        const dir = join(market.dir, 'unpaid')
        await assert.rejects(poor.task(taskId).saveOutputs({ dir, receipt }), (thrown) =>
          isSoukError(thrown, 'PAYMENT_REQUIRED'),
        )
        assert.equal(existsSync(join(dir, 'out', 'plain.txt')), false)
        await assert.rejects(submitUnpaid(), (thrown) => {
          assert.ok(isSoukError(thrown, 'REFUSED'))
          assert.deepEqual(
            thrown.details.reasons.map(({ reason }) => reason),
            ['PAYMENT_REQUIRED'],
          )
          return true
        })
      } finally {
        await host.stop()
      }
    })

    it('is redeemed in time where the payer closes alone, who gets back the rest', async () => {
      const { signedWei, depositWei } = ofChannel(second, channelId)
      assert.equal(signedWei, sumOf(onCredit))
      const beforeWei = await market.chain.balanceOf(market.payout)
      await second.account.close({ channelId })
      await paidOut(beforeWei + sumOf(onCredit))
      await market.chain.passSeconds(CHALLENGE_SECONDS)
      const payerWei = await market.chain.balanceOf(second.key.address)
      const { onChain } = await second.account.close({ channelId })
      assert.deepEqual([onChain.status, onChain.redeemedWei], ['closed', signedWei])
      const gainedWei = (await market.chain.balanceOf(second.key.address)) - payerWei
      assert.ok(gainedWei > depositWei - signedWei - GAS_WEI && gainedWei < depositWei - signedWei, String(gainedWei))
      assert.equal(await market.chain.balanceOf(market.payout), sumOf([...receipts, ...onCredit]) + paidTogetherWei)
      const client = await second.client(lenient)
      await assert.rejects(submit(client, await load()), (thrown) => isSoukError(thrown, 'PAYMENT_REQUIRED'))
    })
  })
})
