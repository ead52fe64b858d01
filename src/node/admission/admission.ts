import type { CheckedQuote } from '../../identity/quote.ts'
import type { Issue } from '../../protocol/error-codes.ts'
import { REFUSAL_REASONS, type Refusal, type RefusalReason } from '../../protocol/refusals.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import type { Quote, SignedQuote } from '../../protocol/quote.ts'
import type { SignedTask } from '../../protocol/receipt.ts'
import { blobsOf, type TaskSpec } from '../../protocol/task.ts'
import { authorizationRefusals } from './authorization-refusals.ts'
import { shareOf, type Resources, type Shares } from '../scheduler/capacity.ts'
import type { Prices } from '../config/types.ts'
import type { Offer } from './offers.ts'
import type { PaymentUsage } from '../payments/exposure.ts'
import { paymentRefusals } from '../payments/payment-refusals.ts'
import { quoteOf } from './quote-refusals.ts'
import { parseSpec } from './spec-bytes.ts'
import { termsOf, type AgreedTerms } from './task-terms.ts'

/** What this provider takes and on what terms: the part of an admission that does not depend on who asks or how full it is. */
export interface AdmissionPolicy {
  /** This provider's address, in lower case. */
  readonly provider: string
  /** EIP-155; 0 without a chain. */
  readonly chainId: number
  readonly offers: readonly Offer[]
  /** Where several runtimes can run what a task brings and it names none. */
  readonly defaultRuntime: RuntimeName
  /** What tasks cost, by runtime. */
  readonly prices: Prices
  /** The longest that a task may wait in the queue; also the wait of a task that sets no limit on it. */
  readonly maxQueueWaitMs: number
  /** The longest time from acceptance to the end of the last attempt; also that of a task that sets no limit on it. */
  readonly maxTotalMs: number
  readonly maxRetries: number
  /** All blobs that a task names, together. */
  readonly maxInputBytes: number
  readonly maxQueued: number
  /** The fractions of the queue that one requester, and all unknown ones together, may hold; the same as those of the machine. */
  readonly shares: Shares
  /** The whole machine: a task that needs more of it can never run. */
  readonly capacity: Resources
}

/** How things stand right now, for the peer that asks. */
export interface AdmissionUsage {
  readonly stopping: boolean
  readonly peerIsKnown: boolean
  readonly queued: number
  readonly queuedOfPeer: number
  readonly queuedOfUnknownPeers: number
  /** How many bytes the store still takes: altogether, of this peer, of all unknown peers together. */
  readonly storage: {
    readonly freeBytes: number
    readonly peerFreeBytes: number
    readonly unknownPeersFreeBytes: number
  }
  /** How much of today's free allowance is left for this peer. */
  readonly freeWei: bigint
}

export interface AdmissionRequest {
  /** In its form already: the codec has seen to that. */
  readonly task: SignedTask
  /** This provider's quote for the task, where the requester brings one. */
  readonly quote?: SignedQuote
  /** The address of the connection's authenticated key. */
  readonly peer: string
  readonly nowMs: number
  readonly policy: AdmissionPolicy
  readonly usage: AdmissionUsage
  /** Whether tasks are paid here; why this one's voucher is not accepted; and the balance of its channel. */
  readonly payment: {
    readonly required: boolean
    readonly refusals: readonly Refusal[]
    readonly usage: PaymentUsage | undefined
  }
  /** The task's id, where it is what `authorization.requester` signed. Must not throw. */
  readonly signedTaskIdOf: (task: SignedTask) => string | undefined
  /** Reads a quote, and checks that this provider signed it. Must not throw. */
  readonly readQuote: (quote: SignedQuote) => CheckedQuote
  readonly isNonceUsed: (key: { readonly requester: string; readonly nonce: string }) => boolean
}

export interface Admitted extends AgreedTerms {
  readonly kind: 'accepted'
  readonly taskId: string
  readonly spec: TaskSpec
  readonly retriesLeft: number
  readonly queueDeadlineMs: number
  readonly totalDeadlineMs: number
}

