import type { AccountProgress } from '../client/payments/account-transactions.ts'
import { findProviders } from '../client/market/find-providers.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { ChannelKey, CloseConsent } from '../protocol/payment.ts'
import { isOfNode, nodeOf } from '../settlement/channel-nonces.ts'
import type { ChannelOptions } from './chain-options.ts'
import type { Cli } from './cli.ts'
import { bootstrapOf, chainIdOf, marketHost } from './market-options.ts'
import { connectTo } from './remote-place.ts'

interface Request {
  readonly cli: Cli
  readonly options: ChannelOptions
  readonly channelId: string
  readonly channel: ChannelKey
  readonly onProgress: AccountProgress
}

/**
 * What the provider that a channel pays says to closing it at once, where one is named or the market knows it; undefined where it
 * cannot be asked, or does not agree and never will, and the channel is to be closed alone.
 * @throws SoukError REFUSED where tasks of the channel have not ended; UNREACHABLE, CONNECTION_LOST of a provider that was named
 */
export async function consentOf(request: Request): Promise<CloseConsent | undefined> {
  const { cli, options, channelId, onProgress } = request
  const isNamed = options.to !== undefined
  try {
    const to = options.to ?? (await foundInMarket(request))
    if (to === undefined) return undefined
    onProgress(`asking ${to} to agree that the channel is closed at once`)
    await using client = await connectTo({ cli, options: { ...options, to }, ...chainOf(request) })
    return await client.closeConsent({ channelId })
  } catch (thrown) {
    const error = SoukError.from(thrown)
    // It would agree later: a challenge period may take longer than that, and cannot be taken back.
    if (isSoukError(error, 'REFUSED') ? error.retryable : isNamed && error.code !== 'NOT_FOUND')
      throw isSoukError(error, 'UNREACHABLE') ? orAlone(error) : error
    onProgress(`${error.message.replace(/\.$/, '')}: the channel is closed without the provider`)
    return undefined
  }
}

/** Who named a provider that is gone has another way out. */
function orAlone(error: SoukError<'UNREACHABLE'>): SoukError<'UNREACHABLE'> {
  return new SoukError({
    ...{ code: 'UNREACHABLE', message: error.message, details: error.details, cause: error },
    hint: 'Try again when the provider is up, or leave --to away: then the channel is closed without it, which takes the challenge period, and it may keep what was paid ahead.',
  })
}

function chainOf({ cli, options }: Request): { readonly chainId?: number } {
  const chainId = chainIdOf({ cli, options })
  return chainId === undefined ? {} : { chainId }
}

/** The address of the node that the channel pays, by the offer that it made. */
async function foundInMarket(request: Request): Promise<string | undefined> {
  const { cli, options, channel, onProgress } = request
  if (options.bootstrap === undefined && (cli.env['SOUK_BOOTSTRAP'] ?? '') === '') return undefined
  const bootstrap = bootstrapOf({ cli, options })
  const host = await marketHost({ cli, options, bootstrap })
  try {
    const found = await findProviders({ host, bootstrap, ...chainOf(request) })
    const payees = found.find(
      ({ provider, offer: { payment } }) =>
        payment.kind === 'channel' &&
        payment.payee === channel.payee &&
        nodeOf(payment) === provider &&
        isOfNode(channel, provider),
    )
    const [multiaddr] = payees?.multiaddrs ?? []
    if (multiaddr === undefined) onProgress('the market knows no provider that the channel pays')
    return multiaddr
  } finally {
    await host.stop()
  }
}
