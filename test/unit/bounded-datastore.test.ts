import assert from 'node:assert/strict'
import { BoundedDatastore } from '../../src/protocol/network/discovery/bounded-datastore.ts'

type Key = Parameters<BoundedDatastore['get']>[0]
const keyOf = (text: string): Key => ({ toString: () => text }) as Key
const value = Uint8Array.of(1)

function store(kept: readonly string[] = []): BoundedDatastore {
  return new BoundedDatastore({
    peers: 3,
    providerRecords: 6,
    providersPerKey: 4,
    isKept: (name) => kept.includes(name),
  })
}
const namesUnder = (datastore: BoundedDatastore, prefix: string): string[] =>
  [...datastore.query({ prefix })].map(({ key }) => key.toString().split('/').at(-1) ?? '')

describe('what libp2p stores', () => {
  it('is bounded: the peer that was written longest ago goes, but for those that are kept', () => {
    const datastore = store(['a'])
    for (const name of ['a', 'b', 'c', 'd', 'e']) datastore.put(keyOf(`/peers/${name}`), value)
    assert.deepEqual(namesUnder(datastore, '/peers'), ['a', 'd', 'e'])
    assert.throws(() => datastore.get(keyOf('/peers/b')), { name: 'NotFoundError' })
    assert.equal(datastore.get(keyOf('/peers/a')), value)
  })

  it('adds nothing where all are kept', () => {
    const datastore = store(['a', 'b', 'c'])
    for (const name of ['a', 'b', 'c', 'd']) datastore.put(keyOf(`/peers/${name}`), value)
    assert.deepEqual(namesUnder(datastore, '/peers/'), ['a', 'b', 'c'])
  })

  it('keeps so many providers of one key, and no key pushes out those of a smaller one', () => {
    const datastore = store()
    for (const name of ['x', 'y']) datastore.put(keyOf(`/dht/provider/small/${name}`), value)
    for (let number = 0; number < 100; number += 1) datastore.put(keyOf(`/dht/provider/flooded/${number}`), value)
    assert.deepEqual(namesUnder(datastore, '/dht/provider/flooded'), ['96', '97', '98', '99'])
    assert.deepEqual(namesUnder(datastore, '/dht/provider/small'), ['x', 'y'])
    datastore.put(keyOf('/dht/provider/third/z'), value)
    assert.deepEqual([...datastore.query({ prefix: '/dht/provider' })].length, 6)
    assert.deepEqual(namesUnder(datastore, '/dht/provider/flooded'), ['97', '98', '99'])
  })

  it('stores no value records', () => {
    const datastore = store()
    datastore.put(keyOf('/dht/record/abc'), value)
    assert.equal(datastore.has(keyOf('/dht/record/abc')), false)
  })
})
