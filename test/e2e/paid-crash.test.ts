import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { taskFromCommandLine, type LoadedTask } from '../../src/client/load-task.ts'
import type { WalletChannel } from '../../src/client/payments/wallet.ts'
import { SoukError } from '../../src/protocol/errors.ts'
import { voucherSchema } from '../../src/protocol/payment.ts'
import { isVoucherOf } from '../../src/settlement/voucher.ts'
import {
  CHALLENGE_SECONDS,
  ETHER,
  startPaidMarket,
  type PaidMarket,
  type PayingRequester,
} from '../fixtures/paid-market.ts'
import type { ProviderProcess } from '../fixtures/provider-process.ts'
import { assertSettledOnce } from '../fixtures/settled-once.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const CHILD = fileURLToPath(new URL('../fixtures/paying-requester.ts', import.meta.url))
const ROUNDS = 12
/** After which one side or the other is killed, at the latest: a few tasks of its life. */
const LIFE_MS = 700
const GWEI = 10n ** 9n
const CONFIG =
  'capacity: {slots: 4, cpu_cores: 4}\npeers: {share: 1, unknown_share: 1}\n' +
  `pricing: {wasm: {start: '${100_000n * GWEI}', mib_second: '${GWEI}'}}\n`
const DEPOSIT = 2n * ETHER

interface Requester {
  /** The prices of the tasks that it says it has paid, by their ids. */
  readonly paid: ReadonlyMap<string, bigint>
  readonly log: () => string
  kill(): Promise<void>
}

