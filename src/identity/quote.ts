import { hash } from 'node:crypto'
import { issuesOf } from '../protocol/errors.ts'
import { QUOTE_LIFETIME_MS, quoteSchema, type Quote, type SignedQuote } from '../protocol/quote.ts'
import { WIRE_BOUNDS } from '../protocol/wire-bounds.ts'
import { structHasher } from './eip712.ts'
import { jsonFormFaults } from './json-form.ts'
import type { Key } from './key-file.ts'
import { signDigest } from './sign.ts'
import { digestOf } from './typed-data.ts'
import { recoverSigner } from './verify.ts'

/** What is signed of a quote, under souk's domain with the quote's chain id. `digest` is the sha256 of its bytes. */
export const QUOTE_STRUCTS = { Quote: [{ name: 'digest', type: 'bytes32' }] } as const
const hashQuote = structHasher({ structs: QUOTE_STRUCTS, name: 'Quote' })

/** The EIP-712 hash that a quote's provider signs: `0x` and 64 hex digits. */
export function quoteHashOf({ bytes, chainId }: { readonly bytes: Uint8Array; readonly chainId: number }): string {
  const digest = `0x${hash('sha256', bytes, 'hex')}`
  return digestOf({ hash: hashQuote, value: { digest }, chainId })
}

/** Serialises a quote, once and for all, and signs it as its provider. */
export function signQuote({ quote, key }: { readonly quote: Quote; readonly key: Key }): SignedQuote {
  const bytes = new TextEncoder().encode(JSON.stringify(quote))
  return { bytes, signature: signDigest({ digest: quoteHashOf({ bytes, chainId: quote.chainId }), key }) }
}

export type CheckedQuote =
  | { readonly quote: Quote; readonly why?: never }
  /** Why it is none: not a quote at all, or not signed by the provider that it names. */
  | { readonly quote?: never; readonly why: string }

/**
 * A quote as it was signed by the provider that it names. Whether that provider, requester and task are the ones expected, and
 * whether it has expired, is for the caller to compare. Never throws.
 */
export function checkQuote({ bytes, signature }: SignedQuote): CheckedQuote {
  if (bytes.byteLength > WIRE_BOUNDS.quoteBytes)
    return { why: `it has ${bytes.byteLength} bytes, more than ${WIRE_BOUNDS.quoteBytes}` }
  const value = jsonOf(bytes)
  const [fault] = value === undefined ? ['it is not JSON in UTF-8'] : jsonFormFaults(value)
  if (fault !== undefined) return { why: fault }
  const parsed = quoteSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = issuesOf(parsed.error)
    return { why: `${issue?.path ?? ''}: ${issue?.message ?? 'invalid'}` }
  }
  const quote = parsed.data
  if (recoverSigner({ digest: quoteHashOf({ bytes, chainId: quote.chainId }), signature }) !== quote.provider)
    return { why: 'its signature is not by the provider that it names' }
  if (quote.expiryMs - quote.issuedAtMs > QUOTE_LIFETIME_MS) return { why: 'it lasts for longer than a quote does' }
  return { quote }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    // A byte order mark is kept, and then is no JSON: what was signed is exactly what is read.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown
  } catch {
    return undefined
  }
}