export type Admission =
  | Admitted
  /** Every reason that applies, in the order of REFUSAL_REASONS. */
  | { readonly kind: 'refused'; readonly reasons: readonly Refusal[] }
  /** What was sent is not a valid task. */
  | { readonly kind: 'invalid'; readonly issues: readonly Issue[] }

/**
 * Whether this provider takes the task and on what terms, or else every reason why not. Pure: `isNonceUsed` only serves to refuse a
 * replayed task early, and what guarantees it is the journal's own check when the acceptance is appended.
 */
export function admit(request: AdmissionRequest): Admission {
  const { task, policy, nowMs } = request
  const { authorization } = task
  const parsed = parseSpec(task.spec)
  if (!parsed.ok) return { kind: 'invalid', issues: parsed.issues }
  const { spec } = parsed
  if (spec.maxPriceWei !== authorization.maxPriceWei) {
    const message = `is ${spec.maxPriceWei}, but the signed authorization says ${authorization.maxPriceWei}`
    return { kind: 'invalid', issues: [{ path: 'maxPriceWei', message }] }
  }

  // A signature says nothing of a task that somebody else sends.
  const taskId = request.peer === authorization.requester ? request.signedTaskIdOf(task) : undefined
  const quoted =
    request.quote === undefined
      ? { refusals: [] }
      : quoteOf({ ...request, ...policy, authorization, signed: request.quote })
  const offered = assess({
    spec,
    policy,
    usage: request.usage,
    ...(quoted.quote !== undefined && { quote: quoted.quote }),
  })
  const mostWei = offered.agreed?.maxPriceWei
  const reasons = [
    ...quoted.refusals,
    ...offered.refusals,
    ...authorizationRefusals({
      ...request,
      ...policy,
      isAuthentic: taskId !== undefined,
      ...(mostWei !== undefined && { mostWei }),
    }),
    ...moneyRefusals({ maxPriceWei: mostWei ?? 0n, ...request.payment }),
  ]
  if (taskId === undefined || offered.agreed === undefined || reasons.length > 0)
    return { kind: 'refused', reasons: inOrder(reasons) }
  return {
    kind: 'accepted',
    taskId,
    spec,
    ...offered.agreed,
    retriesLeft: Math.min(spec.retry, policy.maxRetries),
    queueDeadlineMs: nowMs + (spec.queueTimeoutMs ?? policy.maxQueueWaitMs),
    totalDeadlineMs: nowMs + (spec.totalTimeoutMs ?? policy.maxTotalMs),
  }
}

/** A refused voucher leaves open which channel pays, so what that channel would lack is not computed. */
function moneyRefusals({
  maxPriceWei,
  required,
  refusals,
  usage,
}: AdmissionRequest['payment'] & { readonly maxPriceWei: bigint }): readonly Refusal[] {
  return required && refusals.length === 0 ? paymentRefusals({ maxPriceWei, usage }) : refusals
}

/** Looks at the task alone, not at who signed it: the terms on which it would run, and every reason why it would not run now. */
export function assess(request: {
  readonly spec: TaskSpec
  readonly policy: AdmissionPolicy
  readonly usage: AdmissionUsage
  readonly quote?: Quote
}): { readonly refusals: readonly Refusal[]; readonly agreed?: AgreedTerms } {
  const { spec, policy, usage, quote } = request
  const terms = termsOf({ spec, policy, freeWei: usage.freeWei, ...(quote !== undefined && { quote }) })
  const refusals = [...terms.refusals, ...timeoutRefusals(spec, policy), ...roomRefusals(spec, { policy, usage })]
  return { refusals: inOrder(refusals), ...(terms.agreed !== undefined && { agreed: terms.agreed }) }
}

function timeoutRefusals(spec: TaskSpec, policy: AdmissionPolicy): Refusal[] {
  const bounds = [
    ['queueTimeoutMs', policy.maxQueueWaitMs],
    ['totalTimeoutMs', policy.maxTotalMs],
  ] as const
  return bounds.flatMap(([subject, offered]) => {
    const asked = spec[subject]
    if (asked === undefined || asked <= offered) return []
    const message = `The task asks for ${subject} of ${asked}, the provider offers at most ${offered}`
    return [{ reason: 'CAP_ABOVE_OFFER' as const, message, subject, asked: String(asked), offered: String(offered) }]
  })
}

