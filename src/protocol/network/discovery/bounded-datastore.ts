import { NotFoundError } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Pair =
  ReturnType<Datastore['query']> extends infer G
    ? G extends Generator<infer P> | AsyncGenerator<infer P>
      ? P
      : never
    : never

export interface DatastoreBounds {
  /** Of all peers that something is known of. */
  readonly peers: number
  /** Provider records of all keys together, and of one. */
  readonly providerRecords: number
  readonly providersPerKey: number
}

export interface BoundedDatastoreOptions extends DatastoreBounds {
  /** Peers that no stranger pushes out: those connected, say. As the last part of a key names them. */
  readonly isKept: (name: string) => boolean
}

const PEERS = '/peers'
const PROVIDERS = '/dht/provider'

interface Entry {
  readonly key: Key
  readonly value: Uint8Array
}

/**
 * What libp2p stores, in memory, with a bound on whatever strangers can add to. Where one is reached the entry that was written
 * longest ago goes, of those that are not kept; where all are kept, nothing is added. Value records of the DHT are not stored.
 */
export class BoundedDatastore implements Datastore {
  readonly #options: BoundedDatastoreOptions
  /** By all of a key but its last part; in each the entry that was written longest ago comes first. */
  readonly #groups = new Map<string, Map<string, Entry>>()
  #providerRecords = 0

  constructor(options: BoundedDatastoreOptions) {
    this.#options = options
  }

  has(key: Key): boolean {
    return this.#find(key) !== undefined
  }

  get(key: Key): Uint8Array {
    const found = this.#find(key)
    if (found === undefined) throw new NotFoundError()
    return found.value
  }

  put(key: Key, value: Uint8Array): Key {
    const { group, name } = placeOf(key)
    if (group.startsWith('/dht/') && !isProviders(group)) return key
    this.delete(key)
    if (this.#hasRoom(group)) {
      const entries = this.#groups.get(group) ?? new Map<string, Entry>()
      entries.set(name, { key, value })
      this.#groups.set(group, entries)
      if (isProviders(group)) this.#providerRecords += 1
    }
    return key
  }

  delete(key: Key): void {
    const { group, name } = placeOf(key)
    const entries = this.#groups.get(group)
    if (entries?.delete(name) !== true) return
    if (isProviders(group)) this.#providerRecords -= 1
    if (entries.size === 0) this.#groups.delete(group)
  }

  async *putMany(source: Iterable<Pair> | AsyncIterable<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value)
  }

  async *getMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key) }
  }

  async *deleteMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key)
      yield key
    }
  }

  batch(): ReturnType<Datastore['batch']> {
    const work: (() => unknown)[] = []
    return {
      put: (key, value) => void work.push(() => this.put(key, value)),
      delete: (key) => void work.push(() => this.delete(key)),
      commit: () => {
        for (const step of work.splice(0)) step()
      },
    }
  }

  *query({
    prefix = '',
    filters = [],
    orders = [],
    offset = 0,
    limit,
  }: Parameters<Datastore['query']>[0]): Generator<Pair> {
    let found = this.#under(prefix).filter((entry) => filters.every((filter) => filter(entry)))
    for (const order of orders) found = found.toSorted(order)
    yield* found.slice(offset, limit === undefined ? undefined : offset + limit)
  }

  *queryKeys({
    prefix = '',
    filters = [],
    orders = [],
    offset = 0,
    limit,
  }: Parameters<Datastore['queryKeys']>[0]): Generator<Key> {
    let found = this.#under(prefix)
      .map(({ key }) => key)
      .filter((key) => filters.every((filter) => filter(key)))
    for (const order of orders) found = found.toSorted(order)
    yield* found.slice(offset, limit === undefined ? undefined : offset + limit)
  }

  /** Entries whose key begins with the prefix; where that is a group, only its own are looked at. */
  #under(prefix: string): Entry[] {
    const exact = this.#groups.get(prefix.replace(/\/$/, ''))
    if (exact !== undefined) return [...exact.values()]
    return [...this.#groups].flatMap(([group, entries]) =>
      group.startsWith(prefix)
        ? [...entries.values()]
        : [...entries.values()].filter(({ key }) => key.toString().startsWith(prefix)),
    )
  }

  #find(key: Key): Entry | undefined {
    const { group, name } = placeOf(key)
    return this.#groups.get(group)?.get(name)
  }

  /** Makes room for one more where it has to be made. */
  #hasRoom(group: string): boolean {
    const { peers, providersPerKey, providerRecords } = this.#options
    const size = this.#groups.get(group)?.size ?? 0
    if (group === PEERS) return size < peers || this.#evictFrom(group)
    if (!isProviders(group)) return true
    if (size >= providersPerKey) return this.#evictFrom(group)
    if (this.#providerRecords < providerRecords) return true
    // The keys that most records are of lose first: those of one key do not push out another's.
    const groups = [...this.#groups].filter(([name]) => isProviders(name)).toSorted(([, a], [, b]) => b.size - a.size)
    return groups.some(([name]) => this.#evictFrom(name))
  }

  #evictFrom(group: string): boolean {
    for (const [name, { key }] of this.#groups.get(group) ?? []) {
      if (this.#options.isKept(name)) continue
      this.delete(key)
      return true
    }
    return false
  }
}

function isProviders(group: string): boolean {
  return group.startsWith(PROVIDERS)
}

function placeOf(key: Key): { readonly group: string; readonly name: string } {
  const text = key.toString()
  const cut = text.lastIndexOf('/')
  return { group: text.slice(0, cut), name: text.slice(cut + 1) }
}
