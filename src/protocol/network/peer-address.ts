import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { addressOfPublicKey } from '../../identity/address.ts'

const addresses = new WeakMap<Connection, string>()

/** The Ethereum address of a peer's key, or undefined where that is no secp256k1 key. */
export function addressOfPeer(peer: PeerId): string | undefined {
  return peer.type === 'secp256k1' && peer.publicKey !== undefined ? addressOfPublicKey(peer.publicKey.raw) : undefined
}

/** The same for the authenticated other end of a connection, computed once. */
export function addressOfRemote(connection: Connection): string | undefined {
  const known = addresses.get(connection)
  if (known !== undefined) return known
  const address = addressOfPeer(connection.remotePeer)
  if (address !== undefined) addresses.set(connection, address)
  return address
}

/** Whether an address leads through a relay. */
export function isRelayed(multiaddr: string): boolean {
  return multiaddr.includes('/p2p-circuit')
}

/** Those of a peer, the direct ones first. */
export function directFirst(multiaddrs: readonly string[]): readonly string[] {
  return [...multiaddrs.filter((each) => !isRelayed(each)), ...multiaddrs.filter(isRelayed)]
}

/** Who shares a line, as far as can be told: an IPv4 address, or the network (/64) that an IPv6 address is in; of a relayed address, the relay's. */
export function hostOf(multiaddr: Multiaddr): string {
  const [first] = multiaddr.getComponents()
  const host = first?.value ?? ''
  if (first?.name !== 'ip6') return host
  const [before = '', after = ''] = host.split('::')
  const left = before.split(':').filter(Boolean)
  const right = after.split(':').filter(Boolean)
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right].slice(0, 4).join(':')
}
