import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { SignedOffer } from '../../src/protocol/offer-document.ts'
import { DHT_PROTOCOL } from '../../src/protocol/network/discovery/options.ts'
import { OFFERS_PROTOCOL } from '../../src/protocol/network/discovery/offers-protocol.ts'
import { FrameReader, joined } from '../../src/protocol/network/frame-reader.ts'
import { WIRE_BOUNDS } from '../../src/protocol/wire-bounds.ts'
import { decodeOffersRequest, encodeOffersAnswer } from '../../src/protocol/wire-offers.ts'
import { fieldsOf, message } from '../fixtures/malformed-frames.ts'
import { peerIdOf, signedOffer } from '../fixtures/offers.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { framed, startRawPeer, type RawStream } from '../fixtures/raw-peer.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { startSouk, type CommandEnd } from '../fixtures/souk-command.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const MIB = 1024 * 1024
/** Made up by one bootstrap peer: many times what can be asked in the time that there is. */
const MADE_UP = 1_500
/** Finding takes five seconds at most and asking twenty; the rest is for a machine that has much else to do. */
const SLOWEST_MS = 150_000
/** More than the same command needs where nobody is hostile. */
const MOST_MORE_BYTES = 256 * MIB

interface Ended extends CommandEnd {
  readonly peakRssBytes: number
  readonly tookMs: number
}

