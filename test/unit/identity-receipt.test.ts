import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Key } from '../../src/identity/key-file.ts'
import { signReceipt, verifyReceipt } from '../../src/identity/receipt.ts'
import { signDigest } from '../../src/identity/sign.ts'
import { receiptHashOf, taskIdOf } from '../../src/identity/typed-data.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { ANY_PROVIDER, type Authorization, type Receipt, type UnsignedReceipt } from '../../src/protocol/receipt.ts'
import { decodeStreams, encodeStreams } from '../../src/protocol/run-document.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import {
  digestOf,
  keyOf,
  pricedReceipt,
  providerKey,
  RATES,
  runDocument,
  signedReceipt,
  unsignedReceipt,
} from '../fixtures/receipts.ts'

const refusedFor =
  (...expected: RegExp[]) =>
  (thrown: unknown): boolean => {
    assert(isSoukError(thrown, 'RECEIPT_INVALID'), String(thrown))
    const { reasons } = thrown.details
    for (const reason of expected)
      assert(
        reasons.some((given) => reason.test(given)),
        `${reason} in ${reasons.join('; ')}`,
      )
    return true
  }

/** A receipt signed whatever it says, as a dishonest provider can. */
const signAnyway = (receipt: UnsignedReceipt, key: Key = providerKey): Receipt => ({
  ...receipt,
  signature: signDigest({ digest: receiptHashOf(receipt), key }),
})
const withAuthorization = (change: Partial<Authorization>): UnsignedReceipt => {
  const receipt = unsignedReceipt()
  const authorization = { ...receipt.authorization, ...change }
  return { ...receipt, authorization, taskId: taskIdOf(authorization) }
}

