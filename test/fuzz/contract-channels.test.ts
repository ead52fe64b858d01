import assert from 'node:assert/strict'
import { Interface } from 'ethers/abi'
import fc from 'fast-check'
import { compileContracts } from '../../scripts/compile-contracts.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { NATIVE_TOKEN, type ChannelKey, type Voucher } from '../../src/protocol/payment.ts'
import { channelOf, channelQuery, channelRevert } from '../../src/settlement/channel-answers.ts'
import {
  closeCooperativelyCall,
  finishCloseCall,
  openCall,
  redeemBatchCall,
  startCloseCall,
  topUpCall,
  type ContractCall,
} from '../../src/settlement/channel-calls.ts'
import { SOUK_CHANNELS_ABI, SOUK_CHANNELS_BYTECODE } from '../../src/settlement/contracts/souk-channels.ts'
import { channelIdOf, signClose, signVoucher } from '../../src/settlement/voucher.ts'
import { Reverted, startTestChain, type TestChain } from '../fixtures/test-chain.ts'

const CHALLENGE = 1000
const TOKEN = new Interface([
  'function mint(address,uint256)',
  'function approve(address,uint256)',
  'function balanceOf(address) view returns (uint256)',
])

/** What somebody does next. */
type Step =
  | { readonly do: 'open' | 'top-up'; readonly channel: number; readonly amount: number }
  | {
      readonly do: 'redeem'
      readonly vouchers: readonly (readonly [channel: number, amount: number])[]
      readonly forged: boolean
    }
  | {
      readonly do: 'close'
      readonly channel: number
      readonly amount: number
      readonly worth: number
      /** Who signs as the payee. */
      readonly by: 'payee' | 'payer'
    }
  | { readonly do: 'start-close'; readonly channel: number; readonly by: 'payer' | 'payee' }
  | { readonly do: 'finish-close'; readonly channel: number }
  | { readonly do: 'wait'; readonly seconds: number }

// Some more often than others, so that there are long lives among them.
const channel = fc.oneof(fc.nat({ max: 1 }), fc.nat({ max: 7 }))
const amount = fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 2000 }))
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'top-up' as const), channel, amount }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('redeem' as const),
        vouchers: fc.array(fc.tuple(channel, amount), { minLength: 1, maxLength: 5 }),
        forged: fc.constant(false),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('redeem' as const),
        vouchers: fc.array(fc.tuple(channel, amount), { minLength: 1, maxLength: 3 }),
        forged: fc.constant(true),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('close' as const),
        channel,
        amount,
        worth: amount,
        by: fc.constantFrom('payee' as const, 'payee' as const, 'payer' as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('start-close' as const),
        channel,
        by: fc.constantFrom('payer' as const, 'payer' as const, 'payee' as const),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('finish-close' as const), channel }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        seconds: fc.constantFrom(CHALLENGE / 2, 2 * CHALLENGE),
      }),
    },
  ),
  { minLength: 20, maxLength: 60, size: 'max' },
)

/** Whole lives of two channels, which are tried whatever else is. */
const LIFE: Step[] = [
  { do: 'open', channel: 0, amount: 1000 },
  { do: 'top-up', channel: 0, amount: 500 },
  { do: 'redeem', vouchers: [[0, 300]], forged: false },
  { do: 'start-close', channel: 0, by: 'payer' },
  { do: 'finish-close', channel: 0 },
  { do: 'wait', seconds: 2 * CHALLENGE },
  { do: 'redeem', vouchers: [[0, 400]], forged: false },
  { do: 'finish-close', channel: 0 },
  { do: 'redeem', vouchers: [[0, 500]], forged: false },
  { do: 'open', channel: 0, amount: 1000 },
  { do: 'open', channel: 1, amount: 1000 },
  { do: 'close', channel: 1, amount: 200, worth: 200, by: 'payee' },
]

/** What a channel should be, by the rules of docs/MARKET.md; nothing in it is read from the contract. */
interface Expected {
  status: 'none' | 'open' | 'closing' | 'closed'
  deposited: number
  toPayee: number
  toPayer: number
  closesAt: number
}

