import type { Connection, IdentifyResult, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr as parseMultiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isLimited, noAddress, unreachable } from './network-errors.ts'
import { directFirst, isRelayed } from './peer-address.ts'
import { HOLE_PUNCHING_PROTOCOL } from './reach-options.ts'

/** Of how many peers other addresses are kept, and how many of one. */
const MAX_PEERS = 4096
const MAX_ADDRESSES = 16
/** How long a direct address may take where the peer can be reached through a relay as well. */
const DIRECT_TIMEOUT_MS = 2_000
/** How long a connection through a relay is kept back for a direct one: a second is what a lost packet of its opening takes. */
const PUNCH_TIMEOUT_MS = 2_500

/** Makes connections that nobody else has. */
export class Dialer {
  readonly #node: Libp2p
  readonly #timeoutMs: number
  /** Dials under way, by whom they are for. */
  readonly #dials = new Map<string, Promise<boolean>>()
  readonly #addresses = new Map<string, readonly string[]>()
  readonly #awaitsDirect: boolean
  /** Those handed out: each is somebody's. */
  readonly #taken = new WeakSet<Connection>()

  constructor({
    node,
    timeoutMs,
    awaitsDirect,
  }: {
    readonly node: Libp2p
    readonly timeoutMs: number
    /** Whether peers that are reached through relays may come to be reached directly (hole-punching.ts). */
    readonly awaitsDirect: boolean
  }) {
    this.#node = node
    this.#timeoutMs = timeoutMs
    this.#awaitsDirect = awaitsDirect
  }

  /** Where one peer may be, each with `/p2p/PEERID`: what is tried where the address to dial is one of these. */
  learn(multiaddrs: readonly string[]): void {
    const peer = multiaddrs[0]?.slice(multiaddrs[0].lastIndexOf('/') + 1)
    if (peer === undefined) return
    const [oldest] = this.#addresses.keys()
    if (oldest !== undefined && this.#addresses.size >= MAX_PEERS) this.#addresses.delete(oldest)
    this.#addresses.set(
      peer,
      directFirst(multiaddrs.filter((each) => each.endsWith(`/p2p/${peer}`))).slice(0, MAX_ADDRESSES),
    )
  }

  /** Dials the address, or where others of its peer are known, those: the direct ones first. @throws SoukError UNREACHABLE; the signal's reason */
  async dial({
    multiaddr,
    signal,
  }: {
    readonly multiaddr: string
    readonly signal: AbortSignal | undefined
  }): Promise<Connection> {
    const target = parsed(multiaddr)
    const peer = peerIdOf(target)
    const known = peer === undefined ? [] : (this.#addresses.get(peer) ?? [])
    const relayed = known.includes(multiaddr) ? known.filter(isRelayed) : []
    const direct = known.includes(multiaddr) ? known.filter((each) => !isRelayed(each)) : []
    const punched = isRelayed(multiaddr) && peer !== undefined ? this.#punched(peer) : undefined
    if (punched !== undefined) return punched
    if (relayed.length === 0 || direct.length === 0) {
      // Whoever is behind a router that opened a port for it tells its own network's address as well: libp2p tries public ones first.
      const all = known.includes(multiaddr) ? known.map(parsed) : [target]
      return this.#directFor(await this.#dialOne({ target: all, text: multiaddr, signal }), signal)
    }
    const all = { signal, text: multiaddr }
    try {
      const timeoutMs = Math.min(DIRECT_TIMEOUT_MS, this.#timeoutMs)
      return await this.#dialOne({ ...all, target: direct.map(parsed), timeoutMs })
    } catch {
      signal?.throwIfAborted()
      return this.#directFor(await this.#dialOne({ ...all, target: relayed.map(parsed) }), signal)
    }
  }

  /** A direct connection with the peer that came about after one through a relay was handed out. */
  #punched(peer: string): Connection | undefined {
    if (!this.#awaitsDirect) return undefined
    const found = this.#node
      .getConnections(peerIdFromString(peer))
      .find((each) => each.status === 'open' && !isLimited(each) && !this.#taken.has(each))
    if (found !== undefined) this.#taken.add(found)
    return found
  }

  /** The direct connection that takes the place of a relayed one, where both sides try for that and it comes soon; else the same. */
  async #directFor(connection: Connection, signal: AbortSignal | undefined): Promise<Connection> {
    if (!this.#awaitsDirect || !isLimited(connection)) return connection
    const { promise, resolve } = Promise.withResolvers<void>()
    const peer = connection.remotePeer
    const timer = setTimeout(resolve, PUNCH_TIMEOUT_MS)
    const onAbort = (): void => resolve()
    signal?.addEventListener('abort', onAbort)
    const onOpen = ({ detail }: CustomEvent<Connection>): void => {
      if (detail.remotePeer.equals(peer) && !isLimited(detail)) resolve()
    }
    const onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
      if (detail.connection === connection && !detail.protocols.includes(HOLE_PUNCHING_PROTOCOL)) resolve()
    }
    this.#node.addEventListener('connection:open', onOpen)
    this.#node.addEventListener('peer:identify', onIdentify)
    if (signal?.aborted !== true) await promise
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    this.#node.removeEventListener('connection:open', onOpen)
    this.#node.removeEventListener('peer:identify', onIdentify)
    if (signal?.aborted === true) {
      await connection.close().catch(() => undefined)
      signal.throwIfAborted()
    }
    return this.#punched(peer.toString()) ?? connection
  }

  /** libp2p gives callers who dial the same peer at once the same connection: one waits for the other. */
  async #dialOne({
    target,
    text,
    signal,
    timeoutMs = this.#timeoutMs,
  }: {
    /** Addresses of one peer. */
    readonly target: Multiaddr[]
    readonly text: string
    readonly signal: AbortSignal | undefined
    readonly timeoutMs?: number
  }): Promise<Connection> {
    const key = (target[0] && peerIdOf(target[0])) ?? text
    while (this.#dials.has(key)) await this.#dials.get(key)
    const timeout = AbortSignal.timeout(timeoutMs)
    const dial = this.#node.dial(target, {
      force: true,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const ended = dial.then(
      () => this.#dials.delete(key),
      () => this.#dials.delete(key),
    )
    this.#dials.set(key, ended)
    try {
      const connection = await dial
      this.#taken.add(connection)
      return connection
    } catch (cause) {
      signal?.throwIfAborted()
      throw unreachable({ address: text, cause, timeoutMs })
    }
  }
}

/** The text as a multiaddr whose peer id, where it has one, is one. */
function parsed(text: string): Multiaddr {
  try {
    const address = parseMultiaddr(text)
    const peerId = peerIdOf(address)
    if (peerId !== undefined) peerIdFromString(peerId)
    return address
  } catch (cause) {
    throw noAddress(text, cause)
  }
}

function peerIdOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}
