import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import { decodeAnswer, encodeRequest } from '../../src/protocol/codec.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost, type HostOptions, type NetworkHost } from '../../src/protocol/network/host.ts'
import { TASK_PROTOCOL } from '../../src/protocol/network/wire-limits.ts'
import { TestTaskService, taskOf } from '../fixtures/network-services.ts'
import { framed, openRaw, readToEnd } from '../fixtures/raw-peer.ts'
import { startPeer, type Peer } from '../fixtures/start-peer.ts'

const listen = ['/ip4/127.0.0.1/tcp/0']
const hostOf = (seed: number, options: Partial<HostOptions> = {}): Promise<NetworkHost> =>
  createHost({ privateKey: new Uint8Array(32).fill(seed), listen: [], ...options })

describe('connections', function () {
  this.timeout(60_000)
  let peer: Peer
  let host: NetworkHost

  before(async () => {
    peer = await startPeer()
    host = await hostOf(50)
  })
  after(async () => {
    await host?.stop()
    await peer?.stop()
  })

  const unreachable = async (multiaddr: string, why: RegExp, retryable: boolean, from = host): Promise<void> =>
    assert.rejects(from.connect({ multiaddr }), (thrown) => {
      assert.ok(isSoukError(thrown, 'UNREACHABLE'), String(thrown))
      assert.match(thrown.message, why)
      assert.equal(thrown.details.address, multiaddr)
      assert.equal(thrown.retryable, retryable)
      return true
    })

  it('says why an address cannot be reached', async () => {
    const closed = await freePort()
    await unreachable(`/ip4/127.0.0.1/tcp/${closed}`, /connection refused/, true)
    await unreachable('nonsense', /no multiaddr/, false)
    await unreachable(`/ip4/127.0.0.1/tcp/${closed}/p2p/nonsense`, /no multiaddr/, false)
    await unreachable(`/ip4/127.0.0.1/udp/${closed}/quic-v1`, /nothing in that address can be dialled/, false)
    const other = await hostOf(51)
    await unreachable(peer.multiaddr.replace(peer.peerId, other.peerId), /another peer id/, false)
    await unreachable(peer.multiaddr.replace(peer.peerId, host.peerId), /itself/, false)
  })

  it('dials many at once from a host that is not started yet', async () => {
    const fresh = await hostOf(52)
    try {
      const connections = await Promise.all([1, 2, 3].map(() => fresh.connect({ multiaddr: peer.multiaddr })))
      for (const connection of connections) assert.deepEqual(await connection.list(), [])
    } finally {
      await fresh.stop()
    }
  })

  it('gives up on what accepts and says nothing, and on what hangs up', async () => {
    const silent = await serve(() => undefined)
    const impatient = await hostOf(55, { dialTimeoutMs: 1500 })
    await unreachable(`/ip4/127.0.0.1/tcp/${silent.port}`, /within 1500 ms/, true, impatient)
    await impatient.stop()
    await silent.close()
    const rude = await serve((socket) => socket.destroy())
    await unreachable(`/ip4/127.0.0.1/tcp/${rude.port}`, /ended the connection/, true)
    await rude.close()
  })

  it('gives up when the signal aborts, with its reason', async () => {
    const silent = await serve(() => undefined)
    const stop = new AbortController()
    const connecting = host.connect({ multiaddr: `/ip4/127.0.0.1/tcp/${silent.port}`, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('never mind')), 20)
    await assert.rejects(connecting, /never mind/)
    await silent.close()
  })

  it('connects with and without a peer id, each time anew', async () => {
    const bare = peer.multiaddr.slice(0, peer.multiaddr.indexOf('/p2p/'))
    const connections = await Promise.all(
      [peer.multiaddr, bare, peer.multiaddr].map((multiaddr) => host.connect({ multiaddr })),
    )
    for (const connection of connections) assert.equal(connection.provider, peer.address)
    assert.equal(host.connections(), 3)
    await connections[0]!.close()
    assert.deepEqual(await connections[2]!.list(), [])
    await Promise.all(connections.map((connection) => connection.close()))
    while (host.connections() > 0) await delay(5)
  })

  it('tells who comes and goes, and waits for who is to come', async () => {
    const provider = await hostOf(52, { listen })
    await provider.serveTasks(new TestTaskService())
    await provider.start()
    const seen: string[] = []
    provider.onPeerConnected((address) => seen.push(`+${address}`))
    provider.onPeerDisconnected((address) => seen.push(`-${address}`))
    const waiting = provider.connected({ peer: host.address, signal: AbortSignal.timeout(20_000) })
    const connection = await host.connect({ multiaddr: provider.multiaddrs()[0]! })
    await waiting
    await provider.connected({ peer: host.address, signal: AbortSignal.timeout(20_000) })
    await connection.close()
    while (seen.length < 2) await delay(5)
    assert.deepEqual(seen, [`+${host.address}`, `-${host.address}`])
    await assert.rejects(provider.connected({ peer: host.address, signal: AbortSignal.timeout(20) }), {
      name: 'TimeoutError',
    })
    await provider.stop()
  })

  it('lets one peer have only so many connections', async () => {
    const provider = await hostOf(53, { listen, connectionsPerPeer: 2 })
    await provider.serveTasks(new TestTaskService())
    await provider.start()
    const multiaddr = provider.multiaddrs()[0]!
    const [first, second] = [await host.connect({ multiaddr }), await host.connect({ multiaddr })]
    // The dial itself may succeed before the other side has said no.
    await assert.rejects(
      async () => (await host.connect({ multiaddr })).list(),
      (thrown) => isSoukError(thrown, 'CONNECTION_LOST') || isSoukError(thrown, 'UNREACHABLE'),
    )
    assert.deepEqual(await first.list(), [])
    await second.close()
    while (provider.connections() > 1) await delay(5)
    const third = await host.connect({ multiaddr })
    assert.deepEqual(await third.list(), [])
    await provider.stop()
  })

  it('serves only peers whose key is an account, and tells others so', async () => {
    const stranger = await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'),
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
    })
    const stream = await openRaw(stranger, peer.multiaddr, TASK_PROTOCOL)
    const read = readToEnd(stream)
    stream.send(framed(encodeRequest({ id: 1, kind: 'list' })))
    const { frames, status } = await read
    const answer = decodeAnswer(frames[0] ?? new Uint8Array())
    assert.equal(answer.kind === 'error' && answer.error.code, 'PROTOCOL_ERROR')
    assert.match(JSON.stringify(answer), /secp256k1/)
    assert.equal(status, 'reset')
    await stranger.stop()
  })

  it('connects only to providers whose key is an account', async () => {
    const stranger = await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'),
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
    })
    await assert.rejects(host.connect({ multiaddr: String(stranger.getMultiaddrs()[0]) }), (thrown) =>
      isSoukError(thrown, 'PROTOCOL_ERROR'),
    )
    await stranger.stop()
  })

  it('opens a new stream where the last was lost, and works on', async () => {
    const connection = await host.connect({ multiaddr: peer.multiaddr })
    assert.deepEqual(await connection.list(), [])
    await assert.rejects(connection.submit({ ...taskOf({ kind: 'noop' }, 1), spec: new Uint8Array() }), (thrown) =>
      isSoukError(thrown, 'PROTOCOL_ERROR'),
    )
    assert.deepEqual(await connection.list(), [])
    await connection.close()
  })

  it('says START_FAILED for an address that is taken or that no key fits', async () => {
    const taken = await serve(() => undefined)
    const failing = await hostOf(54, { listen: [`/ip4/127.0.0.1/tcp/${taken.port}`] })
    await assert.rejects(failing.start(), (thrown) => isSoukError(thrown, 'START_FAILED'))
    await failing.stop()
    await taken.close()
    await assert.rejects(createHost({ privateKey: new Uint8Array(5), listen: [] }), (thrown) =>
      isSoukError(thrown, 'START_FAILED'),
    )
  })
})

interface Listening {
  readonly port: number
  close(): Promise<void>
}

async function serve(onConnection: (socket: Socket) => void): Promise<Listening> {
  const server = createServer()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    sockets.add(socket)
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function freePort(): Promise<number> {
  const { port, close } = await serve(() => undefined)
  await close()
  return port
}