describe('channels on a chain, whatever is called in whatever order', function () {
  this.timeout(300_000)

  let chain: TestChain
  let at: { readonly chainId: number; readonly contract: string }
  let token: string
  let parties: readonly Key[]
  let caller: string

  before(async () => {
    const contracts = await compileContracts(['contracts/test/TestTokens.sol'], { pipeline: 'legacy' })
    chain = await startTestChain()
    const contract = await chain.deploy({ abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE }, CHALLENGE)
    at = { chainId: chain.chainId, contract }
    token = await chain.deploy(contracts.get('PermitToken'))
    parties = chain.keys.slice(1, 5)
    caller = chain.keys[5]?.address ?? ''
    for (const { address } of parties) {
      await chain.send({ from: address, to: token, data: TOKEN.encodeFunctionData('mint', [address, 10n ** 12n]) })
      await chain.send({ from: address, to: token, data: TOKEN.encodeFunctionData('approve', [contract, 10n ** 12n]) })
    }
  })
  after(() => chain?.stop())

  const party = (index: number): Key => parties[index] ?? assert.fail('there are fewer parties')
  /** Two payers, each with a coin and a token channel to each of two payees. */
  const channels = (): readonly ChannelKey[] =>
    [0, 1].flatMap((payer) =>
      [2, 3].flatMap((payee) =>
        [NATIVE_TOKEN, token].map((coin): ChannelKey => {
          return { payer: party(payer).address, payee: party(payee).address, token: coin, nonce: 1 }
        }),
      ),
    )
  const keyOf = (address: string): Key => parties.find((each) => each.address === address) ?? assert.fail('nobody’s')

  /** Whether the chain did it; anything but a refusal of the contract's own is a fault. */
  async function done(from: string, call: ContractCall): Promise<boolean> {
    try {
      await chain.send({ from, to: at.contract, ...call })
      return true
    } catch (thrown) {
      assert(thrown instanceof Reverted, String(thrown))
      assert.notEqual(channelRevert(thrown.data), undefined, thrown.message)
      return false
    }
  }
  const balance = async (coin: string, owner: string): Promise<bigint> => {
    if (coin === NATIVE_TOKEN) return chain.balanceOf(owner)
    return BigInt(await chain.call({ from: owner, to: coin, data: TOKEN.encodeFunctionData('balanceOf', [owner]) }))
  }

  async function play(played: readonly Step[]): Promise<void> {
    const keys = channels()
    const model = keys.map((): Expected => ({ status: 'none', deposited: 0, toPayee: 0, toPayer: 0, closesAt: 0 }))
    const payees = [party(2).address, party(3).address].flatMap((owner) =>
      [NATIVE_TOKEN, token].map((coin) => ({ owner, coin })),
    )
    const before = await Promise.all(payees.map(({ coin, owner }) => balance(coin, owner)))
    const pick = (index: number): { key: ChannelKey; expected: Expected } => {
      const [key, expected] = [keys[index], model[index]]
      assert(key !== undefined && expected !== undefined)
      return { key, expected }
    }
    const isLive = ({ status }: Expected): boolean => status === 'open' || status === 'closing'
    const voucher = (key: ChannelKey, wei: number, signer = keyOf(key.payer)): Voucher => {
      const unsigned = { ...at, channel: { ...key, payer: signer.address }, amountWei: String(wei) }
      return { ...signVoucher({ voucher: unsigned, key: signer }), channel: key }
    }
    const pay = (expected: Expected, wei: number): number => {
      if (!isLive(expected)) return 0
      const paid = Math.max(0, Math.min(wei, expected.deposited) - expected.toPayee)
      expected.toPayee += paid
      return paid
    }
    const close = (expected: Expected): void => {
      expected.toPayer = expected.deposited - expected.toPayee
      expected.status = 'closed'
    }

    const act = async (step: Step): Promise<void> => {
      switch (step.do) {
        case 'open': {
          const { key, expected } = pick(step.channel)
          const due = expected.status === 'none' && step.amount > 0
          assert.equal(await done(key.payer, openCall({ channel: key, amountWei: BigInt(step.amount) })), due)
          if (due) Object.assign(expected, { status: 'open', deposited: step.amount })
          return
        }
        case 'top-up': {
          const { key, expected } = pick(step.channel)
          const due = expected.status === 'open' && step.amount > 0
          assert.equal(await done(key.payer, topUpCall({ channel: key, amountWei: BigInt(step.amount) })), due)
          if (due) expected.deposited += step.amount
          return
        }
        case 'redeem': {
          const promised = step.vouchers.map(([index, wei]) => ({ ...pick(index), wei }))
          if (step.forged) {
            const forged = promised.map(({ key, wei }, i) => voucher(key, wei, i === 0 ? keyOf(key.payee) : undefined))
            assert.equal(await done(caller, redeemBatchCall(forged)), false)
            return
          }
          const sent = redeemBatchCall(promised.map(({ key, wei }) => voucher(key, wei)))
          const paid = promised.reduce((sum, { expected, wei }) => sum + pay(expected, wei), 0)
          assert.equal(await done(caller, sent), paid > 0)
          return
        }
        case 'close': {
          const { key, expected } = pick(step.channel)
          const of = { ...at, channel: key, amountWei: String(step.amount) }
          const consent = signClose({ close: of, key: keyOf(step.by === 'payee' ? key.payee : key.payer) })
          const covered = step.amount <= expected.toPayee || step.worth >= step.amount
          const due = isLive(expected) && step.by === 'payee' && covered
          const call = closeCooperativelyCall({ close: of, consent, voucher: voucher(key, step.worth) })
          assert.equal(await done(caller, call), due)
          if (!due) return
          pay(expected, step.amount)
          close(expected)
          return
        }
        case 'start-close': {
          const { key, expected } = pick(step.channel)
          const due = expected.status === 'open' && step.by === 'payer'
          assert.equal(await done(step.by === 'payer' ? key.payer : key.payee, startCloseCall(key)), due)
          if (due) Object.assign(expected, { status: 'closing', closesAt: (await chain.now()) + CHALLENGE })
          return
        }
        case 'finish-close': {
          const { key, expected } = pick(step.channel)
          const due = expected.status === 'closing' && (await chain.now()) >= expected.closesAt
          // The next block is a moment later than the newest: what was not due then may be now.
          if (!due && expected.status === 'closing' && (await chain.now()) + 60 >= expected.closesAt) return
          assert.equal(await done(caller, finishCloseCall(key)), due)
          if (due) close(expected)
          return
        }
        case 'wait':
          await chain.passSeconds(step.seconds)
      }
    }

    const compareChannel = async (index: number): Promise<void> => {
      const { key, expected } = pick(index)
      const { data } = channelQuery(channelIdOf(key))
      const { closesAtMs, ...found } = channelOf(await chain.call({ from: caller, to: at.contract, data }))
      assert.deepEqual(found, {
        status: expected.status,
        depositWei: BigInt(expected.status === 'closed' ? expected.toPayee : expected.deposited),
        redeemedWei: BigInt(expected.toPayee),
      })
      assert.equal(closesAtMs, expected.status === 'closing' ? expected.closesAt * 1000 : undefined)
    }
    const sumOf = (wei: (expected: Expected) => number, which: (key: ChannelKey) => boolean): bigint =>
      BigInt(model.reduce((sum, expected, index) => sum + (which(pick(index).key) ? wei(expected) : 0), 0))
    /** The contract against the model: each channel, what it has itself, and what the payees got. */
    const compare = async (): Promise<void> => {
      await Promise.all([
        ...model.map((_, index) => compareChannel(index)),
        ...[NATIVE_TOKEN, token].map(async (coin) => {
          const left = sumOf(
            ({ deposited, toPayee, toPayer }) => deposited - toPayee - toPayer,
            (key) => key.token === coin,
          )
          assert.equal(await balance(coin, at.contract), left)
        }),
        ...payees.map(async ({ coin, owner }, index) => {
          const due = sumOf(
            ({ toPayee }) => toPayee,
            (key) => key.token === coin && key.payee === owner,
          )
          // Payees send nothing that goes through: they pay for no gas.
          assert.equal((await balance(coin, owner)) - (before[index] ?? 0n), due)
        }),
      ])
    }

    for (const step of played) {
      const stood = JSON.stringify(model)
      await act(step)
      if (JSON.stringify(model) !== stood) wentThrough.add(step.do)
      await compare()
    }
  }

  /** What changed anything, so that a model which refuses all would not pass. */
  const wentThrough = new Set<Step['do']>()

  it('does what the model does, and has what is open', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        const untouched = await chain.rpc('evm_snapshot')
        try {
          await play(played)
        } finally {
          await chain.rpc('evm_revert', untouched)
        }
      }),
      // Shrinking would take as long as hundreds of runs more.
      { numRuns: 20, endOnFailure: true, examples: [[LIFE]] },
    )
    assert.deepEqual(
      [...wentThrough].toSorted((a, b) => (a < b ? -1 : 1)),
      ['close', 'finish-close', 'open', 'redeem', 'start-close', 'top-up'],
    )
  })
})
