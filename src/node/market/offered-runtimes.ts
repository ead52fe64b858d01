import { offeredRuntimeSchema, type OfferedRuntime } from '../../protocol/offer-document.ts'
import type { Prices } from '../config/types.ts'
import type { Offer } from '../admission/offers.ts'
import { unenforced } from '../admission/operator-caps.ts'

/** The prefix of classes among a capability's features. */
const CLASS = 'class:'

/** The runtimes that work here, as an offer describes them, cut to the bounds of an offer. */
export function offeredRuntimes({
  offers,
  prices,
}: {
  readonly offers: readonly Offer[]
  readonly prices: Prices
}): readonly OfferedRuntime[] {
  return offers.flatMap((offer) => {
    const { runtime, capability } = offer
    if (!capability.available) return []
    const { features, classes } = offeredRuntimeSchema.shape
    const withheld = unenforced(offer)
    return {
      runtime,
      engine: capability.isolation.engine.slice(0, 200),
      features: capability.features
        .filter((name) => !name.startsWith(CLASS) && features.safeParse([name]).success)
        .slice(0, 64),
      classes: (capability.classes ?? [])
        .map(({ name }) => name)
        .filter((name) => classes.safeParse([name]).success)
        .slice(0, 16),
      rates: prices[runtime],
      caps: Object.fromEntries(Object.entries(offer.caps).filter(([key]) => !withheld.some((name) => name === key))),
    }
  })
}
