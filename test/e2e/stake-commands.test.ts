import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStakeAccount } from '../../src/client/payments/stake-account.ts'
import { equivocationOf } from '../../src/identity/proofs.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { SOUK_STAKE_ABI, SOUK_STAKE_BYTECODE } from '../../src/settlement/contracts/souk-stake.ts'
import { RECEIPT_TYPE_HASHES } from '../../src/settlement/stake.ts'
import { openTransactionStore } from '../../src/settlement/transaction-store.ts'
import { deployChannels, deployContract } from '../fixtures/channel-contract.ts'
import { receiptSaying } from '../fixtures/provider-says.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { startAnvil, type RestartableAnvil } from '../fixtures/restartable-anvil.ts'
import { souk, startSouk, type CommandEnd } from '../fixtures/souk-command.ts'

const ETHER = 10n ** 18n
/** By number, as keys in tests go. */
const NODE = 21
const POOR = 22
const WEEK_SECONDS = 7 * 86_400
const COLD = `0x${'c0'.repeat(20)}`

interface ShownStake {
  readonly node: string
  readonly amountWei: string
  readonly beneficiary?: string
  readonly withdrawableAtMs?: number
  readonly slashed: boolean
  readonly unbondingPeriodMs: number
}

describe('souk stake', function () {
  this.timeout(300_000)
  let anvil: RestartableAnvil
  let home: string
  let node: Key
  let reporter: Key
  let contract: string
  let nodeKey: string

  before(async () => {
    anvil = await startAnvil({ mining: 'auto' })
    home = await mkdtemp(join(tmpdir(), 'souk-stake-'))
    node = keyOf(NODE)
    await anvil.rpc('anvil_setBalance', node.address, `0x${(100n * ETHER).toString(16)}`)
    reporter = await anvil.account()
    contract = await deployStake([...RECEIPT_TYPE_HASHES])
    nodeKey = join(home, 'node', 'key')
    for (const [folder, key] of [
      ['node', node],
      ['souk', reporter],
    ] as const) {
      await mkdir(join(home, folder), { mode: 0o700 })
      await writeFile(join(home, folder, 'key'), Buffer.from(key.privateKey).toString('hex'), { mode: 0o600 })
    }
  })
  after(async () => {
    await anvil.close()
    await rm(home, { recursive: true, force: true })
  })

  const deployStake = async (types: readonly string[]): Promise<string> =>
    deployContract({
      ...{ url: anvil.url, key: await anvil.account(), abi: [...SOUK_STAKE_ABI], bytecode: SOUK_STAKE_BYTECODE },
      values: [types, WEEK_SECONDS],
    })
  const env = (stake = contract) => ({
    ...{ SOUK_RPC: anvil.url, SOUK_STAKE: stake, SOUK_CHAIN_ID: String(anvil.chainId) },
  })
  const run = (args: readonly string[], stake?: string): Promise<CommandEnd> =>
    souk({ args: ['stake', ...args], home, env: env(stake) })
  async function answer(...args: string[]): Promise<ShownStake> {
    const { code, stdout, stderr } = await run([...args, '--json'])
    assert.equal(code, 0, stdout + stderr)
    return JSON.parse(stdout) as ShownStake
  }
  const one = ['--confirmations', '1'] as const
  const byNode = (...args: string[]): Promise<ShownStake> => answer(...args, '--key', nodeKey, ...one)
  const balanceOf = async (address: string): Promise<bigint> =>
    BigInt((await anvil.rpc('eth_getBalance', address, 'latest')) as string)
  const pass = async (seconds: number): Promise<void> => {
    await anvil.rpc('evm_increaseTime', seconds)
    await anvil.mine()
  }

  it('bonds, bonds more, shows it to anybody, and gives it back to the beneficiary after the unbonding period', async () => {
    const bonded = await byNode('bond', '--amount', '1eth', '--beneficiary', COLD)
    assert.deepEqual(
      [bonded.node, bonded.amountWei, bonded.beneficiary, bonded.slashed, bonded.unbondingPeriodMs],
      [node.address, String(ETHER), COLD, false, WEEK_SECONDS * 1000],
    )
    // The same once more is not the same transaction.
    assert.equal((await byNode('bond', '--amount', '1eth', '--beneficiary', COLD)).amountWei, String(2n * ETHER))
    assert.equal((await answer('show', node.address)).amountWei, String(2n * ETHER))
    const text = await run(['show', node.address])
    assert.match(
      text.stdout,
      new RegExp(`^node +${node.address}\nbonded +2eth\ngoes back to +${COLD}\nunbonding takes +7d`),
    )

    const asked = await byNode('unbond')
    assert.ok((asked.withdrawableAtMs ?? 0) > Date.now())
    const early = await run(['withdraw', node.address, ...one, '--json'])
    assert.equal(early.code, 125)
    assert.match(early.stdout, /CHAIN_REFUSED/)
    await pass(WEEK_SECONDS + 1)
    // By somebody who is neither.
    assert.equal((await answer('withdraw', node.address, ...one)).amountWei, '0')
    assert.equal(await balanceOf(COLD), 2n * ETHER)
  })

  it('goes on with what an interrupted command has begun, and does not bond twice', async () => {
    await anvil.rpc('evm_setAutomine', false)
    const first = startSouk({ args: ['stake', 'bond', '--amount', '3eth', '--key', nodeKey, ...one], home, env: env() })
    await until(
      async () =>
        BigInt((await anvil.rpc('eth_getTransactionCount', node.address, 'pending')) as string) > (await sent()),
    )
    first.child.kill('SIGKILL')
    await first.ended
    await anvil.rpc('evm_setAutomine', true)
    await anvil.mine()
    assert.equal((await byNode('bond', '--amount', '3eth')).amountWei, String(3n * ETHER))
  })

  it('goes on with it also where it is final before the contract has been asked about', async () => {
    const options = {
      place: { endpoints: [anvil.url], chainId: anvil.chainId, contract },
      ...{ key: node, dir: join(home, 'node'), confirmations: 1, pollMs: 20, onProgress: () => undefined },
    }
    const before = await sent()
    await anvil.rpc('evm_setAutomine', false)
    const first = openStakeAccount(options)
    void first.bond({ amountWei: 7n, beneficiary: node.address }).catch(() => undefined)
    await until(
      async () => BigInt((await anvil.rpc('eth_getTransactionCount', node.address, 'pending')) as string) > before,
    )
    await first.end()
    const second = openStakeAccount(options)
    await anvil.rpc('evm_setAutomine', true)
    await anvil.mine()
    const store = openTransactionStore({ dir: options.dir, chainId: anvil.chainId, sender: node.address })
    await until(() => Promise.resolve(store.open().length === 0))
    store.close()
    assert.equal((await second.bond({ amountWei: 7n, beneficiary: node.address })).amountWei, 3n * ETHER + 7n)
    assert.equal((await second.bond({ amountWei: 7n, beneficiary: node.address })).amountWei, 3n * ETHER + 14n)
    await second.end()
  })

  it('does not bond twice what was final before its command was killed, and could say so', async () => {
    const options = {
      place: { endpoints: [anvil.url], chainId: anvil.chainId, contract },
      ...{ key: node, dir: join(home, 'node'), confirmations: 1, pollMs: 20, onProgress: () => undefined },
    }
    const killed = openStakeAccount(options)
    const { amountWei } = await killed.bond({ amountWei: 9n, beneficiary: node.address })
    // Nobody has printed it.
    await killed.end()
    const args = ['bond', '--amount', '9', '--key', nodeKey, ...one, '--json']
    const again = await run(args)
    assert.equal(again.code, 0, again.stderr)
    assert.equal((JSON.parse(again.stdout) as ShownStake).amountWei, String(amountWei))
    assert.match(again.stderr, /a command that was interrupted has sent this already: it is not sent again/)
    assert.equal((await byNode('bond', '--amount', '9')).amountWei, String(amountWei + 9n))
  })

  it('gives half of what a liar has bonded to whoever shows its two receipts, once', async () => {
    const receipts = [receiptSaying({ number: NODE }), receiptSaying({ number: NODE, stdout: '3.15\n' })] as const
    const file = join(home, 'proof.json')
    await writeFile(file, JSON.stringify(equivocationOf(receipts)))
    const before = await balanceOf(reporter.address)
    const slashed = await answer('slash', file, ...one)
    assert.deepEqual([slashed.node, slashed.amountWei, slashed.slashed], [node.address, '0', true])
    const rewarded = (await balanceOf(reporter.address)) - before
    assert.ok(rewarded > ETHER && rewarded <= (3n * ETHER) / 2n + 7n, `${rewarded}`)
    assert.match((await run(['show', node.address])).stdout, /slashed +it has signed two results/)
    const again = await run(['bond', '--amount', '1eth', '--key', nodeKey, ...one, '--json'])
    assert.equal(again.code, 125)
    assert.match(again.stdout, /AlreadySlashed|CHAIN_REFUSED/)
  })

  it('sends nothing on a proof that proves something else, or nothing', async () => {
    const file = join(home, 'other.json')
    await writeFile(file, JSON.stringify({ version: 1, kind: 'equivocation', receipts: [] }))
    const { code, stdout } = await run(['slash', file, '--json'])
    assert.notEqual(code, 0)
    assert.match(stdout, /RECEIPT_INVALID/)
  })

  it('says which account has to be sent coins, and what it has', async () => {
    const poor = keyOf(POOR)
    const file = join(home, 'poor', 'key')
    await mkdir(join(home, 'poor'), { mode: 0o700 })
    await writeFile(file, Buffer.from(poor.privateKey).toString('hex'), { mode: 0o600 })
    await anvil.rpc('anvil_setBalance', poor.address, `0x${(ETHER / 1000n).toString(16)}`)
    const { code, stderr } = await run(['bond', '--amount', '1eth', '--beneficiary', COLD, '--key', file, ...one])
    assert.equal(code, 125, stderr)
    assert.match(stderr, new RegExp(`Send coins of chain ${anvil.chainId} to ${poor.address}, which has 0\\.001eth`))
  })

  it('sends nothing to a contract that is another, or that does not read our receipts', async () => {
    const other = await deployChannels({ url: anvil.url, key: await anvil.account(), challengeSeconds: 3600 })
    const deaf = await deployStake(RECEIPT_TYPE_HASHES.slice(1))
    const before = await balanceOf(node.address)
    for (const [stake, why] of [
      [other, /is not the contract of souk's stakes/],
      [deaf, /does not read the receipts of this version/],
      [COLD, /there is no contract at/],
    ] as const) {
      const { code, stdout } = await run(['bond', '--amount', '1eth', '--key', nodeKey, '--json'], stake)
      assert.equal(code, 125)
      assert.match(stdout, why)
    }
    assert.equal(await balanceOf(node.address), before)
  })

  const sent = async (): Promise<bigint> =>
    BigInt((await anvil.rpc('eth_getTransactionCount', node.address, 'latest')) as string)
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50)
}
