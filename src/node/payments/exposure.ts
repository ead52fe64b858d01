/** Where one channel stands with its payee, in wei. None is ever below 0. */
export interface Standing {
  /** The amount of its newest voucher. */
  readonly receivedWei: bigint
  /** What the tasks that have finished came to. */
  readonly chargedWei: bigint
  /** The most that the tasks which are accepted and have not finished can come to. */
  readonly reservedWei: bigint
}

/** How the channel that a task is to be charged to stands right now. */
export interface PaymentUsage {
  readonly standing: Standing
  readonly creditWei: bigint
  /** What other channels that share the credit owe. */
  readonly othersWei: bigint
}

export const NOTHING_YET: Standing = { receivedWei: 0n, chargedWei: 0n, reservedWei: 0n }

/**
 * - `received`: a voucher for `amountWei`, all told; one that is not newer changes nothing.
 * - `reserved`: a task is accepted.
 * - `released`: it failed, or was not accepted after all, and is free.
 * - `charged`: it finished; `priceWei` is at most what was reserved.
 */
export type Movement =
  | { readonly kind: 'received'; readonly amountWei: bigint }
  | { readonly kind: 'reserved' | 'released'; readonly maxPriceWei: bigint }
  | { readonly kind: 'charged'; readonly maxPriceWei: bigint; readonly priceWei: bigint }

/** @throws RangeError where more is released than was reserved, or more charged than was set aside. */
export function moved(standing: Standing, movement: Movement): Standing {
  const { receivedWei, chargedWei, reservedWei } = standing
  switch (movement.kind) {
    case 'received':
      return movement.amountWei > receivedWei ? { ...standing, receivedWei: movement.amountWei } : standing
    case 'reserved':
      return { ...standing, reservedWei: reservedWei + movement.maxPriceWei }
    case 'released':
      return { ...standing, reservedWei: lessened(reservedWei, movement.maxPriceWei) }
    case 'charged':
      return {
        ...standing,
        reservedWei: lessened(reservedWei, movement.maxPriceWei),
        chargedWei: chargedWei + movement.maxPriceWei - lessened(movement.maxPriceWei, movement.priceWei),
      }
  }
}

function lessened(amountWei: bigint, byWei: bigint): bigint {
  if (byWei > amountWei) throw new RangeError(`${byWei} wei cannot be taken off ${amountWei} wei`)
  return amountWei - byWei
}

/** What the payee can lose by this channel at most: what is charged or may be, and no voucher covers. */
export function exposureOf({ receivedWei, chargedWei, reservedWei }: Standing): bigint {
  const owedWei = chargedWei + reservedWei - receivedWei
  return owedWei > 0n ? owedWei : 0n
}

/** Whether everything that the channel's tasks came to is paid: what they put out may go to their requester. */
export function isPaid({ receivedWei, chargedWei }: Standing): boolean {
  return receivedWei >= chargedWei
}

/**
 * How much more a channel's voucher has to be worth before another task may be accepted on it; 0 where nothing is missing.
 * A task that is paid ahead is accepted whatever others owe.
 */
export function missingWei({
  standing,
  maxPriceWei,
  creditWei,
  othersWei,
}: {
  readonly standing: Standing
  readonly maxPriceWei: bigint
  readonly creditWei: bigint
  /** The exposure of all other channels that share the credit. */
  readonly othersWei: bigint
}): bigint {
  const afterWei = exposureOf(moved(standing, { kind: 'reserved', maxPriceWei }))
  const roomWei = creditWei > othersWei ? creditWei - othersWei : 0n
  return afterWei > roomWei ? afterWei - roomWei : 0n
}
