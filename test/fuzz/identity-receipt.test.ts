import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TypedDataEncoder, type TypedDataField } from 'ethers/hash'
import { signReceipt, verifyReceipt } from '../../src/identity/receipt.ts'
import { receiptHashOf, structsOf, taskIdOf, typedReceipt } from '../../src/identity/typed-data.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { recoverSigner } from '../../src/identity/verify.ts'
import { OUTPUT_ERROR_CODES, RUNTIME_NAMES, TRAP_NAMES, USAGE_DETAILS } from '../../src/protocol/execution.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { LIMIT_KEYS, LIMIT_NAMES } from '../../src/protocol/limits.ts'
import { receiptSchema, type UnsignedReceipt } from '../../src/protocol/receipt.ts'
import { chargedUsageOf, isFree, priceOf, RATE_KEYS, type Rates } from '../../src/protocol/price.ts'
import { keyOf, pricedReceipt, providerKey, runDocument, signedReceipt, unsignedReceipt } from '../fixtures/receipts.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** The types of a message in the form that ethers takes. */
function typesOf(receipt: UnsignedReceipt): Record<string, TypedDataField[]> {
  const { EIP712Domain: _, ...messageTypes } = structsOf(receipt)
  return structuredClone(messageTypes) as unknown as Record<string, TypedDataField[]>
}

const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength })
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16)),
    minLength: digits,
    maxLength: digits,
  })
const count = fc.maxSafeNat()
const stream = fc.record({ sha256: hex(64), bytes: count })
const wei = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }).map(String)
const limits = fc.record(
  Object.fromEntries(
    LIMIT_KEYS.map((key) => [
      key,
      key === 'cpuCores'
        ? fc.double({ min: 0, minExcluded: true, max: 4096, noNaN: true })
        : fc.integer({ min: 1, max: key === 'gpus' ? 64 : 10_000 }),
    ]),
  ),
  { requiredKeys: [] },
)

/** What a receipt with these terms, where there are any to be said, may cost at most. */
function priced({
  terms,
  maxPriceWei,
  ...used
}: Pick<UnsignedReceipt, 'usage' | 'limits' | 'outputs'> & {
  readonly terms: UnsignedReceipt['terms']
  readonly maxPriceWei: string
}): Pick<UnsignedReceipt, 'priceWei' | 'terms'> {
  if (terms === undefined || (isFree(terms.rates) && terms.cached === undefined)) return { priceWei: maxPriceWei }
  const { totalWei } = priceOf({ rates: terms.rates, usage: chargedUsageOf(used) })
  return { priceWei: String(totalWei < BigInt(maxPriceWei) ? totalWei : maxPriceWei), terms }
}

/** Any receipt that has the form of one, and does not contradict itself. */
const anyReceipt: fc.Arbitrary<UnsignedReceipt> = fc
  .record({
    specDigest: hex(64),
    requester: hex(40),
    nonce: hex(64),
    expiryMs: count,
    maxPriceWei: wei,
    chainId: count,
    attempts: fc.integer({ min: 1 }),
    outcome: fc.oneof(
      fc.record({ kind: fc.constant('exited' as const), code: fc.integer({ min: 0, max: 0xffff_ffff }) }),
      fc.record({ kind: fc.constant('killed' as const), signal: fc.constantFrom('SIGKILL', 'SIGSEGV', 'SIGRTMIN+3') }),
      fc.record({ kind: fc.constant('trapped' as const), trap: fc.constantFrom(...TRAP_NAMES) }),
      fc.record({ kind: fc.constant('limit' as const), limit: fc.constantFrom(...LIMIT_NAMES) }),
      fc.record({ kind: fc.constant('cancelled' as const) }),
    ),
    usage: fc.record(
      {
        wallTimeMs: count,
        cpuTimeMs: count,
        memoryPeakBytes: count,
        outputBytes: count,
        limitsHit: fc.uniqueArray(fc.constantFrom(...LIMIT_NAMES)),
        ...Object.fromEntries(USAGE_DETAILS.map((detail) => [detail, count])),
      },
      { requiredKeys: ['wallTimeMs', 'cpuTimeMs', 'memoryPeakBytes', 'outputBytes', 'limitsHit'] },
    ),
    limits,
    isolation: fc.record({
      runtime: fc.constantFrom(...RUNTIME_NAMES),
      engine: text(50),
      layers: fc.array(text(20), { maxLength: 5 }),
      missing: fc.array(text(20), { maxLength: 5 }),
      reuse: fc.constantFrom('none' as const, 'same-requester' as const),
    }),
    stdout: stream,
    stderr: stream,
    outputs: fc.array(
      fc.oneof(
        fc.record({ path: text(50), sha256: hex(64), bytes: count }),
        fc.record({
          path: text(50),
          error: fc.record({ code: fc.constantFrom(...OUTPUT_ERROR_CODES), message: text(50) }),
        }),
      ),
      { maxLength: 5 },
    ),
    terms: fc.option(
      fc.record(
        {
          rates: fc.record(Object.fromEntries(RATE_KEYS.map((key) => [key, wei])) as Record<keyof Rates, typeof wei>),
          cached: fc.constant(true as const),
        },
        { requiredKeys: ['rates'] },
      ),
      { nil: undefined },
    ),
    times: fc.tuple(count, count, count).map((times) => times.toSorted((a, b) => a - b)),
  })
  .map(({ specDigest, requester, nonce, expiryMs, maxPriceWei, chainId, times, terms, ...rest }) => {
    const authorization = {
      specDigest,
      requester: `0x${requester}`,
      provider: providerKey.address,
      nonce: `0x${nonce}`,
      expiryMs,
      maxPriceWei,
      chainId,
    }
    const [acceptedAtMs = 0, startedAtMs = 0, finishedAtMs = 0] = times
    return {
      version: 1 as const,
      taskId: taskIdOf(authorization),
      authorization,
      provider: providerKey.address,
      ...priced({ ...rest, terms, maxPriceWei }),
      ...rest,
      timings: { acceptedAtMs, startedAtMs, finishedAtMs },
    }
  })
  // Generated objects may have no prototype, which what JSON gives always has.
  .map((receipt) => JSON.parse(JSON.stringify(receipt)) as UnsignedReceipt)

