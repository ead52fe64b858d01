import { isIPv4, isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { signOffer } from '../identity/offer.ts'
import type { Key } from '../identity/key-file.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Discovery } from '../protocol/network/discovery/discovery.ts'
import { capabilitiesOf, MAX_OFFER_LIFETIME_MS, type OfferedRuntime } from '../protocol/offer-document.ts'
import type { PaymentTerms } from '../protocol/payment.ts'
import type { Clock } from './clock.ts'
import type { OfferBook } from './offer-book.ts'

export interface OfferPublisherOptions {
  readonly discovery: Pick<Discovery, 'publish' | 'onListener' | 'provide' | 'withdraw'>
  readonly book: OfferBook
  readonly key: Key
  readonly peerId: string
  readonly chainId: number
  readonly clock: Pick<Clock, 'nowMs'>
  readonly logger: Logger
  /** As they are now; so is everything else that is called. */
  readonly multiaddrs: () => readonly string[]
  readonly runtimes: () => readonly OfferedRuntime[]
  readonly payment: () => PaymentTerms
}

/** How often it is looked whether what is offered has changed. */
const LOOK_INTERVAL_MS = 2_000
const PUBLISH_INTERVAL_MS = 180_000
/** Whoever joins hears an offer soon, and not one for each that joins. */
const LEAST_PUBLISH_INTERVAL_MS = 15_000
const PROVIDE_INTERVAL_MS = 600_000
/** After nobody was there to keep a record. */
const PROVIDE_AGAIN_MS = 5_000
const PROVIDE_TIMEOUT_MS = 60_000

/** Says what this node offers: every few minutes, when it changes and when somebody joins; and in the DHT. */
export class OfferPublisher {
  readonly #options: OfferPublisherOptions
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #said = ''
  #saidAtMs = -Infinity
  #sequence = 0
  #joined = false
  /** When each capability is to be provided again. */
  readonly #dueAtMs = new Map<string, number>()

  constructor(options: OfferPublisherOptions) {
    this.#options = options
    options.discovery.onListener(() => {
      this.#joined = true
    })
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS)
    this.#timer.unref()
    this.#look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopped.abort()
    await this.#working
  }

  #look(): void {
    this.#working ??= this.#publishAndProvide()
      .catch((thrown: unknown) => {
        if (!this.#stopped.signal.aborted)
          this.#options.logger.warn({ err: SoukError.from(thrown) }, 'what is offered could not be published')
      })
      .finally(() => {
        this.#working = undefined
      })
  }

  async #publishAndProvide(): Promise<void> {
    const { runtimes, payment, multiaddrs } = this.#options
    const offered = runtimes()
    const addresses = withoutLoopback(multiaddrs()).slice(0, 16)
    if (offered.length === 0 || addresses.length === 0) {
      this.#options.book.remove(this.#options.key.address)
      this.#said = ''
    } else await this.#publish({ runtimes: [...offered], multiaddrs: [...addresses], payment: payment() })
    await this.#provide(addresses.length === 0 ? [] : capabilitiesOf(offered))
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
    const due = text !== this.#said || sinceMs >= (this.#joined ? LEAST_PUBLISH_INTERVAL_MS : PUBLISH_INTERVAL_MS)
    if (!due) return
    // Of a clock that is set back, and of a node that starts again, the next offer still counts.
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

/** An address of this host's own is no use to others, but where there is no other: then others are here. */
function withoutLoopback(multiaddrs: readonly string[]): readonly string[] {
  const outside = multiaddrs.filter((address) => !isLoopback(address.split('/')[2] ?? ''))
  return outside.length > 0 ? outside : multiaddrs
}

function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && host === '::1')
}
