import { SoukError } from '../protocol/errors.ts'
import type { NetworkHost } from '../protocol/network/host.ts'
import type { ProviderConnection } from '../protocol/network/task-client.ts'
import { Patience } from './patience.ts'

export interface LinkOptions {
  readonly host: NetworkHost
  readonly multiaddr: string
  readonly connection: ProviderConnection
  readonly reconnectTimeoutMs: number
}

/** The way to one provider: a connection as long as it lasts, and then a new one to the same address and key. */
export class Link {
  /** The provider's Ethereum address. */
  readonly provider: string
  readonly #options: LinkOptions
  readonly #closed = new AbortController()
  #current: ProviderConnection | undefined
  #dialing: Promise<ProviderConnection> | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.provider = options.connection.provider
    this.#adopt(options.connection)
  }

  /** The open connection, dialled anew where the last one has closed. @throws SoukError UNREACHABLE; the signal's reason */
  async connection(signal?: AbortSignal): Promise<ProviderConnection> {
    signal?.throwIfAborted()
    if (this.#closed.signal.aborted) throw closedHere()
    if (this.#current !== undefined) return this.#current
    this.#dialing ??= this.#dial().finally(() => {
      this.#dialing = undefined
    })
    return unlessAborted(this.#dialing, signal)
  }

  /** A new run of attempts at one operation. */
  patience(signal?: AbortSignal): Patience {
    const { reconnectTimeoutMs: timeoutMs } = this.#options
    return new Patience({ timeoutMs, closed: this.#closed.signal, ...(signal !== undefined && { signal }) })
  }

  /**
   * Does `work`, and does it again where the connection broke before it was done: for what may be done twice.
   * @throws what `work` throws; CONNECTION_LOST where the provider stays away; the signal's reason
   */
  async again<T>(work: (connection: ProviderConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const patience = this.patience(signal)
    for (;;) {
      try {
        return await work(await this.connection(signal))
      } catch (thrown) {
        await patience.afterFailure(thrown)
      }
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    const dialing = this.#dialing?.catch(() => undefined)
    await this.#current?.close()
    await dialing
  }

  async #dial(): Promise<ProviderConnection> {
    const { host, multiaddr } = this.#options
    const signal = this.#closed.signal
    const connection = await host.connect({ multiaddr, signal }).catch((thrown: unknown) => {
      throw signal.aborted ? closedHere() : thrown
    })
    if (signal.aborted) {
      await connection.close()
      throw closedHere()
    }
    this.#adopt(connection)
    return connection
  }

  #adopt(connection: ProviderConnection): void {
    this.#current = connection
    void connection.closed.then(() => {
      if (this.#current === connection) this.#current = undefined
    })
  }
}

function closedHere(): SoukError<'CONNECTION_LOST'> {
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: 'The connection was closed on this side.',
    details: {},
    retryable: false,
    hint: 'Accepted tasks go on and are found by their ids: connect again.',
  })
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
