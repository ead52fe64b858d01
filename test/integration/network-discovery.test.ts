import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { checkOffer } from '../../src/identity/offer.ts'
import type { Judgement } from '../../src/protocol/network/discovery/discovery.ts'
import { createHost, type HostOptions, type NetworkHost } from '../../src/protocol/network/host.ts'
import { message } from '../fixtures/malformed-frames.ts'
import { publishedOffer, signedOffer } from '../fixtures/offers.ts'
import { framed, startRawPeer } from '../fixtures/raw-peer.ts'
import { keyOf } from '../fixtures/receipts.ts'

const TUNING = { bucketSize: 8, concurrency: 2, firstSelfQueryMs: 50, keepIntervalMs: 200, leastPeers: 2 }

describe('finding peers', function () {
  this.timeout(60_000)
  const hosts: NetworkHost[] = []
  const start = async (number: number, options: Partial<HostOptions> = {}): Promise<NetworkHost> => {
    const host = await createHost({
      privateKey: keyOf(number).privateKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      ...options,
    })
    hosts.push(host)
    await host.start()
    return host
  }
  const joining = (first: NetworkHost | undefined, dht: 'client' | 'server' = 'server'): Partial<HostOptions> => ({
    discovery: {
      bootstrap: first === undefined ? [] : first.multiaddrs().slice(0, 1),
      dht,
      gossip: true,
      tuning: TUNING,
    },
  })
  const until = async (reached: () => boolean | Promise<boolean>): Promise<void> => {
    const deadlineMs = performance.now() + 50_000
    while (!(await reached())) {
      assert(performance.now() < deadlineMs, 'it did not come to that in time')
      await delay(25)
    }
  }
  const found = async (host: NetworkHost, capability: string): Promise<string[]> => {
    const names: string[] = []
    for await (const { address, multiaddrs, peerId } of host.discovery?.findProviders({
      capability,
      signal: AbortSignal.timeout(30_000),
    }) ?? []) {
      assert(multiaddrs.every((multiaddr) => multiaddr.endsWith(`/p2p/${peerId}`)))
      names.push(address)
    }
    return names
  }
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()))
  })

  it('is off, and nothing of it there, where it was not asked for', async () => {
    assert.equal((await start(1)).discovery, undefined)
  })

  it('finds a capability in the DHT, from one bootstrap address, as long as it is provided', async () => {
    const first = await start(1, joining(undefined))
    const provider = await start(2, joining(first))
    await until(
      async () =>
        ((await provider.discovery?.provide({ capability: 'wasm', signal: AbortSignal.timeout(30_000) })) ?? 0) > 0,
    )
    const requester = await start(3, { ...joining(first, 'client'), listen: [] })
    await until(async () => (await found(requester, 'wasm')).includes(provider.address))
    assert.deepEqual(await found(requester, 'wasm-deterministic'), [])
  })

  it('leaves no error unheard where lookups are given up at any time, and hosts stop amid them', async () => {
    const unheard: unknown[] = []
    const listen = (reason: unknown): void => void unheard.push(reason)
    process.prependListener('unhandledRejection', listen)
    try {
      const first = await start(1, joining(undefined))
      for (let number = 2; number <= 5; number += 1) await start(number, joining(first))
      await until(async () => {
        const signal = AbortSignal.timeout(30_000)
        return ((await hosts[4]?.discovery?.provide({ capability: 'wasm', signal })) ?? 0) > 0
      })
      let given = 0
      const lookUp = async (host: NetworkHost, capability: string, giveUpMs: number): Promise<void> => {
        try {
          const signal = AbortSignal.timeout(giveUpMs)
          for await (const _ of host.discovery?.findProviders({ capability, signal }) ?? [])
            if (giveUpMs % 3 === 0) break
        } catch {
          given += 1
        }
      }
      const lookUps = Array.from({ length: 200 }, async (_, index) => {
        await delay(index * 4)
        await lookUp(hosts[index % 5] as NetworkHost, index % 2 === 0 ? 'wasm' : `none-${index}`, 1 + (index % 40))
      })
      await delay(500)
      await Promise.all(hosts.slice(2).map((host) => host.stop()))
      await Promise.all(lookUps)
      // Each rejection is told of after the microtasks of its turn.
      await delay(500)
      assert.deepEqual(unheard, [])
      assert(given > 0, 'no lookup was given up')
    } finally {
      process.off('unhandledRejection', listen)
    }
  })

  it('gossips offers that are judged good, and no others', async () => {
    const first = await start(1, joining(undefined))
    const heard = new Map<NetworkHost, string[]>()
    const judging = (host: NetworkHost): void => {
      const list: string[] = []
      heard.set(host, list)
      host.discovery?.listen(({ offer, publisher }): Judgement => {
        const { sequence, provider } = checkOffer(offer).offer
        if (provider !== publisher || sequence % 2 === 1) return 'ignore'
        list.push(`${provider} ${sequence}`)
        return 'accept'
      })
    }
    judging(first)
    // Without a DHT each knows the first alone: what the one hears of the other went through it.
    const { discovery } = joining(first)
    const { dht: _, ...withoutTable } = discovery ?? { bootstrap: [] }
    const alone = { discovery: withoutTable }
    const [one, other] = [await start(2, alone), await start(3, alone)]
    judging(one)
    judging(other)
    await until(() => (one.discovery?.listeners() ?? 0) > 0 && (first.discovery?.listeners() ?? 0) >= 2)
    // Who passes a message on to whom is settled with a heartbeat, each second; before, it may reach the next one alone.
    await delay(2_500)
    for (const sequence of [1, 2, 3, 4])
      await one.discovery?.publish(signedOffer({ key: keyOf(2), nowMs: Date.now(), sequence }))
    const expected = [`${one.address} 2`, `${one.address} 4`]
    await until(() => expected.every((text) => heard.get(other)?.includes(text) === true))
    assert.deepEqual(heard.get(other)?.toSorted(), expected)
  })

  it('looks at no more messages of one peer than one may send, and hears others all the same', async () => {
    const hub = await start(21, joining(undefined))
    const heard = new Map<string, number>()
    hub.discovery?.listen(({ from }) => {
      heard.set(from, (heard.get(from) ?? 0) + 1)
      return 'ignore'
    })
    const flooder = await startRawPeer({ seed: 7_100 })
    const stream = await flooder.dialProtocol(multiaddr(hub.multiaddrs()[0] ?? ''), '/meshsub/1.1.0')
    const messages = await Promise.all(
      Array.from({ length: 900 }, (_, number) => publishedOffer({ key: keyOf(30_000 + number), chainId: 0 })),
    )
    const startMs = performance.now()
    for (const offer of messages) stream.send(framed(message([2, offer])))
    const honest = await start(22, joining(hub))
    honest.discovery?.listen(() => 'accept')
    await until(() => (honest.discovery?.listeners() ?? 0) > 0)
    await honest.discovery?.publish(signedOffer({ key: keyOf(22), nowMs: Date.now() }))
    await until(() => heard.has(honest.address))
    const seconds = (performance.now() - startMs) / 1_000
    const flooded = [...heard].reduce((sum, [from, count]) => (from === honest.address ? sum : sum + count), 0)
    assert(flooded >= 100 && flooded <= 512 + 32 * (seconds + 1), `${flooded} in ${seconds} s`)
    await flooder.stop()
  })

  it('is not deaf to all who share an address after many of them have gone', async () => {
    const hub = await start(23, joining(undefined))
    const heard = new Set<string>()
    hub.discovery?.listen(({ from }) => {
      heard.add(from)
      return 'accept'
    })
    for (let number = 0; number < 80; number += 10) {
      const raws = await Promise.all(
        Array.from({ length: 10 }, (_, index) => startRawPeer({ seed: 7_200 + number + index })),
      )
      for (const raw of raws) await raw.dialProtocol(multiaddr(hub.multiaddrs()[0] ?? ''), '/meshsub/1.1.0')
      await Promise.all(raws.map(async (raw) => raw.stop()))
    }
    const honest = await start(24, joining(hub))
    honest.discovery?.listen(() => 'accept')
    await until(() => (honest.discovery?.listeners() ?? 0) > 0)
    await honest.discovery?.publish(signedOffer({ key: keyOf(24), nowMs: Date.now() }))
    await until(() => heard.has(honest.address))
  })

  it('dials a bootstrap peer again that was away', async () => {
    const first = await start(1, { listen: ['/ip4/127.0.0.1/tcp/0'], ...joining(undefined) })
    const address = first.multiaddrs()[0] ?? ''
    const other = await start(2, joining(first))
    const met: (readonly string[])[] = []
    other.discovery?.onBootstrap((multiaddrs) => met.push(multiaddrs))
    await until(() => other.connections() > 0)
    await first.stop()
    await until(() => other.connections() === 0)
    await start(1, { ...joining(undefined), listen: [address.slice(0, address.indexOf('/p2p/'))] })
    await until(() => met.length > 0 && other.connections() > 0)
    assert.deepEqual(met.at(-1), [address])
  })

  it('stays within a private network: without its key there is no connection, with it there is', async () => {
    const [ours, foreign] = [0, 1].map(() =>
      Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${randomBytes(32).toString('hex')}`),
    )
    const first = await start(1, { ...joining(undefined), ...(ours && { preSharedKey: ours }) })
    const multiaddr = first.multiaddrs()[0] ?? ''
    const dialTimeoutMs = 1_000
    for (const options of [{}, foreign && { preSharedKey: foreign }]) {
      const stranger = await start(2, { ...options, dialTimeoutMs })
      await assert.rejects(stranger.connect({ multiaddr }), { code: 'UNREACHABLE' })
      await stranger.stop()
    }
    const friend = await start(4, ours && { preSharedKey: ours })
    const connection = await friend.connect({ multiaddr })
    assert.equal(connection.provider, first.address)
    await until(() => first.connections() === 1)
  })
})
