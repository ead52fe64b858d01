import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { dcutr } from '@libp2p/dcutr'
import type { Connection, MultiaddrConnection, UpgraderOptions } from '@libp2p/interface'
import { multiaddr as parseMultiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { overriding, type Components } from './libp2p-components.ts'

/** Ports that few systems hand out by themselves: below ip_local_port_range of Linux. */
const PORTS = [16_384, 32_768] as const
/** Of one's own that are told, and of the other side's that are tried. */
const MOST_ADDRESSES = 4
/** Whoever is early may be refused: the other side, or the router before it, knows of nothing yet. */
const RETRY_MS = 50

/**
 * DCUtR (https://github.com/libp2p/specs/blob/master/relay/DCUtR.md), with connections that can go through: both sides dial at once, each
 * from the port that it told the other, so that either's router takes what comes for the answer to what went out (TCP's simultaneous open,
 * RFC 9293 §3.5). libp2p's own dials from any port to where the other one listens, which no router lets in that was not told to.
 *
 * The address told is the one that others saw this side at, with the port that it dials from: it goes through where routers keep the
 * port number, as most in homes do.
 */
export function holePunching(): (components: Components) => unknown {
  const create = dcutr()
  return (components) => {
    const { addressManager, connectionManager, events, peerId, transportManager, upgrader } = components
    const upgradeOutbound: typeof upgrader.upgradeOutbound = (
      opened: MultiaddrConnection,
      options: UpgraderOptions,
    ) => {
      // Both sides have dialled: to the muxer one of them has to be who was called, as it is in the handshake.
      if (options.initiator === false) opened.direction = 'inbound'
      return upgrader.upgradeOutbound(opened, options)
    }
    let port = randomInt(...PORTS)
    let seenAt: readonly string[] = []
    events.addEventListener('peer:identify', ({ detail: { connection, observedAddr } }) => {
      const [ip] = observedAddr?.getComponents() ?? []
      // Whoever dialled here could say anything. Those that are private the other side leaves out.
      if (connection.direction === 'inbound' || connection.limits !== undefined) return
      if (ip?.name !== 'ip4' || ip.value === undefined) return
      seenAt = [ip.value, ...seenAt.filter((each) => each !== ip.value)].slice(0, MOST_ADDRESSES)
    })
    const getAddresses = (): Multiaddr[] =>
      seenAt.map((host) => parseMultiaddr(`/ip4/${host}/tcp/${port}/p2p/${peerId.toString()}`))

    const punch = async (
      addresses: readonly Multiaddr[],
      { signal, initiator }: { readonly signal: AbortSignal; readonly initiator?: boolean },
    ): Promise<Connection> => {
      const done = new AbortController()
      const either = AbortSignal.any([signal, done.signal])
      const untilOpen = async (address: Multiaddr): Promise<Connection> => {
        for (;;) {
          either.throwIfAborted()
          // A socket would end with the signal that it was opened with, even when that is long past.
          const attempt = new AbortController()
          const abort = (): void => attempt.abort()
          either.addEventListener('abort', abort)
          const dial = {
            ...{ signal: attempt.signal, localPort: port, upgrader: overriding(upgrader, { upgradeOutbound }) },
            ...(initiator !== undefined && { initiator }),
          }
          const transport = transportManager.dialTransportForMultiaddr(address)
          if (transport === undefined) throw new Error('no transport for that address')
          try {
            return await transport.dial(address, dial)
          } catch {
            await delay(RETRY_MS, undefined, { signal: either })
          } finally {
            either.removeEventListener('abort', abort)
          }
        }
      }
      try {
        return await Promise.any(addresses.slice(0, MOST_ADDRESSES).map(untilOpen))
      } catch (error) {
        // The router may have another use for it.
        port = randomInt(...PORTS)
        throw error
      } finally {
        done.abort()
      }
    }
    const openConnection: typeof connectionManager.openConnection = (target, options) =>
      // Only what both sides do at once comes with a priority.
      Array.isArray(target) && options?.priority !== undefined && options.signal !== undefined
        ? punch(target, { ...options, signal: options.signal })
        : connectionManager.openConnection(target, options)
    return create(
      overriding(components, {
        addressManager: overriding(addressManager, { getAddresses }),
        connectionManager: overriding(connectionManager, { openConnection }),
      }),
    )
  }
}
