import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createInitFrames, InitBroken, MAX_BODY_BYTES, type InitFrame } from '../../src/executors/docker/init-frames.ts'

/** Cuts bytes at arbitrary places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
}

const frame = (letter: string, body: Uint8Array): Buffer => {
  const header = Buffer.alloc(5, letter, 'latin1')
  header.writeUInt32LE(body.length, 1)
  return Buffer.concat([header, body])
}
const u32 = (number: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes
}
const u64 = (number: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(number))
  return bytes
}

function encode(said: InitFrame): Buffer {
  switch (said.kind) {
    case 'hello': {
      const phase = ['waits', 'runs', 'ended'].indexOf(said.phase)
      const counts = [said.stdoutFrom, said.stderrFrom, said.stdinTaken].map(u64)
      return frame('R', Buffer.concat([said.secret, Buffer.from([phase]), ...counts, u32(0), Buffer.from([0])]))
    }
    case 'started':
      return frame('S', Buffer.alloc(0))
    case 'execFailed':
      return frame('X', u32(said.errno))
    case 'stdinUsed':
      return frame('W', u64(said.bytes))
    case 'stdout':
      return frame('O', said.data)
    case 'stderr':
      return frame('P', said.data)
    case 'ended':
      return frame('E', Buffer.concat([u32(said.status), Buffer.from([said.timedOut ? 1 : 0]), u64(said.wallTimeMs)]))
    case 'allSent':
      return frame('F', Buffer.alloc(0))
  }
}

const places = fc.array(fc.nat(), { maxLength: 20 })
const number = fc.integer({ min: 0, max: 0xffff_ffff })
const count = fc.maxSafeNat()
const said: fc.Arbitrary<InitFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    secret: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    phase: fc.constantFrom('waits' as const, 'runs' as const, 'ended' as const),
    stdoutFrom: count,
    stderrFrom: count,
    stdinTaken: count,
  }),
  fc.constant({ kind: 'started' as const }),
  number.map((errno) => ({ kind: 'execFailed' as const, errno })),
  count.map((bytes) => ({ kind: 'stdinUsed' as const, bytes })),
  fc.record({
    kind: fc.constantFrom('stdout' as const, 'stderr' as const),
    data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({ kind: fc.constant('ended' as const), status: number, timedOut: fc.boolean(), wallTimeMs: count }),
  fc.constant({ kind: 'allSent' as const }),
)

describe('what the first process of a container says', () => {
  it('is read as it was sent, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(said), places, (all, at) => {
        const parse = createInitFrames()
        const read = cut(Buffer.concat(all.map(encode)), at).flatMap((chunk) => parse(chunk))
        assert.deepEqual(
          read,
          all.map((each) => ({ ...each })),
        )
      }),
    )
  })

  it('is an error where it is anything else, whatever comes, and nothing else is', () => {
    const letters = fc.constantFrom(...'RSXWOPEF?'.split(''))
    const almost = fc
      .tuple(letters, fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 20 }))
      .map(([letter, body, rest]) => Buffer.concat([frame(letter, body), rest]))
    const anything = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(almost, anything), places, (bytes, at) => {
        const parse = createInitFrames()
        try {
          for (const chunk of cut(bytes, at)) parse(chunk)
        } catch (error) {
          assert.ok(error instanceof InitBroken, String(error))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('is held up to one frame, and no longer one is waited for', () => {
    const parse = createInitFrames()
    assert.deepEqual(parse(frame('O', Buffer.alloc(MAX_BODY_BYTES)).subarray(0, -1)), [])
    assert.throws(() => createInitFrames()(Buffer.concat([Buffer.from('O'), u32(MAX_BODY_BYTES + 1)])), InitBroken)
  })
})
