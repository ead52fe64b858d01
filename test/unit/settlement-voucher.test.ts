import assert from 'node:assert/strict'
import { AbiCoder } from 'ethers/abi'
import { keccak256 } from 'ethers/crypto'
import { TypedDataEncoder, verifyTypedData } from 'ethers/hash'
import { hexlify } from 'ethers/utils'
import { Wallet } from 'ethers/wallet'
import fc from 'fast-check'
import { isSoukError } from '../../src/protocol/errors.ts'
import { channelKeySchema, NATIVE_TOKEN, voucherSchema, type Voucher } from '../../src/protocol/payment.ts'
import {
  checkPayoutAuthorization,
  payoutAuthorizationHashOf,
  signPayoutAuthorization,
} from '../../src/settlement/payout.ts'
import {
  channelIdOf,
  closeHashOf,
  isVoucherOf,
  signClose,
  signVoucher,
  voucherHashOf,
} from '../../src/settlement/voucher.ts'
import { keyOf } from '../fixtures/receipts.ts'

const TYPES = {
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'amount', type: 'uint256' },
  ],
}
const CLOSE = { Close: TYPES.Voucher }
const PAYOUT = {
  PayoutAuthorization: [
    { name: 'node', type: 'address' },
    { name: 'payout', type: 'address' },
    { name: 'expiryMs', type: 'uint64' },
  ],
}

const payer = keyOf(5)
const payee = keyOf(6)
const at = { chainId: 31_337, contract: `0x${'c0'.repeat(20)}` }
const channel = { payer: payer.address, payee: payee.address, token: NATIVE_TOKEN, nonce: 3 }
const voucher = { ...at, channel, amountWei: '1500' }
const domain = { name: 'souk channels', version: '1', chainId: at.chainId, verifyingContract: at.contract }

const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => hexlify(bytes))
const channelKey = fc.record({
  payer: address,
  payee: address,
  token: address,
  nonce: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
})
const amount = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })

describe('a voucher', () => {
  it('is of the channel that abi.encode gives', () => {
    fc.assert(
      fc.property(channelKey, (key) => {
        const { nonce } = key
        const encoded = AbiCoder.defaultAbiCoder().encode(
          ['address', 'address', 'address', 'uint256'],
          [key.payer, key.payee, key.token, nonce],
        )
        assert.equal(channelIdOf(channelKeySchema.parse(key)), keccak256(encoded))
      }),
    )
  })

  it('hashes as ethers does', () => {
    fc.assert(
      fc.property(channelKey, amount, address, fc.integer({ min: 1 }), (key, wei, contract, chainId) => {
        const unsigned = { chainId, contract, channel: key, amountWei: String(wei) }
        const value = { channelId: channelIdOf(key), amount: wei }
        const of = { ...domain, chainId, verifyingContract: contract }
        assert.equal(voucherHashOf(unsigned), TypedDataEncoder.hash(of, TYPES, value))
        assert.equal(closeHashOf(unsigned), TypedDataEncoder.hash(of, CLOSE, value))
        assert.notEqual(closeHashOf(unsigned), voucherHashOf(unsigned))
      }),
    )
  })

  it('is signed as ethers signs it, and taken from there', async () => {
    const value = { channelId: channelIdOf(channel), amount: 1500n }
    const signed = signVoucher({ voucher, key: payer })
    voucherSchema.parse(signed)
    assert.equal(verifyTypedData(domain, TYPES, value, signed.signature).toLowerCase(), payer.address)
    const signature = await new Wallet(hexlify(payer.privateKey)).signTypedData(domain, TYPES, value)
    assert.equal(signed.signature, signature)
    assert.equal(isVoucherOf({ ...voucher, signature }), true)
  })

  it('is another one where anything in it is another', () => {
    const signed = signVoucher({ voucher, key: payer })
    assert.equal(isVoucherOf(signed), true)
    const other = keyOf(7).address
    const others: readonly Voucher[] = [
      { ...signed, chainId: 1 },
      { ...signed, contract: other },
      { ...signed, amountWei: '1501' },
      { ...signed, channel: { ...channel, payer: other } },
      { ...signed, channel: { ...channel, payee: other } },
      { ...signed, channel: { ...channel, token: other } },
      { ...signed, channel: { ...channel, nonce: 4 } },
      { ...signed, signature: signVoucher({ voucher: { ...voucher, amountWei: '9' }, key: payer }).signature },
    ]
    for (const each of others) assert.equal(isVoucherOf(each), false, JSON.stringify(each))
  })

  it('is none with a signature of the other half of the curve', () => {
    const { signature } = signVoucher({ voucher, key: payer })
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
    const v = signature.endsWith('1b') ? '1c' : '1b'
    assert.equal(isVoucherOf({ ...voucher, signature: `${signature.slice(0, 66)}${s}${v}` }), false)
  })

  it('is none where it has no form', () => {
    const { signature } = signVoucher({ voucher, key: payer })
    assert.equal(isVoucherOf({ ...voucher, signature, amountWei: String(2n ** 256n) }), false)
    assert.equal(isVoucherOf({ ...voucher, signature, contract: '0x12' }), false)
    assert.equal(isVoucherOf({ ...voucher, signature, channel: { ...channel, payee: 'nobody' } }), false)
    assert.equal(isVoucherOf({ ...voucher, signature, channel: { ...channel, nonce: 0.5 } }), false)
    assert.throws(
      () => voucherHashOf({ ...voucher, amountWei: String(2n ** 256n) }),
      (thrown) => isSoukError(thrown, 'INVALID_INPUT'),
    )
  })

  it('is signed by nobody but the payer', () => {
    assert.throws(
      () => signVoucher({ voucher, key: payee }),
      (thrown) => isSoukError(thrown, 'INTERNAL'),
    )
  })

  it('is still the same after many others', () => {
    const hash = voucherHashOf(voucher)
    for (let nonce = 0; nonce < 3000; nonce += 1)
      voucherHashOf({ ...voucher, chainId: 1 + (nonce % 40), channel: { ...channel, nonce } })
    assert.equal(voucherHashOf(voucher), hash)
  })
})

