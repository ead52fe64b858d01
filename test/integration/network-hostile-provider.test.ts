import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { encodeBlobAnswer, type BlobAnswer } from '../../src/protocol/blob-codec.ts'
import { encodeAnswer, type Answer } from '../../src/protocol/codec.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { ProviderConnection } from '../../src/protocol/network/task-client.ts'
import { BLOB_PROTOCOL, TASK_PROTOCOL, WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { WIRE_BOUNDS } from '../../src/protocol/wire-bounds.ts'
import { sha256Of, summaryOf, taskOf } from '../fixtures/network-services.ts'
import { framed, startRawPeer } from '../fixtures/raw-peer.ts'

const taskId = `0x${'5a'.repeat(32)}`
const MIB = 1024 * 1024

describe('a provider that breaks the protocol', function () {
  this.timeout(60_000)
  let raw: Awaited<ReturnType<typeof startRawPeer>>
  let host: NetworkHost
  let provider: ProviderConnection

  beforeEach(async () => {
    raw = await startRawPeer({ seed: 31, listen: ['/ip4/127.0.0.1/tcp/0'] })
    host = await createHost({ privateKey: new Uint8Array(32).fill(32), listen: [] })
    provider = await host.connect({ multiaddr: String(raw.getMultiaddrs()[0]) })
  })
  afterEach(async () => {
    await host?.stop()
    await raw?.stop()
  })

  /** To the first bytes of each stream it says this, whatever they are. */
  const says = (protocol: string, bytes: readonly Uint8Array[]): Promise<void> =>
    raw.handle(protocol, (stream) => {
      stream.addEventListener('message', () => bytes.forEach((frame) => stream.send(frame)), { once: true })
    })
  const answers = (given: readonly Answer[]): Promise<void> =>
    says(
      TASK_PROTOCOL,
      given.map((answer) => framed(encodeAnswer(answer))),
    )
  const breaks = (promise: Promise<unknown>, reason: RegExp): Promise<void> =>
    assert.rejects(promise, (thrown) => {
      assert.ok(isSoukError(thrown, 'PROTOCOL_ERROR'), String(thrown))
      assert.match(thrown.details.reason, reason)
      return true
    })

  it('does not serve the protocol at all', () => breaks(provider.list(), /does not serve/))

  it('answers what was never asked', async () => {
    await answers([{ id: 7, kind: 'done' }])
    await breaks(provider.list(), /id 7, which no open request has/)
  })

  it('answers with another kind', async () => {
    await answers([{ id: 1, kind: 'task', task: summaryOf(taskId) }])
    await breaks(provider.cancel(taskId), /answer to cancel is task/)
  })

  it('sends an event before it has accepted', async () => {
    await answers([{ id: 1, kind: 'event', event: { kind: 'queued', atMs: 1, position: 0 } }])
    await breaks(provider.submitAndFollow(taskOf({ kind: 'noop' }, 1)), /answer to submit is event/)
  })

  it('sends noise, or a frame too large', async () => {
    await says(TASK_PROTOCOL, [framed(Uint8Array.of(8, 1, 0x2a, 5, 1, 2, 3, 4, 5))])
    await breaks(provider.list(), /malformed|none of|bytes/)
    await raw.unhandle(TASK_PROTOCOL)
    await says(TASK_PROTOCOL, [Uint8Array.of(0xff, 0xff, 0xff, 0x7f)])
    await breaks(provider.list(), /frame of 268435455 bytes/)
  })

  it('sends more of a follow than was granted', async () => {
    const data = new Uint8Array(WIRE_BOUNDS.outputChunkBytes)
    const chunks = Math.ceil(WIRE_LIMITS.followWindowBytes / data.byteLength) + 1
    const output = Array.from({ length: chunks }, (_, index): Answer => ({
      id: 1,
      kind: 'event',
      event: { kind: 'output', stream: 'stdout', offset: index * data.byteLength, data },
    }))
    await answers(output)
    // One event is taken, so nothing is granted anew; whoever else waits on the stream is told why it ended.
    const first = provider.follow({ taskId })[Symbol.asyncIterator]().next()
    await breaks(provider.list(), /beyond the credit/)
    assert.equal((await first).value?.kind, 'output')
  })

  it('ends a list never', async () => {
    await answers([{ id: 1, kind: 'list', tasks: [summaryOf(taskId)], more: true }])
    await breaks(provider.list(), /not full/)
  })

  const blob = { sha256: sha256Of('x'), bytes: 2 * MIB }
  const chunk = (change: Partial<BlobAnswer & { kind: 'chunk' }>): Uint8Array =>
    framed(encodeBlobAnswer({ kind: 'chunk', offset: 0, totalBytes: blob.bytes, data: new Uint8Array(MIB), ...change }))
  const badChunks: readonly (readonly [string, Uint8Array, RegExp])[] = [
    [
      'of a blob with another length',
      chunk({ totalBytes: blob.bytes + 1 }),
      /has 2097153 bytes, not 2097152 as declared/,
    ],
    ['from another offset', chunk({ offset: MIB }), /chunk at 1048576 came where 0 was due/],
    ['too short', chunk({ data: new Uint8Array(MIB - 1) }), /chunk of 1048575 bytes/],
    ['of nothing', chunk({ data: new Uint8Array() }), /chunk of 0 bytes/],
    ['too large', Buffer.concat([Uint8Array.of(0x80, 0x80, 0x80, 1), new Uint8Array(10)]), /frame of 2097152 bytes/],
  ]
  for (const [what, bytes, reason] of badChunks) {
    it(`sends a chunk ${what}`, async () => {
      await says(BLOB_PROTOCOL, [bytes])
      await breaks(drain(provider.readBlob({ blob })), reason)
    })
  }

  it('ends a transfer early', async () => {
    await raw.handle(BLOB_PROTOCOL, (stream) => {
      stream.addEventListener(
        'message',
        () => {
          stream.send(chunk({}))
          void stream.close()
        },
        { once: true },
      )
    })
    await assert.rejects(
      drain(provider.readBlob({ blob })),
      (thrown) => isSoukError(thrown, 'CONNECTION_LOST') && thrown.retryable,
    )
  })
})

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) bytes += chunk.byteLength
  return bytes
}
