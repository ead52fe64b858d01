import assert from 'node:assert/strict'
import { Interface } from 'ethers/abi'
import { compileContracts, type CompiledContract } from '../../scripts/compile-contracts.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { NATIVE_TOKEN, type ChannelKey, type PayoutAuthorization, type Voucher } from '../../src/protocol/payment.ts'
import {
  CHANNEL_EVENT_TOPICS,
  channelEvent,
  channelOf,
  channelQuery,
  channelRevert,
  type ChannelEvent,
  type ChannelOnChain,
} from '../../src/settlement/channel-answers.ts'
import {
  channelsInterface,
  closeCooperativelyCall,
  finishCloseCall,
  openCall,
  type Permit,
  redeemBatchCall,
  redeemCall,
  startCloseCall,
  topUpCall,
  type ContractCall,
} from '../../src/settlement/channel-calls.ts'
import { SOUK_CHANNELS_ABI, SOUK_CHANNELS_BYTECODE } from '../../src/settlement/contracts/souk-channels.ts'
import { signPayoutAuthorization } from '../../src/settlement/payout.ts'
import { signPermit } from '../../src/settlement/permit.ts'
import { channelIdOf, signClose, signVoucher } from '../../src/settlement/voucher.ts'
import { Reverted, startTestChain, type Mined, type TestChain } from '../fixtures/test-chain.ts'

const DAY = 86_400
const GARBAGE = `0x${'11'.repeat(64)}1b`

const PUPPET = new Interface([
  'function execute(address,bytes) payable',
  'function prepare(address,bytes)',
  'function refuse(bool)',
  'function succeeded() view returns (bool)',
])
const TOKEN = new Interface([
  'function mint(address,uint256)',
  'function approve(address,uint256)',
  'function refuse(bool)',
  'function nonces(address) view returns (uint256)',
  'function balanceOf(address) view returns (uint256)',
  'function permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
])

