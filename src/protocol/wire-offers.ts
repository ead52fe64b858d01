import type { SerialisedError } from './errors.ts'
import { RUNTIME_NAMES } from './execution.ts'
import { OffersRequest, OffersResponse, SignedOffer as SignedOfferMessage } from './messages.js'
import type { OfferFilter, SignedOffer } from './offer-document.ts'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { errorFromMessage, errorToMessage } from './wire-error.ts'
import { bytesOfHex, coding, hexOfBytes, oneOf, protocolError, required } from './wire-fields.ts'

/** What is asked of a peer's book, one page at a time. */
export interface OffersQuery extends OfferFilter {
  /** Only that provider's: its Ethereum address. */
  readonly provider?: string
  /** Only of providers whose address comes after this one. */
  readonly after?: string
}

export interface OfferPage {
  readonly offers: readonly SignedOffer[]
  readonly more: boolean
}

export type OffersAnswer =
  | ({ readonly kind: 'page' } & OfferPage)
  | { readonly kind: 'error'; readonly error: SerialisedError }

const MAX_FEATURES = 16
const MAX_FEATURE_CHARACTERS = 100

/**
 * Every encoder here throws SoukError PROTOCOL_ERROR where what it is given is beyond a bound of the wire, and
 * every decoder where the bytes are anything but a message within all bounds. What an offer says is not looked at.
 */
export function encodeSignedOffer(offer: SignedOffer): Uint8Array {
  return coding('offer', () => SignedOfferMessage.encode(toMessage(offer)))
}

export function decodeSignedOffer(bytes: Uint8Array): SignedOffer {
  return coding('offer', () => {
    bound('signed offer', bytes, WIRE_BOUNDS.signedOfferBytes)
    return fromMessage(SignedOfferMessage.decode(bytes))
  })
}

export function encodeOffersRequest({ runtime, features = [], provider, after }: OffersQuery): Uint8Array {
  return coding('offers request', () => {
    const bytes = OffersRequest.encode({
      runtime: runtime ?? '',
      features: [...features],
      provider: addressToBytes('provider', provider),
      after: addressToBytes('after', after),
    })
    bound('offers request', bytes, WIRE_BOUNDS.offersRequestFrameBytes)
    return bytes
  })
}

export function decodeOffersRequest(bytes: Uint8Array): OffersQuery {
  return coding('offers request', () => {
    bound('offers request', bytes, WIRE_BOUNDS.offersRequestFrameBytes)
    const message = OffersRequest.decode(bytes, { limits: { features: MAX_FEATURES } })
    const runtime = RUNTIME_NAMES.find((name) => name === message.runtime)
    if (runtime === undefined && message.runtime !== '') throw protocolError('offers request.runtime is none')
    if (message.features.some((feature) => feature.length > MAX_FEATURE_CHARACTERS))
      throw protocolError(`a feature has more than ${MAX_FEATURE_CHARACTERS} characters`)
    const provider = addressFromBytes('provider', message.provider)
    const after = addressFromBytes('after', message.after)
    return {
      features: message.features,
      ...(runtime !== undefined && { runtime }),
      ...(provider !== undefined && { provider }),
      ...(after !== undefined && { after }),
    }
  })
}

export function encodeOffersAnswer(answer: OffersAnswer): Uint8Array {
  return coding('offers answer', () =>
    OffersResponse.encode(
      answer.kind === 'error'
        ? { error: errorToMessage(answer.error) }
        : { page: { offers: answer.offers.map(toMessage), more: answer.more } },
    ),
  )
}

export function decodeOffersAnswer(bytes: Uint8Array): OffersAnswer {
  return coding('offers answer', () => {
    bound('offers answer', bytes, WIRE_BOUNDS.offersResponseFrameBytes)
    const limits = { page: { offers: WIRE_BOUNDS.offersPerPage } }
    const message = OffersResponse.decode(bytes, { limits })
    const kind = oneOf('offers answer', message, ['page', 'error'])
    if (kind === 'error') return { kind, error: errorFromMessage(required('error', message.error)) }
    const { offers, more } = required('page', message.page)
    if (more && offers.length === 0) throw protocolError('an empty page has more after it')
    return { kind, offers: offers.map(fromMessage), more }
  })
}

function toMessage({ bytes, signature }: SignedOffer): SignedOfferMessage {
  bound('offer', bytes, WIRE_BOUNDS.offerBytes)
  return { offer: bytes as Uint8Array<ArrayBuffer>, signature: bytesOfHex('signature', signature, 65) }
}

function fromMessage({ offer, signature }: SignedOfferMessage): SignedOffer {
  bound('offer', offer, WIRE_BOUNDS.offerBytes)
  return { bytes: offer, signature: hexOfBytes('signature', signature, 65) }
}

function addressToBytes(what: string, address: string | undefined): Uint8Array<ArrayBuffer> {
  return address === undefined ? new Uint8Array(0) : bytesOfHex(what, address, 20)
}

function addressFromBytes(what: string, bytes: Uint8Array): string | undefined {
  return bytes.byteLength === 0 ? undefined : hexOfBytes(what, bytes, 20)
}

function bound(what: string, bytes: Uint8Array, maxBytes: number): void {
  if (bytes.byteLength > maxBytes)
    throw protocolError(`the ${what} has ${bytes.byteLength} bytes, more than ${maxBytes}`)
}
