import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import { keyOf } from '../fixtures/receipts.ts'

const NODES = 200
/** Providers are servers of the DHT; the others are requesters, who only ask it. */
const PROVIDERS = 24
const RARE = 6
const TUNING = {
  bucketSize: 8,
  concurrency: 2,
  requestTimeoutMs: 30_000,
  firstSelfQueryMs: 200,
  keepIntervalMs: 1_000,
  leastPeers: 1,
}
/** For all that each keeps: its tables, and its ends of the connections. */
const BYTES_PER_NODE = 2 ** 20
/** Of a requester: the first peer that it knew, and those on the way to the capability; far from all that it heard of. */
const CONNECTIONS_PER_REQUESTER = 10

// As with --expose-gc, which a test of many cannot ask of whoever runs it.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is in use, which does not depend on when the system takes back what no longer is. */
function usedBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function findsOne(host: NetworkHost, capability: string): Promise<string | undefined> {
  for await (const { address } of host.discovery?.findProviders({ capability, signal: AbortSignal.timeout(60_000) }) ??
    [])
    return address
  return undefined
}

describe('a market of many', function () {
  this.timeout(480_000)
  const hosts: NetworkHost[] = []
  after(async () => {
    await Promise.all(hosts.map((host) => host.stop()))
  })

  it(`has ${NODES} nodes in one process, each of which finds a rare capability in the DHT`, async () => {
    const bytesBefore = usedBytes()
    for (let number = 0; number < NODES; number += 1) {
      const provides = number < PROVIDERS
      const host = await createHost({
        privateKey: keyOf(1000 + number).privateKey,
        listen: provides ? ['/ip4/127.0.0.1/tcp/0'] : [],
        inboundConnectionsPerSecond: 10_000,
        discovery: {
          bootstrap: hosts[0]?.multiaddrs() ?? [],
          dht: provides ? 'server' : 'client',
          tuning: TUNING,
        },
      })
      await host.start()
      hosts.push(host)
    }
    for (const host of hosts) while (host.connections() === 0) await delay(100)
    const having = hosts.slice(PROVIDERS - RARE, PROVIDERS)
    for (const host of having) {
      for (let tries = 0; tries < 20; tries += 1) {
        if (
          ((await host.discovery?.provide({ capability: 'docker-runsc', signal: AbortSignal.timeout(60_000) })) ?? 0) >
          0
        )
          break
        await delay(250)
      }
    }
    const addresses = new Set(having.map(({ address }) => address))
    const without: string[] = []
    const queue = [...hosts.entries()]
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, host] = next
        let found: string | undefined
        for (let tries = 0; tries < 5 && found === undefined; tries += 1)
          found = await findsOne(host, 'docker-runsc').catch(() => undefined)
        if (found === undefined ? !addresses.has(host.address) : !addresses.has(found))
          without.push(`${index}: ${found}`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    assert.deepEqual(without, [])
    assert.equal(await findsOne(hosts[0] as NetworkHost, 'docker-kata'), undefined)
    const grownBytes = usedBytes() - bytesBefore
    assert(grownBytes < NODES * BYTES_PER_NODE, `${Math.round(grownBytes / 2 ** 20)} MiB more than before`)
    const connections = hosts.slice(PROVIDERS).reduce((sum, host) => sum + host.connections(), 0)
    assert(
      connections < (NODES - PROVIDERS) * CONNECTIONS_PER_REQUESTER,
      `${NODES - PROVIDERS} requesters have ${connections} connections`,
    )
  })
})
