import type { Key } from '../identity/key-file.ts'
import { signTask } from '../identity/task.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { RefusalReason } from '../protocol/refusals.ts'
import type { ProviderConnection } from '../protocol/network/task-client.ts'
import { connectionLimited } from '../protocol/network/network-errors.ts'
import { WIRE_LIMITS } from '../protocol/network/wire-limits.ts'
import type { SignedQuote } from '../protocol/quote.ts'
import type { Voucher } from '../protocol/payment.ts'
import { ANY_PROVIDER, type SignedTask } from '../protocol/receipt.ts'
import { protocolError } from '../protocol/wire-fields.ts'
import type { EarlyFollow, EarlyFollows } from './early-follows.ts'
import type { Link } from './link.ts'
import type { LoadedTask } from './load-task.ts'
import type { ServedBlobs } from './served-blobs.ts'
import type { TaskPayment } from './payments/task-payment.ts'

export interface SubmitTaskOptions {
  readonly task: LoadedTask
  readonly key: Key
  readonly chainId: number
  readonly link: Link
  readonly blobs: ServedBlobs
  readonly follows: EarlyFollows
  readonly expiresInMs?: number
  readonly anyProvider?: boolean
  /** On whose terms it is to be run. */
  readonly quote?: SignedQuote
  /** Told of the task's id when the provider may have it: what became of it can be asked whatever happens. */
  readonly onSent?: (taskId: string) => void
  readonly payment?: TaskPayment
  readonly signal?: AbortSignal
}

const DEFAULT_EXPIRES_IN_MS = 5 * 60_000

/** A task that the provider has accepted for good. */
export interface Submitted {
  readonly taskId: string
  /** Its events, where they were asked for along with it. */
  readonly follow?: EarlyFollow
}

/** Signs the task and hands it to the provider, once: where an answer was lost it asks before it sends again. */
export async function submitTask(options: SubmitTaskOptions): Promise<Submitted> {
  const {
    task,
    key,
    chainId,
    link,
    blobs,
    follows,
    signal,
    expiresInMs = DEFAULT_EXPIRES_IN_MS,
    anyProvider = false,
    payment,
  } = options
  const expiryMs = Date.now() + expiresInMs
  const { task: signed, taskId } = signTask({
    spec: task.bytes,
    provider: anyProvider ? ANY_PROVIDER : link.provider,
    maxPriceWei: task.spec.maxPriceWei,
    chainId,
    key,
    expiryMs,
  })
  // The provider may come for them before its answer is here.
  blobs.offer(taskId, task.blobs)
  const { quote } = options
  const delivery = new Delivery({
    ...{ signed, taskId, link, follows },
    blobBytes: bytesOf(task.blobs),
    ...(quote !== undefined && { quote }),
    ...(payment !== undefined && { payment }),
    ...(signal !== undefined && { signal }),
    ...(options.onSent !== undefined && { onSent: options.onSent }),
  })
  try {
    await payment?.begin({ taskId, expiryMs, ...(signal !== undefined && { signal }) })
    const follow = await delivery.accepted()
    return { taskId, ...(follow !== undefined && { follow }) }
  } catch (thrown) {
    const fateKnown = !delivery.sent || (!signal?.aborted && !isSoukError(thrown, 'CONNECTION_LOST'))
    if (fateKnown) {
      blobs.forget(taskId)
      payment?.wallet.release({ taskId })
    }
    throw !fateKnown && isSoukError(thrown, 'CONNECTION_LOST') ? unknownFate(taskId, thrown) : thrown
  }
}

interface DeliveryOptions {
  /** Of all of the task's blobs together. */
  readonly blobBytes: number
  readonly signed: SignedTask
  readonly taskId: string
  readonly link: Link
  readonly follows: EarlyFollows
  readonly quote?: SignedQuote
  readonly onSent?: (taskId: string) => void
  readonly payment?: TaskPayment
  readonly signal?: AbortSignal
}

/** One signed task on its way to a provider. */
class Delivery {
  readonly #options: DeliveryOptions
  #sent = 0

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Whether the provider may have it. */
  get sent(): boolean {
    return this.#sent > 0
  }

