import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../../src/client/connect.ts'
import { loadTask } from '../../src/client/load-task.ts'
import { WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { createHost, type HostOptions, type NetworkHost } from '../../src/protocol/network/host.ts'
import { createLibp2pNode } from '../../src/protocol/network/libp2p-node.ts'
import type { ReachOptions } from '../../src/protocol/network/reach-options.ts'
import { sha256Of, taskOf, TestBlobService, TestTaskService } from '../fixtures/network-services.ts'
import { scriptedTask, startNode } from '../fixtures/node-in-process.ts'
import { openRaw, readToEnd } from '../fixtures/raw-peer.ts'
import { keyOf } from '../fixtures/receipts.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const TUNING = { bucketSize: 8, concurrency: 2, firstSelfQueryMs: 50, keepIntervalMs: 200, leastPeers: 1 }
const SMALL = { name: 'small', bytes: 10_000 }
const LARGE = { name: 'large', bytes: WIRE_LIMITS.relayedBlobBytes + 1 }

describe('being reached through a relay', function () {
  this.timeout(60_000)
  const hosts: NetworkHost[] = []
  const start = async (number: number, options: Partial<HostOptions> = {}): Promise<NetworkHost> => {
    const host = await createHost({ privateKey: keyOf(number).privateKey, listen: [LOOPBACK], ...options })
    hosts.push(host)
    return host
  }
  const startRelay = async (number = 1, relayLimits: ReachOptions['relayLimits'] = {}): Promise<NetworkHost> => {
    const relay = await start(number, {
      discovery: { bootstrap: [], tuning: TUNING },
      reach: { relay: 'server', relayLimits },
    })
    await relay.start()
    return relay
  }
  const behind = (relay: NetworkHost): Partial<HostOptions> => ({
    listen: [],
    discovery: { bootstrap: relay.multiaddrs(), tuning: TUNING },
    reach: { relay: 'client', relays: [relay.peerId] },
  })
  const serving = async (provider: NetworkHost): Promise<void> => {
    await provider.serveTasks(new TestTaskService())
    await provider.serveBlobs(new TestBlobService({ [SMALL.name]: SMALL.bytes, [LARGE.name]: LARGE.bytes }))
    await provider.start()
  }
  const until = async (reached: () => boolean): Promise<void> => {
    const deadlineMs = performance.now() + 50_000
    while (!reached()) {
      assert(performance.now() < deadlineMs, 'it did not come to that in time')
      await delay(25)
    }
  }
  const relayedAddress = async (multiaddrs: () => readonly string[], relay: NetworkHost): Promise<string> => {
    const find = (): string | undefined => multiaddrs().find((each) => each.includes(`${relay.peerId}/p2p-circuit/`))
    await until(() => find() !== undefined)
    return find() ?? ''
  }
  const dialler = (number = 9): Promise<NetworkHost> => start(number, { listen: [], reach: { relay: 'dialer' } })
  const blobOf = ({ name, bytes }: typeof SMALL) => ({ sha256: sha256Of(name), bytes })
  const read = async (chunks: AsyncIterable<Uint8Array>): Promise<number> => {
    let bytes = 0
    for await (const chunk of chunks) bytes += chunk.byteLength
    return bytes
  }
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()))
  })

  it('serves a task and a small blob, and refuses a large one by name, on either side', async () => {
    const relay = await startRelay()
    const provider = await start(2, behind(relay))
    await serving(provider)
    const requester = await dialler()
    const connection = await requester.connect({ multiaddr: await relayedAddress(() => provider.multiaddrs(), relay) })
    assert.equal(connection.limited, true)
    assert.equal(connection.provider, provider.address)
    const { events } = await connection.submitAndFollow(taskOf({ kind: 'noop' }, 1))
    let last = ''
    for await (const { kind } of events) last = kind
    assert.equal(last, 'finished')
    assert.equal(await read(connection.readBlob({ blob: blobOf(SMALL) })), SMALL.bytes)
    const details = { bytes: LARGE.bytes, mostBytes: WIRE_LIMITS.relayedBlobBytes }
    await assert.rejects(read(connection.readBlob({ blob: blobOf(LARGE) })), { code: 'CONNECTION_LIMITED', details })
    // Whoever does not say how large it is, or lies, is told so by who has it.
    const lying = { sha256: sha256Of(LARGE.name), bytes: SMALL.bytes }
    await assert.rejects(read(connection.readBlob({ blob: lying })), { code: 'CONNECTION_LIMITED', details })
  })

  it('is reached again after the relay was away', async () => {
    const relay = await startRelay()
    const [address = ''] = relay.multiaddrs()
    const provider = await start(2, behind(relay))
    await serving(provider)
    await relayedAddress(() => provider.multiaddrs(), relay)
    await relay.stop()
    await until(() => provider.multiaddrs().length === 0)
    const again = await start(1, {
      listen: [address.slice(0, address.indexOf('/p2p/'))],
      discovery: { bootstrap: [], tuning: TUNING },
      reach: { relay: 'server' },
    })
    await again.start()
    const multiaddr = await relayedAddress(() => provider.multiaddrs(), again)
    assert.equal((await (await dialler()).connect({ multiaddr })).provider, provider.address)
  })

  it('tries a direct address first, and goes through the relay where nobody answers there', async () => {
    const relay = await startRelay()
    const provider = await start(2, { ...behind(relay), listen: [LOOPBACK] })
    await serving(provider)
    const relayed = await relayedAddress(() => provider.multiaddrs(), relay)
    const direct = provider.multiaddrs().find((each) => !each.includes('/p2p-circuit')) ?? ''
    const requester = await dialler()
    requester.learn([relayed, direct])
    assert.equal((await requester.connect({ multiaddr: relayed })).limited, false)
    const gone = direct.replace(/\/tcp\/\d+/, '/tcp/1')
    requester.learn([gone, direct])
    assert.equal((await requester.connect({ multiaddr: gone })).limited, false)
    requester.learn([gone, relayed])
    assert.equal((await requester.connect({ multiaddr: gone })).limited, true)
  })

  it('takes nobody for a relay whom it was not told of', async () => {
    const relay = await startRelay()
    const provider = await start(2, { ...behind(relay), listen: [LOOPBACK] })
    await serving(provider)
    await relayedAddress(() => provider.multiaddrs(), relay)
    const direct = provider.multiaddrs().find((each) => !each.includes('/p2p-circuit')) ?? ''
    const stranger = await createLibp2pNode({
      privateKey: keyOf(3).privateKey,
      listen: [LOOPBACK],
      announce: [],
      maxConnections: 100,
      inboundConnectionsPerSecond: 100,
      dialTimeoutMs: 10_000,
      mayConnect: () => true,
      reach: { relay: 'server' },
    })
    try {
      await stranger.start()
      // libp2p's own would listen at whoever hands it a connection, and tell everybody that address.
      const stream = await openRaw(stranger, direct, '/libp2p/circuit/relay/0.2.0/stop')
      await readToEnd(stream)
      await delay(500)
      const through = provider.multiaddrs().filter((each) => each.includes('/p2p-circuit'))
      assert(
        through.length > 0 && through.every((each) => each.includes(`${relay.peerId}/p2p-circuit`)),
        through.join(),
      )
    } finally {
      await stranger.stop()
    }
  })

  it('relays for so many and no more', async () => {
    const relay = await startRelay(1, { reservations: 1 })
    const first = await start(2, behind(relay))
    await serving(first)
    const multiaddr = await relayedAddress(() => first.multiaddrs(), relay)
    const second = await start(3, behind(relay))
    await serving(second)
    await until(() => second.connections() > 0)
    await delay(500)
    assert.deepEqual(second.multiaddrs(), [])
    const requester = await dialler()
    const other = multiaddr.replace(first.peerId, second.peerId)
    await assert.rejects(requester.connect({ multiaddr: other }), { code: 'UNREACHABLE' })
  })

  it('cuts a relayed connection at its bound of bytes, and the next one goes on', async () => {
    const relay = await startRelay(1, { bytes: 128 * 1024 })
    const provider = await start(2, behind(relay))
    await serving(provider)
    const multiaddr = await relayedAddress(() => provider.multiaddrs(), relay)
    const requester = await dialler()
    const connection = await requester.connect({ multiaddr })
    await assert.rejects(
      async () => {
        for (let number = 0; number < 40; number += 1) await read(connection.readBlob({ blob: blobOf(SMALL) }))
      },
      { code: 'CONNECTION_LOST' },
    )
    assert.equal((await requester.connect({ multiaddr })).limited, true)
  })

  it('runs tasks of a real node, and says early where their files are too large', async () => {
    const relay = await startRelay()
    const [address = ''] = relay.multiaddrs()
    const node = await startNode({
      network: `discovery: [dht], bootstrap: ['${address}'], relay: client, hole_punching: true, autonat: true`,
      programs: {
        async small({ stdout }) {
          await stdout('through the relay')
          return 0
        },
      },
    })
    const dir = await mkdtemp(join(tmpdir(), 'souk-relay-'))
    try {
      const to = await relayedAddress(() => node.node.multiaddrs(), relay)
      await using client = await connect({ to, key: keyOf(5) })
      const result = await (await client.submit({ task: await scriptedTask('small') })).result()
      assert.deepEqual(result.receipt.outcome, { kind: 'exited', code: 0 })
      assert.equal(new TextDecoder().decode(result.stdout), 'through the relay')
      await copyFile(join(import.meta.dirname, '../fixtures/modules/hello.wasm'), join(dir, 'hello.wasm'))
      await writeFile(join(dir, 'large'), new Uint8Array(LARGE.bytes))
      const text =
        'version: 1\nruntime: {type: wasm, module: ./hello.wasm}\ninputs: [{source: ./large, target: /in/large}]\n'
      const task = await loadTask({ text, format: 'yaml', baseDir: dir })
      await assert.rejects(client.submit({ task }), { code: 'CONNECTION_LIMITED', retryable: false })
      assert.equal((await client.list()).length, 1)
    } finally {
      await rm(dir, { recursive: true })
      await node.close()
    }
  })
})
