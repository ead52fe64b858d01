import type { NetworkHost } from '../../protocol/network/host.ts'
import { classOf, isDeterministic, runtimesOf, type RuntimeSpec } from '../../protocol/task.ts'
import { findProviders, type FindProvidersOptions } from './find-providers.ts'
import type { MarketOptions } from './market.ts'

/**
 * Where providers are that offer what a task needs, for `openMarket`: asked anew for each task, of all that the bootstrap peers know.
 * What it gives throws as {@link findProviders} does.
 */
export function findForTask({
  host,
  bootstrap,
  chainId,
  signal,
}: Pick<FindProvidersOptions, 'bootstrap' | 'chainId' | 'signal'> & {
  /** The market's own, made by `createMarketHost`. */
  readonly host: NetworkHost
}): MarketOptions['findProviders'] {
  const terms = { ...(chainId !== undefined && { chainId }), ...(signal !== undefined && { signal }) }
  return async ({ spec }) => {
    const found = await findProviders({ host, bootstrap, ...terms, ...capabilityOf(spec.runtime) })
    for (const { multiaddrs } of found) host.learn(multiaddrs)
    return found.flatMap(({ multiaddrs: [multiaddr], sources }) =>
      multiaddr === undefined ? [] : [{ multiaddr, sources }],
    )
  }
}

/** What a provider has to offer that may run it; its quote says the rest. */
function capabilityOf(runtime: RuntimeSpec): Pick<FindProvidersOptions, 'runtime' | 'features'> {
  const [name, other] = runtimesOf(runtime)
  if (name === undefined || other !== undefined) return { features: [] }
  const runtimeClass = classOf(runtime)
  return {
    runtime: name,
    features: [
      ...(isDeterministic(runtime) ? ['deterministic'] : []),
      ...(runtimeClass === undefined ? [] : [`class:${runtimeClass}`]),
    ],
  }
}