describe('the contract of payment channels', function () {
  this.timeout(120_000)

  let chain: TestChain
  let contracts: ReadonlyMap<string, CompiledContract>
  let contract: string
  let at: { readonly chainId: number; readonly contract: string }
  let [payer, payee, node, stranger]: readonly Key[] = []
  let nonce = 0
  let permitToken: string

  before(async () => {
    contracts = await compileContracts(['contracts/test/TestTokens.sol', 'contracts/test/TestAccounts.sol'], {
      pipeline: 'legacy',
    })
    chain = await startTestChain()
    ;[, payer, payee, node, stranger] = chain.keys
    contract = await chain.deploy({ abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE }, DAY)
    at = { chainId: chain.chainId, contract }
    permitToken = await deployToken('PermitToken')
  })
  after(() => chain?.stop())

  const known = (key: Key | undefined): Key => key ?? assert.fail('the chain has fewer keys')
  const addressOf = (key: Key | undefined): string => known(key).address

  const send = (call: ContractCall, from: Key | undefined = payer): Promise<Mined> =>
    chain.send({ from: addressOf(from), to: contract, ...call })
  /** What the contract did, in order. */
  const events = ({ logs }: Mined): readonly ChannelEvent[] =>
    logs
      .filter(({ address }) => address === contract)
      .map((log) => channelEvent(log) ?? assert.fail('an unknown event'))
  const refuses = async (error: string, sent: Promise<unknown>): Promise<void> => {
    const thrown: unknown = await sent.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert(thrown instanceof Reverted, `not refused: ${String(thrown)}`)
    assert.equal(channelRevert(thrown.data), error, thrown.message)
  }
  const keyFor = (changes: Partial<ChannelKey> = {}): ChannelKey => {
    nonce += 1
    return { payer: addressOf(payer), payee: addressOf(payee), token: NATIVE_TOKEN, nonce, ...changes }
  }
  const opened = async (amountWei = 1000n, changes: Partial<ChannelKey> = {}): Promise<ChannelKey> => {
    const channel = keyFor(changes)
    await send(openCall({ channel, amountWei }))
    return channel
  }
  const voucher = (channel: ChannelKey, amountWei: number | bigint): Voucher =>
    signVoucher({ voucher: { ...at, channel, amountWei: String(amountWei) }, key: known(payer) })
  const state = async (channel: ChannelKey): Promise<ChannelOnChain> => {
    const { data } = channelQuery(channelIdOf(channel))
    return channelOf(await chain.call({ from: addressOf(payer), to: contract, data }))
  }
  const tokenCall = (name: string, ...values: readonly unknown[]): string => TOKEN.encodeFunctionData(name, values)
  const tokens = async (token: string, owner: string): Promise<bigint> =>
    BigInt(await chain.call({ from: owner, to: token, data: tokenCall('balanceOf', owner) }))

  async function deployToken(name: string): Promise<string> {
    const token = await chain.deploy(contracts.get(name))
    await chain.send({ from: addressOf(payer), to: token, data: tokenCall('mint', addressOf(payer), 1_000_000) })
    await chain.send({ from: addressOf(payer), to: token, data: tokenCall('approve', contract, 500_000) })
    return token
  }
  const puppetSend = (to: string, name: string, ...values: readonly unknown[]): Promise<Mined> =>
    chain.send({ from: addressOf(stranger), to, data: PUPPET.encodeFunctionData(name, values) })
  const puppetSays = async (to: string, name: string): Promise<bigint> =>
    BigInt(await chain.call({ from: addressOf(stranger), to, data: PUPPET.encodeFunctionData(name, []) }))

  it('is deployed with a challenge period, and not without', async () => {
    for (const seconds of [0, 366 * DAY]) {
      await refuses(
        'InvalidChallengePeriod',
        chain.deploy({ abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE }, seconds),
      )
    }
    const data = channelsInterface.encodeFunctionData('CHALLENGE_PERIOD')
    assert.equal(BigInt(await chain.call({ from: contract, to: contract, data })), BigInt(DAY))
  })

  it('has the name and version that vouchers are signed for (EIP-5267)', async () => {
    const data = channelsInterface.encodeFunctionData('eip712Domain')
    const answer = await chain.call({ from: contract, to: contract, data })
    const [, name, version, chainId, verifying] = channelsInterface.decodeFunctionResult('eip712Domain', answer)
    assert.deepEqual([name, version, chainId], ['souk channels', '1', BigInt(chain.chainId)])
    assert.equal(String(verifying).toLowerCase(), contract)
  })

  it('gives a channel the id that we give it', async () => {
    const key = keyFor()
    const data = channelsInterface.encodeFunctionData('channelIdOf', [key.payer, key.payee, key.token, key.nonce])
    assert.equal(await chain.call({ from: contract, to: contract, data }), channelIdOf(key))
  })

  it('takes no coins that are for no channel', async () => {
    await assert.rejects(send({ data: '0x', valueWei: 1n }), Reverted)
  })

  describe('opening', () => {
    it('keeps what is deposited, and says so', async () => {
      const channel = keyFor()
      assert.deepEqual(await state(channel), { status: 'none', depositWei: 0n, redeemedWei: 0n })
      const before = await chain.balanceOf(contract)
      const mined = await send(openCall({ channel, amountWei: 1000n }))
      const channelId = channelIdOf(channel)
      const { payer: from, payee: to, token } = channel
      assert.deepEqual(events(mined), [
        { channelId, payee: to, kind: 'opened', payer: from, token, nonce: BigInt(channel.nonce), depositWei: 1000n },
      ])
      assert.deepEqual(mined.logs[0]?.topics.slice(1, 2), [channelId])
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1000n, redeemedWei: 0n })
      assert.equal((await chain.balanceOf(contract)) - before, 1000n)
    })

    it('is refused for what cannot be one', async () => {
      await refuses('InvalidPayee', send(openCall({ channel: keyFor({ payee: NATIVE_TOKEN }), amountWei: 1n })))
      await refuses('InvalidPayee', send(openCall({ channel: keyFor({ payee: contract }), amountWei: 1n })))
      await refuses('NothingDeposited', send(openCall({ channel: keyFor(), amountWei: 0n })))
      await refuses('AmountTooLarge', send({ ...openCall({ channel: keyFor(), amountWei: 2n ** 104n }), valueWei: 0n }))
      for (const valueWei of [999n, 1001n, 0n])
        await refuses('WrongValue', send({ ...openCall({ channel: keyFor(), amountWei: 1000n }), valueWei }))
    })

    it('is refused where the nonce was used, by an open channel or by a closed one', async () => {
      const channel = await opened()
      await refuses('AlreadyUsed', send(openCall({ channel, amountWei: 1n })))
      await send(startCloseCall(channel))
      await refuses('AlreadyUsed', send(openCall({ channel, amountWei: 1n })))
      await chain.passSeconds(DAY)
      await send(finishCloseCall(channel))
      await refuses('AlreadyUsed', send(openCall({ channel, amountWei: 1n })))
      await send(openCall({ channel: { ...channel, payer: addressOf(stranger) }, amountWei: 1n }), stranger)
    })
  })

  describe('topping up', () => {
    it('adds to the deposit', async () => {
      const channel = await opened()
      const mined = await send(topUpCall({ channel, amountWei: 500n }))
      assert.deepEqual(events(mined), [
        { channelId: channelIdOf(channel), payee: channel.payee, kind: 'topped-up', depositWei: 1500n },
      ])
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1500n, redeemedWei: 0n })
    })

    it('is refused where there is nothing to add, or nothing to add it to', async () => {
      const channel = await opened()
      await refuses('NothingDeposited', send(topUpCall({ channel, amountWei: 0n })))
      await refuses('WrongValue', send({ ...topUpCall({ channel, amountWei: 5n }), valueWei: 4n }))
      await refuses('AmountTooLarge', send({ ...topUpCall({ channel, amountWei: 2n ** 104n - 1n }), valueWei: 0n }))
      await refuses('AmountTooLarge', send({ ...topUpCall({ channel, amountWei: 2n ** 256n - 1n }), valueWei: 0n }))
      await refuses('NotOpen', send(topUpCall({ channel: keyFor(), amountWei: 5n })))
      // Somebody else's channel is none of theirs.
      await refuses('NotOpen', send(topUpCall({ channel, amountWei: 5n }), stranger))
      await send(startCloseCall(channel))
      await refuses('IsClosing', send(topUpCall({ channel, amountWei: 5n })))
    })
  })

  describe('redeeming', () => {
    it('pays the payee what is new in each voucher, whoever asks', async () => {
      const channel = await opened()
      const before = await chain.balanceOf(channel.payee)
      const mined = await send(redeemCall(voucher(channel, 300)), stranger)
      const of = { channelId: channelIdOf(channel), payee: channel.payee, kind: 'redeemed' } as const
      assert.deepEqual(events(mined), [{ ...of, redeemedWei: 300n }])
      assert.deepEqual(events(await send(redeemCall(voucher(channel, 700)), stranger)), [{ ...of, redeemedWei: 700n }])
      assert.equal((await chain.balanceOf(channel.payee)) - before, 700n)
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1000n, redeemedWei: 700n })
    })

    it('pays a voucher once, and none for less', async () => {
      const channel = await opened()
      await send(redeemCall(voucher(channel, 300)))
      await refuses('NothingToRedeem', send(redeemCall(voucher(channel, 300))))
      await refuses('NothingToRedeem', send(redeemCall(voucher(channel, 299))))
      await refuses('NothingToRedeem', send(redeemBatchCall([voucher(channel, 300), voucher(channel, 1)])))
    })

    it('pays what is there of a voucher for more, and the rest after a top-up', async () => {
      const channel = await opened()
      const promise = voucher(channel, 2n ** 256n - 1n)
      await send(redeemCall(promise))
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1000n, redeemedWei: 1000n })
      await refuses('NothingToRedeem', send(redeemCall(promise)))
      await send(topUpCall({ channel, amountWei: 5n }))
      await send(redeemCall(promise))
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1005n, redeemedWei: 1005n })
    })

    it('is refused where the payer signed something else', async () => {
      const channel = await opened()
      const good = voucher(channel, 300)
      await refuses('NotAVoucher', send(redeemCall({ ...good, amountWei: '301' })))
      await refuses('NotAVoucher', send(redeemCall({ ...good, channel: { ...channel, payee: addressOf(stranger) } })))
      await refuses('NotAVoucher', send(redeemCall({ ...good, channel: await opened() })))
      const elsewhere = signVoucher({ voucher: { ...good, contract: permitToken }, key: known(payer) })
      await refuses('NotAVoucher', send(redeemCall(elsewhere)))
      const otherChain = signVoucher({ voucher: { ...good, chainId: 1 }, key: known(payer) })
      await refuses('NotAVoucher', send(redeemCall(otherChain)))
      const byPayee = { channel: { ...channel, payer: channel.payee }, ...at, amountWei: '300' }
      const { signature } = signVoucher({ voucher: byPayee, key: known(payee) })
      await refuses('NotAVoucher', send(redeemCall({ ...good, signature })))
      const closing = signClose({ close: good, key: known(payer) })
      await refuses('NotAVoucher', send(redeemCall({ ...good, signature: closing })))
      await refuses('NotAVoucher', send(redeemBatchCall([good, { ...good, amountWei: '301' }])))
    })

    it('is refused with a signature of the other half of the curve, or none', async () => {
      const good = voucher(await opened(), 300)
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const s = (order - BigInt(`0x${good.signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
      const v = good.signature.endsWith('1b') ? '1c' : '1b'
      const flipped = `${good.signature.slice(0, 66)}${s}${v}`
      // Where s has its highest bit, the contract's form of a signature has the other v: it is somebody else's.
      await assert.rejects(send(redeemCall({ ...good, signature: flipped })), Reverted)
      const none = `0x${'0'.repeat(130)}`
      const above = `${good.signature.slice(0, 66)}7${'f'.repeat(63)}1b`
      await refuses('InvalidSignature', send(redeemCall({ ...good, signature: above })))
      await refuses('InvalidSignature', send(redeemCall({ ...good, signature: none })))
      // Nobody signs for the zero address.
      const nobodys = { ...good, channel: { ...good.channel, payer: NATIVE_TOKEN }, signature: none }
      await refuses('InvalidSignature', send(redeemCall(nobodys)))
    })

    it('is refused for a channel that was never opened', async () => {
      await refuses('NothingToRedeem', send(redeemCall(voucher(keyFor(), 300))))
    })

    it('pays many channels at once, each payee and token in one transfer', async () => {
      const channels = [await opened(), await opened(), await opened(1000n, { payee: addressOf(node) }), await opened()]
      const [payeeBefore, nodeBefore] = [
        await chain.balanceOf(addressOf(payee)),
        await chain.balanceOf(addressOf(node)),
      ]
      const token = await opened(1000n, { token: permitToken })
      const before = await tokens(permitToken, addressOf(payee))
      const mined = await send(redeemBatchCall([...channels, token].map((each, i) => voucher(each, 10 + i))), stranger)
      assert.equal(events(mined).length, 5)
      assert.equal((await chain.balanceOf(addressOf(payee))) - payeeBefore, 34n)
      assert.equal((await chain.balanceOf(addressOf(node))) - nodeBefore, 12n)
      assert.equal((await tokens(permitToken, addressOf(payee))) - before, 14n)
    })

    it('pays several vouchers of one channel no more than the highest', async () => {
      const channel = await opened()
      const before = await chain.balanceOf(channel.payee)
      const [low, high] = [voucher(channel, 100), voucher(channel, 250)]
      const mined = await send(redeemBatchCall([low, high, low, high]), stranger)
      assert.deepEqual(
        events(mined).map((event) => event.kind === 'redeemed' && event.redeemedWei),
        [100n, 250n],
      )
      assert.equal((await chain.balanceOf(channel.payee)) - before, 250n)
    })

    it('passes over a channel that closed meanwhile, and pays the rest', async () => {
      const [closed, open] = [await opened(), await opened()]
      await send(startCloseCall(closed))
      await chain.passSeconds(DAY)
      await send(finishCloseCall(closed))
      const before = await chain.balanceOf(addressOf(payee))
      await send(redeemBatchCall([voucher(closed, 400), voucher(open, 50), voucher(keyFor(), 7)]), stranger)
      assert.equal((await chain.balanceOf(addressOf(payee))) - before, 50n)
      await refuses('NothingToRedeem', send(redeemCall(voucher(closed, 400))))
      await refuses('NothingToRedeem', send(redeemBatchCall([])))
    })
  })

  describe('closing together', () => {
    const close = (
      channel: ChannelKey,
      amountWei: number,
      options: { by?: Key | undefined; worth?: number; authorization?: PayoutAuthorization } = {},
    ): ContractCall => {
      const { by = payee, worth = amountWei, authorization } = options
      const of = { ...at, channel, amountWei: String(amountWei) }
      const consent = signClose({ close: of, key: known(by) })
      return closeCooperativelyCall({
        ...{ close: of, consent },
        ...(worth > 0 && { voucher: voucher(channel, worth) }),
        ...(authorization !== undefined && { authorization }),
      })
    }
    const authorizationOf = (expiryMs: number, changes: { node?: Key | undefined } = {}): PayoutAuthorization =>
      signPayoutAuthorization({
        authorization: { node: addressOf(changes.node ?? node), payout: addressOf(payee), expiryMs },
        at,
        key: known(payee),
      })
    const FAR = 4_000_000_000_000

    it('pays the payee its part and the payer the rest, at once', async () => {
      const channel = await opened()
      const [toPayee, toPayer] = [await chain.balanceOf(channel.payee), await chain.balanceOf(channel.payer)]
      const mined = await send(close(channel, 300), stranger)
      assert.deepEqual(events(mined), [
        { channelId: channelIdOf(channel), payee: channel.payee, kind: 'closed', redeemedWei: 300n, refundedWei: 700n },
      ])
      assert.equal((await chain.balanceOf(channel.payee)) - toPayee, 300n)
      assert.equal((await chain.balanceOf(channel.payer)) - toPayer, 700n)
      assert.deepEqual(await state(channel), { status: 'closed', depositWei: 300n, redeemedWei: 300n })
    })

    it('pays only what was not redeemed, and takes nothing back', async () => {
      const [more, less] = [await opened(), await opened()]
      for (const channel of [more, less]) await send(redeemCall(voucher(channel, 200)))
      const before = await chain.balanceOf(addressOf(payee))
      await send(close(more, 300), stranger)
      // No voucher is asked for where nothing more is paid.
      await send(close(less, 100, { worth: 0 }), stranger)
      assert.equal((await chain.balanceOf(addressOf(payee))) - before, 100n)
      assert.deepEqual(await state(less), { status: 'closed', depositWei: 200n, redeemedWei: 200n })
    })

    it('pays no more than is there', async () => {
      const channel = await opened()
      await send(close(channel, 5000), stranger)
      assert.deepEqual(await state(channel), { status: 'closed', depositWei: 1000n, redeemedWei: 1000n })
    })

    it('may leave the payee less than its voucher is for, not more', async () => {
      const channel = await opened()
      await refuses('VoucherTooSmall', send(close(channel, 300, { worth: 299 })))
      await refuses('VoucherTooSmall', send(close(channel, 300, { worth: 0 })))
      await send(close(channel, 300, { worth: 800 }))
      assert.deepEqual(await state(channel), { status: 'closed', depositWei: 300n, redeemedWei: 300n })
    })

    it('needs a voucher that the payer has signed', async () => {
      const channel = await opened()
      const of = { ...at, channel, amountWei: '300' }
      const consent = signClose({ close: of, key: known(payee) })
      const forged = { ...of, signature: consent }
      await refuses('NotAVoucher', send(closeCooperativelyCall({ close: of, consent, voucher: forged })))
    })

    it('needs the payee, or a node that it has authorised', async () => {
      const channel = await opened()
      await refuses('NotConsented', send(close(channel, 300, { by: payer })))
      await refuses('NotConsented', send(close(channel, 300, { by: node })))
      const nowMs = (await chain.now()) * 1000
      await refuses('NotConsented', send(close(channel, 300, { by: node, authorization: authorizationOf(nowMs) })))
      const anothers = authorizationOf(FAR, { node: stranger })
      await refuses('NotConsented', send(close(channel, 300, { by: node, authorization: anothers })))
      const prolonged = { ...authorizationOf(nowMs), expiryMs: FAR }
      await refuses('NotConsented', send(close(channel, 300, { by: node, authorization: prolonged })))
      const bySelf = signPayoutAuthorization({
        authorization: { node: addressOf(node), payout: addressOf(node), expiryMs: FAR },
        at,
        key: known(node),
      })
      await refuses('NotConsented', send(close(channel, 300, { by: node, authorization: bySelf })))
      await refuses(
        'NotConsented',
        send(close(channel, 300, { by: node, authorization: { ...bySelf, payout: addressOf(payee) } })),
      )
      const garbage = { ...authorizationOf(FAR), signature: GARBAGE }
      await assert.rejects(send(close(channel, 300, { by: node, authorization: garbage })), Reverted)
      assert.equal((await state(channel)).status, 'open')
      await send(close(channel, 300, { by: node, authorization: authorizationOf(FAR) }), stranger)
      assert.equal((await state(channel)).status, 'closed')
    })

    it('needs a consent to that amount and that channel', async () => {
      const channel = await opened()
      const other = await opened()
      const consent = signClose({ close: { ...at, channel, amountWei: '300' }, key: known(payee) })
      for (const of of [
        { ...at, channel, amountWei: '200' },
        { ...at, channel: other, amountWei: '300' },
      ])
        await refuses(
          'NotConsented',
          send(closeCooperativelyCall({ close: of, consent, voucher: voucher(of.channel, 300) })),
        )
    })

    it('is for ever, and of no channel that is not there', async () => {
      const channel = await opened()
      await send(close(channel, 0))
      assert.deepEqual(await state(channel), { status: 'closed', depositWei: 0n, redeemedWei: 0n })
      await refuses('NotOpen', send(close(channel, 300)))
      await refuses('NotOpen', send(close(keyFor(), 300)))
      await refuses('NotOpen', send(startCloseCall(channel)))
      await refuses('NotOpen', send(finishCloseCall(channel)))
      await refuses('NotOpen', send(topUpCall({ channel, amountWei: 5n })))
      await refuses('AlreadyUsed', send(openCall({ channel, amountWei: 5n })))
      await refuses('NothingToRedeem', send(redeemCall(voucher(channel, 300))))
    })

    it('goes before the end of a challenge period', async () => {
      const channel = await opened()
      await send(startCloseCall(channel))
      await send(close(channel, 300))
      assert.equal((await state(channel)).status, 'closed')
      await chain.passSeconds(DAY)
      await refuses('NotOpen', send(finishCloseCall(channel)))
    })
  })

  describe('closing alone', () => {
    it('gives the payer the rest when the challenge period is over', async () => {
      const channel = await opened()
      await send(redeemCall(voucher(channel, 100)), stranger)
      const mined = await send(startCloseCall(channel))
      const closesAtMs = ((await chain.now()) + DAY) * 1000
      const of = { channelId: channelIdOf(channel), payee: channel.payee }
      assert.deepEqual(events(mined), [{ ...of, kind: 'close-started', closesAtMs }])
      assert.deepEqual(await state(channel), { status: 'closing', depositWei: 1000n, redeemedWei: 100n, closesAtMs })
      await refuses('ChallengePeriodNotOver', send(finishCloseCall(channel)))
      await chain.passSeconds(DAY - 10)
      await refuses('ChallengePeriodNotOver', send(finishCloseCall(channel)))
      await send(redeemCall(voucher(channel, 400)), stranger)
      await chain.passSeconds(10)
      const before = await chain.balanceOf(channel.payer)
      const finished = await send(finishCloseCall(channel), stranger)
      assert.deepEqual(events(finished), [{ ...of, kind: 'closed', redeemedWei: 400n, refundedWei: 600n }])
      assert.equal((await chain.balanceOf(channel.payer)) - before, 600n)
      assert.deepEqual(await state(channel), { status: 'closed', depositWei: 400n, redeemedWei: 400n })
    })

    it('lets the payee redeem until it is done, however late', async () => {
      const channel = await opened()
      await send(startCloseCall(channel))
      await chain.passSeconds(2 * DAY)
      await send(redeemCall(voucher(channel, 400)), stranger)
      await send(finishCloseCall(channel))
      assert.deepEqual(await state(channel), { status: 'closed', depositWei: 400n, redeemedWei: 400n })
    })

    it('is the payer’s to start, once', async () => {
      const channel = await opened()
      await refuses('NotOpen', send(startCloseCall(channel), stranger))
      await refuses('NotOpen', send(startCloseCall(channel), payee))
      await refuses('NotClosing', send(finishCloseCall(channel)))
      await send(startCloseCall(channel))
      await refuses('IsClosing', send(startCloseCall(channel)))
    })

    it('ends a channel of which all was redeemed', async () => {
      const channel = await opened()
      await send(redeemCall(voucher(channel, 1000)), stranger)
      await send(startCloseCall(channel))
      await chain.passSeconds(DAY)
      const mined = await send(finishCloseCall(channel), stranger)
      assert.deepEqual(
        events(mined).map((event) => event.kind === 'closed' && event.refundedWei),
        [0n],
      )
    })
  })

  describe('in a token', () => {
    it('does all that it does in coins', async () => {
      const before = await tokens(permitToken, addressOf(payer))
      const channel = await opened(1000n, { token: permitToken })
      await send(topUpCall({ channel, amountWei: 500n }))
      assert.equal(await tokens(permitToken, addressOf(payer)), before - 1500n)
      const paid = await tokens(permitToken, addressOf(payee))
      await send(redeemCall(voucher(channel, 600)), stranger)
      assert.equal((await tokens(permitToken, addressOf(payee))) - paid, 600n)
      await send(startCloseCall(channel))
      await chain.passSeconds(DAY)
      await send(finishCloseCall(channel))
      assert.equal(await tokens(permitToken, addressOf(payer)), before - 600n)
    })

    it('takes no coins along', async () => {
      const channel = keyFor({ token: permitToken })
      await refuses('WrongValue', send({ ...openCall({ channel, amountWei: 5n }), valueWei: 5n }))
    })

    it('takes a permit for an approval, though somebody has used it before', async () => {
      const owner = known(node)
      await chain.send({ from: owner.address, to: permitToken, data: tokenCall('mint', owner.address, 5000) })
      const permitFor = async (amountWei: bigint): Promise<Permit> => {
        const nonces = await chain.call({
          from: owner.address,
          to: permitToken,
          data: tokenCall('nonces', owner.address),
        })
        const token = { name: 'Permit', version: '1', chainId: chain.chainId, address: permitToken }
        const terms = { spender: contract, valueWei: amountWei, nonce: BigInt(nonces), deadline: 4_000_000_000 }
        return signPermit({ permit: { token, ...terms }, key: owner })
      }
      const channel = keyFor({ payer: owner.address, token: permitToken })
      await send(openCall({ channel, amountWei: 1000n, permit: await permitFor(1000n) }), owner)
      const used = await permitFor(500n)
      const { deadline, signature } = used
      const [v, r, s] = [Number(`0x${signature.slice(130)}`), signature.slice(0, 66), `0x${signature.slice(66, 130)}`]
      const data = tokenCall('permit', owner.address, contract, 500, deadline, v, r, s)
      await chain.send({ from: addressOf(stranger), to: permitToken, data })
      await send(topUpCall({ channel, amountWei: 500n, permit: used }), owner)
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1500n, redeemedWei: 0n })
      await assert.rejects(send(topUpCall({ channel, amountWei: 500n, permit: used }), owner), Reverted)
      await refuses('InvalidToken', send(openCall({ channel: keyFor(), amountWei: 5n, permit: used }), owner))
    })

    it('is refused where it does not arrive whole, or not at all', async () => {
      const fee = keyFor({ token: await deployToken('FeeToken') })
      await refuses('WrongAmountReceived', send(openCall({ channel: fee, amountWei: 1000n })))
      const falseToken = await deployToken('FalseToken')
      const channel = await opened(1000n, { token: falseToken })
      await chain.send({ from: addressOf(payer), to: falseToken, data: tokenCall('refuse', true) })
      await refuses('SafeERC20FailedOperation', send(topUpCall({ channel, amountWei: 5n })))
      await refuses('SafeERC20FailedOperation', send(redeemCall(voucher(channel, 5))))
      assert.deepEqual(await state(channel), { status: 'open', depositWei: 1000n, redeemedWei: 0n })
      await assert.rejects(send(openCall({ channel: keyFor({ token: addressOf(node) }), amountWei: 5n })), Reverted)
    })

    it('counts no deposit twice that is made inside another', async () => {
      const token = await deployToken('HookedFeeToken')
      const account = await chain.deploy(contracts.get('Puppet'))
      await chain.send({ from: addressOf(payer), to: token, data: tokenCall('mint', account, 10_000) })
      await puppetSend(account, 'execute', token, tokenCall('approve', contract, 10_000))
      // The fee of 5000 is 50, and 50 go free of it: what arrives is 5000, and 5050 would be counted.
      const inner = openCall({ channel: keyFor({ payer: account, token }), amountWei: 50n })
      const outer = openCall({ channel: keyFor({ payer: account, token }), amountWei: 5000n })
      await puppetSend(account, 'execute', contract, inner.data).catch(() => assert.fail('the inner one goes alone'))
      const again = openCall({ channel: keyFor({ payer: account, token }), amountWei: 50n })
      await puppetSend(account, 'prepare', contract, again.data)
      await refuses('WrongAmountReceived', puppetSend(account, 'execute', contract, outer.data))
    })
  })

  describe('with accounts that are contracts', () => {
    let account: string
    beforeEach(async () => {
      account = await chain.deploy(contracts.get('Puppet'))
    })

    it('pays a payee that calls back what its vouchers are for, and no more', async () => {
      const [channel, other] = [await opened(1000n, { payee: account }), await opened(1000n, { payee: account })]
      const before = await chain.balanceOf(account)
      const callBack = async (call: ContractCall, outer: ContractCall): Promise<boolean> => {
        await puppetSend(account, 'prepare', contract, call.data)
        await send(outer, stranger)
        return (await puppetSays(account, 'succeeded')) === 1n
      }
      assert.equal(await callBack(redeemCall(voucher(channel, 100)), redeemCall(voucher(channel, 100))), false)
      const batch = redeemBatchCall([voucher(channel, 200), voucher(other, 100)])
      assert.equal(await callBack(batch, batch), false)
      assert.equal(await callBack(redeemCall(voucher(other, 300)), redeemCall(voucher(channel, 300))), true)
      assert.equal((await chain.balanceOf(account)) - before, 600n)
      const close = { ...at, channel, amountWei: '500' }
      const authorization = { node: addressOf(node), payout: account, expiryMs: 0, signature: GARBAGE }
      const consent = signClose({ close, key: known(node) })
      await refuses('NotConsented', send(closeCooperativelyCall({ close, consent, authorization })))
    })

    it('pays a payer that calls back its rest once', async () => {
      const channel = keyFor({ payer: account })
      const { data } = openCall({ channel, amountWei: 1000n })
      const execute = PUPPET.encodeFunctionData('execute', [contract, data])
      await chain.send({ from: addressOf(payer), to: account, data: execute, valueWei: 1000n })
      await opened()
      await puppetSend(account, 'execute', contract, startCloseCall(channel).data)
      await chain.passSeconds(DAY)
      await puppetSend(account, 'prepare', contract, finishCloseCall(channel).data)
      await send(finishCloseCall(channel), stranger)
      assert.equal(await chain.balanceOf(account), 1000n)
      assert.equal(await puppetSays(account, 'succeeded'), 0n)
    })

    it('lets no payee that refuses coins hold back the payer’s rest', async () => {
      const channel = await opened(1000n, { payee: account })
      await puppetSend(account, 'refuse', true)
      await assert.rejects(send(redeemCall(voucher(channel, 300))), Reverted)
      await send(startCloseCall(channel))
      await chain.passSeconds(DAY)
      const before = await chain.balanceOf(channel.payer)
      await send(finishCloseCall(channel), stranger)
      assert.equal((await chain.balanceOf(channel.payer)) - before, 1000n)
    })

    it('lets no payer that refuses coins hold back what is the payee’s', async () => {
      const channel = keyFor({ payer: account })
      const { data } = openCall({ channel, amountWei: 1000n })
      const execute = PUPPET.encodeFunctionData('execute', [contract, data])
      await chain.send({ from: addressOf(payer), to: account, data: execute, valueWei: 1000n })
      await puppetSend(account, 'refuse', true)
      await puppetSend(account, 'execute', contract, startCloseCall(channel).data)
      await chain.passSeconds(DAY)
      await assert.rejects(send(finishCloseCall(channel), stranger), Reverted)
      assert.equal((await state(channel)).status, 'closing')
      await puppetSend(account, 'refuse', false)
      await send(finishCloseCall(channel), stranger)
      assert.equal(await chain.balanceOf(account), 1000n)
    })
  })

  describe('to who watches', () => {
    it('tells its events apart from all others by their first topic', async () => {
      assert.equal(new Set(CHANNEL_EVENT_TOPICS).size, 5)
      const channel = await opened(10n)
      const { logs } = await send(topUpCall({ channel, amountWei: 5n }))
      assert.equal(logs[0]?.topics[0], CHANNEL_EVENT_TOPICS[1])
      assert.equal(logs[0]?.topics[1], channelIdOf(channel))
      assert.equal(channelEvent({ topics: [`0x${'12'.repeat(32)}`], data: '0x' }), undefined)
      assert.equal(channelRevert('0x12345678'), undefined)
      assert.equal(channelRevert('0x'), undefined)
      assert.throws(() => channelOf('0x'))
    })
  })
})
