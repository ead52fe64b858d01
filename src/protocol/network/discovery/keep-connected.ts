import type { Libp2p, PeerId } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { DiscoveryTuning } from './options.ts'

/** A dial that takes longer than this is given up; the next look tries again. */
const DIAL_TIMEOUT_MS = 10_000
/** Peers that are heard of and not yet dialled. */
const MAX_HEARD_OF = 64

interface Options {
  readonly node: Libp2p
  readonly bootstrap: readonly string[]
  readonly tuning: DiscoveryTuning
  /** Called after each connection with a bootstrap peer, the first and those after it was lost. */
  readonly onBootstrap: (peer: PeerId) => void
}

/**
 * Looks again and again whether there are connections with the bootstrap peers, and with enough others: libp2p dials a
 * bootstrap peer once, and none of those that it is told of.
 */
export class KeepConnected {
  readonly #options: Options
  readonly #bootstrap: ReadonlyMap<string, Multiaddr[]>
  readonly #heardOf = new Map<string, PeerId>()
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    const bootstrap = new Map<string, Multiaddr[]>()
    for (const text of options.bootstrap) {
      const address = multiaddr(text)
      const peerId = address.getComponents().findLast(({ name }) => name === 'p2p')?.value ?? ''
      bootstrap.set(peerId, [...(bootstrap.get(peerId) ?? []), address])
    }
    this.#bootstrap = bootstrap
    const { node } = options
    node.addEventListener('peer:discovery', ({ detail }) => this.#hear(detail.id))
    node.addEventListener('peer:connect', ({ detail }) => {
      if (bootstrap.has(detail.toString())) options.onBootstrap(detail)
    })
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), this.#options.tuning.keepIntervalMs)
    this.#timer.unref()
    this.#look()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    clearInterval(this.#timer)
    await this.#looking
  }

  #hear(peer: PeerId): void {
    if (this.#heardOf.size < MAX_HEARD_OF) this.#heardOf.set(peer.toString(), peer)
  }

  #look(): void {
    this.#looking ??= this.#dialMissing().finally(() => {
      this.#looking = undefined
    })
  }

  async #dialMissing(): Promise<void> {
    const { node, tuning } = this.#options
    const connected = this.#connected()
    const missing = [...this.#bootstrap].filter(([peer]) => peer !== node.peerId.toString() && !connected.has(peer))
    await Promise.all(missing.map(([, addresses]) => this.#dial(addresses)))
    for (const [name, peer] of [...this.#heardOf]) {
      if (this.#stopped.signal.aborted || this.#connected().size >= tuning.leastPeers) return
      this.#heardOf.delete(name)
      if (node.getConnections(peer).length === 0) await this.#dial(peer)
    }
  }

  /** Not node.getPeers(), which makes every peer's key anew from its id: with many peers that is most of what a node does. */
  #connected(): ReadonlySet<string> {
    return new Set(this.#options.node.getConnections().map(({ remotePeer }) => remotePeer.toString()))
  }

  async #dial(target: PeerId | Multiaddr[]): Promise<void> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    // Whoever cannot be reached now is tried again later; nobody waits for it.
    await this.#options.node.dial(target, { signal }).catch(() => undefined)
  }
}
