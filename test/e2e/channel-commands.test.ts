import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Interface } from 'ethers/abi'
import { compileContracts } from '../../scripts/compile-contracts.ts'
import { checkPayoutAuthorization } from '../../src/settlement/payout.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { openChannelAccount, type ChannelAccount } from '../../src/client/payments/channel-account.ts'
import { openWallet } from '../../src/client/payments/wallet.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { NATIVE_TOKEN, payoutAuthorizationSchema } from '../../src/protocol/payment.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import { redeemCall } from '../../src/settlement/channel-calls.ts'
import { deployChannels, deployContract } from '../fixtures/channel-contract.ts'
import { startAnvil, type RestartableAnvil } from '../fixtures/restartable-anvil.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { souk, startSouk, type CommandEnd } from '../fixtures/souk-command.ts'

const ETHER = 10n ** 18n
const PAYEE = `0x${'5a'.repeat(20)}`
const CHALLENGE_SECONDS = 3600

interface ListedChannel {
  readonly channelId: string
  readonly payee: string
  readonly nonce: number
  readonly status: string
  readonly depositWei: string
  readonly confirmedWei: string
}

describe('souk wallet and souk channel', function () {
  this.timeout(300_000)
  let anvil: RestartableAnvil
  let home: string
  let key: Key
  let contract: string
  let miner: NodeJS.Timeout

  before(async () => {
    anvil = await startAnvil({ mining: 'auto' })
    home = await mkdtemp(join(tmpdir(), 'souk-channels-'))
    key = await anvil.account()
    contract = await deployChannels({ url: anvil.url, key: await anvil.account(), challengeSeconds: CHALLENGE_SECONDS })
    await mkdir(join(home, 'souk'), { mode: 0o700 })
    await writeFile(join(home, 'souk', 'key'), Buffer.from(key.privateKey).toString('hex'), { mode: 0o600 })
    miner = setInterval(() => void anvil.mine().catch(() => undefined), 500)
  })
  after(async () => {
    clearInterval(miner)
    await anvil.close()
    await rm(home, { recursive: true, force: true })
  })

  const env = () => ({ SOUK_RPC: anvil.url, SOUK_CONTRACT: contract, SOUK_CHAIN_ID: String(anvil.chainId) })
  const run = (...args: string[]): Promise<CommandEnd> => souk({ args, home, env: env() })
  async function answer(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await run('channel', ...args, '--json')
    assert.equal(code, 0, stdout + stderr)
    return JSON.parse(stdout)
  }
  const only = async (...args: string[]): Promise<ListedChannel> => (await answer(...args)) as ListedChannel
  const channels = async (...args: string[]): Promise<readonly ListedChannel[]> =>
    ((await answer(...args)) as { readonly channels: readonly ListedChannel[] }).channels
  const dir = (): string => join(home, 'souk')
  const balance = async (): Promise<bigint> =>
    BigInt((await anvil.rpc('eth_getBalance', key.address, 'latest')) as string)

  it('opens, fills, lists and closes a channel, and gets the deposit back', async () => {
    const before = await balance()
    const opened = await only('open', PAYEE, '--deposit', '1.5eth', '--confirmations', '2')
    const { channelId } = opened
    assert.deepEqual([opened.payee, opened.nonce, opened.status], [PAYEE, 0, 'open'])
    assert.equal(opened.confirmedWei, String((3n * ETHER) / 2n))
    const filled = await only('top-up', channelId.slice(0, 10), '--amount', '500000000gwei', '--confirmations', '2')
    assert.deepEqual([filled.channelId, filled.confirmedWei], [channelId, String(2n * ETHER)])

    const wallet = await run('wallet', '--json')
    const { address, channels: sums } = JSON.parse(wallet.stdout) as { address: string; channels: object }
    assert.equal(address, key.address)
    assert.deepEqual(sums, { count: 1, open: 1, depositedWei: String(2n * ETHER), signedWei: '0', redeemedWei: '0' })
    const text = await run('wallet')
    assert.match(text.stdout, /deposited +2eth/)
    assert.match((await run('channel', 'list')).stdout, new RegExp(`${channelId.slice(0, 18)} .* open +2eth +0 +0`))

    assert.equal((await only('close', channelId, '--confirmations', '1')).status, 'closing')
    // It is not over yet: nothing changes.
    assert.equal((await only('close', channelId, '--confirmations', '1')).status, 'closing')
    await anvil.rpc('evm_increaseTime', CHALLENGE_SECONDS + 1)
    await anvil.mine()
    assert.equal((await only('close', channelId, '--confirmations', '1')).status, 'closed')
    const spent = before - (await balance())
    assert.ok(spent > 0n && spent < ETHER / 100n, `${spent} wei of gas`)
  })

  it('says what a payee may keep that was paid ahead, and what it did keep', async () => {
    const payee = `0x${'7c'.repeat(20)}`
    const { channelId } = await only('open', payee, '--deposit', '1eth', '--confirmations', '1')
    const wallet = openWallet({ dir: join(home, 'souk'), key })
    const terms = { kind: 'channel', contract, token: NATIVE_TOKEN, payee, creditWei: '0' } as const
    const [taskId, chainId] = [`0x${'01'.repeat(32)}`, anvil.chainId]
    const agreed = { rates: FREE_RATES, limits: {} }
    const task = { taskId, provider: payee, terms, chainId, agreed, expiryMs: Date.now() + 60_000 }
    const voucher = wallet.prepay({ ...task, maxPriceWei: 100n })
    wallet.charge({ taskId, priceWei: 60n })
    wallet.close()
    const alone = await run('channel', 'close', channelId, '--confirmations', '1')
    assert.equal(alone.code, 0, alone.stderr)
    assert.match(alone.stdout, new RegExp(`${channelId.slice(0, 18)} can be closed for good from \\d{4}-`))
    assert.match(
      alone.stderr,
      /can redeem 100 wei, and the receipts come to 60 wei: alone it may keep what was paid ahead/,
    )
    await anvil.rpc('anvil_impersonateAccount', key.address)
    await anvil.rpc('eth_sendTransaction', { from: key.address, to: contract, data: redeemCall(voucher).data })
    await anvil.rpc('evm_increaseTime', CHALLENGE_SECONDS + 1)
    await anvil.mine()
    const over = await run('channel', 'close', channelId, '--confirmations', '1', '--json')
    assert.match(over.stderr, /the payee has 40 wei more than the receipts come to/)
    const { status, chargedWei, redeemedWei } = JSON.parse(over.stdout) as Readonly<Record<string, string>>
    assert.deepEqual([status, chargedWei, redeemedWei], ['closed', '60', '100'])
  })

  it('says of a second channel to one payee that the first could be topped up', async () => {
    const open = ['channel', 'open', `0x${'6d'.repeat(20)}`, '--deposit', '1gwei', '--confirmations', '1']
    const first = await run(...open)
    assert.equal(first.code, 0, first.stderr)
    assert.doesNotMatch(first.stderr, /topped up/)
    const second = await run(...open)
    assert.equal(second.code, 0, second.stderr)
    assert.match(second.stderr, /channel 0x[0-9a-f]{64} to the same payee is open, and could be topped up/)
  })

  it('opens one channel where its command is killed and given again', async () => {
    clearInterval(miner)
    const payee = `0x${'6b'.repeat(20)}`
    const args = ['channel', 'open', payee, '--deposit', '1eth', '--confirmations', '3']
    const killed = startSouk({ args, home, env: env() })
    await killed.says('opening channel')
    await new Promise((resolve) => setTimeout(resolve, 700))
    killed.child.kill('SIGKILL')
    await killed.ended
    miner = setInterval(() => void anvil.mine().catch(() => undefined), 300)
    const { code, stderr } = await souk({ args, home, env: env() })
    assert.equal(code, 0, stderr)
    const mine = (await channels('list')).filter((each) => each.payee === payee)
    assert.deepEqual(
      mine.map(({ nonce, depositWei }) => [nonce, depositWei]),
      [[0, String(ETHER)]],
    )
    // Once it is there, the same command opens another.
    assert.equal((await only('open', payee, '--deposit', '1gwei', '--confirmations', '1')).nonce, 1)
  })

  it('opens and fills no channel twice where that was final before its command was killed, and could say so', async () => {
    const payee = `0x${'6c'.repeat(20)}`
    const wallet = openWallet({ dir: dir(), key })
    const unheard = async (work: (account: ChannelAccount) => Promise<unknown>): Promise<void> => {
      const place = { endpoints: [anvil.url], chainId: anvil.chainId, contract }
      const timing = { confirmations: 1, pollMs: 20, onProgress: () => undefined }
      const account = openChannelAccount({ place, key, wallet, dir: dir(), ...timing })
      await work(account)
      // Nobody has printed it.
      await account.end()
    }
    const one = ['--confirmations', '1']
    await unheard((account) => account.open({ payee, token: NATIVE_TOKEN, depositWei: 700n }))
    const opened = await only('open', payee, '--deposit', '700', ...one)
    assert.deepEqual([opened.nonce, opened.depositWei], [0, '700'])
    assert.equal((await only('open', payee, '--deposit', '700', ...one)).nonce, 1)

    const { channelId } = opened
    await unheard((account) => account.topUp({ channelId, amountWei: 30n }))
    assert.equal((await only('top-up', channelId, '--amount', '30', ...one)).depositWei, '730')
    assert.equal((await only('top-up', channelId, '--amount', '30', ...one)).depositWei, '760')
    wallet.close()
  })

  it('tells why where the funds are missing, and leaves nothing that cannot be gone on with', async () => {
    const poor = await run('channel', 'open', PAYEE, '--deposit', '1000000eth')
    assert.equal(poor.code === 0, false)
    assert.match(poor.stderr, /CHAIN_REFUSED/)
    assert.match(poor.stderr, /fund/i)
    assert.equal((await only('open', PAYEE, '--deposit', '1gwei', '--confirmations', '1')).confirmedWei, '1000000000')
  })

  it("sends nothing to a contract that is not souk's", async () => {
    const other = `0x${'c0'.repeat(20)}`
    // Takes coins, and gives none back.
    await anvil.rpc('anvil_setCode', other, '0x600160005260206000f3')
    const nonce = await anvil.rpc('eth_getTransactionCount', key.address, 'pending')
    const { code, stderr } = await run('channel', 'open', PAYEE, '--deposit', '1eth', '--contract', other)
    assert.notEqual(code, 0)
    assert.match(stderr, /CHAIN_REFUSED[^]*is not the contract of souk's channels/)
    assert.equal(await anvil.rpc('eth_getTransactionCount', key.address, 'pending'), nonce)
    assert.match((await run('channel', 'list', '--contract', other)).stderr, /there are no channels/)
  })

  it('opens and fills a channel in a token, approving by a signature in the same transaction', async () => {
    const contracts = await compileContracts(['contracts/test/TestTokens.sol'], { pipeline: 'legacy' })
    const deploy = async (name: string): Promise<string> => {
      const { abi, bytecode } = contracts.get(name) ?? {}
      assert(abi !== undefined && bytecode !== undefined)
      const token = await deployContract({ url: anvil.url, key, abi, bytecode })
      const data = new Interface(abi).encodeFunctionData('mint', [key.address, 5000])
      await anvil.rpc('anvil_impersonateAccount', key.address)
      await anvil.rpc('eth_sendTransaction', { from: key.address, to: token, data })
      return token
    }
    const nonce = async (): Promise<number> => Number(await anvil.rpc('eth_getTransactionCount', key.address, 'latest'))
    const token = await deploy('PermitToken')
    const plain = await deploy('FeeToken')
    // What was sent just now may still be in no block.
    const before = Number(await anvil.rpc('eth_getTransactionCount', key.address, 'pending'))
    const quick = ['--confirmations', '1', '--permit']
    const opened = await only('open', PAYEE, '--deposit', '1000', '--token', token, ...quick)
    assert.deepEqual([opened.status, opened.confirmedWei], ['open', '1000'])
    const filled = await only('top-up', opened.channelId, '--amount', '500', ...quick)
    assert.equal(filled.confirmedWei, '1500')
    assert.equal((await nonce()) - before, 2)
    assert.match(
      (await run('channel', 'list')).stdout,
      new RegExp(`${opened.channelId.slice(0, 18)} .* open +1500 +0 +0`),
    )
    const sums = await run('wallet', '--token', token)
    assert.match(sums.stdout, /deposited +1500\n/)

    const without = await run('channel', 'open', PAYEE, '--deposit', '1000', '--token', plain, ...quick)
    assert.notEqual(without.code, 0)
    assert.match(without.stderr, /takes no permits[^]*Leave out --permit/)
    assert.equal((await run('channel', 'open', PAYEE, '--deposit', '1eth', ...quick)).code, 2)
    assert.equal((await nonce()) - before, 2)
    // Without permits it takes a transaction more.
    assert.equal((await only('open', PAYEE, '--deposit', '100', '--token', token, '--confirmations', '1')).nonce, 1)
    assert.equal((await nonce()) - before, 4)
  })

  it('approves where that failed before, for whatever reason, and of a token that lets it be changed to nothing only', async () => {
    const payer = keyOf(77)
    const contracts = await compileContracts(['contracts/test/TestTokens.sol'])
    const { abi, bytecode } = contracts.get('StrictToken') ?? {}
    assert(abi !== undefined && bytecode !== undefined)
    const token = await deployContract({ url: anvil.url, key, abi, bytecode })
    const send = async (from: string, name: string, values: readonly unknown[]): Promise<void> => {
      await anvil.rpc('anvil_impersonateAccount', from)
      const data = new Interface(abi).encodeFunctionData(name, values)
      await anvil.rpc('eth_sendTransaction', { from, to: token, data })
    }
    await send(key.address, 'mint', [payer.address, 5000])
    const place = { endpoints: [anvil.url], chainId: anvil.chainId, contract }
    const poor = join(home, 'poor')
    const wallet = openWallet({ dir: poor, key: payer })
    const timing = { confirmations: 1, pollMs: 20, onProgress: () => undefined }
    const account = openChannelAccount({ place, key: payer, wallet, dir: poor, ...timing })
    const open = (depositWei: bigint) => account.open({ payee: PAYEE, token, depositWei })
    await assert.rejects(open(1000n), (thrown) => isSoukError(thrown, 'CHAIN_REFUSED') && /funds/.test(thrown.message))
    await anvil.rpc('anvil_setBalance', payer.address, `0x${ETHER.toString(16)}`)
    assert.equal((await open(1000n)).onChain.depositWei, 1000n)
    assert.equal((await open(1000n)).channel.nonce, 1)

    await send(payer.address, 'approve', [contract, 5])
    await anvil.mine()
    assert.equal((await open(2000n)).onChain.depositWei, 2000n)
    await account.end()
    wallet.close()
  })

  it('says what is wrong with the command line, and where no endpoint answers', async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['channel', 'open', 'me', '--deposit', '1eth'], /PAYEE must be an Ethereum address/],
      [['channel', 'open', PAYEE, '--deposit', '1.5wei'], /--deposit must be/],
      [['channel', 'open', PAYEE, '--deposit', '0'], /more than nothing/],
      [['channel', 'close', '0x12'], /CHANNEL must be/],
      [['wallet', '--chain-id', 'x'], /--chain-id/],
    ]
    for (const [args, said] of wrong) {
      const { code, stderr } = await run(...args)
      assert.equal(code, 2, stderr)
      assert.match(stderr, said)
    }
    const lost = await run('wallet', '--rpc', 'http://127.0.0.1:1', '--json')
    assert.equal((JSON.parse(lost.stdout) as { error: { code: string } }).error.code, 'CHAIN_UNREACHABLE')
    const other = await run('wallet', '--chain-id', '5', '--json')
    assert.equal((JSON.parse(other.stdout) as { error: { code: string } }).error.code, 'WRONG_CHAIN')
  })

  it('signs as a payout address that a node works for it', async () => {
    const cold = join(home, 'cold')
    await writeFile(cold, `${'11'.repeat(32)}\n`, { mode: 0o600 })
    const { code, stdout } = await run('wallet', 'authorize-payout', key.address, '--key', cold, '--days', '2')
    assert.equal(code, 0)
    const authorization = payoutAuthorizationSchema.parse(JSON.parse(stdout))
    assert.equal(authorization.node, key.address)
    const at = { chainId: anvil.chainId, contract }
    assert.equal(checkPayoutAuthorization({ authorization, at, nowMs: Date.now() }), undefined)
    assert.equal(checkPayoutAuthorization({ authorization, at, nowMs: Date.now() + 3 * 86_400_000 }), 'expired')
  })
})
