import type { Logger } from 'pino'
import type { Key } from '../identity/key-file.ts'
import { loadSwarmKey } from '../identity/swarm-key.ts'
import { createHost, type HostOptions, type NetworkHost } from '../protocol/network/host.ts'
import type { Config } from './config/config.ts'
import type { BlobSource } from './inputs/inputs.ts'

/** The node's libp2p host as the configuration wants it, not started yet. */
export async function createNetwork(options: {
  readonly config: Config
  readonly key: Key
  readonly logger: Logger
  readonly cleanUp: AsyncDisposableStack
}): Promise<{ readonly host: NetworkHost; readonly blobs: BlobSource }> {
  const { config, key, logger, cleanUp } = options
  const { listen, announce, maxConnections, privateKeyFile, discovery, bootstrap, mdns } = config.network
  const known = new Set(config.peers.known)
  const host = await createHost({
    privateKey: key.privateKey,
    listen,
    announce,
    maxConnections,
    isExpected: (address) => known.has(address),
    ...(privateKeyFile !== undefined && { preSharedKey: await loadSwarmKey({ file: privateKeyFile }) }),
    ...(discovery.length > 0 && {
      discovery: {
        bootstrap,
        mdns,
        gossip: discovery.includes('gossip'),
        // A DHT server has to be dialled directly, so a node that is reached through a relay is only a client.
        ...(discovery.includes('dht') && { dht: config.network.relay === 'client' ? 'client' : 'server' }),
      },
    }),
    ...reachOf(config.network),
    onInternalError: (error) => logger.error({ err: error }, 'a request of a peer failed by a bug'),
  })
  cleanUp.defer(() => host.stop())
  const blobs: BlobSource = {
    read: (request) => host.readBlob(request),
    connected: (request) => host.connected(request),
  }
  return { host, blobs }
}

function reachOf({ relay, bootstrap, relayLimits, ...wanted }: Config['network']): Pick<HostOptions, 'reach'> {
  const { holePunching, autonat, upnp } = wanted
  if (relay === 'none' && !autonat && !upnp) return {}
  const relays = bootstrap.map((multiaddr) => multiaddr.slice(multiaddr.lastIndexOf('/') + 1))
  return { reach: { ...(relay !== 'none' && { relay }), relays, relayLimits, holePunching, autonat, upnp } }
}
