import type { RuntimeName } from '../../protocol/execution.ts'
import type { Limits } from '../../protocol/limits.ts'
import { FREE_RATES, isFree, type Rates } from '../../protocol/price.ts'
import type { Quote } from '../../protocol/quote.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { classOf, type TaskSpec } from '../../protocol/task.ts'
import { demandOf, shortagesOf, type Resources } from '../scheduler/capacity.ts'
import type { Prices } from '../config/types.ts'
import { featureRefusals } from './feature-refusals.ts'
import { appliedLimits, chooseOffer, offerInClass, type Offer } from './offers.ts'
import { mostOf } from './pricing.ts'

/** What a task would be run on, and for how much. */
export interface AgreedTerms {
  readonly runtime: RuntimeName
  /** As a receipt's isolation names it. */
  readonly engine: string
  /** As they will be applied. */
  readonly limits: Limits
  readonly rates: Rates
  /** The most that the task can come to: what is set aside for it. */
  readonly maxPriceWei: bigint
  /**
   * Set if the task is free only because it draws on the free allowance: the rates that it would have had, and the most that it could
   * have come to.
   */
  readonly allowance?: { readonly rates: Rates; readonly mostWei: bigint }
}

export interface Terms {
  readonly refusals: readonly Refusal[]
  readonly agreed?: AgreedTerms
}

export interface TermsRequest {
  readonly spec: TaskSpec
  readonly policy: {
    readonly offers: readonly Offer[]
    readonly defaultRuntime: RuntimeName
    readonly prices: Prices
    readonly capacity: Resources
  }
  /** How much of today's free allowance is left for the peer that asks. */
  readonly freeWei: bigint
  /** A quote that was given before: it stands, whatever is offered by now. */
  readonly quote?: Quote
}

/** The terms on which a task can be run, or every reason why there are none. */
export function termsOf({ spec, policy, freeWei, quote }: TermsRequest): Terms {
  const offers = quote === undefined ? policy.offers : policy.offers.map((offer) => asQuoted(offer, quote))
  const choice = chooseOffer(spec.runtime, { ...policy, offers: offers.filter((offer) => offer !== undefined) })
  if (choice.offer === undefined) return { refusals: [choice.refusal] }
  const { offer } = choice
  const inClass = offerInClass(offer, classOf(spec.runtime))
  const applied = appliedLimits(quote?.limits ?? spec.limits, inClass)
  const lacking = featureRefusals(spec.runtime, offer.capability)
  if (applied.limits === undefined) return { refusals: [...applied.refusals, ...lacking] }
  const { runtime } = offer
  const { limits } = applied
  const listed = policy.prices[runtime]
  const priced = priceTerms({ listed, limits, freeWei, quote, spec, policy })
  const refusals = [...shortageRefusals(limits, policy.capacity), ...lacking, ...priced.refusals]
  return priced.agreed === undefined
    ? { refusals }
    : { refusals, agreed: { runtime, engine: engineOf(inClass), limits, ...priced.agreed } }
}

function engineOf({ capability }: Offer): string {
  return capability.available ? capability.isolation.engine : ''
}

/** An offer with what was quoted of it for its caps; undefined where the quote is of another runtime. */
function asQuoted(offer: Offer, { runtime, limits }: Quote): Offer | undefined {
  // No defaults: the task must not get a limit that its quote does not name.
  return offer.runtime === runtime ? { ...offer, caps: limits as Offer['caps'], defaults: {} } : undefined
}

interface Pricing {
  readonly listed: Rates
  readonly limits: Limits
  readonly freeWei: bigint
  readonly quote: Quote | undefined
  readonly spec: TaskSpec
  readonly policy: TermsRequest['policy']
}

function priceTerms({ listed, limits, freeWei, quote, spec, policy }: Pricing): {
  readonly refusals: readonly Refusal[]
  readonly agreed?: Pick<AgreedTerms, 'rates' | 'maxPriceWei' | 'allowance'>
} {
  if (quote !== undefined && quote.allowance === undefined)
    return { refusals: [], agreed: { rates: quote.rates, maxPriceWei: BigInt(quote.maxPriceWei) } }
  const { cpuMilliCores } = policy.capacity
  const mostWei = mostOf({
    rates: listed,
    limits,
    hasResultFiles: spec.outputs.length > 0,
    cpuCores: cpuMilliCores / 1000,
  })
  if (mostWei === undefined) return { refusals: [fuelLimitRequired()] }
  const free = { rates: FREE_RATES, maxPriceWei: 0n }
  if (isFree(listed)) return { refusals: [], agreed: free }
  if (mostWei <= freeWei) return { refusals: [], agreed: { ...free, allowance: { rates: listed, mostWei } } }
  if (quote !== undefined) return { refusals: [allowanceSpent({ mostWei, freeWei })] }
  return { refusals: [], agreed: { rates: listed, maxPriceWei: mostWei } }
}

function fuelLimitRequired(): Refusal {
  return {
    reason: 'FUEL_LIMIT_REQUIRED',
    message: 'The provider charges for instructions, and the task has no limit on them: set `fuel`',
    subject: 'fuel',
  }
}

function allowanceSpent({ mostWei, freeWei }: { readonly mostWei: bigint; readonly freeWei: bigint }): Refusal {
  return {
    reason: 'ALLOWANCE_SPENT',
    message: `The quote was for nothing, and of what the provider runs for nothing per day ${freeWei} wei are left; the task can come to ${mostWei}`,
    subject: 'allowance',
    asked: String(mostWei),
    offered: String(freeWei),
  }
}

function shortageRefusals(limits: Limits, capacity: Resources): Refusal[] {
  const demand = demandOf(limits, capacity)
  return shortagesOf(demand, capacity).map((key): Refusal => {
    const subject = key === 'cpuMilliCores' ? 'cpuCores' : key
    const [asked, offered] = [demand, capacity].map((r) => (key === 'cpuMilliCores' ? r[key] / 1000 : r[key]))
    return {
      reason: 'CAP_ABOVE_OFFER',
      message: `The task needs ${subject} of ${asked}; the provider has ${offered} for all tasks together`,
      subject,
      asked: String(asked),
      offered: String(offered),
    }
  })
}
