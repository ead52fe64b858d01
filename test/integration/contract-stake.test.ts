import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { TypedDataEncoder, type TypedDataField } from 'ethers/hash'
import { concat, getBytes } from 'ethers/utils'
import { keccak256 } from 'ethers/crypto'
import fc from 'fast-check'
import type { Key } from '../../src/identity/key-file.ts'
import { signDigest } from '../../src/identity/sign.ts'
import { receiptHashOf, structsOf, typedReceipt } from '../../src/identity/typed-data.ts'
import type { Receipt, UnsignedReceipt } from '../../src/protocol/receipt.ts'
import type { ContractCall } from '../../src/settlement/channel-calls.ts'
import { SOUK_STAKE_ABI, SOUK_STAKE_BYTECODE } from '../../src/settlement/contracts/souk-stake.ts'
import {
  bondCall,
  encodeReceipt,
  RECEIPT_TYPE_HASHES,
  slashCall,
  stakeOf,
  stakeQuery,
  stakeRevert,
  startUnbondingCall,
  withdrawCall,
  type StakeOnChain,
} from '../../src/settlement/stake.ts'
import { keyOf, RATES, unsignedReceipt } from '../fixtures/receipts.ts'
import { Reverted, startTestChain, type Mined, type TestChain } from '../fixtures/test-chain.ts'

const WEEK = 7 * 86_400
const NOBODY = `0x${'00'.repeat(20)}`
const cold = keyOf(77).address

/** Receipts of every type that there is. */
const forms = (receipt: UnsignedReceipt): readonly UnsignedReceipt[] => {
  const usages = [{}, { pidsPeak: 3 }, { fuelUsed: 7 }].map((details) => ({ ...receipt.usage, ...details }))
  const limits = [receipt.limits, { ...receipt.limits, gpus: 1 }]
  const terms = [{}, { terms: { rates: RATES } }]
  return usages.flatMap((usage) =>
    limits.flatMap((limit) => terms.map((term) => ({ ...receipt, usage, limits: limit, ...term }))),
  )
}

describe('a receipt’s encoding for the contract', () => {
  it('hashes to what was signed, in every form, and is of a type that the contract is told', () => {
    const encoded = forms(unsignedReceipt()).map((receipt) => {
      const { typeHash, words } = encodeReceipt(receipt)
      const { EIP712Domain: _, ...types } = structsOf(receipt)
      const encoder = TypedDataEncoder.from(structuredClone(types) as unknown as Record<string, TypedDataField[]>)
      const data = encoder.encodeData('Receipt', typedReceipt(receipt))
      assert.equal(concat([typeHash, ...words]), data)
      assert.equal(typeHash, keccak256(Buffer.from(encoder.encodeType('Receipt'))))
      const domain = TypedDataEncoder.hashDomain({ name: 'souk', version: '1', chainId: 31_337 })
      assert.equal(keccak256(concat(['0x1901', domain, keccak256(getBytes(data))])), receiptHashOf(receipt))
      return typeHash
    })
    assert.deepEqual(new Set(encoded), new Set(RECEIPT_TYPE_HASHES))
    assert.equal(new Set(RECEIPT_TYPE_HASHES).size, encoded.length)
  })
})

