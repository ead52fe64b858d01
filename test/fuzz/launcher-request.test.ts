import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'

/*
 * The launcher may run as root, and its socket is where a node without rights speaks to it: what parses the bytes from there is built with the
 * address and undefined behaviour sanitizers (src/native/launcher/fuzz), which end the program at the first fault.
 */

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const CASES_PROGRAM = fromRoot('build/souk-fuzz-cases')
const FILTER_PROGRAM = fromRoot('build/souk-fuzz-filter')
const PROGRAM_TIMEOUT_MS = 60_000

interface Verdict {
  readonly parsed: boolean
  readonly frames: number
  readonly frameRefusal: string
  readonly requestRefusal: string
}

/** Runs all cases in one process. */
function verdicts(cases: readonly Uint8Array[]): Verdict[] {
  const input = Buffer.concat(cases.flatMap((bytes) => [unsigned(bytes.length, 4), bytes]))
  const lines = execFileSync(CASES_PROGRAM, { input, timeout: PROGRAM_TIMEOUT_MS, encoding: 'utf8', env: {} }).split(
    '\n',
  )
  assert.equal(lines.pop(), '')
  assert.equal(lines.length, cases.length)
  return lines.map((line) => {
    const [sign, frames, frameRefusal = '', requestRefusal = '', ...more] = line.split('\t')
    assert.deepEqual(more, [])
    assert.equal(sign === '-', requestRefusal !== '')
    return { parsed: sign === '+', frames: Number(frames), frameRefusal, requestRefusal }
  })
}

function unsigned(value: bigint | number, bytes: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
  return buffer.subarray(0, bytes)
}

type Value = string | bigint | Uint8Array
const record = (tag: number, value: Value): Buffer => {
  const bytes = typeof value === 'bigint' ? unsigned(value, 8) : Buffer.from(value)
  return Buffer.concat([unsigned(tag, 2), unsigned(bytes.length, 4), bytes])
}
const frame = (type: number, payload: Uint8Array): Buffer =>
  Buffer.concat([unsigned(payload.length + 1, 4), Buffer.of(type), payload])

// A name of at most 30 characters is of at most 120 bytes: 8 of them stay below the bound of 1024.
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..')
const path = fc.array(name, { minLength: 1, maxLength: 8 }).map((names) => `/x${names.join('/')}`)
const text = fc.string({ unit: 'binary', maxLength: 300 }).map((value) => value.replaceAll('\0', ''))
const limit = fc.bigInt({ min: 1n, max: 2n ** 53n - 1n })

/** Records of a run that is right, in any order. */
const runRecords = fc
  .record({
    program: text.map((value) => `p${value.slice(0, 200)}`),
    args: fc.array(text, { minLength: 1, maxLength: 40 }),
    env: fc.array(text, { maxLength: 40 }),
    binds: fc.uniqueArray(path, { maxLength: 20 }),
    outputs: fc.uniqueArray(path, { maxLength: 20 }),
    channels: fc.uniqueArray(fc.integer({ min: 3, max: 15 }), { maxLength: 12 }),
    ids: fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 2n }), fc.bigInt({ min: 0n, max: 2n ** 32n - 2n })),
    workdir: fc.option(path),
    disk: fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 53n - 1n })),
    limits: fc.uniqueArray(fc.tuple(fc.constantFrom(20, 21, 22, 23, 24, 25, 26, 29, 30), limit), {
      selector: ([tag]) => tag,
    }),
    root: fc.constantFrom([], [record(2, '/srv/root')], [record(2, '/srv/root'), record(14, 1n)], [record(3, 1n)]),
  })
  .map((run) => [
    record(1, 1n),
    record(4, run.program),
    ...run.args.map((value) => record(5, value)),
    ...run.env.map((value, index) => record(6, `K${index}=${value}`)),
    ...run.binds.map((inside, index) =>
      record(8, Buffer.from(`${String.fromCodePoint(index % 4)}/host${inside}\0${inside}`)),
    ),
    ...run.outputs.map((value) => record(9, value)),
    ...run.channels.map((descriptor) => record(10, Buffer.of(descriptor, descriptor % 2))),
    record(11, run.ids[0]),
    record(12, run.ids[1]),
    ...(run.workdir === null ? [] : [record(7, run.workdir)]),
    record(27, run.disk[0]),
    record(28, run.disk[1]),
    ...run.limits.map(([tag, value]) => record(tag, value)),
    ...run.root,
  ])
  .chain((records) => fc.shuffledSubarray(records, { minLength: records.length }))

