import { z } from 'zod'

/** What endpoints answer, read as foreign bytes: the fields that souk uses, the rest dropped. Quantities as of the Ethereum JSON-RPC specification. */

const HEX_QUANTITY = /^0x[0-9a-f]{1,64}$/i
export const wordSchema = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/i)
  .transform((hex) => hex.toLowerCase())
const addressSchema = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/i)
  .transform((hex) => hex.toLowerCase())
/** Bytes of any number, as many as one answer may have. */
export const dataSchema = z.string().regex(/^0x(?:[0-9a-f]{2})*$/i)
export const quantitySchema = z
  .string()
  .regex(HEX_QUANTITY)
  .transform((hex) => BigInt(hex))
/** Block numbers, counts, times in seconds. */
export const countSchema = quantitySchema
  .refine((value) => value <= BigInt(Number.MAX_SAFE_INTEGER), 'is too large')
  .transform(Number)

export const receiptSchema = z.object({
  transactionHash: wordSchema,
  blockNumber: countSchema,
  blockHash: wordSchema,
  /** 1 where it did what it should, 0 where it was reverted (EIP-658). */
  status: countSchema,
  gasUsed: quantitySchema,
  effectiveGasPrice: quantitySchema,
})
export type ChainReceipt = z.infer<typeof receiptSchema>

export const blockSchema = z.object({
  number: countSchema,
  hash: wordSchema,
  /** Seconds since the epoch. */
  timestamp: countSchema,
  baseFeePerGas: quantitySchema.optional(),
})
export type ChainBlock = z.infer<typeof blockSchema>

export const logSchema = z.object({
  address: addressSchema,
  topics: z.array(wordSchema).max(4),
  data: dataSchema,
  blockNumber: countSchema,
  blockHash: wordSchema,
  transactionHash: wordSchema,
})
export type ChainLog = z.infer<typeof logSchema>

/** More events in one range than a contract of channels ever has for one payee, and what memory can hold. */
export const logsSchema = z.array(logSchema).max(10_000)

/** That a transaction is known, in the pool or in a block. */
export const transactionSchema = z.object({ hash: wordSchema })
