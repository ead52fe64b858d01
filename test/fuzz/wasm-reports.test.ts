import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { FRAME_KIND, MAX_DATA_BYTES, MAX_REPORT_BYTES, type Report } from '../../src/executors/wasm/channel.ts'
import { ChannelBroken, readFrames, type Frame } from '../../src/executors/wasm/reports.ts'

function frame(kind: number, content: Uint8Array): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32LE(content.length)
  header[4] = kind
  return Buffer.concat([header, content])
}
const report = (value: unknown): Buffer => frame(FRAME_KIND.report, Buffer.from(JSON.stringify(value)))

async function read(chunks: readonly Uint8Array[]): Promise<Frame[]> {
  const frames: Frame[] = []
  for await (const each of readFrames(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) frames.push(each)
  return frames
}

/** The bytes in pieces, cut anywhere. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...new Set(at.map((offset) => offset % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

describe('fuzz: reports of a sandbox process', () => {
  const reports: readonly Report[] = [
    { event: 'ready' },
    { event: 'refused', reason: 'why', subject: 'env.system' },
    { event: 'memory', peakBytes: 65_536 },
    { event: 'ended', end: { kind: 'exited', code: 3 }, cpuTimeMs: 1, memoryPeakBytes: 2, limitsHit: ['disk'] },
    { event: 'output', path: '/out/żółć', bytes: 3 },
    { event: 'complete' },
  ]

  it('are the same however they are cut', async () => {
    const bytes = Buffer.concat([...reports.map(report), frame(FRAME_KIND.data, Buffer.from('abc'))])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (at) => {
        const frames = await read(cut(bytes, at))
        assert.deepEqual(
          frames.slice(0, -1),
          reports.map((each) => ({ kind: 'report', report: each })),
        )
        assert.deepEqual(frames.at(-1), { kind: 'data', data: Buffer.from('abc') })
      }),
    )
  })

  it('of any bytes are frames, an end, or a broken channel', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 40 }),
            fc.json().map((text) => frame(FRAME_KIND.report, Buffer.from(text))),
          ),
          { maxLength: 5 },
        ),
        async (chunks) => {
          await read(chunks).catch((error: unknown) => assert.ok(error instanceof ChannelBroken, String(error)))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('that end in mid-frame end there', async () => {
    assert.deepEqual(await read([report({ event: 'ready' }).subarray(0, 7)]), [])
  })

  it('are refused where they are longer than allowed, before they are held', async () => {
    for (const [kind, length] of [
      [FRAME_KIND.report, MAX_REPORT_BYTES + 1],
      [FRAME_KIND.data, MAX_DATA_BYTES + 1],
      [4, 0],
    ] as const) {
      const header = Buffer.alloc(5)
      header.writeUInt32LE(length)
      header[4] = kind
      await assert.rejects(read([header]), ChannelBroken)
    }
  })

  it('are refused where they say what a sandbox cannot know', async () => {
    for (const value of [
      { event: 'ended' },
      { event: 'memory', peakBytes: -1 },
      { event: 'ready', more: 1 },
      { event: 'none' },
      [],
      null,
      'ready',
    ])
      await assert.rejects(read([report(value)]), ChannelBroken)
  })
})
