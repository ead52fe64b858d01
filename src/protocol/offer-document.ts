import { z } from 'zod'
import { RUNTIME_NAMES, type RuntimeName } from './execution.ts'
import { limitsSchema } from './limits.ts'
import { paymentTermsSchema } from './payment.ts'
import { ratesSchema } from './price.ts'
import { addressSchema } from './receipt.ts'

/** No offer stands for longer. */
export const MAX_OFFER_LIFETIME_MS = 600_000
/** How far a provider's clock may be ahead of one's own. */
export const OFFER_CLOCK_SKEW_MS = 60_000

/** Names of features and classes, as capabilities and operators write them. */
const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$/, 'letters, digits, ":", ".", "_" and "-"')

export const offeredRuntimeSchema = z.strictObject({
  runtime: z.enum(RUNTIME_NAMES),
  /** As a receipt's isolation names it: results of the same engine can be compared. */
  engine: z.string().max(200),
  features: z.array(nameSchema).max(64),
  /** Low-level runtimes that tasks may ask for, the one of tasks that ask for none first. */
  classes: z.array(nameSchema).max(16),
  rates: ratesSchema,
  /** The most that a task may ask for. */
  caps: limitsSchema,
})
export type OfferedRuntime = z.infer<typeof offeredRuntimeSchema>

/**
 * What a provider offers, in its own words: self-reported, and binding nobody; a quote binds. Its bytes travel as its
 * provider serialised and signed them.
 */
export const offerDocumentSchema = z.strictObject({
  version: z.literal(1),
  /** Rises with each offer of a provider: of two, the higher one counts. */
  sequence: z.int().nonnegative(),
  provider: addressSchema,
  /** The libp2p peer id of the same key. */
  peerId: z.string().max(100),
  /** Where it can be dialled; nothing but an address of that peer is one. */
  multiaddrs: z.array(z.string().max(256)).min(1).max(16),
  chainId: z.int().nonnegative(),
  payment: paymentTermsSchema,
  runtimes: z.array(offeredRuntimeSchema).min(1).max(RUNTIME_NAMES.length),
  issuedAtMs: z.int().nonnegative(),
  expiryMs: z.int().nonnegative(),
})
export type OfferDocument = z.infer<typeof offerDocumentSchema>

/** The exact bytes of an offer (JSON, UTF-8), and its provider's signature over their digest. */
export interface SignedOffer {
  readonly bytes: Uint8Array
  readonly signature: string
}

/** What somebody looks for: nothing where empty, which every offer has. */
export interface OfferFilter {
  readonly runtime?: RuntimeName
  /** All of them, of one runtime: `deterministic`, a class as `class:runsc`, or `gpu`. */
  readonly features?: readonly string[]
}

/** Whether one of its runtimes has all that is looked for. */
export function offersWhat(offer: Pick<OfferDocument, 'runtimes'>, filter: OfferFilter): boolean {
  return offer.runtimes.some((runtime) => runtimeHas(runtime, filter))
}

/** Whether that runtime has all that is looked for. */
export function runtimeHas(offered: OfferedRuntime, { runtime, features = [] }: OfferFilter): boolean {
  if (runtime !== undefined && offered.runtime !== runtime) return false
  return features.every((feature) => featuresOf(offered).has(feature))
}

/** Whoever looks through thousands of offers for whatever a stranger asks for has made this of each once. */
const known = new WeakMap<OfferedRuntime, ReadonlySet<string>>()

/** All that can be asked of a runtime by name. */
function featuresOf(offered: OfferedRuntime): ReadonlySet<string> {
  const before = known.get(offered)
  if (before !== undefined) return before
  const { features, classes, caps } = offered
  const names = new Set([
    ...features,
    ...classes.map((name) => `class:${name}`),
    ...(caps.gpus === undefined ? [] : [GPU]),
  ])
  known.set(offered, names)
  return names
}

const GPU = 'gpu'
const CLASS = 'class:'
const MAX_CAPABILITIES = 32

/**
 * The names under which the runtimes of an offer are found in the DHT: `wasm`, `wasm-deterministic`, `docker-runsc`,
 * `docker-gpu`. Names with a colon are an operator's own (`mount:datasets`): asked of who is found, not searched for.
 */
export function capabilitiesOf(runtimes: readonly OfferedRuntime[]): readonly string[] {
  const names = runtimes.flatMap((offered) => [
    offered.runtime,
    ...[...featuresOf(offered)].flatMap((feature) => capabilityName(offered.runtime, feature) ?? []),
  ])
  return [...new Set(names)].slice(0, MAX_CAPABILITIES)
}

/** The rarest capability of a filter that providers are found by; undefined where it names no runtime. */
export function capabilityToSearch({ runtime, features = [] }: OfferFilter): string | undefined {
  if (runtime === undefined) return undefined
  const names = features.flatMap((feature) => capabilityName(runtime, feature) ?? [])
  return names.at(-1) ?? runtime
}

function capabilityName(runtime: RuntimeName, feature: string): string | undefined {
  const name = feature.startsWith(CLASS) ? feature.slice(CLASS.length) : feature
  return name.includes(':') ? undefined : `${runtime}-${name}`
}