describe('a receipt', () => {
  it('verifies after a trip through JSON', () => {
    const receipt = signedReceipt()
    assert.deepEqual(verifyReceipt(JSON.parse(JSON.stringify(receipt))), receipt)
  })

  it('for any provider verifies where it is free', () => {
    const receipt = { ...withAuthorization({ provider: ANY_PROVIDER, maxPriceWei: '0' }), priceWei: '0' }
    assert.deepEqual(verifyReceipt(signReceipt({ receipt, key: providerKey })).provider, providerKey.address)
  })

  it('verifies with terms at what they come to, at less, and at less than that out of a cache', () => {
    const priced = pricedReceipt()
    // 500 to start with, 80 ms of CPU 400, 120 ms of 10^6 bytes 1, 13 + 7 bytes of output 19.
    for (const receipt of [
      { ...priced, priceWei: '920' },
      priced,
      { ...priced, priceWei: '90', terms: { rates: RATES, cached: true as const } },
      { ...priced, priceWei: '0', terms: { rates: FREE_RATES, cached: true as const } },
    ])
      assert.deepEqual(verifyReceipt(signReceipt({ receipt, key: providerKey })).terms, receipt.terms)
  })

  const base = unsignedReceipt()
  const { timings, usage } = base
  const dishonest: readonly (readonly [string, UnsignedReceipt, RegExp])[] = [
    ['another task id', { ...base, taskId: `0x${'00'.repeat(32)}` }, /taskId/],
    ['a price above the most allowed', { ...base, priceWei: '1001' }, /priceWei/],
    ['a price above what its rates come to', { ...pricedReceipt(), priceWei: '921' }, /more than the 920/],
    ['terms without a rate', { ...base, terms: { rates: FREE_RATES } }, /no rate but 0/],
    ['an authorization for another provider', withAuthorization({ provider: keyOf(9).address }), /provider/],
    ['an authorization for any provider that is not free', withAuthorization({ provider: ANY_PROVIDER }), /not free/],
    [
      'a start before acceptance',
      { ...base, timings: { ...timings, startedAtMs: timings.acceptedAtMs - 1 } },
      /started before/,
    ],
    [
      'an end before the start',
      { ...base, timings: { ...timings, finishedAtMs: timings.startedAtMs - 1 } },
      /finished before/,
    ],
    ['a limit hit twice', { ...base, usage: { ...usage, limitsHit: ['disk', 'memory', 'disk'] } }, /twice/],
  ]
  for (const [what, receipt, reason] of dishonest) {
    it(`is refused with ${what}, signed or not`, () => {
      assert.throws(() => verifyReceipt(signAnyway(receipt)), refusedFor(reason))
      assert.throws(
        () => signReceipt({ receipt, key: providerKey }),
        (thrown) => isSoukError(thrown, 'INTERNAL') && reason.test(thrown.details.reason),
      )
    })
  }

  it('is refused with every reason at once', () => {
    const receipt = {
      ...base,
      priceWei: '1001',
      usage: { ...usage, limitsHit: ['disk', 'disk'] as const },
      signature: signedReceipt().signature,
    }
    assert.throws(() => verifyReceipt(receipt), refusedFor(/priceWei/, /twice/, /signature/))
    assert.throws(
      () => verifyReceipt({ ...receipt, priceWei: '-1', attempts: 0, more: 1 }),
      refusedFor(/priceWei/, /attempts/, /more/),
    )
  })

  it('is refused with the signature of another key, and not signed by one', () => {
    assert.throws(() => verifyReceipt(signAnyway(base, keyOf(9))), refusedFor(/not by provider/))
    assert.throws(
      () => signReceipt({ receipt: base, key: keyOf(9) }),
      (thrown) => isSoukError(thrown, 'INTERNAL'),
    )
  })

  it('is refused with amounts that no contract can hold', () => {
    const receipt = { ...signedReceipt(), priceWei: '9'.repeat(78) }
    assert.throws(() => verifyReceipt(receipt), refusedFor(/no hash/))
  })

  it('is refused with values that JSON cannot tell apart', () => {
    const receipt = signedReceipt({ stdout: new Uint8Array(0), stderr: new Uint8Array(0) })
    verifyReceipt(receipt)
    assert.throws(
      () => verifyReceipt({ ...receipt, stdout: { ...receipt.stdout, bytes: -0 } }),
      refusedFor(/stdout.bytes is -0/),
    )
    assert.throws(
      () => verifyReceipt({ ...receipt, limits: { ...receipt.limits, fuel: undefined } }),
      refusedFor(/limits.fuel is undefined/),
    )
    assert.throws(
      () => verifyReceipt({ ...receipt, outputs: [{ path: '\udfff', ...receipt.stdout }] }),
      refusedFor(/outputs.0.path is not well-formed/),
    )
    assert.throws(() => verifyReceipt(Object.create(receipt)), refusedFor(/no plain object/))
    assert.throws(() => verifyReceipt({ ...receipt, [Symbol('more')]: 1 }), refusedFor(/no plain object/))
    assert.throws(
      () =>
        verifyReceipt({
          ...receipt,
          isolation: { ...receipt.isolation, layers: Object.assign([...receipt.isolation.layers], { more: 1 }) },
        }),
      refusedFor(/no plain object/),
    )
    assert.throws(
      () => verifyReceipt(JSON.parse(JSON.stringify(receipt).replace('{', '{"__proto__":{"more":1},'))),
      refusedFor(/./),
    )
  })

  for (const nothing of [undefined, null, 0, '', 'receipt', [], {}, true, () => 1]) {
    it(`is not ${typeof nothing === 'function' ? 'a function' : JSON.stringify(nothing)}`, () => {
      assert.throws(() => verifyReceipt(nothing), refusedFor(/./))
      assert.throws(() => verifyDocument(nothing), refusedFor(/./))
    })
  }

  it('survives nesting that would overflow a stack', () => {
    let deep: unknown = 1
    for (let depth = 0; depth < 200_000; depth++) deep = [deep]
    assert.throws(() => verifyReceipt({ ...signedReceipt(), deep }), refusedFor(/deep/))
  })
})