/** Records of what is asked of a disk: lease it, unmount it, adopt it. */
const diskRecords = fc
  .record({
    kind: fc.constantFrom(2n, 4n, 5n),
    place: path,
    outputs: fc.uniqueArray(path, { maxLength: 20 }),
    lasting: fc.boolean(),
    numbers: fc.tuple(limit, limit),
  })
  .map(({ kind, place, outputs, lasting, numbers: [bytes, inodes] }) =>
    Buffer.concat([
      record(1, kind),
      record(13, place),
      ...outputs.map((value) => record(9, value)),
      ...(lasting ? [record(15, 1n)] : []),
      ...(kind === 2n ? [record(11, 7n), record(12, 7n), record(27, bytes), record(28, inodes)] : []),
    ]),
  )

/** What makes any run wrong that it is added to. */
const DEFECTS: readonly Buffer[] = [
  record(1, 2n),
  record(0, 1n),
  record(13, '/somewhere'),
  record(14, 0n),
  record(14, 2n),
  record(14, ''),
  Buffer.concat([record(2, '/a'), record(3, 1n), record(14, 1n)]),
  record(15, 1n),
  record(16, 1n),
  record(1, 6n),
  record(31, 1n),
  record(65_535, ''),
  record(6, '=value'),
  record(6, 'no equals sign'),
  record(5, 'a\0b'),
  record(4, 'again'),
  record(9, 'relative'),
  record(9, '/'),
  record(9, '/dev/shm'),
  record(9, '/proc'),
  record(9, '/a/../b'),
  record(9, '/a/./b'),
  record(9, '/a//b'),
  record(9, '/a/'),
  record(9, `/${'a'.repeat(256)}`),
  record(9, `/${'a/'.repeat(512)}a`),
  record(8, Buffer.from('\u0004/host\0/inside')),
  record(8, Buffer.from('\u0000/host')),
  record(8, Buffer.from('\u0000/host\0/inside\0')),
  record(8, Buffer.from('\u0000/host\0/dev/null')),
  record(8, Buffer.from('\u0000/host/..\0/inside')),
  record(8, Buffer.from('')),
  record(10, Buffer.of(2, 0)),
  record(10, Buffer.of(16, 0)),
  record(10, Buffer.of(3, 2)),
  record(10, Buffer.of(3)),
  record(11, 5n),
  record(27, Buffer.alloc(7)),
  record(28, Buffer.alloc(9)),
  Buffer.concat([unsigned(5, 2), unsigned(1000, 4), Buffer.from('cut')]),
  Buffer.concat([unsigned(5, 2), unsigned(2 ** 32 - 1, 4)]),
  Buffer.of(5, 0, 0),
]

/** A byte changed, cut off, doubled or put in, a few times. */
const mutated = (whole: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(whole, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3)), { minLength: 1, maxLength: 6 }))
    .map(([bytes, changes]) => {
      let changed = bytes
      for (const [where, byte, how] of changes) {
        const at = where % (changed.length + 1)
        const [before, after] = [changed.subarray(0, at), changed.subarray(at)]
        if (how === 0) changed = Buffer.concat([before, Buffer.of(byte), after.subarray(1)])
        if (how === 1) changed = Buffer.from(before)
        if (how === 2) changed = Buffer.concat([before, after.subarray(0, byte), after])
        if (how === 3) changed = Buffer.concat([before, Buffer.of(byte), after])
      }
      return changed
    })

const channel = fc.nat(15)
const resizeFrame = (bytes: bigint, inodes: bigint): Buffer =>
  frame(8, Buffer.concat([unsigned(bytes, 8), unsigned(inodes, 8)]))
