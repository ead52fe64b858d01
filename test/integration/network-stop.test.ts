import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, it } from 'mocha'
import { connect } from '../../src/client/connect.ts'
import { encodeBlobRequest } from '../../src/protocol/blob-codec.ts'
import { encodeQuoteRequest, encodeRequest } from '../../src/protocol/codec.ts'
import { OFFERS_PROTOCOL } from '../../src/protocol/network/discovery/offers-protocol.ts'
import { createHost, type HostOptions, type NetworkHost } from '../../src/protocol/network/host.ts'
import { BLOB_PROTOCOL, QUOTE_PROTOCOL, TASK_PROTOCOL, WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { encodeOffersRequest } from '../../src/protocol/wire-offers.ts'
import { sha256Of, TestTaskService } from '../fixtures/network-services.ts'
import { framed, openRaw, startRawPeer, type RawStream } from '../fixtures/raw-peer.ts'
import { keyOf } from '../fixtures/receipts.ts'

const never = (): Promise<never> => new Promise(() => undefined)
/** Of a stop that has to wait for nobody, on a machine that has much else to do. */
const PROMPT_MS = WIRE_LIMITS.closeTimeoutMs + 10_000

describe('a host that is stopped', function () {
  this.timeout(60_000)
  const stops: (() => Promise<void>)[] = []
  let seeds = 9_000

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  const serving = async (options: Partial<HostOptions> = {}): Promise<NetworkHost> => {
    const host = await createHost({ privateKey: keyOf(1).privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], ...options })
    return host
  }
  const peerOf = async (host: NetworkHost, protocol: string): Promise<RawStream> => {
    await host.start()
    const raw = await startRawPeer({ seed: (seeds += 1) })
    stops.push(async () => raw.stop())
    return openRaw(raw, host.multiaddrs()[0] ?? '', protocol)
  }
  const stopsPromptly = async (host: { stop(): Promise<void> }): Promise<void> => {
    const stopped = host.stop().then(() => true)
    assert(await Promise.race([stopped, delay(PROMPT_MS, false, { ref: false })]), 'it did not stop')
  }
  const blobRequest = framed(encodeBlobRequest({ sha256: sha256Of('blob'), offset: 0, length: 10 }))

  it('tells who looks for a blob that the peer which asked for it is gone, and waits for nobody then', async () => {
    const host = await serving()
    const asked = Promise.withResolvers<AbortSignal>()
    await host.serveBlobs({
      async open({ signal }) {
        asked.resolve(signal)
        if (!signal.aborted) await once(signal, 'abort')
        return undefined
      },
    })
    const stream = await peerOf(host, BLOB_PROTOCOL)
    stream.send(blobRequest)
    const signal = await asked.promise
    const aborted = once(signal, 'abort')
    stream.abort(new Error('the peer has gone'))
    await aborted
    const another = await peerOf(host, BLOB_PROTOCOL)
    another.send(blobRequest)
    await stopsPromptly(host)
  })

  it('waits for no service that never answers', async () => {
    const host = await serving()
    const asked: string[] = []
    const unanswered = (what: string) => (): Promise<never> => {
      asked.push(what)
      return never()
    }
    await host.serveBlobs({ open: unanswered('blob') })
    await host.serveQuotes({ quote: unanswered('quote') })
    const tasks = new TestTaskService()
    tasks.show = unanswered('task')
    await host.serveTasks(tasks)
    const blobs = await peerOf(host, BLOB_PROTOCOL)
    blobs.send(blobRequest)
    const quotes = await peerOf(host, QUOTE_PROTOCOL)
    quotes.send(framed(encodeQuoteRequest({ spec: new Uint8Array(8) })))
    const shown = await peerOf(host, TASK_PROTOCOL)
    shown.send(framed(encodeRequest({ id: 1, kind: 'show', taskId: `0x${'11'.repeat(32)}` })))
    // Whoever has ended its half still gets what it asked for, as long as the connection is there.
    void shown.close().catch(() => undefined)
    while (asked.length < 3) await delay(10)
    await stopsPromptly(host)
  })

  it('waits for no peer that asks for one page of offers after the other', async () => {
    const host = await serving({ discovery: { bootstrap: [], gossip: true } })
    await host.discovery?.serveOffers({ offers: () => ({ offers: [], more: true }) })
    const stream = await peerOf(host, OFFERS_PROTOCOL)
    const request = framed(encodeOffersRequest({}))
    let pages = 0
    stream.addEventListener('message', () => {
      pages += 1
      if (stream.status === 'open') stream.send(request)
    })
    stream.send(request)
    while (pages < 3) await delay(10)
    await stopsPromptly(host)
  })

  it('waits for no peer that reads nothing of what it asks for', async () => {
    const host = await serving()
    await host.serveTasks(new TestTaskService())
    const stream = await peerOf(host, TASK_PROTOCOL)
    stream.pause()
    const show = (id: number): Uint8Array => framed(encodeRequest({ id, kind: 'show', taskId: `0x${'11'.repeat(32)}` }))
    stream.send(Buffer.concat(Array.from({ length: 20_000 }, (_, index) => show(index + 1))))
    await delay(1_000)
    await stopsPromptly(host)
  })
})

describe('a client that is closed', function () {
  this.timeout(60_000)

  it('waits for no provider that takes everything and says nothing', async () => {
    const raw = await startRawPeer({ seed: 8_999, listen: ['/ip4/127.0.0.1/tcp/0'] })
    const opened: string[] = []
    for (const protocol of [TASK_PROTOCOL, QUOTE_PROTOCOL, BLOB_PROTOCOL])
      await raw.handle(protocol, () => void opened.push(protocol))
    const client = await connect({ to: String(raw.getMultiaddrs()[0]), key: keyOf(2), reconnectTimeoutMs: 60_000 })
    const asked = client.list()
    const outcome = assert.rejects(asked)
    while (opened.length === 0) await delay(10)
    const closed = client.close().then(() => true)
    assert(await Promise.race([closed, delay(PROMPT_MS, false, { ref: false })]), 'it did not close')
    await outcome
    await raw.stop()
  })
})
