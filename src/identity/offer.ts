import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  MAX_OFFER_LIFETIME_MS,
  OFFER_CLOCK_SKEW_MS,
  offerDocumentSchema,
  type OfferDocument,
  type SignedOffer,
} from '../protocol/offer-document.ts'
import { WIRE_BOUNDS } from '../protocol/wire-bounds.ts'
import { bytesOfJson, checked, jsonOfBytes, protocolError } from '../protocol/wire-fields.ts'
import { structHasher, typedDataDigest } from './eip712.ts'
import type { Key } from './key-file.ts'
import { addressOfPeerId } from './peer-id.ts'
import { signDigest } from './sign.ts'
import { DOMAIN_NAME, DOMAIN_VERSION, TYPED_STRUCTS } from './typed-data.ts'
import { recoverSigner } from './verify.ts'

/** What is signed of an offer: the sha256 of its bytes, so that nothing in it is ever encoded a second time. */
const OFFER_STRUCTS = {
  EIP712Domain: TYPED_STRUCTS.EIP712Domain,
  Offer: [{ name: 'digest', type: 'bytes32' }],
} as const
const hashDomain = structHasher({ structs: OFFER_STRUCTS, name: 'EIP712Domain' })
const hashOffer = structHasher({ structs: OFFER_STRUCTS, name: 'Offer' })

/**
 * Serialises and signs an offer as its provider.
 * @throws SoukError PROTOCOL_ERROR where it is larger than an offer may be
 */
export function signOffer({ offer, key }: { readonly offer: OfferDocument; readonly key: Key }): SignedOffer {
  const bytes = bytesOfJson('offer', offer, WIRE_BOUNDS.offerBytes)
  return { bytes, signature: signDigest({ digest: digestOf(bytes, offer.chainId), key }) }
}

/** An offer that was checked, with what was signed. */
export interface CheckedOffer {
  readonly offer: OfferDocument
  readonly signed: SignedOffer
}

/**
 * An offer that is what its provider signed; whether it stands now is {@link standsAt}'s to say.
 * @throws SoukError PROTOCOL_ERROR where it never was one: too large, another shape, a signature that is not its
 *   provider's, a peer id or an address of another key, a lifetime that no offer has
 */
export function checkOffer(signed: SignedOffer): CheckedOffer {
  const { bytes, signature } = signed
  const offer = checked('offer', offerDocumentSchema, jsonOfBytes('offer', bytes, WIRE_BOUNDS.offerBytes))
  const { provider, peerId, issuedAtMs, expiryMs } = offer
  if (addressOfPeerId(peerId) !== provider) throw protocolError("offer.peerId is not of the provider's key")
  if (!offer.multiaddrs.every((multiaddr) => multiaddr.endsWith(`/p2p/${peerId}`)))
    throw protocolError('offer.multiaddrs has an address that is not of its peer')
  if (expiryMs <= issuedAtMs || expiryMs - issuedAtMs > MAX_OFFER_LIFETIME_MS)
    throw protocolError(`offer.expiryMs is not within ${MAX_OFFER_LIFETIME_MS} ms after issuedAtMs`)
  if (recoverSigner({ digest: digestOf(bytes, offer.chainId), signature }) !== provider)
    throw protocolError("the offer's signature is not its provider's")
  return { offer, signed }
}

/** Whether an offer is issued, as far as clocks agree, and has not expired. */
export function standsAt(offer: Pick<OfferDocument, 'issuedAtMs' | 'expiryMs'>, nowMs: number): boolean {
  return offer.expiryMs > nowMs && offer.issuedAtMs <= nowMs + OFFER_CLOCK_SKEW_MS
}

function digestOf(bytes: Uint8Array, chainId: number): string {
  const digest = `0x${createHash('sha256').update(bytes).digest('hex')}`
  const domain = hashDomain({ name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId })
  return `0x${Buffer.from(typedDataDigest({ domain, struct: hashOffer({ digest }) })).toString('hex')}`
}
