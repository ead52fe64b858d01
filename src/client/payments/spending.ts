/** Where a payer stands with one of its channels, in wei: what it has signed away, and what for. */
export interface Spending {
  readonly depositWei: bigint
  /** The amount of the newest voucher that was signed. */
  readonly signedWei: bigint
  /** What the receipts that verified come to. */
  readonly chargedWei: bigint
  /** The most that the tasks which are under way can come to. */
  readonly reservedWei: bigint
}

/** The most that may be signed away: no more than what tasks came to or can come to. */
export function mostWei({ chargedWei, reservedWei }: Spending): bigint {
  return chargedWei + reservedWei
}

/**
 * The amount that a channel's voucher has to have for its tasks under way to be within the payee's credit, `reservedWei` included
 * the one that is about to be sent. Never less than what is signed already: a voucher is not taken back.
 */
export function aheadWei(spending: Spending, { creditWei }: { readonly creditWei: bigint }): bigint {
  const neededWei = mostWei(spending) - creditWei
  return neededWei > spending.signedWei ? neededWei : spending.signedWei
}

/** The amount that a channel's voucher has to have once receipts are here: what they come to. */
export function owedWei({ signedWei, chargedWei }: Spending): bigint {
  return chargedWei > signedWei ? chargedWei : signedWei
}
