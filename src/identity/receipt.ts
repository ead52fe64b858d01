import { issuesOf, isSoukError, SoukError } from '../protocol/errors.ts'
import { chargedUsageOf, isFree, priceOf } from '../protocol/price.ts'
import { ANY_PROVIDER, receiptSchema, type Receipt, type UnsignedReceipt } from '../protocol/receipt.ts'
import { jsonFormFaults } from './json-form.ts'
import type { Key } from './key-file.ts'
import { signDigest } from './sign.ts'
import { receiptHashOf, taskIdOf } from './typed-data.ts'
import { recoverSigner } from './verify.ts'

const unsignedReceiptSchema = receiptSchema.omit({ signature: true })

/**
 * Signs a receipt as its provider. What {@link verifyReceipt} would refuse is not signed.
 * @throws SoukError INTERNAL with every reason: the receipt is not this key's, or contradicts itself.
 */
export function signReceipt({ receipt, key }: { readonly receipt: UnsignedReceipt; readonly key: Key }): Receipt {
  const parsed = unsignedReceiptSchema.safeParse(receipt)
  const reasons = [
    ...jsonFormFaults(receipt),
    ...(parsed.success ? contradictions(receipt) : schemaReasons(parsed.error)),
    ...(receipt.provider === key.address ? [] : ['provider is not the address of the key that signs']),
  ]
  if (reasons.length > 0) {
    const reason = reasons.join('; ')
    throw new SoukError({
      code: 'INTERNAL',
      phase: 'collect',
      message: `The receipt was not signed: ${reason}.`,
      details: { reason },
    })
  }
  return { ...receipt, signature: signDigest({ digest: receiptHashOf(receipt), key }) }
}

/**
 * A receipt that is whole, agrees with itself and is signed by the provider that it names: a copy of `value`.
 * Whether that provider and task are the ones expected is for the caller to compare, with `receipt.provider`
 * and `receipt.taskId`. Takes time in proportion to `value`, whose bytes the caller has bounded.
 * @throws SoukError RECEIPT_INVALID with every reason.
 */
export function verifyReceipt(value: unknown): Receipt {
  const { receipt, reasons } = checkReceipt(value)
  if (receipt === undefined || reasons.length > 0) throw invalidReceipt(reasons)
  return receipt
}

/** Every reason not to trust a receipt; `receipt` is there where it has the form of one. */
export function checkReceipt(value: unknown): { readonly receipt?: Receipt; readonly reasons: readonly string[] } {
  const faults = jsonFormFaults(value)
  if (faults.length > 0) return { reasons: faults }
  const parsed = receiptSchema.safeParse(value)
  if (!parsed.success) return { reasons: schemaReasons(parsed.error) }
  const { signature, ...receipt } = parsed.data
  return { receipt: parsed.data, reasons: [...contradictions(receipt), ...signatureReasons(receipt, signature)] }
}

export function invalidReceipt(reasons: readonly string[]): SoukError<'RECEIPT_INVALID'> {
  return new SoukError({
    code: 'RECEIPT_INVALID',
    message: `The receipt does not verify: ${reasons.join('; ')}.`,
    details: { reasons },
  })
}

function contradictions(receipt: UnsignedReceipt): string[] {
  const { authorization, timings, usage } = receipt
  const reasons: string[] = []
  const taskHash = hashed(() => taskIdOf(authorization))
  if (taskHash.digest === undefined) reasons.push(`authorization has no hash: ${taskHash.why}`)
  else if (taskHash.digest !== receipt.taskId) reasons.push('taskId is not the hash of authorization')
  if (authorization.provider === ANY_PROVIDER) {
    if (authorization.maxPriceWei !== '0') reasons.push('authorization is for any provider, and not free')
  } else if (authorization.provider !== receipt.provider)
    reasons.push('provider is not the one that authorization names')
  if (receipt.provider === ANY_PROVIDER) reasons.push('provider is no account')
  if (BigInt(receipt.priceWei) > BigInt(authorization.maxPriceWei))
    reasons.push('priceWei is more than authorization allows')
  reasons.push(...overcharges(receipt))
  if (timings.startedAtMs < timings.acceptedAtMs) reasons.push('timings: started before it was accepted')
  if (timings.finishedAtMs < timings.startedAtMs) reasons.push('timings: finished before it was started')
  if (new Set(usage.limitsHit).size !== usage.limitsHit.length) reasons.push('usage.limitsHit names a limit twice')
  return reasons
}

/** Less than the rates come to is no contradiction: the most that was agreed on may lie below it. */
function overcharges({ terms, priceWei, ...receipt }: UnsignedReceipt): string[] {
  if (terms === undefined) return []
  if (isFree(terms.rates) && terms.cached === undefined) return ['terms have no rate but 0, and no cached answer']
  const { totalWei } = priceOf({ rates: terms.rates, usage: chargedUsageOf(receipt) })
  return BigInt(priceWei) > totalWei ? [`priceWei is more than the ${totalWei} that its rates and usage come to`] : []
}

function signatureReasons(receipt: UnsignedReceipt, signature: string): string[] {
  const { digest, why } = hashed(() => receiptHashOf(receipt))
  if (digest === undefined) return [`the receipt has no hash: ${why}`]
  const signer = recoverSigner({ digest, signature })
  if (signer === receipt.provider) return []
  return [signer === undefined ? 'signature is none' : 'signature is not by provider over this receipt']
}

type Hashed = { readonly digest: string; readonly why?: never } | { readonly digest?: never; readonly why: string }

function hashed(hash: () => string): Hashed {
  try {
    return { digest: hash() }
  } catch (thrown) {
    if (!isSoukError(thrown, 'INVALID_INPUT')) throw thrown
    return { why: thrown.message }
  }
}

function schemaReasons(error: Parameters<typeof issuesOf>[0]): string[] {
  return issuesOf(error).map((issue) => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`))
}
