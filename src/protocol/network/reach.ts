import {
  circuitRelayServer,
  circuitRelayTransport,
  RELAY_V2_STOP_CODEC,
  type CircuitRelayTransportComponents,
} from '@libp2p/circuit-relay-v2'
import type { PeerId, StreamHandler } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import { overriding } from './libp2p-components.ts'
import { punchesHoles, RELAY_LIMITS, type ReachOptions } from './reach-options.ts'

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
  const { relay, relays = [], autonat = false, upnp = false } = options
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
    ...(punchesHoles(options) && { holePunching: (await import('./hole-punching.ts')).holePunching() }),
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
