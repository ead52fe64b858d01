import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { FRAME_KIND } from '../../src/executors/wasm/channel.ts'
import { readFrames } from '../../src/executors/wasm/reports.ts'

describe('frames of a WebAssembly sandbox process', function () {
  this.timeout(120_000)

  /** How long a frame takes that comes byte by byte, with a whole one behind it. */
  async function drip(bytes: number): Promise<number> {
    const frame = Buffer.alloc(5 + bytes, 'x')
    frame.writeUInt32LE(bytes)
    frame[4] = FRAME_KIND.data
    const pieces = function* (): Generator<Buffer> {
      for (let at = 0; at < frame.length; at += 1) yield frame.subarray(at, at + 1)
      yield frame
    }
    const lengths: number[] = []
    const startMs = performance.now()
    for await (const read of readFrames(Readable.from(pieces()))) {
      assert.ok(read.kind === 'data')
      lengths.push(read.data.length)
    }
    assert.deepEqual(lengths, [bytes, bytes])
    return performance.now() - startMs
  }

  it('cost no more by the byte where they come slowly', async () => {
    await drip(1024)
    const [short, long] = [await drip(16 * 1024), await drip(256 * 1024)]
    assert.ok(long < 64 * short, `16 times as much took ${Math.round(long / short)} times as long`)
  })
})
