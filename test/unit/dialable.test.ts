import assert from 'node:assert/strict'
import { dialableOf } from '../../src/client/market/dialable.ts'

const peer = '/p2p/16Uiu2HAm'
const kept = (host: string, ...bootstrap: readonly string[]): boolean =>
  dialableOf([`${host}/tcp/4001${peer}`], { bootstrap: bootstrap.map((at) => `${at}/tcp/1${peer}`) }).length === 1

describe('addresses of offers', () => {
  it('are dialled where somebody can be', () => {
    for (const host of ['/ip4/203.0.113.5', '/ip4/10.0.0.3', '/ip6/2001:db8::1', '/dns4/provider.example'])
      assert(kept(host, '/ip4/198.51.100.1'), host)
  })

  it('are not dialled where nobody is: metadata of a cloud, a whole network, nowhere', () => {
    const nobodys = ['169.254.169.254', '0.0.0.0', '224.0.0.1', '255.255.255.255'].map((address) => `/ip4/${address}`)
    for (const host of [...nobodys, '/ip6/::', '/ip6/fe80::1', '/ip6/ff02::1', '/ip6/::ffff:169.254.169.254'])
      for (const bootstrap of ['/ip4/198.51.100.1', '/ip4/127.0.0.1']) assert(!kept(host, bootstrap), host)
  })

  it('are on this machine only where the market is', () => {
    const own = [
      '/ip4/127.0.0.1',
      '/ip4/127.8.8.8',
      '/ip6/::1',
      '/ip6/::ffff:127.0.0.1',
      '/dns4/localhost',
      '/dns/LOCALHOST.',
    ]
    for (const host of own) {
      assert(!kept(host, '/ip4/198.51.100.1', '/dns4/market.example'), host)
      assert(kept(host, '/ip4/198.51.100.1', '/ip4/127.0.0.1'), host)
      assert(kept(host, '/dns4/localhost'), host)
    }
  })

  it('are read whatever they are', () => {
    for (const odd of ['', '/', '/ip4', '/ip6/x', '/ip4/999.1.1.1', 'ip4/127.0.0.1'])
      assert.deepEqual(dialableOf([odd], { bootstrap: [odd] }), [odd])
  })
})
