import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  createFrameDecoder,
  LauncherProtocolError,
  MAX_DATA_BYTES,
  MAX_FRAME_BYTES,
  type LauncherFrame,
} from '../../src/native/launcher-frames.ts'
import { createRecordWriter, decodeRecords, numberOf, textsOf } from '../../src/native/launcher-records.ts'
import { parseDiskReport, parseFailure, parseHello, parseReport } from '../../src/native/report.ts'

function frame(type: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32LE(payload.length + 1)
  header[4] = type
  return Buffer.concat([header, payload])
}
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

function decode(chunks: readonly Uint8Array[]): LauncherFrame[] {
  const frames: LauncherFrame[] = []
  const decoder = createFrameDecoder((each) => frames.push(each))
  for (const chunk of chunks) decoder.push(Buffer.from(chunk))
  return frames
}

/** The bytes in pieces, cut anywhere. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...new Set(at.map((offset) => offset % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

/** Records of any tags, mostly those that reports have. */
const records = fc
  .array(
    fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 0xffff })),
      fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(u64),
        fc.constantFrom('', 'killed', 'wallTime', 'v1', 'toString').map((text) => Buffer.from(text)),
      ),
    ),
    { maxLength: 30 },
  )
  .map((each) => {
    const writer = createRecordWriter()
    for (const [tag, value] of each) writer.bytes(tag, value)
    return writer.end()
  })

describe('fuzz: what the launcher says', () => {
  const said = Buffer.concat([
    frame(16, u64(4711n)),
    frame(17, Buffer.from('\x01hello')),
    frame(19, Buffer.from([0, 0, 0, 1, 0])),
    frame(18, Buffer.of(1)),
    frame(20, Buffer.from([1, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0])),
    frame(21, Buffer.concat([u64(3n), Buffer.from('/out/żółć')])),
    frame(22, Buffer.from('abc')),
    frame(23, Buffer.from('SYMLINK\0/out/link\0it is a symbolic link')),
    frame(24),
  ])
  const heard: readonly LauncherFrame[] = [
    { kind: 'started', pid: 4711 },
    { kind: 'data', channel: 1, data: Buffer.from('hello') },
    { kind: 'credit', channel: 0, bytes: 65_536 },
    { kind: 'end', channel: 1 },
    { kind: 'report', records: new Map([[1, [u64(7n)]]]) },
    { kind: 'file', bytes: 3, path: '/out/żółć', utf8: true },
    { kind: 'fileData', data: Buffer.from('abc') },
    { kind: 'fileRefused', code: 'SYMLINK', path: '/out/link', message: 'it is a symbolic link' },
    { kind: 'done' },
  ]

  it('is the same however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (at) => {
        assert.deepEqual(decode(cut(said, at)), heard)
      }),
    )
  })

  it('of any bytes is frames, or a broken rule', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 40 }),
            fc
              .tuple(fc.integer({ min: 0, max: 30 }), fc.uint8Array({ maxLength: 40 }))
              .map(([type, it]) => frame(type, it)),
            records.map((it) => frame(20, it)),
          ),
          { maxLength: 6 },
        ),
        (chunks) => {
          try {
            decode(chunks)
          } catch (error) {
            assert.ok(error instanceof LauncherProtocolError, String(error))
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('makes a report, or a broken rule, of any records', () => {
    fc.assert(
      fc.property(records, (bytes) => {
        const decoded = decodeRecords(bytes)
        assert.ok(decoded !== undefined)
        parseFailure(decoded)
        for (const parse of [parseReport, parseHello, parseDiskReport]) {
          try {
            parse(decoded)
          } catch (error) {
            assert.ok(error instanceof LauncherProtocolError, String(error))
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('is refused where it is longer than allowed, before it is held', () => {
    for (const length of [0, MAX_FRAME_BYTES + 1, 0xffff_ffff]) {
      const header = Buffer.alloc(4)
      header.writeUInt32LE(length)
      assert.throws(() => decode([header]), LauncherProtocolError)
    }
    assert.throws(() => decode([frame(17, Buffer.alloc(MAX_DATA_BYTES + 2))]), LauncherProtocolError)
  })

  it('is refused where it cannot be', () => {
    const bad = {
      'a request': frame(1),
      'a started that is short': frame(16, Buffer.alloc(7)),
      'a process number that no number holds': frame(16, u64(2n ** 63n)),
      'data of no channel': frame(17),
      'a credit that is short': frame(19, Buffer.alloc(4)),
      'a done with something in it': frame(24, Buffer.of(0)),
      'a file without a name': frame(21, u64(1n)),
      'a refusal of no kind': frame(23, Buffer.from('LOST\0/out\0why')),
      'a refusal without a message': frame(23, Buffer.from('SYMLINK\0/out')),
      'records that are cut short': frame(20, Buffer.from([1, 0, 8, 0, 0, 0, 7])),
    }
    for (const [what, bytes] of Object.entries(bad)) assert.throws(() => decode([bytes]), LauncherProtocolError, what)
  })

  it('tells a name that is not UTF-8 from one that is', () => {
    const name = Buffer.concat([Buffer.from('/out/'), Buffer.of(0xff)])
    const [file] = decode([frame(21, Buffer.concat([u64(0n), name]))])
    assert.ok(file?.kind === 'file' && !file.utf8)
  })
})

describe('fuzz: records', () => {
  it('come back as they were written', () => {
    const entry = fc.tuple(fc.integer({ min: 0, max: 0xffff }), fc.uint8Array({ maxLength: 100 }))
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 50 }), (entries) => {
        const writer = createRecordWriter()
        for (const [tag, value] of entries) writer.bytes(tag, value)
        const expected = new Map<number, Buffer[]>()
        for (const [tag, value] of entries) expected.set(tag, [...(expected.get(tag) ?? []), Buffer.from(value)])
        assert.deepEqual(decodeRecords(writer.end()), expected)
      }),
    )
  })

  it('of numbers and texts too', () => {
    const integer = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const text = fc.string({ unit: 'binary' }).filter((each) => !each.includes('\0'))
    fc.assert(
      fc.property(integer, text, (number, string) => {
        const writer = createRecordWriter()
        writer.number(1, number)
        writer.text(2, string)
        const decoded = decodeRecords(writer.end())
        assert.ok(decoded !== undefined)
        assert.equal(numberOf(decoded, 1), number)
        assert.deepEqual(textsOf(decoded, 2, 1000), [string])
      }),
    )
  })

  it('never hold a NUL in a text', () => {
    assert.throws(() => createRecordWriter().text(1, 'a\0b'), RangeError)
  })
})