/** Where a value is, from the root: keys and indices. */
type Path = readonly (string | number)[]

function* pathsOf(value: Json, path: Path = []): Generator<Path> {
  yield path
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Array.isArray(value) ? value.entries() : Object.entries(value))
    yield* pathsOf(member, [...path, key])
}

function at(value: Json, path: Path): Json {
  return path.reduce<Json>((inner, key) => (inner as Record<string | number, Json>)[key] as Json, value)
}

/** A copy of `document` in which what is at `path` has become `change(what was there)`. */
function changedAt(document: Json, path: Path, change: (value: Json) => Json): Json {
  const copy = { root: structuredClone(document) }
  const all: Path = ['root', ...path]
  const parent = at(copy, all.slice(0, -1)) as Record<string | number, Json>
  const key = all.at(-1) ?? 'root'
  parent[key] = change(parent[key] as Json)
  return copy.root
}

/** Every way to change one value: to others of its type, to other types; keys deleted, added, moved. */
function* changesOf(value: Json): Generator<Json> {
  for (const other of [null, true, 0, -1, 1, 2 ** 53, 1.5, '', '0', 'x', [], {}, [value], { value }]) yield other
  if (typeof value === 'number')
    for (const other of [value + 1, value - 1, -value, value * 2, value + 0.5, String(value)]) yield other
  if (typeof value === 'string') {
    for (const other of [
      `${value} `,
      ` ${value}`,
      `0${value}`,
      value.slice(1),
      value.slice(0, -1),
      value.toUpperCase(),
      `${value}\0`,
      `${value}\ud800`,
    ])
      yield other
    if (/^(0x)?[0-9a-f]+$/.test(value)) for (const digit of '0123456789abcdef') yield value.slice(0, -1) + digit
    // The other code of an enumeration, a lookalike of a name.
    for (const other of [
      'exited',
      'killed',
      'trapped',
      'limit',
      'cancelled',
      'wasm',
      'native',
      'none',
      'same-requester',
      'utf8',
      'base64',
      'memory',
      'SIGKILL',
      'TOO_MANY',
    ])
      yield other
  }
  if (Array.isArray(value)) {
    yield value.toReversed()
    yield [...value, null]
    for (let index = 0; index < value.length; index++) {
      yield value.toSpliced(index, 1)
      yield value.toSpliced(index, 0, value[index] as Json)
      yield [...value.slice(index), ...value.slice(0, index)]
    }
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, more: 0 }
    yield Object.assign(structuredClone(value), JSON.parse('{"toString": null}'))
    for (const key of [...LIMIT_KEYS, ...USAGE_DETAILS]) if (!(key in value)) yield { ...value, [key]: 1 }
    for (const [key, member] of Object.entries(value)) {
      const { [key]: gone, ...others } = value
      yield others
      yield { ...others, [`${key} `]: gone as Json }
      for (const other of Object.keys(others)) yield { ...value, [key]: others[other] as Json, [other]: member }
    }
  }
}

const refuses = (verify: (value: unknown) => unknown, value: Json): boolean => {
  try {
    verify(value)
    return false
  } catch (thrown) {
    return isSoukError(thrown, 'RECEIPT_INVALID') && thrown.details.reasons.length > 0
  }
}