  /** Resolves once the provider has it for good, to its events where they came along. */
  async accepted(): Promise<EarlyFollow | undefined> {
    const { link, signal } = this.#options
    const patience = link.patience(signal)
    for (;;) {
      try {
        const connection = await link.connection(signal)
        if (this.sent && (await this.#isKnown(connection))) return undefined
        return await this.#send(connection)
      } catch (thrown) {
        if (await this.#options.payment?.goesHigher(thrown, { signal })) continue
        await patience.afterFailure(this.#sent > 1 && isReplay(thrown) ? underWay(thrown) : thrown)
      }
    }
  }

  async #send(connection: ProviderConnection): Promise<EarlyFollow | undefined> {
    if (connection.limited) this.#checkSize()
    this.#sent += 1
    if (this.#sent === 1) this.#options.onSent?.(this.#options.taskId)
    const follow = this.#options.follows.begin()
    if (follow === undefined) return this.#sendAlone(connection)
    const { signed, signal } = this.#options
    const onAbort = (): void => follow.end(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const { taskId, events } = await connection.submitAndFollow(signed, { signal: follow.signal, ...this.#brought() })
      this.#check(taskId)
      follow.keep(events)
      return follow
    } catch (thrown) {
      follow.end(thrown)
      // It may have been the follow that was too much.
      if (isOverShare(thrown)) return await this.#sendAlone(connection)
      throw thrown
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #sendAlone(connection: ProviderConnection): Promise<undefined> {
    const { signed, signal } = this.#options
    const { taskId } = await connection.submit(signed, { ...this.#brought(), ...(signal !== undefined && { signal }) })
    this.#check(taskId)
  }

  /** What goes with the task. */
  #brought(): { readonly quote?: SignedQuote; readonly voucher?: Voucher } {
    const { quote, payment } = this.#options
    const voucher = payment?.voucher
    return { ...(quote !== undefined && { quote }), ...(voucher !== undefined && { voucher }) }
  }

  /** Rather than have it accepted, and fail when the provider comes for its files. */
  #checkSize(): void {
    const bytes = this.#options.blobBytes
    if (bytes > WIRE_LIMITS.relayedBlobBytes) throw connectionLimited({ what: "The task's files", bytes })
  }

  #check(acceptedId: string): void {
    const { taskId } = this.#options
    if (acceptedId !== taskId) throw protocolError(`the provider accepted ${acceptedId} where ${taskId} was submitted`)
  }

  async #isKnown(connection: ProviderConnection): Promise<boolean> {
    const { taskId, signal } = this.#options
    try {
      await connection.show(taskId, signal === undefined ? {} : { signal })
      return true
    } catch (thrown) {
      if (isSoukError(thrown, 'NOT_FOUND')) return false
      throw thrown
    }
  }
}

function bytesOf(blobs: LoadedTask['blobs']): number {
  return [...blobs.values()].reduce((sum, blob) => sum + ('data' in blob ? blob.data.byteLength : blob.bytes), 0)
}

function isReplay(thrown: unknown): thrown is SoukError<'REFUSED'> {
  return isRefusedFor(thrown, 'REPLAYED')
}

function isOverShare(thrown: unknown): boolean {
  return isRefusedFor(thrown, 'PEER_OVER_SHARE')
}

function isRefusedFor(thrown: unknown, only: RefusalReason): thrown is SoukError<'REFUSED'> {
  return isSoukError(thrown, 'REFUSED') && thrown.details.reasons.every(({ reason }) => reason === only)
}

/** What was sent first is being accepted just now: its answer is still lost, and worth asking for again. */
function underWay(cause: SoukError): SoukError<'CONNECTION_LOST'> {
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: 'The provider is taking the task from an earlier connection.',
    details: {},
    cause,
  })
}

function unknownFate(taskId: string, cause: SoukError<'CONNECTION_LOST'>): SoukError<'CONNECTION_LOST'> {
  const { details, retryable } = cause
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: `${cause.message} Whether the provider has accepted task ${taskId} is not known.`,
    details,
    retryable,
    hint: `Connect again and ask for task ${taskId}; submit anew only where it is not found.`,
    cause,
  })
}
