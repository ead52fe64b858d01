import type { AvailableRuntime, Capability, ProvenLimit } from '../../executors/executor.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import {
  ALWAYS_APPLIED,
  ALWAYS_BOUNDED,
  LIMIT_KEYS,
  type BoundedLimits,
  type LimitKey,
  type Limits,
  type RequestedLimits,
} from '../../protocol/limits.ts'
import { runtimesOf, type RuntimeSpec } from '../../protocol/task.ts'

/** One runtime that this provider offers. */
export interface Offer {
  readonly runtime: RuntimeName
  /** The most that a task may ask for, per limit, and what it gets when it asks for nothing. */
  readonly caps: BoundedLimits
  /** What a task gets that asks for nothing, where that is less than the cap: for a runtime that could not use more. */
  readonly defaults?: RequestedLimits
  /** Limits that this host cannot enforce are dropped even where a task asks for them: its requester is the operator himself. */
  readonly waivesAsked?: boolean
  /** Limits without which nothing runs, besides those that every run has: without them a task could take down the host. */
  readonly required?: readonly LimitKey[]
  /** Which limits the runtime has proven on this host. */
  readonly capability: Capability
}

/** A weight takes from a task's neighbours rather than limiting the task: without a cap of the operator's, no task gets one. */
const WEIGHTS: ReadonlySet<LimitKey> = new Set<LimitKey>(['cpuShares', 'ioWeight'])

/** What a task gets only if it asks for it, and only if the operator has set a cap. */
const GIVEN_WHEN_ASKED: ReadonlySet<LimitKey> = new Set<LimitKey>(['gpus'])

type Choice =
  | { readonly offer: Offer; readonly refusal?: undefined }
  | { readonly offer?: undefined; readonly refusal: Refusal }

/** The feature of a native runtime that has images which a task may name. A task that brings its own image does not need it. */
const IMAGES = 'image'

/**
 * The offer that a task means: the only one that can run it, or else the default runtime's. An offer that cannot run the task may be
 * chosen, too, so that the refusal says why.
 */
export function chooseOffer(
  runtime: RuntimeSpec,
  policy: { readonly offers: readonly Offer[]; readonly defaultRuntime: RuntimeName },
): Choice {
  const meant = runtimesOf(runtime)
  const fitting = policy.offers.filter((offer) => meant.includes(offer.runtime))
  const able = fitting.filter(({ capability }) => capability.available && takes(capability, runtime))
  const preferred = fitting.find((offer) => offer.runtime === policy.defaultRuntime)
  // If none of them can run it, any one will do to say why not.
  const chosen = able.length === 1 ? able[0] : (preferred ?? (able.length === 0 ? fitting[0] : undefined))
  if (chosen === undefined) return { refusal: unknownRuntime({ meant, fitting, offers: policy.offers }) }
  const { capability } = chosen
  if (!capability.available || takes(capability, runtime)) return { offer: chosen }
  return {
    refusal: unavailable(
      chosen.runtime,
      'it runs no images here but those that a task brings; bring one as a file, or name a program, a tar or a rootfs',
    ),
  }
}

function takes({ runtime, features }: AvailableRuntime, asked: RuntimeSpec): boolean {
  return runtime !== 'native' || !('image' in asked) || 'archive' in asked || features.includes(IMAGES)
}

function unknownRuntime({
  meant,
  fitting,
  offers,
}: {
  readonly meant: readonly RuntimeName[]
  readonly fitting: readonly Offer[]
  readonly offers: readonly Offer[]
}): Refusal {
  const asked = meant.join(' or ')
  const offered = offers.map((offer) => offer.runtime).join(', ')
  const message =
    fitting.length === 0
      ? `The task needs ${asked}; the provider offers ${offered === '' ? 'no runtime' : offered}`
      : `The task can mean ${asked}; name one as runtime.type`
  return { reason: 'UNKNOWN_RUNTIME', message, subject: 'runtime', asked, offered }
}

/** An offer as it is for tasks of one class. A class that is not offered changes nothing here: feature-refusals.ts refuses it. */
export function offerInClass(offer: Offer, asked: string | undefined): Offer {
  const { capability } = offer
  if (!capability.available || asked === undefined) return offer
  const found = capability.classes?.find(({ name }) => name === asked)
  if (found === undefined) return offer
  const { isolation, proven, unproven, backstops = [] } = found
  return { ...offer, capability: { ...capability, isolation, proven, unproven, backstops } }
}

type Applied =
  | { readonly limits: Limits; readonly refusals?: undefined }
  | { readonly limits?: undefined; readonly refusals: readonly Refusal[] }