describe('provider and requester that are killed while tasks are paid for', function () {
  this.timeout(300_000)
  let market: PaidMarket
  let requester: PayingRequester
  let provider: ProviderProcess
  let port = 0
  let wasm: string
  let maxPriceWei = ''
  let child: Requester | undefined

  const startNode = async (): Promise<ProviderProcess> => {
    const settlement = 'redeem_gas_share: 0'
    return market.provider({ name: 'provider', config: CONFIG, settlement, port })
  }
  const load = (): Promise<LoadedTask> =>
    taskFromCommandLine({ ...{ wasm, maxPriceWei }, args: ['10'], baseDir: '/', retry: 0 })
  const channel = (): WalletChannel => {
    const [only] = requester.wallet.channels()
    assert.ok(only !== undefined)
    return only
  }

  function startRequester(): Requester {
    const { keyFile, dir } = requester
    const args = [provider.multiaddr, keyFile, dir, wasm, String(market.chain.chainId), maxPriceWei]
    const spawned = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const exited = once(spawned, 'exit')
    const paid = new Map<string, bigint>()
    let text = ''
    let log = ''
    spawned.stderr.setEncoding('utf8').on('data', (more: string) => (log += more))
    spawned.stdout.setEncoding('utf8').on('data', (more: string) => {
      const lines = (text + more).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        const { taskId, priceWei } = JSON.parse(line) as { taskId: string; priceWei: string }
        assert.ok(!paid.has(taskId))
        paid.set(taskId, BigInt(priceWei))
      }
    })
    return {
      paid,
      log: () => log,
      async kill() {
        spawned.kill('SIGKILL')
        await exited
      },
    }
  }

  before(async () => {
    market = await startPaidMarket()
    requester = await market.requester('requester')
    wasm = await wasmProgram('pause')
    provider = await startNode()
    port = Number(/\/tcp\/(\d+)\//.exec(provider.multiaddr)?.[1])
    maxPriceWei = String(ETHER)
    const client = await requester.client(provider)
    const task = await load()
    maxPriceWei = (await client.quote({ task })).quote.maxPriceWei
    await requester.open(provider, DEPOSIT)
  })
  after(async () => {
    await child?.kill()
    await market.close()
  })

  it(`lose no voucher, charge nothing twice and nothing that is not covered, over ${ROUNDS} kills at random instants`, async () => {
    const mostWei = BigInt(maxPriceWei)
    const paid = new Map<string, bigint>()
    const collect = (): void => child?.paid.forEach((priceWei, taskId) => paid.set(taskId, priceWei))
    child = startRequester()
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each life has begun to pay, so that kills meet tasks of every age.
      const since = child.paid.size
      const deadline = performance.now() + 30_000
      while (child.paid.size === since && performance.now() < deadline) await sleep(5)
      assert.ok(
        child.paid.size > since,
        `nothing is paid for any more:\n${child.log()}\n${provider.log().slice(-3000)}`,
      )
      await sleep(randomInt(0, LIFE_MS))
      // The provider, the requester, both.
      const kind = round % 3
      if (kind !== 1) await provider.end('SIGKILL')
      if (kind !== 0) await child.kill()
      collect()
      if (kind !== 1) provider = await startNode()
      if (kind !== 0) child = startRequester()
    }
    await child.kill()
    collect()

    // A process that comes after all of them settles what they left.
    const client = await requester.client(provider)
    const settled = Date.now() + 60_000
    for (;;) {
      const task = await load()
      await (await client.submit({ task, quote: await client.quote({ task }) })).result()
      if (channel().reservedWei === 0n) break
      assert.ok(Date.now() < settled, 'what killed processes had set aside is never settled')
      await sleep(200)
    }

    const earned = new Map<string, bigint>()
    const tasks = await client.list()
    for (const { taskId, state } of tasks) {
      assert.ok(state === 'finished' || state === 'failed', `${taskId} is ${state}`)
      try {
        const { receipt } = await client.task(taskId).result()
        earned.set(taskId, BigInt(receipt.priceWei))
      } catch (thrown) {
        assert.ok(thrown instanceof SoukError, String(thrown))
      }
    }
    const sumWei = [...earned.values()].reduce((sum, priceWei) => sum + priceWei, 0n)
    for (const [taskId, priceWei] of paid) assert.equal(earned.get(taskId), priceWei, taskId)
    const { chargedWei, signedWei, disputedWei, depositWei } = channel()
    assert.equal(chargedWei, sumWei, 'the wallet has charged every receipt, and each once')
    assert.equal(disputedWei, 0n)
    assert.ok(
      signedWei >= chargedWei && signedWei - sumWei <= mostWei * BigInt(ROUNDS + 1),
      `${signedWei} for ${sumWei}`,
    )
    await client.close()
    assert.equal(await provider.end('SIGTERM'), 0, provider.log())

    const file = join(market.dir, 'provider', 'data', 'journal.sqlite')
    assertSettledOnce({ file, accepted: tasks.map(({ taskId }) => taskId) })
    const db = new DatabaseSync(file, { readOnly: true })
    const [row, ...others] = db.prepare('SELECT voucher, charged_wei AS chargedWei FROM channels').all()
    db.close()
    assert.equal(others.length, 0)
    const voucher = voucherSchema.parse(JSON.parse(String(row?.['voucher'])))
    assert.ok(isVoucherOf(voucher))
    assert.equal(voucher.amountWei, String(signedWei), 'the newest voucher of the wallet is the newest of the provider')
    assert.equal(row?.['chargedWei'], String(sumWei), 'the provider has charged every receipt, and each once')

    provider = await startNode()
    await requester.account.close({ channelId: channel().channelId })
    const redeemed = performance.now() + 60_000
    while ((await market.chain.balanceOf(market.payout)) === 0n && performance.now() < redeemed) await sleep(50)
    await market.chain.passSeconds(CHALLENGE_SECONDS)
    const { onChain } = await requester.account.close({ channelId: channel().channelId })
    assert.deepEqual([onChain.status, onChain.redeemedWei, depositWei], ['closed', signedWei, DEPOSIT])
    assert.equal(await market.chain.balanceOf(market.payout), signedWei)
    assert.equal(await market.chain.balanceOf(market.contract), 0n)
  })
})
