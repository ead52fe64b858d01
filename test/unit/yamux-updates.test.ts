import assert from 'node:assert/strict'
import type { MessageStream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { withFewUpdates } from '../../src/protocol/network/yamux-with-few-updates.ts'

const UPDATE = 1
const PING = 2
const FIN = 4
const HALF_A_WINDOW = 128 * 1024

function frame({ type = UPDATE, flags = 0, stream = 1, length = 0 }): Uint8Array {
  // Somewhere in a larger buffer, as libp2p has it.
  const bytes = new Uint8Array(40).subarray(7, 19)
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  header.setUint8(1, type)
  header.setUint16(2, flags)
  header.setUint32(4, stream)
  header.setUint32(8, length)
  return bytes
}

function connect(): { readonly send: MessageStream['send']; readonly sent: (Uint8Array | Uint8ArrayList)[] } {
  const sent: (Uint8Array | Uint8ArrayList)[] = []
  const connection = withFewUpdates({ send: (data) => sent.push(data) > 0 } as Partial<MessageStream> as MessageStream)
  return { send: (data) => connection.send(data), sent }
}

describe('yamux with few updates', () => {
  it('holds updates back until they come to half a window, and then sends their sum', () => {
    const { send, sent } = connect()
    for (let index = 0; index < 3; index++) assert.equal(send(frame({ length: HALF_A_WINDOW / 4 })), true)
    assert.deepEqual(sent, [])
    send(frame({ length: HALF_A_WINDOW / 4 + 5 }))
    assert.deepEqual(sent, [frame({ length: HALF_A_WINDOW + 5 })])
    send(frame({ length: 1 }))
    assert.equal(sent.length, 1)
    send(frame({ length: HALF_A_WINDOW }))
    assert.deepEqual(sent[1], frame({ length: HALF_A_WINDOW + 1 }))
  })

  it('counts each stream by itself', () => {
    const { send, sent } = connect()
    for (const stream of [1, 0x8000_0001]) send(frame({ stream, length: HALF_A_WINDOW - 1 }))
    assert.deepEqual(sent, [])
    send(frame({ stream: 0x8000_0001, length: 1 }))
    assert.deepEqual(sent, [frame({ stream: 0x8000_0001, length: HALF_A_WINDOW })])
  })

  it('sends everything else as it comes', () => {
    const { send, sent } = connect()
    const all = [
      frame({ flags: FIN, length: 1 }),
      frame({ type: PING, stream: 0, length: 1 }),
      new Uint8ArrayList(frame({ type: 0, length: 4 }), new Uint8Array(4)),
      new Uint8Array(30),
    ]
    for (const data of all) send(data)
    assert.deepEqual(sent, all)
  })

  it('holds something back for so many streams only, and loses no byte of it', () => {
    const { send, sent } = connect()
    for (let stream = 1; stream <= 1000; stream++) send(frame({ stream, length: stream }))
    const told = sent.map((data) => new DataView(data.subarray().slice().buffer))
    assert.ok(told.length >= 1000 - 64)
    for (const [index, header] of told.entries()) {
      assert.equal(header.getUint32(4), index + 1)
      assert.equal(header.getUint32(8), index + 1)
    }
  })
})
