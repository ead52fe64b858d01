import { BlockList, isIPv6 } from 'node:net'

/** Of this machine alone. */
const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Where nobody provides anything: no address at all, link-local (the metadata of clouds is at 169.254.169.254), many at once. */
const NOBODYS = new BlockList()
NOBODYS.addSubnet('0.0.0.0', 8, 'ipv4')
NOBODYS.addSubnet('169.254.0.0', 16, 'ipv4')
NOBODYS.addSubnet('224.0.0.0', 3, 'ipv4')
NOBODYS.addAddress('::', 'ipv6')
NOBODYS.addSubnet('fe80::', 10, 'ipv6')
NOBODYS.addSubnet('ff00::', 8, 'ipv6')

/** The address that is dialled first of all: of a relay, where there is one on the way. IPv4 within IPv6 counts as such. */
function hostOf(multiaddr: string): { readonly address: string; readonly family: 'ipv4' | 'ipv6' } | undefined {
  const [, protocol, host = ''] = multiaddr.split('/')
  if (protocol === 'ip4') return { address: host, family: 'ipv4' }
  if (protocol === 'ip6' && isIPv6(host)) return { address: host, family: 'ipv6' }
  return undefined
}

function isIn(list: BlockList, multiaddr: string): boolean {
  const host = hostOf(multiaddr)
  return host !== undefined && list.check(host.address, host.family)
}

const isLocal = (multiaddr: string): boolean =>
  isIn(LOOPBACK, multiaddr) || /^\/dns[46]?\/localhost\.?\//i.test(multiaddr)

/**
 * Of addresses that strangers give as theirs, those that are dialled: none that is nobody's, and of this machine itself only where the peers that
 * one has asked are here too. Else an offer could have every requester knock on services of its own.
 */
export function dialableOf(
  multiaddrs: readonly string[],
  { bootstrap }: { readonly bootstrap: readonly string[] },
): readonly string[] {
  const isHere = bootstrap.some(isLocal)
  return multiaddrs.filter((multiaddr) => !isIn(NOBODYS, multiaddr) && (isHere || !isLocal(multiaddr)))
}
