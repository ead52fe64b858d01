import { isIPv4, isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { signOffer } from '../../identity/offer.ts'
import type { Key } from '../../identity/key-file.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { Discovery } from '../../protocol/network/discovery/discovery.ts'
import { capabilitiesOf, MAX_OFFER_LIFETIME_MS, type OfferedRuntime } from '../../protocol/offer-document.ts'
import type { PaymentTerms } from '../../protocol/payment.ts'
import type { Clock } from '../clock.ts'
import type { OfferBook } from './offer-book.ts'

export interface OfferPublisherOptions {
  readonly discovery: Pick<Discovery, 'publish' | 'onListener' | 'provide' | 'withdraw'>
  readonly book: OfferBook
  readonly key: Key
  readonly peerId: string
  readonly chainId: number
  readonly clock: Pick<Clock, 'nowMs'>
  readonly logger: Logger
  /** This and the other functions are called for the current values before each publication. */
  readonly multiaddrs: () => readonly string[]
  readonly runtimes: () => readonly OfferedRuntime[]
  readonly payment: () => PaymentTerms
}

/** How often the publisher checks whether the offer has changed. */
const LOOK_INTERVAL_MS = 2_000
const PUBLISH_INTERVAL_MS = 180_000
/** The least time between publications for peers that join. */
const LEAST_PUBLISH_INTERVAL_MS = 15_000
/** Waits for more peers that join at about the same time, as after a start, so that one publication serves them all. */
const JOINED_PAUSE_MS = 250
/** How many publications for joining peers go without LEAST_PUBLISH_INTERVAL_MS: a new node meets most of its peers within moments. */
const PROMPT_PUBLISHES = 4
const PROVIDE_INTERVAL_MS = 600_000
/** When no peer of the DHT took the provider record. */
const PROVIDE_AGAIN_MS = 5_000
const PROVIDE_TIMEOUT_MS = 60_000

/**
 * Publishes this node's offer by gossip (every few minutes, when it changes, and when a peer joins) and its provider records in the DHT.
 */
export class OfferPublisher {
  readonly #options: OfferPublisherOptions
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #publishing: Promise<void> | undefined
  #providing: Promise<void> | undefined
  #said = ''
  #saidAtMs = -Infinity
  #sequence = 0
  #joined = false
  #soon: NodeJS.Timeout | undefined
  #promptLeft = PROMPT_PUBLISHES
  /** When each capability is to be provided again. */
  readonly #dueAtMs = new Map<string, number>()

  constructor(options: OfferPublisherOptions) {
    this.#options = options
    options.discovery.onListener(() => {
      this.#joined = true
      this.#lookSoon()
    })
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS)
    this.#timer.unref()
    this.#look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    this.#stopped.abort()
    await Promise.all([this.#publishing, this.#providing])
  }

  #lookSoon(): void {
    if (this.#timer === undefined || this.#promptLeft === 0 || this.#stopped.signal.aborted) return
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      this.#look()
    }, JOINED_PAUSE_MS).unref()
  }

  /** Publishing and providing run side by side: a slow DHT must not delay an offer. */
  #look(): void {
    this.#publishing ??= this.#publishWhatIs()
      .catch((thrown: unknown) => this.#failed(thrown))
      .finally(() => {
        this.#publishing = undefined
      })
    this.#providing ??= this.#provideWhatIs()
      .catch((thrown: unknown) => this.#failed(thrown))
      .finally(() => {
        this.#providing = undefined
      })
  }

  #failed(thrown: unknown): void {
    if (this.#stopped.signal.aborted) return
    this.#options.logger.warn({ err: SoukError.from(thrown) }, 'what is offered could not be published')
  }

  get #addresses(): readonly string[] {
    return withoutLoopback(this.#options.multiaddrs()).slice(0, 16)
  }

  async #publishWhatIs(): Promise<void> {
    const { runtimes, payment, book, key } = this.#options
    const [offered, addresses] = [runtimes(), this.#addresses]
    if (offered.length > 0 && addresses.length > 0)
      return this.#publish({ runtimes: [...offered], multiaddrs: [...addresses], payment: payment() })
    book.remove(key.address)
    this.#said = ''
  }

  async #provideWhatIs(): Promise<void> {
    await this.#provide(this.#addresses.length === 0 ? [] : capabilitiesOf(this.#options.runtimes()))
  }

  async #publish(content: {
    readonly runtimes: OfferedRuntime[]
    readonly multiaddrs: string[]
    readonly payment: PaymentTerms
  }): Promise<void> {
    const { key, peerId, chainId, clock, book, discovery } = this.#options
    const nowMs = clock.nowMs()
    const text = JSON.stringify(content)
    const sinceMs = nowMs - this.#saidAtMs
    const leastMs = this.#promptLeft > 0 ? JOINED_PAUSE_MS : LEAST_PUBLISH_INTERVAL_MS
    const due = text !== this.#said || sinceMs >= (this.#joined ? leastMs : PUBLISH_INTERVAL_MS)
    if (!due) return
    if (this.#joined && this.#promptLeft > 0) this.#promptLeft -= 1
    // Grows even if the clock is set back, and also across restarts, so that others always take the newest offer.
    this.#sequence = Math.max(this.#sequence + 1, nowMs)
    const signed = signOffer({
      offer: {
        version: 1,
        sequence: this.#sequence,
        provider: key.address,
        peerId,
        chainId,
        ...content,
        issuedAtMs: nowMs,
        expiryMs: nowMs + MAX_OFFER_LIFETIME_MS,
      },
      key,
    })
    this.#said = text
    this.#saidAtMs = nowMs
    this.#joined = false
    book.add({ signed, from: key.address })
    await discovery.publish(signed)
  }

  async #provide(capabilities: readonly string[]): Promise<void> {
    const { discovery, clock } = this.#options
    for (const name of this.#dueAtMs.keys()) {
      if (capabilities.includes(name)) continue
      this.#dueAtMs.delete(name)
      await discovery.withdraw(name)
    }
    for (const capability of capabilities) {
      if (clock.nowMs() < (this.#dueAtMs.get(capability) ?? 0)) continue
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(PROVIDE_TIMEOUT_MS)])
      const keepers = await discovery.provide({ capability, signal }).catch(() => 0)
      this.#stopped.signal.throwIfAborted()
      this.#dueAtMs.set(capability, clock.nowMs() + (keepers > 0 ? PROVIDE_INTERVAL_MS : PROVIDE_AGAIN_MS))
    }
  }
}

/** Loopback addresses are of no use to other hosts. If there are no others, all peers must be on this host, and they are kept. */
function withoutLoopback(multiaddrs: readonly string[]): readonly string[] {
  const outside = multiaddrs.filter((address) => !isLoopback(address.split('/')[2] ?? ''))
  return outside.length > 0 ? outside : multiaddrs
}

function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && host === '::1')
}
