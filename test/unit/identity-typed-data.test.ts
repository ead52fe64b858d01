import assert from 'node:assert/strict'
import { TypedDataEncoder, type TypedDataField } from 'ethers/hash'
import { encodeType } from '../../src/identity/eip712.ts'
import {
  DOMAIN_NAME,
  DOMAIN_VERSION,
  receiptHashOf,
  structsOf,
  taskIdOf,
  TYPED_STRUCTS,
  typedReceipt,
  typedTask,
} from '../../src/identity/typed-data.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { USAGE_DETAILS, usageSchema } from '../../src/protocol/execution.ts'
import { LIMIT_KEYS, limitsSchema } from '../../src/protocol/limits.ts'
import { FREE_RATES, RATE_KEYS, ratesSchema } from '../../src/protocol/price.ts'
import { pricedReceipt, RATES, unsignedReceipt } from '../fixtures/receipts.ts'

const { EIP712Domain: _, ...messageTypes } = TYPED_STRUCTS
const types = structuredClone(messageTypes) as unknown as Record<string, TypedDataField[]>
const ALL_DETAILS = Object.fromEntries(USAGE_DETAILS.map((detail, index) => [detail, index]))
const { Task } = types
assert(Task !== undefined)

/** What ethers, which shares no code with ours, makes of the same message. */
const oracle = (struct: 'Task' | 'Receipt', value: unknown, chainId: number): string =>
  TypedDataEncoder.hash(
    { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId },
    struct === 'Task' ? { Task } : types,
    value as Record<string, unknown>,
  )

