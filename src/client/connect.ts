import { askConsent } from './payments/ask-consent.ts'
import { checkedQuote, type ProviderQuote } from './check-quote.ts'
import type { Key } from '../identity/key-file.ts'
import { SoukError } from '../protocol/errors.ts'
import type { TaskSummary } from '../protocol/events.ts'
import type { CloseConsent } from '../protocol/payment.ts'
import { createHost } from '../protocol/network/host.ts'
import { isRelayed } from '../protocol/network/peer-address.ts'
import { EarlyFollows } from './early-follows.ts'
import { Link } from './link.ts'
import type { LoadedTask } from './load-task.ts'
import { createRemoteTask, type RemoteTask, type Waiting } from './remote-task.ts'
import { ServedBlobs } from './served-blobs.ts'
import { submitTask } from './submit-task.ts'
import { taskPayment } from './payments/task-payment.ts'
import type { Wallet } from './payments/wallet.ts'

export interface ConnectOptions extends Waiting {
  /** The provider's multiaddr with `/p2p/PEERID`, as `souk up` prints it: nobody else is talked to. */
  readonly to: string
  /** Who asks: the key that signs tasks is the one that this side is known by on the network. */
  readonly key: Key
  /** How long the first connection may take: 10 s where absent. */
  readonly timeoutMs?: number
  /** How long a broken connection may stay broken while something waits for it: 60 s where absent. */
  readonly reconnectTimeoutMs?: number
  /** EIP-155 chain id of the provider's chain; 0, for none, where absent. */
  readonly chainId?: number
  /** Pays for tasks that are submitted with a quote by which they are to be paid; who opened it closes it. */
  readonly wallet?: Wallet
}

export interface SubmitOptions extends Waiting {
  readonly task: LoadedTask
  /** Until when the provider may accept it, from now: 5 minutes where absent, at most an hour. */
  readonly expiresInMs?: number
  /** Signs the task for whichever provider takes it, rather than for this one. Only for free tasks. */
  readonly anyProvider?: boolean
  /** On whose terms it is to be run, and its receipt is held against: what {@link Client.quote} gave. */
  readonly quote?: ProviderQuote
  /** Told of the task's id when the provider may have it: what became of it can be asked whatever happens. */
  readonly onSent?: (taskId: string) => void
}

/** A requester's connection to one provider. Has to be closed, or the process does not end. */
export interface Client extends AsyncDisposable {
  /** The provider's Ethereum address, proven by the handshake. */
  readonly provider: string
  /** The Ethereum address of this side's key. */
  readonly requester: string
  /**
   * What the provider would run the task for; nothing is set aside for it.
   * @throws SoukError REFUSED with every reason, INVALID_INPUT, CONNECTION_LOST, PROTOCOL_ERROR; the signal's reason
   */
  quote(options: Waiting & { readonly task: LoadedTask }): Promise<ProviderQuote>
  /**
   * Resolves once the provider has accepted the task for good. It fetches the task's blobs from here afterwards, so
   * the client has to stay open until then. Where the connection broke before the answer came, the provider is
   * asked whether it has the task, and only where it has not is the same signed task sent again.
   * @throws SoukError INVALID_INPUT, REFUSED with every reason, PAYMENT_REQUIRED where the wallet has no channel that suffices,
   *   CONNECTION_LOST; the signal's reason
   */
  submit(options: SubmitOptions): Promise<RemoteTask>
  /** A task that was submitted before, here or elsewhere, with this key. */
  task(taskId: string, submitted?: Partial<Pick<SubmitOptions, 'task' | 'quote'>>): RemoteTask
  /** This requester's tasks that the provider still knows. @throws SoukError CONNECTION_LOST; the signal's reason */
  list(options?: Waiting): Promise<readonly TaskSummary[]>
  /**
   * The provider's consent to closing a channel at once, for `ChannelAccount.close`. From then on it takes nothing on that channel.
   * @throws SoukError NOT_FOUND where it knows no such channel, REFUSED (retryable while tasks of it have not ended),
   *   CONNECTION_LOST; the signal's reason
   */
  closeConsent(options: Waiting & { readonly channelId: string }): Promise<CloseConsent>
  /** Whatever still waits ends with CONNECTION_LOST; accepted tasks go on over there. */
  close(): Promise<void>
}

const DEFAULTS = { timeoutMs: 10_000, reconnectTimeoutMs: 60_000, chainId: 0 } as const

