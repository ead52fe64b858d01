/** What of finding others is on. Nothing of it is loaded where a host has no such options. */
export interface DiscoveryOptions {
  /** Multiaddrs with `/p2p/PEERID` of those asked first, and dialled again whenever there is no connection with them. */
  readonly bootstrap: readonly string[]
  /** `server` answers the queries of others and keeps their records, `client` only asks. Neither where absent. */
  readonly dht?: 'client' | 'server'
  /** Takes part in the topic of offers. */
  readonly gossip?: boolean
  /** Asks the local network by multicast. */
  readonly mdns?: boolean
  readonly tuning?: Partial<DiscoveryTuning>
}

export interface DiscoveryTuning {
  /** Kademlia's k: how many peers a bucket has, and how many keep a record. */
  readonly bucketSize: number
  /** Kademlia's alpha: how many peers a query asks at once. */
  readonly concurrency: number
  /** How long a peer of the DHT may take to be dialled and to answer; longer where most take long. */
  readonly requestTimeoutMs: number
  /** How long after its start a server looks for its neighbours, and how often afterwards. */
  readonly firstSelfQueryMs: number
  readonly selfQueryIntervalMs: number
  /** How often it is looked whether there are connections with the bootstrap peers, and enough with others. */
  readonly keepIntervalMs: number
  /** With fewer connections than this, peers that are heard of are dialled. */
  readonly leastPeers: number
  /** The most peers that something is remembered of. */
  readonly rememberedPeers: number
}

export const DISCOVERY_TUNING: DiscoveryTuning = {
  bucketSize: 20,
  concurrency: 6,
  requestTimeoutMs: 5_000,
  firstSelfQueryMs: 500,
  selfQueryIntervalMs: 5 * 60_000,
  keepIntervalMs: 15_000,
  leastPeers: 8,
  rememberedPeers: 4096,
}

/** A provider record stands for this long, and is made again in half of it. */
export const PROVIDER_RECORD_MS = 30 * 60_000
/** Provider records that a node keeps for others: of all keys, and of one. */
export const PROVIDER_RECORDS = 8192
export const PROVIDERS_PER_KEY = 1024

export const DHT_PROTOCOL = '/souk/kad/1.0.0'
export const OFFERS_TOPIC = '/souk/offers/1'
