import assert from 'node:assert/strict'
import { Wallet, TypedDataEncoder, sha256, verifyTypedData } from 'ethers'
import { addressOfPeerId } from '../../src/identity/peer-id.ts'
import { checkOffer, signOffer, standsAt } from '../../src/identity/offer.ts'
import { capabilitiesOf, capabilityToSearch, offersWhat } from '../../src/protocol/offer-document.ts'
import { offerOf, peerIdOf, signedOffer, wasmOffered } from '../fixtures/offers.ts'
import { keyOf } from '../fixtures/receipts.ts'

const key = keyOf(7)
const other = keyOf(8)
const nowMs = 1_800_000_000_000

describe('signed offers', () => {
  it('verify with ethers as EIP-712 over the sha256 of their bytes', () => {
    const { bytes, signature } = signedOffer({ key, nowMs, chainId: 31_337 })
    const signer = verifyTypedData(
      { name: 'souk', version: '1', chainId: 31_337 },
      { Offer: [{ name: 'digest', type: 'bytes32' }] },
      { digest: sha256(bytes) },
      signature,
    )
    assert.equal(signer.toLowerCase(), key.address)
    assert.equal(TypedDataEncoder.from({ Offer: [{ name: 'digest', type: 'bytes32' }] }).primaryType, 'Offer')
  })

  it('are checked as their provider signed them', () => {
    const signed = signedOffer({ key, nowMs })
    assert.deepEqual(checkOffer(signed).offer, offerOf({ key, nowMs }))
    const changed = new TextEncoder().encode(
      new TextDecoder().decode(signed.bytes).replace('deterministic', 'deterministiC'),
    )
    for (const [what, bad] of Object.entries({
      changed: { ...signed, bytes: changed },
      'of another signer': signOffer({ offer: offerOf({ key, nowMs }), key: other }),
      'of another chain': { ...signedOffer({ key, nowMs, chainId: 1 }), bytes: signed.bytes },
      "with another's peer id": signedOffer({ key, nowMs, peerId: peerIdOf(other) }),
      "with another's address": signedOffer({
        key,
        nowMs,
        multiaddrs: [`/ip4/127.0.0.1/tcp/1/p2p/${peerIdOf(other)}`],
      }),
      'that stands too long': signedOffer({ key, nowMs, expiryMs: nowMs + 600_001 }),
      'that never stood': signedOffer({ key, nowMs, expiryMs: nowMs }),
      'of another version': signedOffer({ key, nowMs, version: 2 as 1 }),
      'with no runtime': signedOffer({ key, nowMs, runtimes: [] }),
      'that is no JSON': { ...signed, bytes: Uint8Array.of(0xff, 0xfe) },
    }))
      assert.throws(() => checkOffer(bad), { code: 'PROTOCOL_ERROR' }, what)
  })

  it('stand from when they are issued, as far as clocks agree, until they expire', () => {
    const offer = offerOf({ key, nowMs })
    assert(standsAt(offer, nowMs) && standsAt(offer, nowMs - 60_000) && standsAt(offer, nowMs + 599_999))
    assert(!standsAt(offer, nowMs - 60_001) && !standsAt(offer, nowMs + 600_000))
  })

  it('are no larger than a message of the topic', () => {
    const features = Array.from({ length: 64 }, (_, index) => `mount:${'x'.repeat(80)}${index}`)
    const runtimes = (['wasm', 'native', 'docker'] as const).map((runtime) => ({ ...wasmOffered, runtime, features }))
    assert.throws(() => signedOffer({ key, nowMs, runtimes }), { code: 'PROTOCOL_ERROR' })
  })
})

describe('peer ids', () => {
  it('name the address of their key, for 200 keys', () => {
    for (let number = 1; number <= 200; number += 1) {
      const each = keyOf(number * 7919)
      assert.equal(addressOfPeerId(peerIdOf(each)), each.address)
    }
  })

  it('of other kinds, or of nothing, name none', () => {
    const good = peerIdOf(key)
    for (const text of [
      '',
      '1',
      good.slice(1),
      `${good}1`,
      `1${good}`,
      good.slice(0, -1),
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
      Wallet.createRandom().address,
      'z'.repeat(10_000),
    ])
      assert.equal(addressOfPeerId(text), undefined, text)
  })
})

describe('what is looked for', () => {
  const docker = {
    ...wasmOffered,
    runtime: 'docker' as const,
    features: ['archive', 'mount:data'],
    classes: ['runsc'],
    caps: { gpus: 2 },
  }
  it('is one runtime with all of it', () => {
    const offer = { runtimes: [wasmOffered, docker] }
    assert(
      offersWhat(offer, {}) && offersWhat(offer, { runtime: 'docker', features: ['class:runsc', 'gpu', 'mount:data'] }),
    )
    assert(
      !offersWhat(offer, { runtime: 'docker', features: ['deterministic'] }) &&
        !offersWhat(offer, { features: ['deterministic', 'gpu'] }),
    )
    assert(!offersWhat(offer, { runtime: 'native' }))
  })

  it("has names in the DHT, but for what is an operator's own", () => {
    assert.deepEqual(capabilitiesOf([wasmOffered, docker]), [
      'wasm',
      'wasm-deterministic',
      'docker',
      'docker-archive',
      'docker-runsc',
      'docker-gpu',
    ])
    assert.equal(capabilityToSearch({ runtime: 'docker', features: ['gpu', 'mount:data'] }), 'docker-gpu')
    assert.equal(capabilityToSearch({ runtime: 'wasm' }), 'wasm')
    assert.equal(capabilityToSearch({}), undefined)
  })
})