function assertEveryChangeIsRefused(document: Json, verify: (value: unknown) => unknown): void {
  verify(document)
  let changes = 0
  const same = (one: Json, other: Json): boolean => {
    try {
      assert.deepStrictEqual(one, other)
      return true
    } catch {
      return false
    }
  }
  for (const path of pathsOf(document)) {
    const value = at(document, path)
    for (const other of changesOf(value)) {
      if (same(value, other)) continue
      changes++
      assert(
        refuses(
          verify,
          changedAt(document, path, () => other),
        ),
        `${path.join('.')} changed to ${JSON.stringify(other)} verifies`,
      )
    }
  }
  assert(changes > 1000)
}

describe('fuzz: receipts', () => {
  it('refuse every change of every value, key and order', () => {
    assertEveryChangeIsRefused(JSON.parse(JSON.stringify(signedReceipt())) as Json, verifyReceipt)
  }).timeout(120_000)

  it('refuse every change of what only some runtimes count', () => {
    const { usage, ...receipt } = unsignedReceipt()
    for (const details of [{ userTimeMs: 1, pidsPeak: 2, overshootMs: 0 }, { fuelUsed: 1 }]) {
      const detailed = signReceipt({ receipt: { ...receipt, usage: { ...usage, ...details } }, key: providerKey })
      assertEveryChangeIsRefused(JSON.parse(JSON.stringify(detailed)) as Json, verifyReceipt)
    }
  }).timeout(240_000)

  it('refuse every change of the terms', () => {
    const priced = signReceipt({ receipt: pricedReceipt(), key: providerKey })
    assertEveryChangeIsRefused(JSON.parse(JSON.stringify(priced)) as Json, verifyReceipt)
  }).timeout(240_000)

  it('refuse every change of the document around them', () => {
    assertEveryChangeIsRefused(JSON.parse(JSON.stringify(runDocument())) as Json, verifyDocument)
  }).timeout(240_000)

  it('verify whatever they say, hash as ethers does, and refuse one change anywhere', () => {
    fc.assert(
      fc.property(anyReceipt, fc.nat(), fc.jsonValue(), (receipt, where, replacement) => {
        receiptSchema.omit({ signature: true }).parse(receipt)
        const { chainId } = receipt.authorization
        assert.equal(
          receiptHashOf(receipt),
          TypedDataEncoder.hash(
            { name: 'souk', version: '1', chainId },
            typesOf(receipt),
            typedReceipt(receipt) as Record<string, unknown>,
          ),
        )
        const signed = signReceipt({ receipt, key: providerKey })
        assert.deepEqual(verifyReceipt(JSON.parse(JSON.stringify(signed))), signed)
        const document = structuredClone(signed) as unknown as Json
        const paths = [...pathsOf(document)]
        const path = paths[where % paths.length] ?? []
        const changed = changedAt(document, path, () => replacement as Json)
        if (JSON.stringify(changed) !== JSON.stringify(document)) assert(refuses(verifyReceipt, changed))
      }),
      { numRuns: 200 },
    )
  }).timeout(120_000)

  it('that differ have hashes that differ', () => {
    fc.assert(
      fc.property(
        anyReceipt,
        anyReceipt,
        fc.constantFrom(...(Object.keys(receiptSchema.shape) as (keyof UnsignedReceipt)[])),
        (receipt, other, key) => {
          const mixed = { ...receipt, [key]: other[key] }
          assert.equal(
            receiptHashOf(mixed) === receiptHashOf(receipt),
            JSON.stringify(mixed[key]) === JSON.stringify(receipt[key]),
          )
        },
      ),
      { numRuns: 500 },
    )
  }).timeout(60_000)

  it('are never made of arbitrary values', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withSparseArray: true, withObjectString: true, withNullPrototype: true }),
        (value) => {
          assert.throws(
            () => verifyReceipt(value),
            (thrown) => isSoukError(thrown, 'RECEIPT_INVALID'),
          )
          assert.throws(
            () => verifyDocument({ receipt: value }),
            (thrown) => isSoukError(thrown, 'RECEIPT_INVALID'),
          )
        },
      ),
    )
  })
})

describe('fuzz: signatures', () => {
  it('of arbitrary bytes never throw, and recover to nobody known', () => {
    const known = new Set([keyOf(1).address, keyOf(2).address])
    fc.assert(
      fc.property(
        fc.oneof(
          hex(130).map((digits) => `0x${digits}`),
          hex(128).map((digits) => `0x${digits}1b`),
          text(140),
        ),
        hex(64),
        (signature, digest) => {
          const signer = recoverSigner({ digest: `0x${digest}`, signature })
          assert(signer === undefined || (/^0x[0-9a-f]{40}$/.test(signer) && !known.has(signer)))
        },
      ),
      { numRuns: 1000 },
    )
  })
})
