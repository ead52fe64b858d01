import { peerMultiaddr, tcpMultiaddr } from './config-items.ts'
import { key } from './config-key.ts'
import { flag, integer, list, optionalPath, subset } from './config-kinds.ts'

export const DISCOVERY_KINDS = ['dht', 'gossip'] as const
export type DiscoveryKind = (typeof DISCOVERY_KINDS)[number]

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
    doc: 'Addresses to tell other peers, where they differ from those listened on (behind NAT, say).',
  }),
  'network.max_connections': key({
    kind: integer({ min: 1, max: 100_000 }),
    default: '300',
    doc: 'The most connections at once.',
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
  'network.private_key_file': key({
    kind: optionalPath(),
    default: '',
    doc: "The key of a private network (libp2p's `swarm.key`): without the same key nobody connects, requesters included (`SOUK_SWARM_KEY`). Every byte is encrypted once more for it, which halves what a connection carries. Left empty, the network is open.",
  }),
} as const
