import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { isSoukError } from '../../src/protocol/errors.ts'
import { FrameReader, framePrefix, joined } from '../../src/protocol/network/frame-reader.ts'

const maxFrameBytes = 1000
const frames = fc.array(fc.uint8Array({ maxLength: maxFrameBytes }), { maxLength: 20 })

/** The bytes cut at the given places, some pieces empty. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.byteLength + 1)), bytes.byteLength].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

function readAll(reader: FrameReader): Uint8Array[] {
  const read: Uint8Array[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) read.push(joined(frame))
  return read
}

describe('frame reader, fuzzed', () => {
  it('gives back the frames that were framed, however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const reader = new FrameReader({ maxFrameBytes })
        const received: Uint8Array[] = []
        for (const piece of cut(
          Buffer.concat(sent.flatMap((frame) => [framePrefix(frame.byteLength), frame])),
          places,
        )) {
          reader.push(piece)
          const before = reader.ready
          const read = readAll(reader)
          assert.equal(before, read.length > 0)
          received.push(...read.map((frame) => frame.slice()))
        }
        assert.ok(reader.atBoundary)
        assert.equal(reader.bufferedBytes, 0)
        assert.deepEqual(
          received.map((frame) => Buffer.from(frame)),
          sent.map((frame) => Buffer.from(frame)),
        )
      }),
    )
  })

  it('takes any bytes: frames within the bound, or PROTOCOL_ERROR for ever after, and holds no more than it was given', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 }), (pieces) => {
        const reader = new FrameReader({ maxFrameBytes })
        let given = 0
        try {
          for (const piece of pieces) {
            reader.push(piece)
            given += piece.byteLength
            for (const frame of readAll(reader)) {
              assert.ok(frame.byteLength <= maxFrameBytes)
              given -= frame.byteLength
            }
            assert.ok(reader.bufferedBytes <= given)
          }
        } catch (thrown) {
          assert.ok(isSoukError(thrown, 'PROTOCOL_ERROR'), String(thrown))
          assert.ok(reader.ready)
          assert.throws(
            () => reader.next(),
            (again) => isSoukError(again, 'PROTOCOL_ERROR'),
          )
        }
      }),
    )
  })

  it('refuses a length above the bound before its bytes have come, and a prefix of more than four bytes', () => {
    for (const prefix of [
      framePrefix(maxFrameBytes + 1),
      framePrefix(2 ** 27),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      new Uint8Array(10).fill(0x80),
    ]) {
      const reader = new FrameReader({ maxFrameBytes })
      reader.push(prefix)
      assert.throws(
        () => reader.next(),
        (thrown) => isSoukError(thrown, 'PROTOCOL_ERROR'),
      )
    }
  })
})
