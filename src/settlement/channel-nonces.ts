import { Buffer } from 'node:buffer'
import { keccak256 } from '../identity/keccak.ts'
import type { ChannelKey, PaymentTerms } from '../protocol/payment.ts'

/** So many channels of one payer can pay one node at one payout address, each after the other. */
const NONCES_OF_A_NODE = 2 ** 20

/** Nonces from `first` on, and below `end`: all are exact in a number. */
export interface NonceRange {
  readonly first: number
  readonly end: number
}

/**
 * The nonces of the channels whose vouchers a node takes. Nodes that are paid at one address have one payee, and no node
 * knows the vouchers of another: one that was shown to two of them would be counted twice and redeemed once. So a channel is bound to
 * one node by its nonce: the payee's own node has the first ones, and every other has a range that follows from its address.
 *
 * That two nodes of one operator come to the same range happens to one pair in 2^32; payers choose neither.
 */
export function noncesOf({ node, payee }: { readonly node: string; readonly payee: string }): NonceRange {
  const range = node === payee ? 0 : 1 + keccakNumberOf(node)
  return { first: range * NONCES_OF_A_NODE, end: (range + 1) * NONCES_OF_A_NODE }
}

/** The node that is paid on these terms. */
export function nodeOf({ payee, authorization }: Extract<PaymentTerms, { readonly kind: 'channel' }>): string {
  return authorization?.node ?? payee
}

export function isOfNode({ nonce, payee }: Pick<ChannelKey, 'nonce' | 'payee'>, node: string): boolean {
  const { first, end } = noncesOf({ node, payee })
  return nonce >= first && nonce < end
}

function keccakNumberOf(address: string): number {
  return Buffer.from(keccak256(Buffer.from(address.slice(2), 'hex'))).readUInt32BE()
}
