import { Buffer } from 'node:buffer'
import type { Key } from '../../identity/key-file.ts'
import { checkQuote, signQuote, type CheckedQuote } from '../../identity/quote.ts'
import type { Quote, SignedQuote } from '../../protocol/quote.ts'

/** Strangers ask for quotes: who wants more than one task of them pays no more than the reading of the rest. */
const REMEMBERED = 256

/**
 * This provider's quotes. The latest are remembered, for speed alone: nothing depends on it, as one that is not is read, and its
 * signature checked, as it stands in the task that brings it.
 */
export interface OwnQuotes {
  sign(quote: Quote): SignedQuote
  /** As `checkQuote` has it, without its work where these very bytes were signed here a while ago. Never throws. */
  read(signed: SignedQuote): CheckedQuote
}

export function createOwnQuotes({ key }: { readonly key: Key }): OwnQuotes {
  const latest = new Map<string, { readonly bytes: Uint8Array; readonly quote: Quote }>()
  return {
    sign(quote) {
      const signed = signQuote({ quote, key })
      const { bytes, signature } = signed
      const [oldest] = latest.keys()
      if (oldest !== undefined && latest.size >= REMEMBERED) latest.delete(oldest)
      latest.set(signature, { bytes, quote: JSON.parse(Buffer.from(bytes).toString()) as Quote })
      return signed
    },
    read(signed) {
      const known = latest.get(signed.signature)
      return known !== undefined && Buffer.compare(known.bytes, signed.bytes) === 0
        ? { quote: known.quote }
        : checkQuote(signed)
    },
  }
}
