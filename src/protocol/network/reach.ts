import {
  circuitRelayServer,
  circuitRelayTransport,
  RELAY_V2_STOP_CODEC,
  type CircuitRelayTransportComponents,
} from '@libp2p/circuit-relay-v2'
import type { PeerId, StreamHandler } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

/** How a host that cannot be dialled is reached all the same, and how it dials one. Nothing of it is loaded where a host has no such options. */
export interface ReachOptions {
  /** `dialer` dials others through their relays, `client` is reached through its own as well, `server` is one for others. */
  readonly relay?: 'dialer' | 'client' | 'server'
  /** Peer ids of the only ones that relay for a `client`. */
  readonly relays?: readonly string[]
  readonly relayLimits?: Partial<RelayLimits>
  /** Tries for a direct connection once there is one through a relay. */
  readonly holePunching?: boolean
  /** Has others tell which of its addresses can be dialled, and tells them. */
  readonly autonat?: boolean
  /** Asks the router for a port. */
  readonly upnp?: boolean
}

/** What a `server` does for others at most. */
export interface RelayLimits {
  /** Peers that are reached through it. */
  readonly reservations: number
  /** Of one relayed connection, both ways together, and for how long it lasts. */
  readonly bytes: number
  readonly durationMs: number
}

export const RELAY_LIMITS: RelayLimits = { reservations: 64, bytes: 2 ** 20, durationMs: 2 * 60_000 }

/** Relays that one host is reached through at once. */
const MOST_RELAYS = 2
/** Relayed connections that one peer may have made, or have come, at once. */
const RELAYED_PER_CONNECTION = 16

type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]

/** What is added to a node's libp2p. */
export interface ReachParts {
  readonly transports: readonly TransportFactory[]
  readonly services: NonNullable<Libp2pOptions['services']>
  readonly listen: readonly string[]
}

/** Loads what is on, and no more. */
export async function reachParts(options: ReachOptions): Promise<ReachParts> {
  const { relay, relays = [], holePunching = false, autonat = false, upnp = false } = options
  const limits = { ...RELAY_LIMITS, ...options.relayLimits }
  const services = {
    ...(relay === 'server' && {
      relay: circuitRelayServer({
        maxInboundHopStreams: RELAYED_PER_CONNECTION,
        maxOutboundStopStreams: RELAYED_PER_CONNECTION,
        reservations: {
          maxReservations: limits.reservations,
          defaultDataLimit: BigInt(limits.bytes),
          defaultDurationLimit: limits.durationMs,
        },
      }),
    }),
    ...(holePunching && { holePunching: (await import('@libp2p/dcutr')).dcutr() }),
    ...(autonat && { autonat: await dialledAnew() }),
    ...(upnp && { upnp: await portFromRouter(autonat) }),
  }
  return {
    transports: relay === 'dialer' || relay === 'client' ? [throughRelays(new Set(relays))] : [],
    services,
    listen:
      relay === 'client' ? Array.from({ length: Math.min(MOST_RELAYS, relays.length) }, () => '/p2p-circuit') : [],
  }
}

/**
 * AutoNAT dials whoever asks it to, over a connection that is there. libp2p would take that very one for the answer, find that it leads
 * to another address than the one to try, say that nobody can be dialled there, and close it.
 */
async function dialledAnew() {
  const { autoNAT } = await import('@libp2p/autonat')
  const create = autoNAT()
  return (components: Parameters<typeof create>[0]) => {
    const { connectionManager } = components
    const openConnection: typeof connectionManager.openConnection = (target, options) =>
      // Of a peer that it comes across, to ask that one, it has several.
      connectionManager.openConnection(target, { ...options, force: !Array.isArray(target) })
    return create(overriding(components, { connectionManager: overriding(connectionManager, { openConnection }) }))
  }
}

/** What the router says counts where nobody is asked whether it is so. */
async function portFromRouter(isChecked: boolean) {
  const { uPnPNAT } = await import('@libp2p/upnp-nat')
  return uPnPNAT({ portMappingDescription: 'souk', autoConfirmAddress: !isChecked })
}

/**
 * Dials through any relay, and is dialled through the named ones alone: libp2p would take whoever says that it is a relay, listen there
 * whenever such a one hands it a connection, and tell everybody those addresses.
 */
function throughRelays(relays: ReadonlySet<string>): TransportFactory {
  const isRelay = (peer: PeerId): boolean => relays.has(peer.toString())
  const transport = circuitRelayTransport({
    maxInboundStopStreams: RELAYED_PER_CONNECTION,
    maxOutboundStopStreams: RELAYED_PER_CONNECTION,
    discoveryFilter: { has: (peer) => !isRelay(peer), add: () => undefined, remove: () => undefined },
  })
  return (components: CircuitRelayTransportComponents) => {
    const { registrar, peerStore } = components
    const handle: typeof registrar.handle = (protocol, handler, handlerOptions) =>
      registrar.handle(
        protocol,
        protocol === RELAY_V2_STOP_CODEC ? onlyFrom(isRelay, handler) : handler,
        handlerOptions,
      )
    return transport(
      overriding(components, {
        registrar: overriding(registrar, { handle }),
        peerStore: overriding(peerStore, {
          all: async (query) => (await peerStore.all(query)).filter(({ id }) => isRelay(id)),
        }),
        randomWalk: { async *walk() {} },
      }),
    )
  }
}

function onlyFrom(isRelay: (peer: PeerId) => boolean, handler: StreamHandler): StreamHandler {
  return async (stream, connection) => {
    if (isRelay(connection.remotePeer)) await handler(stream, connection)
    else stream.abort(new Error('that peer is no relay of this one'))
  }
}

/** The same object, but for some of its properties. */
function overriding<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(of, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T]
      const value: unknown = Reflect.get(of, name)
      return typeof value === 'function' ? (value.bind(of) as unknown) : value
    },
  })
}
