import { peerMultiaddr, tcpMultiaddr } from './items.ts'
import { key } from './key.ts'
import { duration, flag, integer, list, oneOf, optionalPath, size, subset } from './kinds.ts'

export const DISCOVERY_KINDS = ['dht', 'gossip'] as const
export type DiscoveryKind = (typeof DISCOVERY_KINDS)[number]

export const RELAY_ROLES = ['none', 'client', 'server'] as const
export type RelayRole = (typeof RELAY_ROLES)[number]

/** The keys of `network`. */
export const NETWORK_KEYS = {
  'network.listen': key({
    kind: list({ item: tcpMultiaddr, min: 1, max: 16 }),
    default: '/ip4/127.0.0.1/tcp/4150',
    doc: 'Addresses to listen on; port 0 takes a free one. `/ip4/0.0.0.0/tcp/4150` is every IPv4 interface.',
  }),
  'network.announce': key({
    kind: list({ item: tcpMultiaddr, max: 16 }),
    default: '',
    doc: 'Addresses to tell other peers instead of those listened on (of a port that is forwarded, say). They are all that is told: none is added by `network.relay`, `network.autonat` or `network.upnp`.',
  }),
  'network.max_connections': key({
    kind: integer({ min: 1, max: 100_000 }),
    default: '300',
    doc: 'The most connections at once. There are 32 more for peers in `peers.known`.',
  }),
  'network.discovery': key({
    kind: subset(DISCOVERY_KINDS),
    default: '',
    doc: "How requesters find this node: `dht` answers queries for capabilities (`wasm-deterministic`) and is found by its own, `gossip` publishes this node's offers and keeps those of others. With either, its book of offers can be asked. Left empty, only who has its address finds it.",
  }),
  'network.bootstrap': key({
    kind: list({ item: peerMultiaddr, max: 64 }),
    default: '',
    doc: 'Nodes of the market to join, as `souk up` prints their addresses. They are dialled again whenever there is no connection with them. A node that others join by needs none.',
  }),
  'network.mdns': key({
    kind: flag(),
    default: 'false',
    doc: 'Look for other nodes in the local network by multicast, and be seen there. Needs `network.discovery`.',
  }),
  'network.relay': key({
    kind: oneOf(RELAY_ROLES),
    default: 'none',
    doc: 'Relays, for nodes that nobody can dial. `client` is reached through the nodes of `network.bootstrap` that relay (two at most), and says so in its offers; `server` relays for others, within the bounds below, once they have asked it to. Through a relay go tasks with small files and small results.',
  }),
  'network.relay_reservations': key({
    kind: integer({ min: 1, max: 10_000 }),
    default: '64',
    doc: 'With `network.relay: server`, the most nodes that are reached through this one.',
  }),
  'network.relay_bytes': key({
    kind: size({ min: 2 ** 17, max: 2 ** 30 }),
    default: '1m',
    doc: 'With `network.relay: server`, the most bytes of one relayed connection, both ways together; then it is cut.',
  }),
  'network.relay_duration': key({
    kind: duration({ min: 1000, max: 86_400_000 }),
    default: '2m',
    doc: 'With `network.relay: server`, how long one relayed connection lasts; then it is cut.',
  }),
  'network.hole_punching': key({
    kind: flag(),
    default: 'false',
    doc: 'Try for a direct connection with whoever came through a relay, and close the relayed one where there is one. Routers that keep port numbers let it through. Needs `network.relay: client`.',
  }),
  'network.autonat': key({
    kind: flag(),
    default: 'false',
    doc: 'Tell others a public address only once another node with `network.autonat` has dialled it, and dial for them. Without, every address listened on is told, whether a firewall is before it or not. Needs `network.discovery`.',
  }),
  'network.upnp': key({
    kind: flag(),
    default: 'false',
    doc: "Ask the local network's router by multicast for a port of its public address. Whoever is on the Internet can then dial this node. The router has to speak UPnP IGD 2, and to have a public address itself.",
  }),
  'network.private_key_file': key({
    kind: optionalPath(),
    default: '',
    doc: "The key of a private network (libp2p's `swarm.key`): without the same key nobody connects, requesters included (`SOUK_SWARM_KEY`). Every byte is encrypted once more for it, which halves what a connection carries. Left empty, the network is open.",
  }),
} as const