/** @throws SoukError INVALID_INPUT where `to` names no peer id, UNREACHABLE saying why; the signal's reason */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { to, key, signal, timeoutMs, reconnectTimeoutMs, chainId, wallet } = { ...DEFAULTS, ...options }
  if (!namesPeer(to)) throw noPeerId(to)
  const host = await createHost({
    privateKey: key.privateKey,
    listen: [],
    dialTimeoutMs: timeoutMs,
    ...(isRelayed(to) && { reach: { relay: 'dialer' } }),
  })
  try {
    const connection = await host.connect({ multiaddr: to, ...(signal !== undefined && { signal }) })
    const link = new Link({ host, multiaddr: to, connection, reconnectTimeoutMs })
    const blobs = new ServedBlobs({ provider: link.provider })
    await host.serveBlobs(blobs)
    return createClient({
      ...{ link, blobs, key, chainId, closeHost: () => host.stop() },
      ...(wallet !== undefined && { wallet }),
    })
  } catch (error) {
    await host.stop()
    throw error
  }
}

/** A client over a link that is open. `blobs` are served on its host by whoever made that. */
export function createClient({
  link,
  blobs,
  key,
  chainId,
  closeHost,
  wallet,
}: {
  readonly link: Link
  readonly blobs: ServedBlobs
  readonly key: Key
  readonly chainId: number
  /** What goes with this client, where anything does. */
  readonly closeHost?: () => Promise<void>
  /** Pays for tasks that have a quote by which they are to be paid. */
  readonly wallet?: Wallet
}): Client {
  const follows = new EarlyFollows()
  const requester = key.address
  const { provider } = link
  // A wallet is left alone by what is free.
  const payingFor = (quote: ProviderQuote | undefined): { readonly wallet?: Wallet } =>
    wallet === undefined || (quote !== undefined && !isToBePaid(quote)) ? {} : { wallet }
  const close = async (): Promise<void> => {
    await link.close()
    await closeHost?.()
  }
  return {
    provider,
    requester,
    async quote({ task, signal }) {
      const connection = await link.connection(signal)
      const signed = await connection.quote(task.bytes, { ...(signal !== undefined && { signal }) })
      return checkedQuote({ signed, task, expected: { provider, requester, chainId } })
    },
    async submit({ task, quote, ...terms }) {
      const agreed = quote === undefined ? {} : { quote: quote.signed }
      const payment =
        wallet === undefined || quote === undefined || !isToBePaid(quote)
          ? {}
          : {
              payment: taskPayment({
                wallet,
                quote: quote.quote,
                authorizedWei: BigInt(task.spec.maxPriceWei),
                link,
                requester,
              }),
            }
      const submitted = await submitTask({ ...terms, ...agreed, ...payment, task, key, chainId, link, blobs, follows })
      return createRemoteTask({
        ...{ ...submitted, ...payingFor(quote), requester, link, blobs, task },
        ...(quote !== undefined && { quote: quote.quote }),
      })
    },
    task: (taskId, { task, quote } = {}) =>
      createRemoteTask({
        ...{ taskId, ...payingFor(quote), requester, link, blobs },
        ...(task !== undefined && { task }),
        ...(quote !== undefined && { quote: quote.quote }),
      }),
    list: ({ signal: waiting } = {}) =>
      link.again((open) => open.list({ ...(waiting !== undefined && { signal: waiting }) }), waiting),
    closeConsent: ({ channelId, signal: waiting }) =>
      askConsent({ wallet, link, requester, channelId, signal: waiting }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function isToBePaid({ quote: { payment, maxPriceWei } }: ProviderQuote): boolean {
  return payment.kind === 'channel' && maxPriceWei !== '0'
}

/** Whether an address says who is to answer there. */
export function namesPeer(multiaddr: string): boolean {
  return /\/p2p\/[1-9A-HJ-NP-Za-km-z]+$/.test(multiaddr)
}

export function noPeerId(to: string): SoukError<'INVALID_INPUT'> {
  const message = 'must end in /p2p/ and a peer id: without it, whoever answers there would pass for the provider'
  return new SoukError({
    code: 'INVALID_INPUT',
    message: `The address ${to} ${message}.`,
    details: { issues: [{ path: 'to', message }] },
    hint: 'Use the address as `souk up` or `souk node status` shows it: /ip4/127.0.0.1/tcp/4001/p2p/16Uiu2…',
  })
}
