import { Signature, Transaction } from 'ethers'
import type { Key } from '../identity/key-file.ts'
import { signDigest } from '../identity/sign.ts'
import type { Fees } from './chain.ts'

/** The most that any transaction offers. An endpoint tells what is usual, and a lie must not spend the account. */
export interface FeeCaps {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

export const DEFAULT_FEE_CAPS: FeeCaps = {
  maxFeePerGas: 1_000_000_000_000n,
  maxPriorityFeePerGas: 20_000_000_000n,
}

/** Pools take a replacement that offers a tenth more in both fees (Geth: 10 %, Nethermind: 10 %, Besu: 10 %); an eighth is more than that. */
const BUMP_DIVISOR = 8n

export function cappedFees({ fees, caps }: { readonly fees: Fees; readonly caps: FeeCaps }): Fees {
  const maxFeePerGas = least(fees.maxFeePerGas, caps.maxFeePerGas)
  return {
    maxFeePerGas,
    // EIP-1559: the tip is part of the fee.
    maxPriorityFeePerGas: least(least(fees.maxPriorityFeePerGas, caps.maxPriorityFeePerGas), maxFeePerGas),
  }
}

/**
 * What a replacement has to offer: what is usual now, and at least an eighth more than before in both fees. Undefined where the caps
 * leave no room for that: no pool would take it.
 */
export function bumpedFees({
  before,
  now,
  caps,
}: {
  readonly before: Fees
  readonly now: Fees
  readonly caps: FeeCaps
}): Fees | undefined {
  const wanted = {
    maxFeePerGas: most(bumped(before.maxFeePerGas), now.maxFeePerGas),
    maxPriorityFeePerGas: most(bumped(before.maxPriorityFeePerGas), now.maxPriorityFeePerGas),
  }
  const fees = cappedFees({ fees: wanted, caps })
  const isEnough =
    fees.maxFeePerGas >= bumped(before.maxFeePerGas) && fees.maxPriorityFeePerGas >= bumped(before.maxPriorityFeePerGas)
  return isEnough ? fees : undefined
}

const bumped = (wei: bigint): bigint => wei + (wei + BUMP_DIVISOR - 1n) / BUMP_DIVISOR + 1n
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)

export interface UnsignedTransaction {
  readonly chainId: number
  readonly nonce: number
  readonly to: string
  readonly data: string
  readonly valueWei: bigint
  readonly gasLimit: bigint
  readonly fees: Fees
}

/** A transaction of type 2 (EIP-1559), signed: the bytes in hex, and the hash that it will be known by. The same input gives the same bytes. */
export function signTransaction({ unsigned, key }: { readonly unsigned: UnsignedTransaction; readonly key: Key }): {
  readonly raw: string
  readonly hash: string
} {
  const { chainId, nonce, to, data, valueWei, gasLimit, fees } = unsigned
  const transaction = Transaction.from({ type: 2, chainId, nonce, to, data, value: valueWei, gasLimit, ...fees })
  transaction.signature = Signature.from(signDigest({ digest: transaction.unsignedHash, key }))
  const { hash, serialized } = transaction
  if (hash === null) throw new TypeError('a signed transaction has a hash')
  return { raw: serialized, hash }
}
