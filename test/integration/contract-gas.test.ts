import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Interface } from 'ethers/abi'
import { compileContracts } from '../../scripts/compile-contracts.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { NATIVE_TOKEN, type ChannelKey, type Voucher } from '../../src/protocol/payment.ts'
import {
  closeCooperativelyCall,
  finishCloseCall,
  openCall,
  redeemBatchCall,
  redeemCall,
  startCloseCall,
  topUpCall,
  type ContractCall,
} from '../../src/settlement/channel-calls.ts'
import { SOUK_CHANNELS_ABI, SOUK_CHANNELS_BYTECODE } from '../../src/settlement/contracts/souk-channels.ts'
import { signClose, signVoucher } from '../../src/settlement/voucher.ts'
import { startTestChain, type TestChain } from '../fixtures/test-chain.ts'

const DAY = 86_400
const BATCH = 10
/** As much as a channel of use has: the fewer zeros in a number, the more its bytes cost. */
const DEPOSIT = 123_456_789_012_345_678n

interface Costs {
  readonly coin: number
  readonly token: number
}

describe('what a payment channel costs', function () {
  this.timeout(120_000)

  let chain: TestChain
  let at: { readonly chainId: number; readonly contract: string }
  let token: string
  let [payer, payee, stranger]: readonly Key[] = []
  const costs = new Map<string, Costs>()

  const keyOf = (key: Key | undefined): Key => key ?? assert.fail('the chain has fewer keys')
  const send = async (call: ContractCall, from: Key | undefined = payer): Promise<number> =>
    (await chain.send({ from: keyOf(from).address, to: at.contract, ...call })).gasUsed
  const voucher = (channel: ChannelKey, amountWei: bigint): Voucher =>
    signVoucher({ voucher: { ...at, channel, amountWei: String(amountWei) }, key: keyOf(payer) })

  /** Everything that can be done, in one token. Keys, addresses and signatures are the same each time: so is the gas. */
  async function measure(of: string): Promise<ReadonlyMap<string, number>> {
    const gas = new Map<string, number>()
    const channels = Array.from({ length: BATCH + 4 }, (_, nonce): ChannelKey => {
      return { payer: keyOf(payer).address, payee: keyOf(payee).address, token: of, nonce }
    })
    // The first transfer of all to somebody is another matter: the account's own record is made then.
    for (const channel of channels) gas.set('open', await send(openCall({ channel, amountWei: DEPOSIT })))
    const [alone, topped, together, late, ...many] = channels
    assert(alone !== undefined && topped !== undefined && together !== undefined && late !== undefined)
    gas.set('top up', await send(topUpCall({ channel: topped, amountWei: DEPOSIT })))
    await send(redeemCall(voucher(alone, DEPOSIT / 10n)), stranger)
    gas.set('redeem, one voucher', await send(redeemCall(voucher(alone, DEPOSIT / 9n)), stranger))
    const batch = redeemBatchCall(many.map((channel, i) => voucher(channel, DEPOSIT / BigInt(i + 2))))
    gas.set('redeem, each of a batch of ten', Math.ceil((await send(batch, stranger)) / BATCH))
    const close = { ...at, channel: together, amountWei: String(DEPOSIT / 7n) }
    const consent = signClose({ close, key: keyOf(payee) })
    const call = closeCooperativelyCall({ close, consent, voucher: voucher(together, DEPOSIT / 7n) })
    gas.set('close together', await send(call, stranger))
    gas.set('start to close alone', await send(startCloseCall(late)))
    await chain.passSeconds(DAY)
    gas.set('finish to close alone', await send(finishCloseCall(late)))
    return gas
  }

  before(async () => {
    const contracts = await compileContracts(['contracts/test/TestTokens.sol'])
    chain = await startTestChain()
    ;[, payer, payee, stranger] = chain.keys
    const contract = await chain.deploy({ abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE }, DAY)
    at = { chainId: chain.chainId, contract }
    token = await chain.deploy(contracts.get('PermitToken'))
    const { address } = keyOf(payer)
    const TOKEN = new Interface(['function mint(address,uint256)', 'function approve(address,uint256)'])
    const max = 2n ** 200n
    await chain.send({ from: address, to: token, data: TOKEN.encodeFunctionData('mint', [address, max]) })
    await chain.send({ from: address, to: token, data: TOKEN.encodeFunctionData('approve', [contract, max]) })
    const [coin, inToken] = [await measure(NATIVE_TOKEN), await measure(token)]
    for (const [what, gas] of coin) costs.set(what, { coin: gas, token: inToken.get(what) ?? 0 })
  })
  after(() => chain?.stop())

  const cost = (what: string): Costs => costs.get(what) ?? assert.fail(`${what} was not measured`)

  it('is little enough to redeem often', () => {
    assert(cost('open').coin <= 50_000, `open: ${cost('open').coin}`)
    assert(cost('redeem, one voucher').coin <= 45_000, `redeem: ${cost('redeem, one voucher').coin}`)
    const each = cost('redeem, each of a batch of ten')
    assert(each.coin <= 25_000 && each.token <= 25_000, JSON.stringify(each))
  })

  it('is what docs/MARKET.md says', async () => {
    const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'MARKET.md'), 'utf8')
    const section = text.split(/^## /m).find((each) => each.startsWith('Gas\n')) ?? assert.fail('there is no "## Gas"')
    const rounded = (gas: number): string => String(Math.ceil(gas / 100) * 100).replace(/(...)$/, ',$1')
    for (const [what, { coin, token: inToken }] of costs)
      assert(
        section.includes(`| ${what} | ${rounded(coin)} | ${rounded(inToken)} |`),
        `| ${what} | ${rounded(coin)} | ${rounded(inToken)} |\n${JSON.stringify([...costs])}`,
      )
  })
})