describe('the consent to a close', () => {
  it('is signed as ethers signs it', async () => {
    const value = { channelId: channelIdOf(channel), amount: 1500n }
    const signature = await new Wallet(hexlify(payee.privateKey)).signTypedData(domain, CLOSE, value)
    assert.equal(signClose({ close: voucher, key: payee }), signature)
  })
})

describe('a payout authorization', () => {
  const unsigned = { node: payer.address, payout: payee.address, expiryMs: 2_000 }
  const authorization = signPayoutAuthorization({ authorization: unsigned, at, key: payee })

  it('is signed and hashed as ethers does', async () => {
    assert.equal(
      payoutAuthorizationHashOf({ authorization: unsigned, at }),
      TypedDataEncoder.hash(domain, PAYOUT, unsigned),
    )
    const signature = await new Wallet(hexlify(payee.privateKey)).signTypedData(domain, PAYOUT, unsigned)
    assert.deepEqual(authorization, { ...unsigned, signature })
  })

  it('holds until it ends', () => {
    assert.equal(checkPayoutAuthorization({ authorization, at, nowMs: 1_999 }), undefined)
    assert.equal(checkPayoutAuthorization({ authorization, at, nowMs: 2_000 }), 'expired')
  })

  it('says nothing where anything in it is another', () => {
    const nowMs = 0
    for (const changed of [
      { ...authorization, node: keyOf(8).address },
      { ...authorization, payout: keyOf(8).address },
      { ...authorization, expiryMs: 2_001 },
      { ...authorization, node: 'nobody' },
    ])
      assert.equal(checkPayoutAuthorization({ authorization: changed, at, nowMs }), 'not-signed')
    assert.equal(checkPayoutAuthorization({ authorization, at: { ...at, chainId: 1 }, nowMs }), 'not-signed')
  })

  it('is signed by nobody but the payout address', () => {
    assert.throws(
      () => signPayoutAuthorization({ authorization: unsigned, at, key: payer }),
      (thrown) => isSoukError(thrown, 'INTERNAL'),
    )
  })
})
