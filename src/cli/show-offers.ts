import { findProviders } from '../client/market/find-providers.ts'
import { standardPriceWei } from '../client/market/standard-task.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../protocol/execution.ts'
import { runtimeHas, type OfferDocument, type OfferedRuntime } from '../protocol/offer-document.ts'
import { EXIT } from './exit-code.ts'
import { listenForInterruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { bootstrapOf, marketHost, type MarketOptions } from './market-options.ts'
import { offersLines, type ShownOffer } from './offers-text.ts'
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
  const maxPriceWei = maxPriceOf(options.maxPrice)
  const chainId = chainIdOf(options.chainId)
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

function maxPriceOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,78}$/.test(text))
    throw usageError({
      message: `--max-price must be an amount in wei, in decimal digits, not ${JSON.stringify(text)}.`,
      argument: '--max-price',
    })
  return BigInt(text)
}

function chainIdOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const chainId = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(chainId))
    throw usageError({
      message: `--chain-id must be the id of a chain, not ${JSON.stringify(text)}.`,
      argument: '--chain-id',
    })
  return chainId
}
