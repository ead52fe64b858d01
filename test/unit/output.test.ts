import assert from 'node:assert/strict'
import { PassThrough, Readable, Writable } from 'node:stream'
import { createOutputMeter } from '../../src/executors/output.ts'

const collecting = (): { readonly sink: Writable; content(): string } => {
  const chunks: Buffer[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { sink, content: () => Buffer.concat(chunks).toString() }
}
const bytes = (...texts: readonly string[]): Readable =>
  Readable.from(
    texts.map((text) => Buffer.from(text)),
    { objectMode: false },
  )

describe('output meter', () => {
  it('passes on and counts both streams, and leaves their readers open', async () => {
    const [out, err] = [collecting(), collecting()]
    const meter = createOutputMeter({ limitBytes: 100, onExceeded: () => assert.fail('not exceeded') })
    await Promise.all([
      meter.pump({ source: bytes('one ', 'two'), sink: out.sink }),
      meter.pump({ source: bytes('three'), sink: err.sink }),
    ])
    assert.equal(out.content(), 'one two')
    assert.equal(err.content(), 'three')
    assert.equal(meter.bytes, 12)
    assert.ok(out.sink.writable)
  })

  it('keeps exactly the limit, says so once, and reads on to the end', async () => {
    const { sink, content } = collecting()
    let exceeded = 0
    const meter = createOutputMeter({ limitBytes: 5, onExceeded: () => (exceeded += 1) })
    const source = bytes('abc', 'defg', 'hij')
    await meter.pump({ source, sink })
    assert.equal(content(), 'abcde')
    assert.equal(meter.bytes, 5)
    assert.equal(exceeded, 1)
    assert.ok(source.readableEnded)
  })

  it('does not take the limit itself for more than the limit', async () => {
    const { sink } = collecting()
    const meter = createOutputMeter({ limitBytes: 3, onExceeded: () => assert.fail('not exceeded') })
    await meter.pump({ source: bytes('abc'), sink })
    assert.equal(meter.bytes, 3)
  })

  it('keeps the pace of a slow reader, and passes the rest on when released', async () => {
    const stalled: (() => void)[] = []
    const sink = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void stalled.push(done) })
    const source = new PassThrough()
    const meter = createOutputMeter({ limitBytes: 1e9, onExceeded: () => assert.fail('not exceeded') })
    const pumped = meter.pump({ source, sink })
    const chunk = Buffer.alloc(65_536)
    for (let written = 0; written < 50; written += 1) {
      source.write(chunk)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(meter.bytes <= 5 * chunk.length, `${meter.bytes} bytes were taken for a reader that stands still`)
    assert.equal(meter.blocked, true)
    source.end()
    meter.release()
    await pumped
    assert.equal(meter.blocked, false)
    assert.equal(meter.bytes, 50 * chunk.length)
  })

  it('goes on without a reader that is gone', async () => {
    const { sink } = collecting()
    sink.destroy()
    const meter = createOutputMeter({ limitBytes: 100, onExceeded: () => assert.fail('not exceeded') })
    await meter.pump({ source: bytes('abc'), sink })
    assert.equal(meter.bytes, 3)
  })

  it('takes a source that breaks for one that ends', async () => {
    const { sink, content } = collecting()
    const source = new PassThrough()
    const meter = createOutputMeter({ limitBytes: 100, onExceeded: () => assert.fail('not exceeded') })
    const pumped = meter.pump({ source, sink })
    source.write('abc')
    await new Promise((resolve) => setImmediate(resolve))
    source.destroy(new Error('reset'))
    await pumped
    assert.equal(content(), 'abc')
  })
})
