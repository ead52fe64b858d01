/** Every reason for which a provider refuses a task; a refusal lists all that apply. */
export const REFUSAL_REASONS = {
  UNKNOWN_RUNTIME: 'The provider does not offer the runtime, or the task does not say which it means.',
  RUNTIME_UNAVAILABLE: 'The provider offers the runtime, but it does not work there right now.',
  CAP_ABOVE_OFFER: 'A limit that the task asks for is above what the provider offers.',
  CAP_UNPROVEN: 'The task needs a limit that the provider has not proven it can enforce.',
  FEATURE_UNPROVEN: 'The task needs something of the runtime that the provider has not seen to work there.',
  UNKNOWN_MOUNT: 'The task names a folder that the provider does not offer.',
  UNKNOWN_CLASS: 'The task names a runtime class that the provider does not offer.',
  IMAGE_NOT_OFFERED: 'The task brings an image, and the provider runs none that tasks bring.',
  QUEUE_FULL: "The provider's queue is full.",
  PEER_OVER_SHARE: 'This requester already has its share of queue, storage or slots there.',
  UNKNOWN_PEERS_OVER_SHARE: 'All requesters that the operator does not know have, together, their share.',
  BAD_SIGNATURE: 'The signature is not by the peer that sent the task, over this task.',
  FOREIGN_PROVIDER: 'The task is bound to another provider.',
  FOREIGN_CHAIN: 'The task was signed for another chain.',
  EXPIRED: 'The task has expired.',
  EXPIRY_TOO_FAR: 'The expiry is further away than the protocol allows (an hour).',
  REPLAYED: 'A task with this nonce was accepted before.',
  PRICE_TOO_LOW: "The provider's price is above the most that the task pays.",
  PRICE_REQUIRES_PROVIDER: 'A task for any provider must be free.',
  INPUT_TOO_LARGE: 'The blobs that the task names are larger than the provider stores for one task.',
  STORAGE_FULL: "The provider's store has no room for the task.",
  STOPPING: 'The provider is shutting down and takes no new tasks.',
  FUEL_LIMIT_REQUIRED: 'The provider charges for instructions, and the task has no limit on them (`fuel`).',
  QUOTE_INVALID: 'The quote that came with the task is not by this provider, to this requester, for this task.',
  QUOTE_EXPIRED: 'The quote that came with the task has expired: ask for another.',
  ALLOWANCE_SPENT: 'The quote was for nothing, and what the provider runs for nothing per day is spent.',
  VOUCHER_REFUSED:
    'The voucher is not one that the provider can take: payer, payee, chain, amount or channel is wrong.',
  PAYMENT_REQUIRED:
    'The task has to be paid ahead: `asked` is the amount of a voucher that would do, `offered` what the provider has.',
  CHANNEL_BUSY: 'Tasks that are charged to the channel have not ended, or are not paid: it cannot be closed yet.',
} as const
export type RefusalReason = keyof typeof REFUSAL_REASONS

export interface Refusal {
  readonly reason: RefusalReason
  readonly message: string
  /** What the refusal is about (a limit's key, say), what was asked and what is offered. */
  readonly subject?: string
  readonly asked?: string
  readonly offered?: string
}
