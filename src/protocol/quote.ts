import { z } from 'zod'
import { RUNTIME_NAMES, sha256Schema } from './execution.ts'
import { limitsSchema } from './limits.ts'
import { paymentTermsSchema } from './payment.ts'
import { ratesSchema } from './price.ts'
import { addressSchema } from './receipt.ts'
import { weiSchema } from './task.ts'

/** A quote is its provider's word for this long. */
export const QUOTE_LIFETIME_MS = 120_000

/**
 * What a provider would run a task for. Its bytes travel as its provider serialised and signed them, and come back with the task:
 * the provider need not keep it.
 */
export const quoteSchema = z.strictObject({
  version: z.literal(1),
  specDigest: sha256Schema,
  requester: addressSchema,
  provider: addressSchema,
  chainId: z.int().nonnegative(),
  runtime: z.enum(RUNTIME_NAMES),
  /** As a receipt's isolation names it: results of the same engine can be compared. */
  engine: z.string().max(200),
  /** As they will be applied. */
  limits: limitsSchema,
  rates: ratesSchema,
  /** The most that the task can come to: what is set aside for it. */
  maxPriceWei: weiSchema,
  /** Of the rates' prices, in hundredths, what an answer from the provider's cache costs; absent where it would run. */
  cachedPercent: z.int().min(0).max(100).exactOptional(),
  /**
   * It is free because its provider runs some tasks for nothing each day, and holds only while there is some of that left; absent
   * where it is not, or costs nothing anyway.
   */
  allowance: z.literal(true).exactOptional(),
  /** How long until it would start, from now. */
  expectedStartMs: z.int().nonnegative(),
  payment: paymentTermsSchema,
  issuedAtMs: z.int().nonnegative(),
  expiryMs: z.int().nonnegative(),
})
export type Quote = z.infer<typeof quoteSchema>

/** The exact bytes of a quote (JSON, UTF-8, at most 64 KiB), and its provider's signature over their digest. */
export interface SignedQuote {
  readonly bytes: Uint8Array
  readonly signature: string
}
