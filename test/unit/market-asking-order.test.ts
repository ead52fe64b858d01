import assert from 'node:assert/strict'
import { askingOrder } from '../../src/client/market/asking-order.ts'

const addressOf = (number: number): string => `/ip4/192.0.2.1/tcp/${number}`
const never = (): boolean => false

describe('the order in which providers are asked', () => {
  it('has one of each source in turn, however many one of them brought', () => {
    const hostile = Array.from({ length: 4_000 }, (_, number) => ({
      multiaddr: addressOf(number),
      sources: ['hostile'],
    }))
    const honest = [5_001, 5_002, 5_003].map((number) => ({ multiaddr: addressOf(number), sources: ['honest'] }))
    const order = askingOrder({ addresses: [...hostile, ...honest], comesFirst: never })
    assert.equal(new Set(order).size, 4_003)
    for (const { multiaddr } of honest) assert(order.indexOf(multiaddr) < 6, multiaddr)
  })

  it('has what several brought in the turn of the one where that is first', () => {
    const hostile = Array.from({ length: 1_000 }, (_, number) => ({
      multiaddr: addressOf(number),
      sources: number === 500 ? ['hostile', 'honest'] : ['hostile'],
    }))
    const order = askingOrder({ addresses: hostile, comesFirst: never })
    assert(order.indexOf(addressOf(500)) < 2)
  })

  it('has those first that come first, and of addresses that were named no order that anybody could choose', () => {
    const named = Array.from({ length: 50 }, (_, number) => addressOf(number))
    const orders = Array.from({ length: 5 }, () =>
      askingOrder({ addresses: named, comesFirst: (multiaddr) => multiaddr === addressOf(49) }),
    )
    for (const order of orders) assert.equal(order[0], addressOf(49))
    assert(orders.some((order) => order.join(' ') !== orders[0]?.join(' ')))
    assert.deepEqual([...(orders[0] ?? [])].toSorted(), named.toSorted())
  })
})
