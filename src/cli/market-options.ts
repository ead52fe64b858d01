import { createMarketHost } from '../client/market/find-providers.ts'
import { addressOfPeerId } from '../identity/peer-id.ts'
import { loadOrCreateKey } from '../identity/key-file.ts'
import { loadSwarmKey } from '../identity/swarm-key.ts'
import type { Cli } from './cli.ts'
import { usageError } from './usage-error.ts'

/** The options of every command that looks around in the market. */
export interface MarketOptions {
  readonly bootstrap?: readonly string[]
  readonly key?: string
}

/** @throws SoukError INVALID_USAGE where there is none, or one is no address of a peer */
export function bootstrapOf({
  cli,
  options,
}: {
  readonly cli: Cli
  readonly options: MarketOptions
}): readonly string[] {
  const given = options.bootstrap ?? (cli.env['SOUK_BOOTSTRAP'] ?? '').split(',').map((item) => item.trim())
  const bootstrap = [...new Set(given.filter((item) => item !== ''))]
  if (bootstrap.length === 0) {
    throw usageError({
      message: 'Nobody is known to ask: --bootstrap is missing, and SOUK_BOOTSTRAP is not set.',
      argument: '--bootstrap',
      hint: 'Use an address of a node of the market, as `souk up` prints it: /ip4/192.0.2.1/tcp/4150/p2p/16Uiu2…',
    })
  }
  for (const multiaddr of bootstrap) {
    if (addressOfPeerId(multiaddr.slice(multiaddr.lastIndexOf('/') + 1)) === undefined)
      throw usageError({
        message: `--bootstrap has ${JSON.stringify(multiaddr)}, which does not end in /p2p/ and a peer id.`,
        argument: '--bootstrap',
        hint: 'Use the address as `souk up` prints it: /ip4/192.0.2.1/tcp/4150/p2p/16Uiu2…',
      })
  }
  return bootstrap
}

/**
 * The EIP-155 id of the chain that providers are on, as the command line or the environment says it.
 * @throws SoukError INVALID_USAGE
 */
export function chainIdOf({
  cli,
  options,
}: {
  readonly cli: Cli
  readonly options: { readonly chainId?: string }
}): number | undefined {
  const text = options.chainId ?? cli.env['SOUK_CHAIN_ID'] ?? ''
  if (text === '' && options.chainId === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw usageError({
    message: `${options.chainId === undefined ? 'SOUK_CHAIN_ID' : '--chain-id'} must be the id of a chain, a whole number, not ${JSON.stringify(text)}.`,
    argument: '--chain-id',
  })
}

/** The key of the private network that the environment names, if it names one (SOUK_SWARM_KEY). @throws SoukError KEY_UNUSABLE */
export async function swarmKeyOf(cli: Cli): Promise<{ readonly preSharedKey?: Uint8Array }> {
  const file = cli.env['SOUK_SWARM_KEY'] ?? ''
  return file === '' ? {} : { preSharedKey: await loadSwarmKey({ file }) }
}

/** A host in the market, to be stopped. @throws SoukError KEY_UNUSABLE */
export async function marketHost({
  cli,
  options,
  bootstrap,
}: {
  readonly cli: Cli
  readonly options: MarketOptions
  readonly bootstrap: readonly string[]
}): ReturnType<typeof createMarketHost> {
  const key = await loadOrCreateKey({ file: options.key ?? cli.home.key })
  return createMarketHost({ key, bootstrap, ...(await swarmKeyOf(cli)) })
}
