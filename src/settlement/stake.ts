import { Buffer } from 'node:buffer'
import { Interface } from 'ethers/abi'
import { encodeType, structWords } from '../identity/eip712.ts'
import { keccak256 } from '../identity/keccak.ts'
import { RECEIPT_FORMS, structsOf, typedReceipt } from '../identity/typed-data.ts'
import type { Receipt, UnsignedReceipt } from '../protocol/receipt.ts'
import type { ContractCall } from './channel-calls.ts'
import { signatureArgument } from './compact-signature.ts'
import { SOUK_STAKE_ABI } from './contracts/souk-stake.ts'

/** The contract's interface, contracts/SoukStake.sol. */
const stakeInterface = new Interface(SOUK_STAKE_ABI)

/** The hashes of all types of receipts: what the contract is deployed with. */
export const RECEIPT_TYPE_HASHES: readonly string[] = RECEIPT_FORMS.map((structs) =>
  hexOf(keccak256(Buffer.from(encodeType({ structs, name: 'Receipt' }), 'utf8'))),
)

/** A receipt as EIP-712 encodes it, before it is hashed: `0x` and 64 hex digits each. */
export interface EncodedReceipt {
  readonly typeHash: string
  /** One for each member of the struct, in their order. */
  readonly words: readonly string[]
}

/** @throws UnencodableError where a value does not fit its type. */
export function encodeReceipt(receipt: UnsignedReceipt): EncodedReceipt {
  const encode = structWords({ structs: structsOf(receipt), name: 'Receipt' })
  const [typeHash = '', ...words] = encode(typedReceipt(receipt)).map(hexOf)
  return { typeHash, words }
}

/** To be sent by the node, with the coins: they go back to `beneficiary`. */
export function bondCall({
  beneficiary,
  amountWei,
}: {
  readonly beneficiary: string
  readonly amountWei: bigint
}): ContractCall {
  return { data: stakeInterface.encodeFunctionData('bond', [beneficiary]), valueWei: amountWei }
}

/** To be sent by the node or its beneficiary. */
export function startUnbondingCall(node: string): ContractCall {
  return { data: stakeInterface.encodeFunctionData('startUnbonding', [node]), valueWei: 0n }
}

/** To be sent by anyone, once the unbonding period is over. */
export function withdrawCall(node: string): ContractCall {
  return { data: stakeInterface.encodeFunctionData('withdraw', [node]), valueWei: 0n }
}

/**
 * To be sent by anyone: the node has signed both receipts, of one task and with different results. The sender gets half
 * of what the node has bonded, and the other half is burned.
 */
export function slashCall(receipts: readonly [Receipt, Receipt]): ContractCall {
  const [{ provider }] = receipts
  return {
    data: stakeInterface.encodeFunctionData('slash', [provider, ...receipts.map(receiptArgument)]),
    valueWei: 0n,
  }
}

function receiptArgument(receipt: Receipt): readonly unknown[] {
  const { typeHash, words } = encodeReceipt(receipt)
  return [typeHash, words, signatureArgument(receipt.signature)]
}

export interface StakeOnChain {
  readonly amountWei: bigint
  /** Absent where nothing is bonded. */
  readonly beneficiary?: string
  /** Where the coins were asked for: when they can be withdrawn, epoch milliseconds. */
  readonly withdrawableAtMs?: number
  readonly slashed: boolean
}

/** What to ask the contract for a node's stake. */
export function stakeQuery(node: string): ContractCall {
  return { data: stakeInterface.encodeFunctionData('stakes', [node]), valueWei: 0n }
}

/**
 * Reads the answer to {@link stakeQuery}.
 * @throws Error of ethers where it is none: the endpoint lies, or there is no such contract.
 */
export function stakeOf(answer: string): StakeOnChain {
  const [beneficiary, withdrawableAt, slashed, amountWei] = stakeInterface
    .decodeFunctionResult('stakes', answer)
    .toArray() as [string, bigint, boolean, bigint]
  return {
    ...{ amountWei, slashed },
    ...(amountWei > 0n && { beneficiary: beneficiary.toLowerCase() }),
    ...(withdrawableAt > 0n && { withdrawableAtMs: Number(withdrawableAt) * 1000 }),
  }
}

/** What to ask the contract whether it reads receipts of a type. */
export function receiptTypeQuery(typeHash: string): ContractCall {
  return { data: stakeInterface.encodeFunctionData('isReceiptType', [typeHash]), valueWei: 0n }
}

/** The contract's own name of why it refused, or undefined where the data (of a reverted call) says none. */
export function stakeRevert(data: string): string | undefined {
  try {
    return stakeInterface.parseError(data)?.name
  } catch {
    return undefined
  }
}

function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}
