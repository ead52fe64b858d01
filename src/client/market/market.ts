import type { Key } from '../../identity/key-file.ts'
import { addressOfPeerId } from '../../identity/peer-id.ts'
import { createHost, type NetworkHost } from '../../protocol/network/host.ts'
import { createClient, namesPeer, noPeerId, type Client } from '../connect.ts'
import { Link } from '../link.ts'
import type { LoadedTask } from '../load-task.ts'
import { ServedBlobs } from '../served-blobs.ts'
import type { Wallet } from '../payments/wallet.ts'
import { askingOrder, multiaddrOf, type FoundAddress } from './asking-order.ts'
import { isUnreliable } from './choose.ts'
import { quoteAll, type QuoteAnswer } from './quote-all.ts'
import { openMarketRecord, type MarketRecord } from './record.ts'
import { runAnywhere, type AnywhereTask, type Move } from './run-anywhere.ts'

export interface MarketOptions {
  /** Pays for tasks that are submitted with a quote by which they are to be paid; who opened it closes it. */
  readonly wallet?: Wallet
  /** Who asks: the key that signs tasks is the one that this side is known by on the network. */
  readonly key: Key
  /** The market takes it over and stops it when it closes. Where absent, one without discovery is made. */
  readonly host?: NetworkHost
  /**
   * Finds providers that may run a task: multiaddrs, each with `/p2p/PEERID`; with the peers that named it where it comes from others.
   */
  readonly findProviders: (task: LoadedTask) => Promise<readonly (string | FoundAddress)[]>
  /** Folder of what is remembered of providers, `record.sqlite`. */
  readonly recordDir: string
  /** EIP-155 chain id of the providers' chain; 0, for none, where absent. */
  readonly chainId?: number
  /** How long one provider may take to be reached and to answer: 5 s where absent. */
  readonly quoteTimeoutMs?: number
  /** How long a lost provider is given to come back before its task goes to another, or is waited for: 15 s where absent. */
  readonly reconnectTimeoutMs?: number
}

export interface MarketRunOptions {
  readonly task: LoadedTask
  readonly signal?: AbortSignal
  /** Called for each provider that is asked to run it, with the reason why the one before does not. */
  readonly onMove?: (move: Move) => void
}

/** Asks many providers over connections that are kept open. Has to be closed, or the process does not end. */
export interface Market extends AsyncDisposable {
  readonly record: MarketRecord
  /** What each provider that was found would run the task for, or why it would not, in the order in which they were found. @throws SoukError INVALID_INPUT; the signal's reason */
  quotes(options: {
    readonly task: LoadedTask
    /** Once so many have offered to run it, slow providers are only waited for shortly. Where absent, all are waited for. */
    readonly enough?: number
    readonly signal?: AbortSignal | undefined
  }): Promise<readonly QuoteAnswer[]>
  /**
   * Has the task run by the best provider (choose.ts says which that is), and by the next where one refuses or fails.
   * @throws SoukError REFUSED or UNREACHABLE where nobody takes it; the signal's reason
   */
  run(options: MarketRunOptions): Promise<AnywhereTask>
  close(): Promise<void>
}

const DEFAULTS = { chainId: 0, quoteTimeoutMs: 5000, reconnectTimeoutMs: 15_000 } as const

/** @throws SoukError KEY_UNUSABLE, START_FAILED; the host is stopped then */
export async function openMarket(options: MarketOptions): Promise<Market> {
  const { key, findProviders, recordDir, quoteTimeoutMs, ...terms } = { ...DEFAULTS, ...options }
  const host =
    options.host ?? (await createHost({ privateKey: key.privateKey, listen: [], reach: { relay: 'dialer' } }))
  try {
    await host.start()
    const record = openMarketRecord({ dir: recordDir })
    const connections = await openConnections({
      ...(options.wallet !== undefined && { wallet: options.wallet }),
      host,
      key,
      ...terms,
    })
    const quotes: Market['quotes'] = async ({ task, enough, signal }) => {
      const addresses = await findProviders(task)
      const comesFirst = (multiaddr: string): boolean => keptItsWord(record, multiaddr)
      const answers = await quoteAll({
        multiaddrs: askingOrder({ addresses, comesFirst }),
        clientOf: connections.clientOf,
        task,
        timeoutMs: quoteTimeoutMs,
        enough,
        signal,
      })
      const places = new Map(addresses.map((address, place) => [multiaddrOf(address), place]))
      return answers.toSorted((a, b) => (places.get(a.multiaddr) ?? 0) - (places.get(b.multiaddr) ?? 0))
    }
    const close = async (): Promise<void> => {
      await connections.close()
      await host.stop()
      record[Symbol.dispose]()
    }
    return {
      record,
      quotes,
      run: (run) => runAnywhere({ ...run, record, quotes: (asked) => quotes({ ...run, ...asked }) }),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await host.stop()
    throw error
  }
}

/** Whether the provider at an address has finished a task for this requester before, and is not unreliable. */
function keptItsWord(record: MarketRecord, multiaddr: string): boolean {
  const provider = addressOfPeerId(multiaddr.slice(multiaddr.lastIndexOf('/') + 1))
  const met = provider === undefined ? undefined : record.of(provider)
  return met !== undefined && met.finished > 0 && !isUnreliable(met)
}

interface Connections {
  /** A client of the provider at an address: the one that there is, or a new one. @throws SoukError UNREACHABLE; the signal's reason */
  clientOf(multiaddr: string, signal: AbortSignal): Promise<Client>
  close(): Promise<void>
}

async function openConnections({
  host,
  key,
  chainId,
  reconnectTimeoutMs,
  wallet,
}: {
  readonly wallet?: Wallet
  readonly host: NetworkHost
  readonly key: Key
  readonly chainId: number
  readonly reconnectTimeoutMs: number
}): Promise<Connections> {
  const clients = new Map<string, Promise<Client>>()
  const blobsFor = new Map<string, ServedBlobs>()
  await host.serveBlobs({ open: async (request) => blobsFor.get(request.peer)?.open(request) })

  async function dial(multiaddr: string, signal: AbortSignal): Promise<Client> {
    if (!namesPeer(multiaddr)) throw noPeerId(multiaddr)
    const connection = await host.connect({ multiaddr, signal })
    const { provider } = connection
    const blobs = blobsFor.get(provider) ?? new ServedBlobs({ provider })
    blobsFor.set(provider, blobs)
    return createClient({
      ...{ link: new Link({ host, multiaddr, connection, reconnectTimeoutMs }), blobs, key, chainId },
      ...(wallet !== undefined && { wallet }),
    })
  }

  return {
    clientOf(multiaddr, signal) {
      const known = clients.get(multiaddr)
      if (known !== undefined) return known
      const dialled = dial(multiaddr, signal)
      clients.set(multiaddr, dialled)
      // The next who asks dials again.
      dialled.catch(() => clients.delete(multiaddr))
      return dialled
    },
    async close() {
      const open = await Promise.allSettled([...clients.values()])
      await Promise.all(open.map(async (client) => client.status === 'fulfilled' && client.value.close()))
    },
  }
}