describe('the document of a run', () => {
  it('verifies after a trip through JSON, as does a bare receipt', () => {
    const document = runDocument()
    assert.deepEqual(verifyDocument(JSON.parse(JSON.stringify(document))), { receipt: document.receipt, document })
    assert.deepEqual(verifyDocument(document.receipt), { receipt: document.receipt })
  })

  it('verifies with output of any bytes', () => {
    const binary = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    for (const stdout of [binary, Buffer.from('\ufeffwith a mark'), Buffer.from('\0'), new Uint8Array(0)]) {
      const document = runDocument({ stdout, stderr: Buffer.from('text') })
      assert.equal(document.encoding, stdout === binary ? 'base64' : 'utf8')
      assert.deepEqual(verifyDocument(document).document, document)
    }
  })

  it('is refused where output says the same in another form', () => {
    const empty = runDocument({ stdout: new Uint8Array(0), stderr: new Uint8Array(0) })
    assert.throws(() => verifyDocument({ ...empty, encoding: 'base64' }), refusedFor(/base64/))
    const binary = runDocument({ stdout: Uint8Array.of(0xff), stderr: new Uint8Array(0) })
    assert.equal(binary.stdout, '/w==')
    for (const stdout of ['/w', '/w=', '/x==', '/w==\n', ' /w==', '_w==', '/w===']) {
      assert.throws(() => verifyDocument({ ...binary, stdout }), refusedFor(/base64/))
    }
  })

  const document = runDocument()
  const { receipt } = document
  for (const [what, changed, reason] of [
    ['another stdout', { ...document, stdout: '13 ./bøk.txt\n' }, /stdout does not/],
    ['stderr that was not there', { ...document, stderr: 'x' }, /stderr does not/],
    ['another name', { ...document, name: 'word-count-2' }, /name is not/],
    ['another runtime', { ...document, runtime: 'native' }, /runtime is not/],
    ['another provider', { ...document, provider: keyOf(9).address }, /provider is not/],
    ['another task id', { ...document, task: `0x${'00'.repeat(32)}` }, /task is not/],
    ['a spec with a space more', { ...document, spec: `${document.spec} ` }, /spec does not/],
    ['a spec that is none', { ...document, spec: '{' }, /spec is not a task/],
    ['outputs in another order', { ...document, outputs: document.outputs.toReversed() }, /outputs is not/],
    ['a receipt that does not verify', { ...document, attempts: 2, receipt: { ...receipt, attempts: 2 } }, /./],
    ['a key more', { ...document, more: 1 }, /more/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => verifyDocument(changed), refusedFor(reason))
    })
  }

  it('is refused where the provider signed for a runtime that the task does not allow', () => {
    const other = signAnyway({ ...unsignedReceipt(), isolation: { ...receipt.isolation, runtime: 'native' } })
    assert.throws(
      () => verifyDocument({ ...document, runtime: 'native', isolation: other.isolation, receipt: other }),
      refusedFor(/not one that spec allows/),
    )
  })
})

describe('output in a document', () => {
  it('comes back as it was', () => {
    for (const streams of [
      { stdout: Buffer.from('grüße\n'), stderr: Buffer.from('\ufeff') },
      { stdout: Buffer.from('text'), stderr: Uint8Array.of(0xc3) },
      { stdout: Buffer.from([0xed, 0xa0, 0x80]), stderr: Buffer.alloc(0) },
    ]) {
      const decoded = decodeStreams(encodeStreams(streams))
      assert(decoded !== undefined)
      assert.deepEqual(
        { stdout: digestOf(decoded.stdout), stderr: digestOf(decoded.stderr) },
        { stdout: digestOf(streams.stdout), stderr: digestOf(streams.stderr) },
      )
    }
  })

  it('is hashed as bytes', () => {
    assert.equal(signedReceipt().stdout.sha256, createHash('sha256').update('12 ./bøk.txt\n').digest('hex'))
  })
})