/** Frames as a client sends them. */
const clientFrame = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((payload) => frame(1, payload)),
  fc
    .tuple(channel, fc.uint8Array({ maxLength: 400 }))
    .map(([id, bytes]) => frame(2, Buffer.concat([Buffer.of(id), bytes]))),
  channel.map((id) => frame(3, Buffer.of(id))),
  fc
    .tuple(channel, fc.integer({ min: 1, max: 2 ** 32 - 1 }))
    .map(([id, bytes]) => frame(4, Buffer.concat([Buffer.of(id), unsigned(bytes, 4)]))),
  fc.constantFrom(frame(5, Buffer.alloc(0)), frame(6, Buffer.alloc(0)), frame(7, Buffer.alloc(0))),
  fc.tuple(limit, limit).map(([bytes, inodes]) => resizeFrame(bytes, inodes)),
)
const BAD_FRAMES: readonly Buffer[] = [
  unsigned(0, 4),
  unsigned(2 ** 20 + 1, 4),
  unsigned(2 ** 32 - 1, 4),
  frame(0, Buffer.alloc(0)),
  frame(9, Buffer.alloc(0)),
  frame(16, Buffer.alloc(8)),
  frame(255, Buffer.alloc(8)),
  frame(2, Buffer.alloc(0)),
  frame(2, Buffer.of(16, 1)),
  frame(2, Buffer.alloc(65_538)),
  frame(3, Buffer.of(200)),
  frame(3, Buffer.of(1, 1)),
  frame(4, Buffer.of(1, 0, 0, 0, 0)),
  frame(4, Buffer.of(1, 1, 0, 0)),
  frame(5, Buffer.of(0)),
  frame(6, Buffer.of(0)),
  frame(7, Buffer.of(0)),
  frame(8, Buffer.alloc(0)),
  frame(8, Buffer.alloc(15)),
  frame(8, Buffer.alloc(17)),
  resizeFrame(2n ** 53n, 0n),
  resizeFrame(0n, 2n ** 64n - 1n),
]

