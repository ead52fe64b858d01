import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../src/client/connect.ts'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import { openWallet, type Wallet, type WalletChannel } from '../../src/client/payments/wallet.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { ChannelKey } from '../../src/protocol/payment.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { noncesOf } from '../../src/settlement/channel-nonces.ts'
import { channelIdOf } from '../../src/settlement/voucher.ts'
import { scriptedTask, startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'
import { CHAIN_ID, channelOf, CONTRACT, MapSettler, PAYEE } from '../fixtures/payments.ts'
import { providerFault } from '../fixtures/provider-tasks.ts'
import { keyOf } from '../fixtures/receipts.ts'

const PRICE = 100n
const key = keyOf(101)
const CONFIG = `chain: {id: ${CHAIN_ID}}\npricing: {wasm: {start: '${PRICE}'}}\npeers: {share: 1, unknown_share: 1}\n`
const PRICED = 'price: {max: 100}\noutputs: [{path: /out}]\n'

describe('tasks that are paid for', function () {
  this.timeout(60_000)
  let dir: string
  let place: NodeInProcess
  let settler: MapSettler
  let wallet: Wallet
  let channel: ChannelKey
  let credit = 0n

  /** The provider's own quote. */
  const submitted = async (client: Client, name = 'speak'): Promise<RemoteTask> => {
    const task = await scriptedTask(name, PRICED)
    return client.submit({ task, quote: await client.quote({ task }) })
  }
  const connected = (options: { wallet?: Wallet } = { wallet }): Promise<Client> =>
    place.client(1, { chainId: CHAIN_ID, ...options })
  const books = (): WalletChannel => {
    const [own] = wallet.channels()
    assert(own !== undefined)
    return own
  }

  beforeEach(async () => {
    credit = 0n
    dir = mkdtempSync(join(tmpdir(), 'souk-paid-'))
    settler = new MapSettler({ creditOf: () => credit })
    place = await startNode({
      config: CONFIG,
      settler,
      programs: {
        async speak({ stdout, output }) {
          await stdout('spoken')
          await output('/out/a.txt', 'written')
          return 0
        },
        async broken() {
          throw SoukError.fromJSON(providerFault())
        },
      },
    })
    assert(settler.node !== undefined)
    channel = channelOf(key, noncesOf({ node: settler.node, payee: PAYEE }).first)
    settler.open(channel, 10_000n)
    wallet = openWallet({ dir, key })
    wallet.noteChannel({ chainId: CHAIN_ID, contract: CONTRACT, channel, depositWei: 10_000n })
  })
  afterEach(async () => {
    await place.close()
    wallet.close()
    rmSync(dir, { recursive: true })
  })

  it('are paid ahead, and their output is there at once', async () => {
    const client = await connected()
    const task = await submitted(client)
    const result = await task.result()
    assert.equal(Buffer.from(result.stdout).toString(), 'spoken')
    assert.equal(result.receipt.priceWei, '100')
    assert.deepEqual([books().signedWei, books().chargedWei, books().reservedWei], [100n, 100n, 0n])
    assert.equal(settler.vouchers.at(-1)?.amountWei, '100')
  })

  it('are refused where nothing is paid, with the amount that would do', async () => {
    const client = await connected({})
    const task = await scriptedTask('speak', PRICED)
    await assert.rejects(client.submit({ task, quote: await client.quote({ task }) }), (thrown) => {
      assert(isSoukError(thrown, 'REFUSED'))
      const [reason] = thrown.details.reasons
      assert.deepEqual([reason?.reason, reason?.asked, reason?.offered], ['PAYMENT_REQUIRED', '100', '0'])
      return true
    })
    assert.deepEqual(await client.list(), [])
  })

  it('are paid afterwards within a credit: what they put out comes then', async () => {
    credit = 1000n
    const client = await connected()
    const tasks = await Promise.all(Array.from({ length: 8 }, () => submitted(client)))
    const results = await Promise.all(tasks.map((task) => task.result()))
    for (const { stdout } of results) assert.equal(Buffer.from(stdout).toString(), 'spoken')
    assert.deepEqual([books().signedWei, books().chargedWei], [800n, 800n])
    assert.equal(settler.vouchers.at(-1)?.amountWei, '800')
  })

  it('keep their output back, and not their receipt, from whoever has a credit and does not pay', async () => {
    credit = 1000n
    const client = await connected()
    const { taskId } = await submitted(client)
    const poor = await connected({})
    // What is put out meanwhile is within the credit, and goes out live.
    while ((await poor.task(taskId).show()).state !== 'finished') await sleep(10)
    await assert.rejects(poor.task(taskId).result(), (thrown) => isSoukError(thrown, 'PAYMENT_REQUIRED'))
    let receipt: Receipt | undefined
    for await (const event of poor.task(taskId).events())
      if (event.kind === 'finished' && event.result.kind === 'receipt') receipt = event.result.receipt
    assert(receipt !== undefined)
    const saving = { dir: join(dir, 'results'), receipt }
    await assert.rejects(poor.task(taskId).saveOutputs(saving), (thrown) => isSoukError(thrown, 'PAYMENT_REQUIRED'))
    const late = await client.task(taskId).result()
    assert.equal(Buffer.from(late.stdout).toString(), 'spoken')
    await poor.task(taskId).saveOutputs(saving)
    assert.equal(readFileSync(join(dir, 'results', 'out', 'a.txt'), 'utf8'), 'written')
    assert.equal(Buffer.from((await poor.task(taskId).result()).stdout).toString(), 'spoken')
  })

  it('go higher where the provider gives less credit than it said', async () => {
    credit = 1000n
    const client = await connected()
    const task = await scriptedTask('speak', PRICED)
    const quote = await client.quote({ task })
    credit = 30n
    await (await client.submit({ task, quote })).result()
    assert.equal(books().signedWei, 100n)
  })

  it('are paid on by a wallet that has lost what it signed: the provider shows it its own signature', async () => {
    const before = await connected()
    for (let spoken = 0; spoken < 3; spoken += 1) await (await submitted(before)).result()
    assert.equal(books().signedWei, 300n)
    const lost = mkdtempSync(join(tmpdir(), 'souk-paid-'))
    const fresh = openWallet({ dir: lost, key })
    try {
      fresh.noteChannel({ chainId: CHAIN_ID, contract: CONTRACT, channel, depositWei: 10_000n })
      const client = await connected({ wallet: fresh })
      const result = await (await submitted(client)).result()
      assert.equal(Buffer.from(result.stdout).toString(), 'spoken')
      const [own] = fresh.channels()
      assert.deepEqual([own?.signedWei, own?.chargedWei, own?.disputedWei], [400n, 400n, 0n])
      assert.equal(settler.vouchers.at(-1)?.amountWei, '400')
    } finally {
      fresh.close()
      rmSync(lost, { recursive: true })
    }
  })

  it('cost nothing where they fail, and the next one is paid by what is left', async () => {
    const client = await connected()
    const failing = await submitted(client, 'broken')
    await assert.rejects(failing.result())
    assert.deepEqual([books().signedWei, books().chargedWei, books().reservedWei], [100n, 0n, 0n])
    const next = await submitted(client)
    await next.result()
    assert.deepEqual([books().signedWei, books().chargedWei], [100n, 100n])
  })

  it('are in the books of a node that comes back, and what is paid stays paid', async () => {
    const client = await connected()
    const { taskId } = await submitted(client)
    await client.task(taskId).result()
    await place.restart()
    const again = await connected()
    assert.equal(Buffer.from((await again.task(taskId).result()).stdout).toString(), 'spoken')
    const next = await submitted(again)
    await next.result()
    assert.equal(settler.vouchers.at(-1)?.amountWei, '200')
    assert.equal(channelIdOf(channel), books().channelId)
  })
})