describe('the contract of stakes', function () {
  this.timeout(120_000)

  let chain: TestChain
  let contract: string
  let node: Key
  let reporter: string
  let untouched: unknown

  before(async () => {
    chain = await startTestChain()
    const [, first, second] = chain.keys
    assert(first !== undefined && second !== undefined)
    ;[node, reporter] = [first, second.address]
    contract = await deploy(WEEK)
  })
  after(() => chain?.stop())
  beforeEach(async () => {
    untouched = await chain.rpc('evm_snapshot')
  })
  afterEach(async () => {
    await chain.rpc('evm_revert', untouched)
  })

  const deploy = (seconds: number, types = RECEIPT_TYPE_HASHES): Promise<string> =>
    chain.deploy({ abi: SOUK_STAKE_ABI, bytecode: SOUK_STAKE_BYTECODE }, types, seconds)
  const send = (call: ContractCall, from = reporter): Promise<Mined> => chain.send({ from, to: contract, ...call })
  const refuses = async (error: string, sent: Promise<unknown>): Promise<void> => {
    const thrown: unknown = await sent.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert(thrown instanceof Reverted, `not refused: ${String(thrown)}`)
    assert.equal(stakeRevert(thrown.data), error, thrown.message)
  }
  const bond = (amountWei: bigint, beneficiary = cold): Promise<Mined> =>
    send(bondCall({ beneficiary, amountWei }), node.address)
  const stake = async (): Promise<StakeOnChain> =>
    stakeOf(await chain.call({ from: reporter, to: contract, data: stakeQuery(node.address).data }))
  const sign = (receipt: UnsignedReceipt, key = node): Receipt => ({
    ...receipt,
    signature: signDigest({ digest: receiptHashOf(receipt), key }),
  })
  const truth = (): UnsignedReceipt => ({ ...unsignedReceipt(), provider: node.address })
  const other = (receipt: UnsignedReceipt): UnsignedReceipt => ({ ...receipt, outcome: { kind: 'exited', code: 4 } })
  const equivocation = (): readonly [Receipt, Receipt] => [sign(truth()), sign(other(truth()))]

  it('is deployed with an unbonding period and types of receipts', async () => {
    for (const seconds of [0, 366 * 86_400]) await refuses('InvalidUnbondingPeriod', deploy(seconds))
    await refuses('NoReceiptTypes', deploy(WEEK, []))
  })

  describe('bonding', () => {
    it('keeps the coins for whom the node names', async () => {
      assert.deepEqual(await stake(), { amountWei: 0n, slashed: false })
      await bond(1000n)
      await bond(500n)
      assert.deepEqual(await stake(), { amountWei: 1500n, slashed: false, beneficiary: cold })
      assert.equal(await chain.balanceOf(contract), 1500n)
    })

    it('is refused for nothing, for nobody, and for anybody but the first', async () => {
      await refuses('NothingBonded', bond(0n))
      await refuses('InvalidBeneficiary', bond(1n, NOBODY))
      await refuses('InvalidBeneficiary', bond(1n, contract))
      await bond(1n)
      await refuses('OtherBeneficiary', bond(1n, reporter))
    })

    it('ends after the unbonding period, in which it can still be lost', async () => {
      await refuses('NothingBonded', send(startUnbondingCall(node.address), node.address))
      await refuses('NotUnbonding', send(withdrawCall(node.address)))
      await bond(1000n)
      await refuses('NotTheirs', send(startUnbondingCall(node.address), reporter))
      await refuses('NotUnbonding', send(withdrawCall(node.address)))
      await send(startUnbondingCall(node.address), node.address)
      const withdrawableAtMs = ((await chain.now()) + WEEK) * 1000
      assert.equal((await stake()).withdrawableAtMs, withdrawableAtMs)
      await refuses('IsUnbonding', send(startUnbondingCall(node.address), node.address))
      await refuses('IsUnbonding', bond(1n))
      await chain.passSeconds(WEEK - 30)
      await refuses('UnbondingPeriodNotOver', send(withdrawCall(node.address)))
      assert.equal(await chain.call({ from: reporter, to: contract, data: slashCall(equivocation()).data }), '0x')
      await chain.passSeconds(30)
      await send(withdrawCall(node.address))
      assert.equal(await chain.balanceOf(cold), 1000n)
      assert.deepEqual(await stake(), { amountWei: 0n, slashed: false })
      await refuses('NotUnbonding', send(withdrawCall(node.address)))
      await refuses('NothingBonded', send(slashCall(equivocation())))
      await bond(1n, reporter)
    })

    it('may be ended by the beneficiary, where the node’s key is lost', async () => {
      const [, , , owner] = chain.keys
      await bond(1000n, owner?.address)
      await send(startUnbondingCall(node.address), owner?.address)
      assert.notEqual((await stake()).withdrawableAtMs, undefined)
    })
  })

  describe('slashing', () => {
    it('burns one half and gives the reporter the other, once and for ever', async () => {
      await bond(1001n)
      const burned = await chain.balanceOf(NOBODY)
      const before = await chain.balanceOf(reporter)
      const { feeWei } = await send(slashCall(equivocation()))
      assert.equal((await chain.balanceOf(reporter)) - before, 500n - feeWei)
      // The chain of the tests gives what its miner earns to that address too.
      assert((await chain.balanceOf(NOBODY)) - burned >= 501n)
      assert.equal(await chain.balanceOf(contract), 0n)
      assert.deepEqual(await stake(), { amountWei: 0n, slashed: true })
      await refuses('AlreadySlashed', send(slashCall(equivocation())))
      await refuses('AlreadySlashed', bond(1n))
      await refuses('NotUnbonding', send(withdrawCall(node.address)))
      await refuses('NothingBonded', send(startUnbondingCall(node.address), node.address))
    })

    it('takes nobody else’s coins', async () => {
      await bond(1000n)
      await send(bondCall({ beneficiary: cold, amountWei: 70n }), reporter)
      await send(slashCall(equivocation()), chain.keys[3]?.address)
      assert.equal(await chain.balanceOf(contract), 70n)
    })

    it('is for receipts of every form, and of two forms', async () => {
      await bond(1000n)
      for (const receipt of forms(truth()))
        await chain.call({ from: reporter, to: contract, data: slashCall([sign(truth()), sign(other(receipt))]).data })
    })

    it('is refused for receipts that are no two of one task by that node', async () => {
      await bond(1000n)
      const [one, two] = equivocation()
      const stranger = keyOf(9)
      await refuses('SameResult', send(slashCall([one, one])))
      const late = sign({ ...truth(), timings: { ...truth().timings, finishedAtMs: truth().timings.finishedAtMs + 1 } })
      await refuses('SameResult', send(slashCall([one, late])))
      await refuses('OtherTask', send(slashCall([one, sign({ ...other(truth()), taskId: `0x${'12'.repeat(32)}` })])))
      await refuses('NotSigned', send(slashCall([one, sign(other(truth()), stranger)])))
      await refuses('NotSigned', send(slashCall([one, { ...two, priceWei: '1' }])))
      await refuses(
        'OtherProvider',
        send(slashCall([one, sign({ ...other(truth()), provider: stranger.address }, stranger)])),
      )
      await refuses('InvalidSignature', send(slashCall([one, { ...two, signature: `0x${'0'.repeat(130)}` }])))
      const high = `${two.signature.slice(0, 66)}7${'f'.repeat(63)}1b`
      await refuses('InvalidSignature', send(slashCall([one, { ...two, signature: high }])))
      const { authorization } = truth()
      const elsewhere = { ...other(truth()), authorization: { ...authorization, chainId: 1 } }
      await refuses('NotSigned', send(slashCall([one, sign(elsewhere)])))
      assert.deepEqual(await stake(), { amountWei: 1000n, slashed: false, beneficiary: cold })
    })

    it('is refused for types that the contract was not told', async () => {
      const [, known = ''] = RECEIPT_TYPE_HASHES
      const to = await deploy(WEEK, [known])
      await chain.send({ from: node.address, to, ...bondCall({ beneficiary: cold, amountWei: 1n }) })
      await refuses('UnknownReceiptType', chain.send({ from: reporter, to, ...slashCall(equivocation()) }))
    })

    it('takes nothing where the receipts agree, or one is not what was signed, whatever is in them', async () => {
      await bond(1000n)
      const text = fc.string({ maxLength: 20 }).filter((each) => each.isWellFormed())
      const count = fc.nat()
      const digest = fc.stringMatching(/^[0-9a-f]{64}$/)
      const stream = fc.record({ sha256: digest, bytes: count })
      /** What a result may differ in: all of it counts. */
      const result = fc.record(
        {
          outcome: fc.oneof(
            fc.record({ kind: fc.constant('exited' as const), code: fc.nat({ max: 255 }) }),
            fc.constant({ kind: 'cancelled' as const }),
          ),
          stdout: stream,
          stderr: stream,
          outputs: fc.array(fc.record({ path: text, sha256: digest, bytes: count }), { maxLength: 3 }),
        },
        { requiredKeys: [] },
      )
      /** And what does not count. */
      const rest = fc.record(
        {
          attempts: fc.integer({ min: 1, max: 9 }),
          priceWei: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String),
          timings: fc.record({ acceptedAtMs: count, startedAtMs: count, finishedAtMs: count }),
        },
        { requiredKeys: [] },
      )
      const form = fc.constantFrom(...forms(truth()))
      await fc.assert(
        fc.asyncProperty(form, form, result, rest, fc.boolean(), async (one, two, differs, besides, tampered) => {
          const changed = { ...two, ...differs, ...besides }
          const signed: Receipt = tampered ? { ...changed, signature: sign(two).signature } : sign(changed)
          const forged = receiptHashOf(changed) !== receiptHashOf(two) && tampered
          const encoded = [one, changed].map((receipt) => encodeReceipt(receipt).words)
          const same = [6, 10, 11, 12].every((word) => encoded[0]?.[word] === encoded[1]?.[word])
          const call = chain.call({ from: reporter, to: contract, data: slashCall([sign(one), signed]).data })
          if (forged) await refuses('NotSigned', call)
          else if (same) await refuses('SameResult', call)
          else assert.equal(await call, '0x')
        }),
        { numRuns: 200 },
      )
    })
  })
})
