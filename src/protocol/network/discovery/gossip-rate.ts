import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { RateLimit } from '../../rate-limit.ts'
import { hostOf } from '../peer-address.ts'

/** Messages of one peer, its own and those that it passes on. */
const PER_PEER = { burst: 512, perSecond: 32, maxKeys: 8192 }
/** The same of all peers at one address together: keys cost nothing, and to check gossip's signature takes a millisecond and more. */
const PER_HOST = { burst: 2048, perSecond: 128, maxKeys: 8192 }

interface Receiver {
  handleReceivedRpc?: (from: PeerId, rpc: { messages: unknown[] }) => Promise<void>
}

/**
 * Gossip in which messages that come too fast are not looked at: a peer that sends as much as its line takes would keep this process from everything
 * else. What was dropped is not noted as seen, and can come again later, or from others.
 */
export function withRates(create: (components: GossipSubComponents) => GossipSub): typeof create {
  return (components) => {
    const gossip = create(components)
    const receiver = gossip as Receiver
    const receive = receiver.handleReceivedRpc?.bind(gossip)
    if (receive === undefined)
      throw new TypeError('gossipsub has no handleReceivedRpc: what it takes cannot be bounded')
    const perPeer = new RateLimit(PER_PEER)
    const perHost = new RateLimit(PER_HOST)
    receiver.handleReceivedRpc = (from, rpc) => {
      if (rpc.messages.length === 0) return receive(from, rpc)
      const nowMs = Date.now()
      const peer = from.toString()
      const [connection] = components.connectionManager.getConnections(from)
      const host = connection === undefined ? '' : hostOf(connection.remoteAddr)
      rpc.messages = rpc.messages.filter(() => perPeer.take(peer, nowMs) && perHost.take(host, nowMs))
      return receive(from, rpc)
    }
    return gossip
  }
}