/** A numeric bound: the task is refused if `asked` is more than `offered`. */
interface Bound {
  readonly reason: RefusalReason
  readonly subject: string
  readonly asked: number
  readonly offered: number
  readonly message: string
}

function roomRefusals(spec: TaskSpec, { policy, usage }: Pick<AdmissionRequest, 'policy' | 'usage'>): Refusal[] {
  const stopping: Refusal[] = usage.stopping ? [{ reason: 'STOPPING', message: 'The provider is shutting down' }] : []
  const bytes = blobsOf(spec).reduce((sum, blob) => sum + blob.bytes, 0)
  const bounds = [...queueBounds({ policy, usage }), ...storageBounds({ bytes, policy, usage })]
  const over = bounds.filter(({ asked, offered }) => asked > offered)
  return [
    ...over.map(({ asked, offered, ...refusal }) => ({ ...refusal, asked: String(asked), offered: String(offered) })),
    ...stopping,
  ]
}

function queueBounds({ policy, usage }: Pick<AdmissionRequest, 'policy' | 'usage'>): Bound[] {
  const { maxQueued, shares } = policy
  const peerPlaces = shareOf(maxQueued, shares.peer)
  const unknownPlaces = shareOf(maxQueued, shares.unknownPeers)
  const all: Bound = {
    reason: 'QUEUE_FULL',
    subject: 'queue',
    asked: usage.queued + 1,
    offered: maxQueued,
    message: `All ${maxQueued} places of the queue are taken`,
  }
  const peer: Bound = {
    reason: 'PEER_OVER_SHARE',
    subject: 'queue',
    asked: usage.queuedOfPeer + 1,
    offered: peerPlaces,
    message: `This requester has ${usage.queuedOfPeer} tasks in the queue, its share is ${peerPlaces}`,
  }
  const unknown: Bound = {
    reason: 'UNKNOWN_PEERS_OVER_SHARE',
    subject: 'queue',
    asked: usage.queuedOfUnknownPeers + 1,
    offered: unknownPlaces,
    message: `Requesters that the operator does not know have ${usage.queuedOfUnknownPeers} tasks in the queue, their share is ${unknownPlaces}`,
  }
  return usage.peerIsKnown ? [all, peer] : [all, peer, unknown]
}

function storageBounds({
  bytes,
  policy,
  usage,
}: Pick<AdmissionRequest, 'policy' | 'usage'> & { readonly bytes: number }): Bound[] {
  const { freeBytes, peerFreeBytes, unknownPeersFreeBytes } = usage.storage
  const bound = (about: Pick<Bound, 'reason' | 'subject' | 'offered'>, whatFor: string): Bound => ({
    ...about,
    asked: bytes,
    message: `The task names blobs of ${bytes} bytes, ${whatFor} ${about.offered}`,
  })
  const one = bound(
    { reason: 'INPUT_TOO_LARGE', subject: 'inputs', offered: policy.maxInputBytes },
    'the provider takes for one task',
  )
  const all = bound({ reason: 'STORAGE_FULL', subject: 'storage', offered: freeBytes }, 'the store has room for')
  const peer = bound(
    { reason: 'PEER_OVER_SHARE', subject: 'storage', offered: peerFreeBytes },
    "this requester's share has room for",
  )
  const unknown = bound(
    { reason: 'UNKNOWN_PEERS_OVER_SHARE', subject: 'storage', offered: unknownPeersFreeBytes },
    'the share of requesters that the operator does not know has room for',
  )
  return usage.peerIsKnown ? [one, all, peer] : [one, all, peer, unknown]
}

const ORDER = new Map(Object.keys(REFUSAL_REASONS).map((reason, index) => [reason, index]))

/** Array.prototype.sort is stable: within one reason the order is that of the checks. */
function inOrder(refusals: readonly Refusal[]): readonly Refusal[] {
  return refusals.toSorted((a, b) => (ORDER.get(a.reason) ?? 0) - (ORDER.get(b.reason) ?? 0))
}