describe('typed data', () => {
  const receipt = unsignedReceipt()

  it('has the type strings of EIP-712', () => {
    assert.equal(
      encodeType({ structs: TYPED_STRUCTS, name: 'Task' }),
      'Task(bytes32 specDigest,address requester,address provider,bytes32 nonce,uint64 expiryMs,uint256 maxPriceWei)',
    )
    assert.equal(
      encodeType({ structs: TYPED_STRUCTS, name: 'Receipt' }),
      TypedDataEncoder.from(types).encodeType('Receipt'),
    )
  })

  it('has one hash for ever', () => {
    // Not what ethers says but what was once signed: a receipt of last year has to verify.
    assert.equal(taskIdOf(receipt.authorization), '0xeeaf17c919c39fc8eb7d8af7220930f205163f7a90ed83950ec8535ee45d1f67')
    assert.equal(receiptHashOf(receipt), '0xc95e9099c2a4440d84f05cc9cd7183d56eab1150b9b0f3c6a2b0cf29387ff77e')
  })

  it('hashes what was counted before there was fuel as it did then', () => {
    const usage = { ...receipt.usage, userTimeMs: 60, pidsPeak: 3, overshootMs: 0 }
    assert.equal(
      receiptHashOf({ ...receipt, usage }),
      '0x7b2070dac0cb532c2bb589ef4209cfa75fc6a76f63f602d8c0e918c7d26489e6',
    )
  })

  it('hashes as ethers does', () => {
    const { chainId } = receipt.authorization
    assert.equal(taskIdOf(receipt.authorization), oracle('Task', typedTask(receipt.authorization), chainId))
    assert.equal(receiptHashOf(receipt), oracle('Receipt', typedReceipt(receipt), chainId))
  })

  it('hashes what only some runtimes count, where it is there, as ethers does', () => {
    const [counted, metered] = [{ pidsPeak: 3, overshootMs: 0 }, { fuelUsed: 7 }]
    for (const [details, last] of [
      [counted, 'overshootMs'],
      [metered, 'fuelUsed'],
      [{ ...counted, ...metered }, 'fuelUsed'],
    ] as const) {
      const detailed = { ...receipt, usage: { ...receipt.usage, ...details } }
      const { EIP712Domain: _domain, ...detailedTypes } = structsOf(detailed)
      assert.equal(detailedTypes['Usage']?.at(-1)?.name, last)
      assert.equal(
        receiptHashOf(detailed),
        TypedDataEncoder.hash(
          { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId: receipt.authorization.chainId },
          structuredClone(detailedTypes) as unknown as Record<string, TypedDataField[]>,
          typedReceipt(detailed) as Record<string, unknown>,
        ),
      )
    }
    assert.equal(structsOf(receipt), TYPED_STRUCTS)
    const usages = [{}, ALL_DETAILS, ...USAGE_DETAILS.flatMap((detail) => [0, 1].map((value) => ({ [detail]: value })))]
    const hashes = usages.map((details) => receiptHashOf({ ...receipt, usage: { ...receipt.usage, ...details } }))
    assert.equal(new Set(hashes).size, usages.length)
  })

  it('hashes the GPUs that a task had, where it had some, as ethers does', () => {
    const { chainId } = receipt.authorization
    const given = { ...receipt, limits: { ...receipt.limits, gpus: 2 } }
    for (const usage of [{}, { pidsPeak: 3 }, { fuelUsed: 7 }]) {
      const each = { ...given, usage: { ...receipt.usage, ...usage } }
      const { EIP712Domain: _domain, ...longTypes } = structsOf(each)
      assert.equal(longTypes['Limits']?.at(-1)?.name, 'gpus')
      assert.equal(
        receiptHashOf(each),
        TypedDataEncoder.hash(
          { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId },
          structuredClone(longTypes) as unknown as Record<string, TypedDataField[]>,
          typedReceipt(each) as Record<string, unknown>,
        ),
      )
    }
  })

  it('hashes the terms of a receipt that has some, in every form, as ethers does', () => {
    const { chainId } = receipt.authorization
    const priced = pricedReceipt()
    const hashes: string[] = []
    for (const terms of [
      { rates: RATES },
      { rates: RATES, cached: true },
      { rates: FREE_RATES, cached: true },
    ] as const) {
      for (const usage of [{}, { pidsPeak: 3 }, { fuelUsed: 7 }]) {
        for (const limits of [{}, { gpus: 2 }]) {
          const each = {
            ...priced,
            terms,
            usage: { ...receipt.usage, ...usage },
            limits: { ...receipt.limits, ...limits },
          }
          const { EIP712Domain: _domain, ...longTypes } = structsOf(each)
          assert.equal(longTypes['Receipt']?.at(-1)?.name, 'terms')
          hashes.push(receiptHashOf(each))
          assert.equal(
            hashes.at(-1),
            TypedDataEncoder.hash(
              { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId },
              structuredClone(longTypes) as unknown as Record<string, TypedDataField[]>,
              typedReceipt(each) as Record<string, unknown>,
            ),
          )
        }
      }
    }
    assert.equal(new Set(hashes).size, 18)
    for (const key of RATE_KEYS) hashes.push(receiptHashOf({ ...priced, terms: { rates: { ...RATES, [key]: '7' } } }))
    assert.equal(new Set(hashes).size, 18 + RATE_KEYS.length)
    assert.deepEqual(Object.keys(ratesSchema.shape), [...RATE_KEYS])
  })

  it('knows all that is counted of a run', () => {
    const counted = ['wallTimeMs', 'cpuTimeMs', 'memoryPeakBytes', 'outputBytes', 'limitsHit', ...USAGE_DETAILS]
    assert.deepEqual(Object.keys(usageSchema.shape), counted)
  })

  it('hashes a list of nothing as ethers does', () => {
    const bare = { ...receipt, outputs: [], limits: {}, isolation: { ...receipt.isolation, layers: [], missing: [] } }
    assert.equal(receiptHashOf(bare), oracle('Receipt', typedReceipt(bare), receipt.authorization.chainId))
  })

  it('knows every limit there is', () => {
    assert.deepEqual(Object.keys(limitsSchema.unwrap().shape).sort(), [...LIMIT_KEYS].sort())
    for (const key of LIMIT_KEYS) {
      const { [key]: before, ...others } = receipt.limits
      const hashes = [undefined, 1, 2].map((value) =>
        receiptHashOf({ ...receipt, limits: value === undefined ? others : { ...others, [key]: value } }),
      )
      assert.equal(new Set(hashes).size, 3, `${key}, which is ${before}`)
    }
  })

  it('binds a task to its chain', () => {
    const ids = [0, 1, 31_337].map((chainId) => taskIdOf({ ...receipt.authorization, chainId }))
    assert.equal(new Set(ids).size, 3)
  })

  it('hashes the largest amount there is, and none that wraps around', () => {
    const largest = (1n << 256n) - 1n
    const authorization = { ...receipt.authorization, maxPriceWei: String(largest) }
    assert.equal(taskIdOf(authorization), oracle('Task', typedTask(authorization), authorization.chainId))
    const tooMuch = { ...authorization, maxPriceWei: String(largest + 1n) }
    assert.throws(
      () => taskIdOf(tooMuch),
      (thrown) => {
        assert(isSoukError(thrown, 'INVALID_INPUT'))
        assert.deepEqual(thrown.details.issues, [{ path: 'maxPriceWei', message: 'is out of range' }])
        return true
      },
    )
  })

  it('refuses text whose UTF-8 form is not its own', () => {
    const [output] = receipt.outputs
    const broken = { ...receipt, outputs: [{ ...output, path: '/out/\ud800' } as (typeof receipt.outputs)[number]] }
    assert.throws(
      () => receiptHashOf(broken),
      (thrown) => {
        assert(isSoukError(thrown, 'INVALID_INPUT'))
        assert.deepEqual(thrown.details.issues, [{ path: 'outputs.0.path', message: 'is not well-formed Unicode' }])
        return true
      },
    )
  })
})
