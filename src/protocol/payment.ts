import { z } from 'zod'
import { addressSchema, bytes32Schema, signatureSchema } from './receipt.ts'
import { weiSchema } from './task.ts'

/** The token of a channel in the chain's own coin. */
export const NATIVE_TOKEN = '0x0000000000000000000000000000000000000000'

/** What tells one payment channel from all others of a contract: it is one-way, from payer to payee. */
export const channelKeySchema = z.strictObject({
  payer: addressSchema,
  /** Who receives: the provider's payout address. */
  payee: addressSchema,
  /** An ERC-20 contract, or NATIVE_TOKEN. */
  token: addressSchema,
  /** Of the payer's choice: channels with the same three addresses, one after the other. */
  nonce: z.int().nonnegative(),
})
export type ChannelKey = z.infer<typeof channelKeySchema>

/** The payer's promise: of the channel's deposit this much, in total, is the payee's. A later one has a higher amount. */
export const voucherSchema = z.strictObject({
  chainId: z.int().positive(),
  contract: addressSchema,
  channel: channelKeySchema,
  amountWei: weiSchema,
  signature: signatureSchema,
})
export type Voucher = z.infer<typeof voucherSchema>

/** A payout address's word that a node works for it: EIP-712, made by its cold key once. */
export const payoutAuthorizationSchema = z.strictObject({
  node: addressSchema,
  payout: addressSchema,
  expiryMs: z.int().nonnegative(),
  signature: signatureSchema,
})
export type PayoutAuthorization = z.infer<typeof payoutAuthorizationSchema>

/**
 * The payee's word that a channel may be closed at once, with `amountWei` for it, all told, and the rest for the payer. Whoever has
 * it can do so at any time.
 */
export const closeConsentSchema = z.strictObject({
  channelId: bytes32Schema,
  amountWei: weiSchema,
  /** By the payee, or by the node that `authorization` names: over `Close`. */
  signature: signatureSchema,
  /** Absent where the payee itself has signed. */
  authorization: payoutAuthorizationSchema.exactOptional(),
})
export type CloseConsent = z.infer<typeof closeConsentSchema>

/** How a provider is paid. */
export const paymentTermsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('channel'),
    contract: addressSchema,
    token: addressSchema,
    payee: addressSchema,
    /** Absent where the node's own key is the payee. */
    authorization: payoutAuthorizationSchema.exactOptional(),
    /** What the provider lets this requester owe at most; 0: everything is paid before it runs. */
    creditWei: weiSchema,
  }),
])
export type PaymentTerms = z.infer<typeof paymentTermsSchema>

/**
 * How a channel stands in its payee's books. What it holds is `receivedWei`: the amount of its newest voucher. Of that
 * `chargedWei` was earned by finished tasks, and `reservedWei` is the most that running and waiting tasks can come to.
 */
export const statementSchema = z.strictObject({
  channelId: bytes32Schema,
  receivedWei: weiSchema,
  chargedWei: weiSchema,
  reservedWei: weiSchema,
  creditWei: weiSchema,
  /** The newest one that the payee has; absent before the first. */
  voucher: voucherSchema.exactOptional(),
})
export type Statement = z.infer<typeof statementSchema>
