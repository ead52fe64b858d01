import { lazyWallet } from '../client/payments/lazy-wallet.ts'
import { findForTask } from '../client/market/find-for-task.ts'
import { openMarket, type Market, type MarketOptions } from '../client/market/market.ts'
import type { Move } from '../client/market/run-anywhere.ts'
import { loadOrCreateKey } from '../identity/key-file.ts'
import { formatWei } from '../protocol/units.ts'
import { ONCE } from '../protocol/verification.ts'
import type { Cli } from './cli.ts'
import { bootstrapOf, chainIdOf, marketHost } from './market-options.ts'
import type { Narrator } from './render/narrator.ts'
import type { Place } from './places.ts'
import { printable } from './render/printable.ts'

/** The options of every command that asks several providers. */
export interface SeveralProvidersOptions {
  /** Providers; found in the market where none is named. */
  readonly to?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly key?: string
  readonly chainId?: string
}

/** The providers that are named, or the market; paid by the wallet in $SOUK_HOME. @throws SoukError INVALID_USAGE where there is neither, KEY_UNUSABLE */
export async function marketOf({
  cli,
  options,
  signal,
}: {
  readonly cli: Cli
  readonly options: SeveralProvidersOptions
  readonly signal: AbortSignal
}): Promise<Market> {
  const { to = [] } = options
  const key = await loadOrCreateKey({ file: options.key ?? cli.home.key })
  const chainId = chainIdOf({ cli, options })
  const wallet = lazyWallet({ dir: cli.home.dir, key })
  const terms = { key, wallet, recordDir: cli.home.dir, ...(chainId !== undefined && { chainId }) }
  const open = async (where: Pick<MarketOptions, 'host' | 'findProviders'>): Promise<Market> => {
    const market = await openMarket({ ...terms, ...where })
    const close = (): Promise<void> => market.close().finally(() => wallet.close())
    return { ...market, close, [Symbol.asyncDispose]: close }
  }
  if (to.length > 0) return open({ findProviders: () => Promise.resolve([...new Set(to)]) })
  const bootstrap = bootstrapOf({ cli, options })
  const host = await marketHost({ cli, options, bootstrap })
  const chain = chainId === undefined ? {} : { chainId }
  return open({ host, findProviders: findForTask({ host, bootstrap, signal, ...chain }) })
}

const SHORT_ADDRESS = 12

/** Providers as one place: the best of them takes the task, and the next where it fails; several of them where it is checked. */
export function placeInMarket({
  cli,
  market,
  narrator,
}: {
  readonly cli: Cli
  readonly market: Market
  readonly narrator: Narrator
}): Place {
  const onMove = ({ provider, maxPriceWei, after }: Move): void => {
    if (after !== undefined) narrator.say(`${printable(after.message)} Somebody else is asked`)
    const price = maxPriceWei === 0n ? 'free' : `at most ${formatWei(maxPriceWei)}`
    narrator.say(`asking ${provider.slice(0, SHORT_ADDRESS)}, ${price}`)
  }
  return {
    async submit({ task, signal }) {
      const { verification = ONCE } = task
      if (verification.kind === 'once') return market.run({ task, signal, onMove })
      const { runAndCheck } = await import('./run-and-check.ts')
      return runAndCheck({ cli, market, narrator, task, kind: verification.kind, signal })
    },
    [Symbol.asyncDispose]: () => market.close(),
  }
}
