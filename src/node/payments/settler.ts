import type { ChannelKey, PaymentTerms, Voucher } from '../../protocol/payment.ts'

/** A channel as the chain has it, confirmed. */
export interface ChannelState {
  readonly status: 'none' | 'open' | 'closing' | 'closed'
  readonly depositWei: bigint
  /** What its payee has taken out of it. */
  readonly redeemedWei: bigint
  /** Where it is closing: until then its payee can redeem. */
  readonly closesAtMs?: number
}

/** What the provider knows of the chain that it is paid on; without one there is `no-settlement.ts`. */
export interface Settler {
  /** EIP-155; 0 without a chain. */
  readonly chainId: number
  /**
   * What quotes and offers say of payment. `creditWei` is what a requester that the operator knows may owe, and for every other
   * one what all of those may owe together.
   */
  terms(requester: string): PaymentTerms
  /**
   * Asked for each task that is paid through the channel: answers from memory where it watches the channel, and asks the chain
   * where it does not, or where the deposit that it knows is less than `atLeastWei`.
   * @throws SoukError CHAIN_UNREACHABLE
   */
  channel(key: ChannelKey, wanted?: { readonly atLeastWei: bigint }): Promise<ChannelState>
  /** A newer voucher is durable: for redeeming in time. Must not throw. */
  received(voucher: Voucher): void
}
