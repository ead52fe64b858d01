import { findProviders } from '../client/market/find-providers.ts'
import { standardPriceWei } from '../client/market/standard-task.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../protocol/execution.ts'
import { runtimeHas, type OfferDocument, type OfferedRuntime } from '../protocol/offer-document.ts'
import { EXIT } from './exit-code.ts'
import { listenForInterruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { weiOf } from './chain-options.ts'
import { bootstrapOf, chainIdOf, marketHost, type MarketOptions } from './market-options.ts'
import { offersLines, type ShownOffer } from './render/offers-text.ts'
import type { Cli } from './cli.ts'
import { usageError } from './usage-error.ts'

export interface OffersOptions extends MarketOptions {
  readonly runtime?: string
  readonly feature?: readonly string[]
  readonly maxPrice?: string
  readonly chainId?: string
  readonly json?: boolean
}

/** `souk offers`: what the market says it offers, the cheapest first. */
export async function showOffers({
  cli,
  options,
}: {
  readonly cli: Cli
  readonly options: OffersOptions
}): Promise<number> {
  const runtime = runtimeOf(options.runtime)
  const features = options.feature ?? []
  const { maxPrice } = options
  const maxPriceWei = maxPrice === undefined ? undefined : weiOf({ value: maxPrice, argument: '--max-price' })
  const chainId = chainIdOf({ cli, options })
  const bootstrap = bootstrapOf({ cli, options })
  const filter = { features, ...(runtime !== undefined && { runtime }) }
  const interruptions = listenForInterruptions()
  const host = await marketHost({ cli, options, bootstrap })
  try {
    const found = await findProviders({
      host,
      bootstrap,
      signal: interruptions.first,
      ...filter,
      ...(chainId !== undefined && { chainId }),
    })
    const offers = found
      .flatMap(({ offer }) =>
        offer.runtimes.filter((each) => runtimeHas(each, filter)).map((each) => shown(offer, each)),
      )
      .filter(({ standardPriceWei: price }) => maxPriceWei === undefined || BigInt(price) <= maxPriceWei)
      .toSorted(byPrice)
    const { stdout, stderr } = cli.terminal
    if (options.json === true) await writeJson({ stdout, document: { offers } })
    else if (offers.length === 0) await stderr.write('Nobody who was found offers that.\n')
    else await stdout.write(`${offersLines({ offers, width: stdout.columns(), colors: stdout.colors }).join('\n')}\n`)
    return EXIT.success
  } finally {
    interruptions.dispose()
    await host.stop()
  }
}

function shown(offer: OfferDocument, runtime: OfferedRuntime): ShownOffer {
  const { provider, peerId, multiaddrs, chainId, payment, issuedAtMs, expiryMs } = offer
  const price = String(standardPriceWei(runtime.rates))
  return { provider, peerId, multiaddrs, chainId, payment, issuedAtMs, expiryMs, ...runtime, standardPriceWei: price }
}

function byPrice(a: ShownOffer, b: ShownOffer): number {
  const difference = BigInt(a.standardPriceWei) - BigInt(b.standardPriceWei)
  if (difference !== 0n) return difference < 0n ? -1 : 1
  return a.provider < b.provider ? -1 : 1
}

function runtimeOf(text: string | undefined): RuntimeName | undefined {
  const runtime = RUNTIME_NAMES.find((name) => name === text)
  if (runtime === undefined && text !== undefined)
    throw usageError({
      message: `--runtime must be one of ${RUNTIME_NAMES.join(', ')}, not ${JSON.stringify(text)}.`,
      argument: '--runtime',
    })
  return runtime
}
