import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import fc from 'fast-check'
import { createInitReports, InitBroken, type InitReport } from '../../src/executors/docker/init-reports.ts'
import { createOutputFrames } from '../../src/executors/docker/output-frames.ts'

async function contentOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Cuts bytes at arbitrary places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
}

const frame = (stream: number, data: Uint8Array): Buffer => {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(data.length, 4)
  return Buffer.concat([header, data])
}
const places = fc.array(fc.nat(), { maxLength: 20 })
const frames = fc.array(fc.record({ stream: fc.constantFrom(1, 2), data: fc.uint8Array({ maxLength: 300 }) }), {
  maxLength: 30,
})
const joined = (all: readonly { stream: number; data: Uint8Array }[], stream: number): Buffer =>
  Buffer.concat(all.filter((each) => each.stream === stream).map(({ data }) => data))

describe('the output of a container', () => {
  it('comes apart as it was put together, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(frames, places, async (all, at) => {
        const { sink, stdout, stderr } = createOutputFrames()
        const contents = Promise.all([contentOf(stdout), contentOf(stderr)])
        for (const chunk of cut(Buffer.concat(all.map(({ stream, data }) => frame(stream, data))), at))
          sink.write(chunk)
        sink.end()
        assert.deepEqual(await contents, [joined(all, 1), joined(all, 2)])
      }),
    )
  })

  it('ends at the mark, which is no part of it, though the connection goes on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(frames, frames, places, fc.uint8Array({ minLength: 16, maxLength: 16 })),
        async ([before, after, at, nonce]) => {
          const { sink, stdout, stderr, endAt, marked } = createOutputFrames()
          const contents = Promise.all([contentOf(stdout), contentOf(stderr)])
          for (const { stream, data } of before) sink.write(frame(stream, data))
          await new Promise<void>((resolve) => sink.write(Buffer.alloc(0), () => resolve()))
          endAt(nonce)
          const rest = [...after.map(({ stream, data }) => frame(stream, data)), frame(1, nonce), frame(2, nonce)]
          for (const chunk of cut(Buffer.concat(rest), at)) sink.write(chunk)
          assert.deepEqual(await contents, [joined([...before, ...after], 1), joined([...before, ...after], 2)])
          assert.equal(marked(), true)
          sink.destroy()
        },
      ),
    )
  })

  it('keeps what looked like the beginning of a mark where none comes', async () => {
    const { sink, stdout, endAt, marked } = createOutputFrames()
    endAt(Buffer.alloc(16, 1))
    sink.write(frame(1, Buffer.from('end')))
    sink.end()
    assert.equal(String(await contentOf(stdout)), 'end')
    assert.equal(marked(), false)
  })

  it('does not survive other bytes, and holds none of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 255 }),
        fc.uint8Array({ minLength: 7, maxLength: 100 }),
        async (kind, rest) => {
          const { sink, stdout, stderr } = createOutputFrames()
          const contents = Promise.all([contentOf(stdout), contentOf(stderr)])
          const failed = once(sink, 'error')
          sink.write(Buffer.from([kind, ...rest]))
          await failed
          assert.deepEqual(await contents, [Buffer.alloc(0), Buffer.alloc(0)])
        },
      ),
    )
  })

  it('takes only as much as its readers do', async () => {
    const { sink, stdout } = createOutputFrames()
    let taken = 0
    while (taken < 100 && sink.write(frame(1, Buffer.alloc(65_536)))) taken += 1
    for (; taken < 10 && !sink.writableNeedDrain; taken += 1) sink.write(frame(1, Buffer.alloc(65_536)))
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(sink.writableNeedDrain)
    assert.ok(stdout.readableLength <= 2 * 65_536)
    sink.destroy()
  })
})

describe('the reports of the first process', () => {
  const bytesOf = (report: InitReport): Buffer => {
    const withNumber = (kind: string, number: number): Buffer => {
      const bytes = Buffer.alloc(5, kind)
      bytes.writeUInt32LE(number, 1)
      return bytes
    }
    switch (report.kind) {
      case 'ready':
        return Buffer.from('R')
      case 'started':
        return Buffer.from('S')
      case 'execFailed':
        return withNumber('X', report.errno)
      case 'ended':
        return withNumber('E', report.status)
    }
  }
  const number = fc.integer({ min: 0, max: 0xffff_ffff })
  const report = fc.oneof(
    fc.constant<InitReport>({ kind: 'ready' }),
    fc.constant<InitReport>({ kind: 'started' }),
    number.map((errno): InitReport => ({ kind: 'execFailed', errno })),
    number.map((status): InitReport => ({ kind: 'ended', status })),
  )

  it('are read as they were sent, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(report), places, (reports, at) => {
        const parse = createInitReports()
        const read = cut(Buffer.concat(reports.map(bytesOf)), at).flatMap((chunk) => parse(chunk))
        assert.deepEqual(read, reports)
      }),
    )
  })

  it('of any other kind are an error, and nothing else is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parse = createInitReports()
        try {
          for (const each of parse(bytes)) assert.ok(['ready', 'started', 'execFailed', 'ended'].includes(each.kind))
        } catch (error) {
          assert.ok(error instanceof InitBroken, String(error))
        }
      }),
    )
  })
})