describe('the launcher, fuzzed', function () {
  this.timeout(170_000)

  before(() => {
    execFileSync(process.execPath, [fromRoot('src/native/launcher/build.mjs'), '--sanitize'], { stdio: 'pipe' })
  })

  it('takes every request that is right', () => {
    fc.assert(
      fc.property(fc.array(runRecords, { minLength: 20, maxLength: 60 }), (cases) => {
        for (const verdict of verdicts(cases.map((records) => Buffer.concat(records))))
          assert.equal(verdict.requestRefusal, '')
      }),
      { numRuns: 15, endOnFailure: true },
    )
  })

  it('refuses a request with one thing wrong, and says what in a sentence', () => {
    fc.assert(
      fc.property(runRecords, (records) => {
        const cases = DEFECTS.map((defect) => Buffer.concat([...records, defect]))
        const missing = records
          .filter((one) => [1, 4, 11, 12, 27, 28].includes(one.readUInt16LE()))
          .map((one) => Buffer.concat(records.filter((other) => other !== one)))
        for (const [index, verdict] of verdicts([...cases, ...missing]).entries()) {
          assert.equal(verdict.parsed, false, `defect ${index}`)
          assert.match(verdict.requestRefusal, /^[\x20-\x7E]{10,250}$/)
        }
      }),
      { numRuns: 25, endOnFailure: true },
    )
  })

  it('takes a writable root only of a folder', () => {
    const run = [record(1, 1n), record(4, 'p'), record(5, ''), record(11, 1n), record(12, 1n), record(27, 0n)]
    const of = (...more: Buffer[]): Buffer => Buffer.concat([...run, record(28, 0n), ...more])
    const found = verdicts([
      of(record(14, 1n), record(2, '/a')),
      of(record(14, 1n)),
      of(record(14, 1n), record(3, 1n)),
      of(record(14, 1n), record(14, 1n), record(2, '/a')),
    ])
    assert.deepEqual(
      found.map(({ parsed }) => parsed),
      [true, false, false, false],
    )
  })

  it('takes what is asked of a disk, and of each question its own records only', () => {
    const place = record(13, '/srv/disk')
    const [lease, unmount, adopt] = [record(1, 2n), record(1, 4n), record(1, 5n)]
    const own = [record(11, 1n), record(12, 1n), record(27, 0n), record(28, 0n)]
    const [lasting, output] = [record(15, 1n), record(9, '/out')]
    const right = [
      [lease, place, ...own],
      [lease, place, ...own, lasting, output],
      [unmount, place],
      [adopt, place],
      [adopt, place, output, record(9, '/more')],
    ]
    const wrong = [
      [lease, ...own, lasting],
      [lease, place, lasting],
      [lease, place, ...own, record(15, 0n)],
      [lease, place, ...own, record(15, 2n)],
      [lease, place, ...own, record(15, '')],
      [lease, place, ...own, lasting, lasting],
      [adopt],
      [adopt, output],
      [adopt, place, lasting],
      [adopt, place, place],
      [adopt, place, output, output],
      ...own.map((more) => [adopt, place, more]),
      [adopt, record(13, 'relative')],
      [adopt, record(13, '/srv/../etc')],
      [unmount, place, output],
      [unmount, place, lasting],
      [record(1, 6n), place],
    ]
    const found = verdicts([...right, ...wrong].map((records) => Buffer.concat(records)))
    assert.deepEqual(
      found.map(({ parsed }) => parsed),
      [...right.map(() => true), ...wrong.map(() => false)],
    )
  })

  it('bounds how much a request may hold', () => {
    const run = [record(1, 1n), record(4, 'p'), record(11, 1n), record(12, 1n), record(27, 0n), record(28, 0n)]
    const many = (tag: number, value: (index: number) => Value, count: number): Buffer =>
      Buffer.concat([
        ...run,
        ...(tag === 5 ? [] : [record(5, '')]),
        ...Array.from({ length: count }, (_, index) => record(tag, value(index))),
      ])
    const bounds: readonly (readonly [number, (index: number) => Value, number])[] = [
      [5, () => '', 4097],
      [6, (index) => `K${index}=`, 1100],
      [8, (index) => Buffer.from(`\0/h\0/i${index}`), 1200],
      [9, (index) => `/o${index}`, 64],
      [10, (index) => Buffer.of(3 + index, 0), 12],
    ]
    const found = verdicts(bounds.flatMap(([tag, value, most]) => [many(tag, value, most), many(tag, value, most + 1)]))
    assert.deepEqual(
      found.map(({ parsed }) => parsed),
      bounds.flatMap(() => [true, false]),
    )
  })

  it('takes frames up to the largest', () => {
    const found = verdicts([
      frame(1, Buffer.alloc(2 ** 20 - 1)),
      frame(2, Buffer.alloc(65_537)),
      frame(1, Buffer.alloc(2 ** 20)),
    ])
    assert.deepEqual(
      found.map(({ frames, frameRefusal }) => [frames, frameRefusal !== '']),
      [
        [1, false],
        [1, false],
        [0, true],
      ],
    )
  })

  it('survives requests and streams of any bytes', () => {
    const wrapped = runRecords.map((records) => frame(1, Buffer.concat(records)))
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 4000 }).map((bytes) => Buffer.from(bytes)),
      mutated(runRecords.map((records) => Buffer.concat(records))),
      mutated(wrapped),
      mutated(diskRecords),
      mutated(fc.array(clientFrame, { maxLength: 12 }).map((frames) => Buffer.concat(frames))),
    )
    fc.assert(
      fc.property(fc.array(any, { minLength: 50, maxLength: 150 }), (cases) => {
        verdicts(cases)
      }),
      { numRuns: 30, endOnFailure: true },
    )
  })

  it('takes frames apart however they are cut, up to the first that is wrong', () => {
    const stream = fc.tuple(fc.array(clientFrame, { maxLength: 12 }), fc.constantFrom(undefined, ...BAD_FRAMES))
    fc.assert(
      fc.property(fc.array(stream, { minLength: 20, maxLength: 60 }), (streams) => {
        const cases = streams.map(([frames, bad]) => Buffer.concat(bad === undefined ? frames : [...frames, bad]))
        for (const [index, verdict] of verdicts(cases).entries()) {
          const [frames, bad] = streams[index] ?? assert.fail()
          assert.equal(verdict.frames, frames.length)
          assert.equal(verdict.frameRefusal !== '', bad !== undefined)
        }
      }),
      { numRuns: 12, endOnFailure: true },
    )
  })

  it('decides on every system call as the rules of its list say', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (seed) => {
        const output = execFileSync(FILTER_PROGRAM, [String(seed), '400'], {
          timeout: PROGRAM_TIMEOUT_MS,
          encoding: 'utf8',
        })
        assert.match(output, /^\d+ instructions\n$/)
      }),
      { numRuns: 5, endOnFailure: true },
    )
  })
})