describe('a requester whose bootstrap peer is hostile', function () {
  this.timeout(300_000)
  const stops: (() => unknown)[] = []
  let dir: string
  let program: string
  let honest: ProviderProcess
  let usualBytes = 0
  let offers: readonly { readonly provider: string; readonly signed: SignedOffer }[]
  let peers: readonly Uint8Array[]
  /** Takes connections and says nothing. */
  let silent: Server
  let seeds = 8_000
  let homes = 0

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-hostile-bootstrap-'))
    program = await wasmProgram('exit-code')
    silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    const port = await portOf(silent)
    const keys = Array.from({ length: MADE_UP }, (_, number) => keyOf(900_000 + number))
    // Every other one where nobody listens.
    const addressOf = (index: number): string => `/ip4/127.0.0.1/tcp/${index % 2 === 0 ? port : 1}`
    offers = keys
      .map((key, index) => {
        const peerId = peerIdOf(key)
        const multiaddrs = [`${addressOf(index)}/p2p/${peerId}`]
        return { provider: key.address, signed: signedOffer({ key, nowMs: Date.now(), multiaddrs }) }
      })
      .toSorted((a, b) => (a.provider < b.provider ? -1 : 1))
    peers = keys.map((key, index) =>
      message([1, peerIdFromString(peerIdOf(key)).toMultihash().bytes], [2, multiaddr(addressOf(index)).bytes], [3, 1]),
    )
    honest = await startProvider({ dir: join(dir, 'honest'), network: 'discovery: [dht, gossip]' })
    const usual = await run([honest.multiaddr])
    assert.equal(usual.code, 7, usual.stderr)
    usualBytes = usual.peakRssBytes
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })
  after(async () => {
    await honest?.end('SIGKILL')
    silent?.close()
    await rm(dir, { recursive: true, force: true })
  })

  /** In a home of its own, so that nobody is known from before. */
  async function souk(...args: string[]): Promise<Ended> {
    const startMs = performance.now()
    const { child, ended } = startSouk({ args, home: join(dir, `home-${(homes += 1)}`) })
    let peakRssBytes = 0
    const looking = setInterval(() => {
      const look = async (): Promise<void> => {
        const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
        peakRssBytes = Math.max(peakRssBytes, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024)
      }
      void look()
    }, 50)
    try {
      return { ...(await ended), peakRssBytes, tookMs: performance.now() - startMs }
    } finally {
      clearInterval(looking)
    }
  }
  const run = (bootstrap: readonly string[]): Promise<Ended> =>
    souk('run', '--wasm', program, '--bootstrap', ...bootstrap, '--', '7')

  /** A bootstrap peer that does this with what it is asked, on whichever protocol. */
  async function hostile(answer: (protocol: string, stream: RawStream, frame: Uint8Array) => void): Promise<string> {
    const raw = await startRawPeer({ seed: (seeds += 1), listen: ['/ip4/127.0.0.1/tcp/0'] })
    stops.push(() => raw.stop())
    for (const protocol of [OFFERS_PROTOCOL, DHT_PROTOCOL])
      await raw.handle(protocol, (stream) => {
        const reader = new FrameReader({ maxFrameBytes: MIB })
        stream.addEventListener('message', ({ data }) => {
          for (const piece of data instanceof Uint8Array ? [data] : data) reader.push(piece)
          for (let frame = reader.next(); frame !== undefined; frame = reader.next())
            if (stream.status === 'open') answer(protocol, stream, joined(frame))
        })
      })
    return String(raw.getMultiaddrs()[0])
  }

  /** That commands end in time and memory with an error that says what is wrong, and find who is honest where another one knows him. */
  async function survives(
    bootstrap: string,
    { offersCode, says }: { readonly offersCode: number; readonly says: RegExp },
  ) {
    const [listed, alone, both] = await Promise.all([
      souk('offers', '--json', '--bootstrap', bootstrap),
      run([bootstrap]),
      run([bootstrap, honest.multiaddr]),
    ])
    for (const { tookMs, peakRssBytes, stderr } of [listed, alone, both]) {
      assert(tookMs < SLOWEST_MS, `${Math.round(tookMs)} ms\n${stderr}`)
      assert(peakRssBytes < usualBytes + MOST_MORE_BYTES, `${peakRssBytes} bytes where ${usualBytes} are usual`)
    }
    assert.equal(listed.code, offersCode, listed.stderr)
    assert.equal(alone.code, 125, alone.stderr)
    assert.match(alone.stderr, says)
    assert.equal(both.code, 7, both.stderr)
    return listed
  }

  it('that never answers', async () => {
    const listed = await survives(await hostile(() => undefined), {
      offersCode: 125,
      says: /No offers came from .* in time/,
    })
    assert.match(listed.stdout, /UNREACHABLE/)
  })

  it('that does not so much as greet', async () => {
    const bootstrap = `/ip4/127.0.0.1/tcp/${await portOf(silent)}/p2p/${peerIdOf(keyOf(777))}`
    await survives(bootstrap, { offersCode: 125, says: /No offers came from|could not be reached|cannot be reached/ })
  })

  it('that answers with noise', async () => {
    const bootstrap = await hostile((_, stream) => stream.send(randomBytes(200_000)))
    await survives(bootstrap, { offersCode: 125, says: /breaks? the protocol|broke the protocol|PROTOCOL|frame/i })
  })

  it('that answers with as much as a frame may have, byte after byte', async () => {
    const bootstrap = await hostile((_, stream) => {
      stream.send(framed(new Uint8Array(WIRE_BOUNDS.offersResponseFrameBytes)).subarray(0, 100_000))
      const dripping = setInterval(() => {
        if (stream.status === 'open') stream.send(Uint8Array.of(0))
        else clearInterval(dripping)
      }, 200)
      stops.push(() => clearInterval(dripping))
    })
    await survives(bootstrap, { offersCode: 125, says: /No offers came from .* in time/ })
  })

  it('that makes up thousands of providers, in its book and in the table', async () => {
    const bootstrap = await hostile((protocol, stream, frame) => {
      if (protocol === OFFERS_PROTOCOL) {
        const { after = '' } = decodeOffersRequest(frame)
        const from = offers.findIndex(({ provider }) => provider > after)
        const page = from === -1 ? [] : offers.slice(from, from + WIRE_BOUNDS.offersPerPage)
        stream.send(
          framed(encodeOffersAnswer({ kind: 'page', offers: page.map(({ signed }) => signed), more: page.length > 0 })),
        )
        return
      }
      const fields = fieldsOf(frame) ?? []
      const type = fields.find(({ number }) => number === 1)?.value[0] ?? 0
      const key = fields.find(({ number }) => number === 2)?.value ?? new Uint8Array()
      const named = [8, 9].flatMap((field) => peers.map((peer) => [field, peer] as const))
      stream.send(framed(message([1, type], [2, key], ...named)))
    })
    const listed = await survives(bootstrap, {
      offersCode: 0,
      says: /had not answered after|could not be reached|Nobody/,
    })
    const { offers: shown } = JSON.parse(listed.stdout) as { readonly offers: readonly unknown[] }
    assert(shown.length >= WIRE_BOUNDS.offersPerPage, `${shown.length} offers`)
  })
})

async function portOf(server: Server): Promise<number> {
  while (!server.listening) await sleep(5)
  return (server.address() as AddressInfo).port
}
