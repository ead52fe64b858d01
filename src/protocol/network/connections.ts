import type { Connection } from '@libp2p/interface'
import { addressOfRemote } from './peer-address.ts'

export type PeerListener = (peer: string) => void

/** Which connections each peer has, by its Ethereum address, and who waits for one to appear or go. */
export class Connections {
  readonly #ofPeer = new Map<string, Set<Connection>>()
  readonly #onConnected = new Set<PeerListener>()
  readonly #onDisconnected = new Set<PeerListener>()

  opened(connection: Connection): void {
    const peer = addressOfRemote(connection)
    if (peer === undefined || connection.status !== 'open') return
    const known = this.#ofPeer.get(peer)
    if (known !== undefined) {
      known.add(connection)
      return
    }
    this.#ofPeer.set(peer, new Set([connection]))
    for (const listener of [...this.#onConnected]) listener(peer)
  }

  closed(connection: Connection): void {
    const peer = addressOfRemote(connection)
    const known = peer === undefined ? undefined : this.#ofPeer.get(peer)
    if (peer === undefined || known === undefined || !known.delete(connection) || known.size > 0) return
    this.#ofPeer.delete(peer)
    for (const listener of [...this.#onDisconnected]) listener(peer)
  }

  /** The peer's newest connection, but for those. */
  of(peer: string, except?: ReadonlySet<Connection>): Connection | undefined {
    const known = [...(this.#ofPeer.get(peer) ?? [])]
    return known.findLast((connection) => connection.status === 'open' && except?.has(connection) !== true)
  }

  count(peer: string): number {
    return this.#ofPeer.get(peer)?.size ?? 0
  }

  onConnected(listener: PeerListener): () => void {
    this.#onConnected.add(listener)
    return () => this.#onConnected.delete(listener)
  }

  onDisconnected(listener: PeerListener): () => void {
    this.#onDisconnected.add(listener)
    return () => this.#onDisconnected.delete(listener)
  }

  /** Resolves once the peer has a connection; at once where it has one. @throws the signal's reason */
  async connected({ peer, signal }: { readonly peer: string; readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted()
    if (this.of(peer) !== undefined) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = this.onConnected((connected) => {
      if (connected === peer) resolve()
    })
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      stop()
      signal.removeEventListener('abort', onAbort)
    }
  }
}