/** The limits that a run of the task would have, or every reason why it cannot be run with limits that hold. */
export function appliedLimits(asked: { readonly [K in LimitKey]?: number | undefined }, offer: Offer): Applied {
  const { runtime, caps, capability } = offer
  const above = LIMIT_KEYS.flatMap((key) => aboveOffer({ runtime, key, asked: asked[key], cap: caps[key] }))
  if (!capability.available) return { refusals: [unavailable(runtime, capability.why), ...above] }

  const proven = new Map(capability.proven.map((limit) => [limit.limit, limit]))
  const waived = new Set(capability.waived)
  const backstops = new Set(capability.backstops)
  const limits: { [K in LimitKey]?: number } = {}
  const unproven: Refusal[] = []
  const missing: string[] = []
  for (const key of LIMIT_KEYS) {
    if (GIVEN_WHEN_ASKED.has(key) && (asked[key] === undefined || caps[key] === undefined)) continue
    const proof = proven.get(key)
    const value = asked[key] ?? withinProof(offer.defaults?.[key] ?? caps[key], proof)
    const why = value === undefined ? undefined : whyUnproven({ key, value, proof, capability })
    if (why === undefined) {
      if (value !== undefined) limits[key] = value
    } else if (waived.has(key) && (asked[key] === undefined || offer.waivesAsked === true)) {
      continue
    } else if (asked[key] !== undefined) {
      unproven.push({
        reason: 'CAP_UNPROVEN',
        message: `The task needs ${key} of ${value}: ${why}`,
        subject: key,
        asked: String(value),
      })
    } else if (isAlwaysApplied(key) || (offer.required?.includes(key) === true && !backstops.has(key)))
      missing.push(`${key}: ${why}`)
  }
  const refusals = [...above, ...unproven]
  if (missing.length > 0) {
    const why = `limits that every run has cannot be enforced: ${missing.join('; ')}`
    return { refusals: [unavailable(runtime, why), ...refusals] }
  }
  if (refusals.length > 0) return { refusals }
  return hasAll(limits, waived)
    ? { limits }
    : { refusals: [unavailable(runtime, 'the operator sets no cap for a limit that every run has')] }
}

function aboveOffer({
  runtime,
  key,
  asked,
  cap,
}: {
  readonly runtime: RuntimeName
  readonly key: LimitKey
  readonly asked: number | undefined
  readonly cap: number | undefined
}): Refusal[] {
  if (asked === undefined || (cap === undefined ? !WEIGHTS.has(key) && !GIVEN_WHEN_ASKED.has(key) : asked <= cap))
    return []
  if (cap === undefined && GIVEN_WHEN_ASKED.has(key)) {
    const none = `The task asks for ${key} of ${asked}, the provider offers none to tasks of ${runtime}`
    return [{ reason: 'CAP_ABOVE_OFFER', message: none, subject: key, asked: String(asked), offered: '0' }]
  }
  const message =
    cap === undefined
      ? `The task asks for ${key} of ${asked}, the provider gives no task a weight of its own`
      : `The task asks for ${key} of ${asked}, the provider offers at most ${cap}`
  return [
    {
      reason: 'CAP_ABOVE_OFFER',
      message,
      subject: key,
      asked: String(asked),
      ...(cap !== undefined && { offered: String(cap) }),
    },
  ]
}

/** What a task gets that asks for nothing: the cap, or the most that the runtime can enforce if that is less. */
function withinProof(cap: number | undefined, proof: ProvenLimit | undefined): number | undefined {
  return cap === undefined || proof?.max === undefined ? cap : Math.min(cap, proof.max)
}

function whyUnproven({
  key,
  value,
  proof,
  capability,
}: {
  readonly key: LimitKey
  readonly value: number
  readonly proof: ProvenLimit | undefined
  readonly capability: Capability & { readonly available: true }
}): string | undefined {
  if (proof === undefined) {
    const reason = capability.unproven.find((limit) => limit.limit === key)?.why
    return `${capability.runtime} does not enforce it here${reason === undefined ? '' : ` (${reason})`}`
  }
  if (proof.min !== undefined && value < proof.min)
    return `${capability.runtime} enforces no less than ${proof.min} here`
  if (proof.max !== undefined && value > proof.max)
    return `${capability.runtime} enforces no more than ${proof.max} here`
  return undefined
}

function unavailable(runtime: RuntimeName, why: string): Refusal {
  return {
    reason: 'RUNTIME_UNAVAILABLE',
    message: `${runtime} does not work on this provider: ${why}`,
    subject: 'runtime',
    asked: runtime,
  }
}

const ALWAYS: readonly LimitKey[] = [...ALWAYS_APPLIED, ...ALWAYS_BOUNDED]
const isAlwaysApplied = (key: LimitKey): boolean => ALWAYS.includes(key)

function hasAll(limits: RequestedLimits, waived: ReadonlySet<LimitKey>): limits is Limits {
  return (
    ALWAYS_APPLIED.every((key) => limits[key] !== undefined) &&
    ALWAYS_BOUNDED.every((key) => limits[key] !== undefined || waived.has(key))
  )
}
