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

/** What a peer says that it takes part in hole punching (hole-punching.ts). */
export const HOLE_PUNCHING_PROTOCOL = '/libp2p/dcutr'

/** Whoever dials through relays does as the other side wants it, which is asked to by its operator. */
export function punchesHoles({ relay, holePunching = false }: ReachOptions): boolean {
  return holePunching || relay === 'dialer'
}
