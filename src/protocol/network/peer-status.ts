import type { Connection } from '@libp2p/interface'
import type { PeerStatus } from '../node-status.ts'
import { addressOfRemote } from './peer-address.ts'

export function peerStatusOf(connection: Connection): PeerStatus {
  const { remotePeer, remoteAddr, direction, timeline, limits } = connection
  const address = addressOfRemote(connection)
  return {
    peerId: remotePeer.toString(),
    ...(address !== undefined && { address }),
    multiaddr: remoteAddr.toString(),
    direction,
    openedAtMs: timeline.open,
    limited: limits !== undefined,
  }
}
