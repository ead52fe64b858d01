import { existsSync } from 'node:fs'
import { connect, type Client } from '../client/connect.ts'
import { lazyWallet } from '../client/payments/lazy-wallet.ts'
import { loadOrCreateKey } from '../identity/key-file.ts'
import { SoukError } from '../protocol/errors.ts'
import { formatWei } from '../protocol/units.ts'
import type { Cli } from './cli.ts'
import type { Narrator } from './render/narrator.ts'
import type { Place } from './places.ts'

/** The options of every command that talks to a provider. */
export interface ProviderOptions {
  readonly to: string
  readonly key?: string
}

/**
 * The client pays by the wallet in $SOUK_HOME for what it has quotes for; for tasks of earlier processes where there is such a wallet.
 * @throws SoukError INVALID_USAGE where `to` is no address of a provider, UNREACHABLE, KEY_UNUSABLE; the signal's reason
 */
export async function connectTo({
  cli,
  options,
  signal,
  chainId,
  submits = false,
}: {
  readonly cli: Cli
  readonly options: ProviderOptions
  /** Tasks are submitted: a wallet is made where one is needed. */
  readonly submits?: boolean
  readonly signal?: AbortSignal
  readonly chainId?: number
}): Promise<Client> {
  const key = await loadOrCreateKey({ file: options.key ?? cli.home.key })
  const wallet = lazyWallet({ dir: cli.home.dir, key })
  const pays = submits || existsSync(cli.home.wallet)
  try {
    const client = await connect({
      to: options.to,
      key,
      ...(signal !== undefined && { signal }),
      ...(chainId !== undefined && { chainId }),
      ...(pays && { wallet }),
    })
    const close = (): Promise<void> => client.close().finally(() => wallet.close())
    return { ...client, close, [Symbol.asyncDispose]: close }
  } catch (thrown) {
    if (!(thrown instanceof SoukError) || thrown.code !== 'INVALID_INPUT') throw thrown
    throw new SoukError({
      code: 'INVALID_USAGE',
      message: thrown.message,
      details: { argument: '--to' },
      hint: thrown.hint,
      cause: thrown,
    })
  }
}

/** A provider elsewhere, as a place to run tasks. */
export function placeOf({
  client,
  multiaddr,
  narrator,
}: {
  readonly client: Client
  readonly multiaddr: string
  readonly narrator: Narrator
}): Place {
  return {
    async submit({ task, signal }) {
      // For nothing a provider takes it without being asked first, or not at all.
      if (task.spec.maxPriceWei === '0') return { ...(await client.submit({ task, signal })), multiaddr }
      const quote = await client.quote({ task, signal })
      const { maxPriceWei } = quote.quote
      narrator.say(
        maxPriceWei === '0' ? 'it is free there' : `it costs at most ${formatWei(BigInt(maxPriceWei))} there`,
      )
      return { ...(await client.submit({ task, quote, signal })), multiaddr }
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}
