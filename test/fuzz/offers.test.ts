import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checkOffer } from '../../src/identity/offer.ts'
import { addressOfPeerId } from '../../src/identity/peer-id.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { RUNTIME_NAMES } from '../../src/protocol/execution.ts'
import {
  decodeOffersAnswer,
  decodeOffersRequest,
  decodeSignedOffer,
  encodeOffersAnswer,
  encodeOffersRequest,
  encodeSignedOffer,
} from '../../src/protocol/wire-offers.ts'
import { offerOf, signedOffer } from '../fixtures/offers.ts'
import { keyOf } from '../fixtures/receipts.ts'

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((data) => `0x${Buffer.from(data).toString('hex')}`)
const someSignature = fc.tuple(hex(64), fc.constantFrom('1b', '1c', '00', 'ff')).map(([rs, v]) => `${rs}${v}`)
const someOffer = fc.record({ bytes: fc.uint8Array({ maxLength: 2000 }), signature: someSignature })
const nowMs = 1_800_000_000_000
const good = signedOffer({ key: keyOf(7), nowMs })

/** It works, or fails as the protocol says. */
function eitherWay(work: () => unknown): void {
  try {
    work()
  } catch (thrown) {
    assert(isSoukError(thrown, 'PROTOCOL_ERROR'), String(thrown))
  }
}

describe('offers, fuzzed', function () {
  this.timeout(120_000)

  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(someOffer, (offer) => {
        const { bytes, signature } = decodeSignedOffer(encodeSignedOffer(offer))
        assert.deepEqual([Buffer.from(bytes), signature], [Buffer.from(offer.bytes), offer.signature])
      }),
    )
    const query = fc.record(
      {
        runtime: fc.constantFrom(...RUNTIME_NAMES),
        features: fc.array(fc.string({ maxLength: 50 }), { maxLength: 16 }),
        provider: hex(20),
        after: hex(20),
      },
      { requiredKeys: ['features'] },
    )
    fc.assert(
      fc.property(query, (each) =>
        assert.deepEqual(
          decodeOffersRequest(encodeOffersRequest(each)),
          JSON.parse(JSON.stringify({ ...each, features: each.features.map((text) => text.toWellFormed()) })),
        ),
      ),
    )
    fc.assert(
      fc.property(fc.array(someOffer, { minLength: 1, maxLength: 16 }), fc.boolean(), (offers, more) => {
        const answer = decodeOffersAnswer(encodeOffersAnswer({ kind: 'page', offers, more }))
        assert(answer.kind === 'page' && answer.more === more && answer.offers.length === offers.length)
      }),
    )
  })

  it('of any bytes at all are decoded or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
        eitherWay(() => decodeSignedOffer(bytes))
        eitherWay(() => decodeOffersRequest(bytes))
        eitherWay(() => decodeOffersAnswer(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('with any bytes changed are checked or refused, and none passes as signed', () => {
    fc.assert(
      fc.property(fc.nat(good.bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(good.bytes)
        bytes[at] = (bytes[at] ?? 0) ^ change
        assert.throws(() => checkOffer({ ...good, bytes }), { code: 'PROTOCOL_ERROR' })
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(someSignature, (signature) =>
        assert.throws(() => checkOffer({ ...good, signature }), { code: 'PROTOCOL_ERROR' }),
      ),
    )
  })

  it('of any JSON are refused, signed or not', () => {
    const fields = Object.keys(offerOf({ key: keyOf(7), nowMs }))
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
        const offer = { ...offerOf({ key: keyOf(7), nowMs }), [field]: value }
        eitherWay(() => checkOffer(signedOffer({ key: keyOf(7), nowMs, ...offer, chainId: 0 })))
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.throws(() => checkOffer({ ...good, bytes: new TextEncoder().encode(JSON.stringify(value)) }), {
          code: 'PROTOCOL_ERROR',
        })
      }),
    )
  })

  it('name peers whose ids are any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => assert.equal(addressOfPeerId(text), undefined)))
    fc.assert(
      fc.property(fc.stringMatching(/^16Uiu2HA[1-9A-HJ-NP-Za-km-z]{45}$/), (text) => {
        const address = addressOfPeerId(text)
        assert(address === undefined || /^0x[0-9a-f]{40}$/.test(address))
      }),
    )
  })
})
