import { connect, type Client } from '../client/connect.ts'
import { loadOrCreateKey } from '../identity/key-file.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Cli } from './cli.ts'
import type { Place } from './places.ts'

/** The options of every command that talks to a provider. */
export interface ProviderOptions {
  readonly to: string
  readonly key?: string
}

/** @throws SoukError INVALID_USAGE where `to` is no address of a provider, UNREACHABLE, KEY_UNUSABLE; the signal's reason */
export async function connectTo({
  cli,
  options,
  signal,
  chainId,
}: {
  readonly cli: Cli
  readonly options: ProviderOptions
  readonly signal?: AbortSignal
  readonly chainId?: number
}): Promise<Client> {
  const key = await loadOrCreateKey({ file: options.key ?? cli.home.key })
  try {
    return await connect({
      to: options.to,
      key,
      ...(signal !== undefined && { signal }),
      ...(chainId !== undefined && { chainId }),
    })
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
export function placeOf({ client, multiaddr }: { readonly client: Client; readonly multiaddr: string }): Place {
  return {
    submit: async ({ task, signal }) => ({ ...(await client.submit({ task, signal })), multiaddr }),
    [Symbol.asyncDispose]: () => client.close(),
  }
}
