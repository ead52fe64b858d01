import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Key } from '../../src/identity/key-file.ts'
import type { EarningsStatus } from '../../src/protocol/node-status.ts'
import type { PaymentTerms } from '../../src/protocol/payment.ts'
import type { Quote } from '../../src/protocol/quote.ts'
import type { Receipt } from '../../src/protocol/receipt.ts'
import { deployChannels } from '../fixtures/channel-contract.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { startAnvil, type RestartableAnvil } from '../fixtures/restartable-anvil.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

const TASK = 'examples/estimate-pi.yaml'
const MILLION_FUEL_WEI = 1_000_000_000_001n
const START_WEI = 7n

interface RunDocument {
  readonly stdout: string
  readonly receipt: Receipt
  readonly verification?: {
    readonly kind: string
    readonly agreeing: readonly string[]
    readonly receipts: readonly Receipt[]
    readonly proofs: readonly string[]
  }
}

describe('buying and selling on the command line', function () {
  this.timeout(300_000)
  let anvil: RestartableAnvil
  let dir: string
  let home: string
  let key: Key
  let contract: string
  let providers: readonly ProviderProcess[]
  let bootstrap: string

  before(async () => {
    anvil = await startAnvil({ mining: 'auto' })
    dir = await mkdtemp(join(tmpdir(), 'souk-cli-market-'))
    home = join(dir, 'requester')
    key = await anvil.account()
    contract = await deployChannels({ url: anvil.url, key: await anvil.account(), challengeSeconds: 3600 })
    await mkdir(join(home, 'souk'), { recursive: true, mode: 0o700 })
    await writeFile(join(home, 'souk', 'key'), Buffer.from(key.privateKey).toString('hex'), { mode: 0o600 })
    const first = await startPaid('first', [])
    bootstrap = first.multiaddr
    providers = [first, await startPaid('second', [first.multiaddr])]
  })
  after(async () => {
    await Promise.all((providers ?? []).map((provider) => provider.end('SIGTERM')))
    await anvil.close()
    await rm(dir, { recursive: true, force: true })
  })

  function startPaid(name: string, known: readonly string[]): Promise<ProviderProcess> {
    const config = [
      `chain: {id: ${anvil.chainId}}`,
      `settlement: {mode: channel, rpc: [${anvil.url}], contract: "${contract}", confirmations: 1, poll: 200ms}`,
      `pricing: {wasm: {start: ${START_WEI}, million_fuel: ${MILLION_FUEL_WEI}}}`,
      `sandbox: {native: {enabled: false}, docker: {enabled: false}, wasm: {fuel_limit: 1000000000}}`,
      '',
    ].join('\n')
    return startProvider({
      dir: join(dir, name),
      config,
      network: `discovery: [dht, gossip], bootstrap: ${JSON.stringify(known)}`,
    })
  }

  const run = (...args: string[]): Promise<CommandEnd> =>
    souk({
      args,
      home,
      env: {
        ...{ SOUK_RPC: anvil.url, SOUK_CONTRACT: contract, SOUK_CHAIN_ID: String(anvil.chainId) },
        SOUK_BOOTSTRAP: bootstrap,
      },
    })
  async function answer<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await run(...args, '--json')
    assert.equal(code, 0, stdout + stderr)
    return JSON.parse(stdout) as T
  }
  /** Offers are passed on within seconds, not at once. */
  async function everybodyIsKnown(): Promise<void> {
    for (let known = 0; known < providers.length; await sleep(200)) {
      const { offers } = await answer<{ offers: readonly unknown[] }>('offers')
      known = offers.length
    }
  }
  const open = (payee: string, deposit: string): Promise<{ readonly channelId: string }> =>
    answer('channel', 'open', payee, '--deposit', deposit, '--confirmations', '1')
  async function earningsOf(name: string): Promise<EarningsStatus> {
    const { code, stdout, stderr } = await souk({
      args: ['earnings', '--json', '--config', join(dir, name, 'provider.yaml')],
      home,
    })
    assert.equal(code, 0, stdout + stderr)
    return JSON.parse(stdout) as EarningsStatus
  }
  const priceOf = ({ usage }: Receipt): bigint => {
    const fuel = BigInt(usage.fuelUsed ?? assert.fail('it is metered'))
    return START_WEI + (fuel * MILLION_FUEL_WEI) / 1_000_000n
  }

  it('says in offers and quotes how it is paid, and which channel is missing', async () => {
    await everybodyIsKnown()
    const { offers } = await answer<{ offers: readonly { provider: string; payment: PaymentTerms }[] }>('offers')
    const own = offers.find(({ provider }) => provider === providers[0]?.address)
    assert.ok(own?.payment.kind === 'channel')
    const { payee, creditWei } = own.payment
    assert.deepEqual([payee, creditWei], [providers[0]?.address, '0'])
    const table = await run('offers')
    assert.match(table.stdout.replaceAll(/\s+/g, ' '), new RegExp(`souk channel open ${payee} --deposit AMOUNT`))

    const { quotes } = await answer<{ quotes: readonly { quote: Quote }[] }>('quote', TASK)
    assert.equal(quotes.length, 2)
    const most = quotes[0]?.quote.maxPriceWei ?? ''
    for (const where of [[], ['--to', providers[0]?.multiaddr ?? '']]) {
      const refused = await run('run', TASK, '--max-price', '0.01eth', ...where, '--json')
      assert.equal(refused.code, 125)
      const { error } = JSON.parse(refused.stdout) as { error: { code: string; hint: string } }
      assert.equal(error.code, 'PAYMENT_REQUIRED')
      const [, command = ''] = /: souk (channel open .*)$/.exec(error.hint) ?? []
      assert.match(command, /^channel open 0x[0-9a-f]{40} --deposit \S+$/)
      assert.equal(command.endsWith(` ${most}`), true, 'the deposit suffices')
    }
  })

  it('pays for what it has run, as the receipt says, and the provider has earned it', async () => {
    const [first] = providers
    assert.ok(first !== undefined)
    await open(first.address, '0.01eth')
    // Through the market, where the other one cannot be paid, and at the provider that is named.
    const documents = [
      await answer<RunDocument>('run', TASK, '--max-price', '0.01eth'),
      await answer<RunDocument>('run', TASK, '--max-price', '0.01eth', '--to', first.multiaddr),
    ]
    for (const { receipt, stdout } of documents) {
      assert.match(Buffer.from(stdout, 'base64').toString() + stdout, /pi is about 3\.14/)
      assert.deepEqual([receipt.provider, BigInt(receipt.priceWei)], [first.address, priceOf(receipt)])
      const kept = JSON.parse(
        await readFile(join(home, 'souk', 'receipts', `${receipt.taskId}.json`), 'utf8'),
      ) as Receipt
      assert.deepEqual(kept, receipt)
    }
    const charged = documents.reduce((sum, { receipt }) => sum + BigInt(receipt.priceWei), 0n)
    const { sums, channels, chainId } = await earningsOf('first')
    const [sum, ...more] = sums
    assert.deepEqual(more, [])
    assert.deepEqual([sum?.channels, sum?.chargedWei, sum?.redeemedWei], [1, String(charged), '0'])
    assert.deepEqual(
      [chainId, channels[0]?.payer, channels[0]?.chargedWei],
      [anvil.chainId, key.address, String(charged)],
    )
    const { channels: listed } = await answer<{ channels: readonly { signedWei: string }[] }>('channel', 'list')
    assert.equal(listed[0]?.signedWei, sum?.receivedWei)
    assert.ok(BigInt(sum?.receivedWei ?? 0) >= charged)
    const text = await souk({ args: ['earnings', '--config', join(dir, 'first', 'provider.yaml')], home })
    assert.match(text.stdout, new RegExp(`charged\\s+${charged}`))
  })

  it('tells to top up a channel that is used up', async () => {
    const [, second] = providers
    assert.ok(second !== undefined)
    const { channelId } = await open(second.address, '1gwei')
    const refused = await run('run', TASK, '--max-price', '0.01eth', '--to', second.multiaddr)
    assert.equal(refused.code, 125)
    const [, amount = ''] = new RegExp(`souk channel top-up ${channelId} --amount (\\S+)`).exec(refused.stderr) ?? []
    assert.notEqual(amount, '', refused.stderr)
    await answer('channel', 'top-up', channelId, '--amount', amount, '--confirmations', '1')
    await answer<RunDocument>('run', TASK, '--max-price', '0.01eth', '--to', second.multiaddr)
  })

  it('has several providers run it, pays each, and keeps the receipts of all', async () => {
    const [first, second] = providers
    assert.ok(first !== undefined && second !== undefined)
    await open(second.address, '0.01eth')
    const before = await readdir(join(home, 'souk', 'receipts'))
    const output = join(dir, 'output')
    const checked = ['run', TASK, '--max-price', '0.01eth', '--verify', 'quorum(2)']
    const { receipt, verification } = await answer<RunDocument>(...checked, '--output-dir', output)
    assert.deepEqual(await readdir(output), ['out'])
    assert.deepEqual([verification?.kind, verification?.proofs], ['quorum', []])
    const both = [first.address, second.address].toSorted()
    assert.deepEqual(verification?.agreeing.toSorted(), both)
    assert.deepEqual(verification?.receipts.map(({ provider }) => provider).toSorted(), both)
    assert.ok(verification.receipts.some(({ taskId }) => taskId === receipt.taskId))
    const after = await readdir(join(home, 'souk', 'receipts'))
    const kept = verification.receipts.map(({ taskId }) => `${taskId}.json`)
    assert.deepEqual(after.toSorted(), [...before, ...kept].toSorted())
    for (const each of verification.receipts) assert.equal(BigInt(each.priceWei), priceOf(each))

    const told = await run(...checked)
    assert.equal(told.code, 0, told.stderr)
    assert.match(told.stdout, /pi is about 3\.14/)
    assert.match(told.stderr, /2 providers said the same/)
    const alone = await run(...checked, '--to', first.multiaddr)
    assert.equal(alone.code, 2, alone.stderr)
  })
})
