import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createLauncherConnection,
  LauncherLost,
  type LauncherConnection,
} from '../../src/native/launcher-connection.ts'
import { LauncherProtocolError } from '../../src/native/launcher-frames.ts'
import { settled } from '../conformance/leftovers.ts'

const WINDOW_BYTES = 262_144
const DATA = 17
const END = 18
const CREDIT = 19
const DONE = 24

function frame(type: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32LE(payload.length + 1)
  header[4] = type
  return Buffer.concat([header, payload])
}
const data = (channel: number, content: Uint8Array): Buffer => frame(DATA, Buffer.concat([Buffer.of(channel), content]))
function credit(channel: number, bytes: number): Buffer {
  const payload = Buffer.alloc(5, channel)
  payload.writeUInt32LE(bytes, 1)
  return frame(CREDIT, payload)
}

/** The frames in what was sent to the launcher, as type and payload. */
function framesIn(sent: Buffer): { readonly type: number; readonly payload: Buffer }[] {
  const frames: { type: number; payload: Buffer }[] = []
  for (let start = 0; start + 5 <= sent.length;) {
    const end = start + 4 + sent.readUInt32LE(start)
    if (end > sent.length) break
    frames.push({ type: sent.readUInt8(start + 4), payload: sent.subarray(start + 5, end) })
    start = end
  }
  return frames
}

describe('connection to the launcher', () => {
  let dir: string
  let server: Server
  let peer: Socket
  let connection: LauncherConnection
  let sent: Buffer

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-connection-'))
    server = createServer({ allowHalfOpen: true }).listen(join(dir, 'socket'))
    await once(server, 'listening')
    const socket = connect(join(dir, 'socket'))
    ;[peer] = (await once(server, 'connection')) as [Socket]
    sent = Buffer.alloc(0)
    peer.on('data', (chunk: Buffer) => (sent = Buffer.concat([sent, chunk])))
    peer.on('error', () => {})
    connection = createLauncherConnection(socket, { inputs: [0], outputs: [1, 2] })
  })
  afterEach(async () => {
    connection.destroy()
    peer.destroy()
    server.close()
    await rm(dir, { recursive: true })
  })

  it('grants the task more only as the reader takes it', async () => {
    const content = Buffer.alloc(WINDOW_BYTES / 4, 'x')
    for (let count = 0; count < 4; count += 1) peer.write(data(1, content))
    await sleep(50)
    assert.deepEqual(framesIn(sent), [], 'nothing has been read')
    const seen: Buffer[] = []
    for await (const chunk of connection.output(1) as AsyncIterable<Buffer>) {
      seen.push(chunk)
      if (seen.length === 4) break
    }
    assert.equal(Buffer.concat(seen).length, WINDOW_BYTES)
    await settled('grants', async () => String(framesIn(sent).length > 0), 'true')
    const granted = framesIn(sent).map(({ type, payload }) => {
      assert.deepEqual([type, payload[0]], [4, 1])
      return payload.readUInt32LE(1)
    })
    assert.ok(granted.reduce((sum, bytes) => sum + bytes, 0) <= WINDOW_BYTES)
  })

  it('takes no more than it granted', async () => {
    const content = Buffer.alloc(65_536)
    for (let count = 0; count < 5; count += 1) peer.write(data(2, content))
    await assert.rejects(connection.next(), LauncherProtocolError)
  })

  it('takes nothing for a channel that there is not, or that has ended', async () => {
    peer.write(Buffer.concat([frame(END, Buffer.of(1)), data(1, Buffer.of(1))]))
    await assert.rejects(connection.next(), LauncherProtocolError)
  })

  it('sends no more than it was granted, and the rest then', async () => {
    const content = Buffer.alloc(WINDOW_BYTES * 2)
    for (let index = 0; index < content.length; index += 4) content.writeUInt32LE(index, index)
    connection.input(0).end(content)
    const arrived = (): Buffer =>
      Buffer.concat(
        framesIn(sent)
          .filter(({ type }) => type === 2)
          .map(({ payload }) => payload.subarray(1)),
      )
    await settled('first window', async () => String(arrived().length), String(WINDOW_BYTES))
    await sleep(50)
    assert.equal(arrived().length, WINDOW_BYTES)
    peer.write(credit(0, WINDOW_BYTES - 1))
    await settled('second window', async () => String(arrived().length), String(content.length - 1))
    assert.equal(
      framesIn(sent).some(({ type }) => type === 3),
      false,
      'the end comes last',
    )
    peer.write(credit(0, 1))
    await settled('end', async () => String(framesIn(sent).some(({ type }) => type === 3)), 'true')
    assert.ok(arrived().equals(content))
  })

  it('keeps what waits of single bytes together', async () => {
    const bytes = 10_000
    peer.write(Buffer.concat(Array.from({ length: bytes }, (_, index) => data(1, Buffer.of(index & 0xff)))))
    peer.write(frame(END, Buffer.of(1)))
    await sleep(100)
    const seen: Buffer[] = []
    for await (const chunk of connection.output(1) as AsyncIterable<Buffer>) seen.push(chunk)
    const all = Buffer.concat(seen)
    assert.ok(all.equals(Buffer.from(Array.from({ length: bytes }, (_, index) => index & 0xff))))
    assert.ok(seen.length < 1000, `${seen.length} chunks`)
  })

  it('hands on what was said before the end, then tells of it', async () => {
    peer.end(Buffer.concat([data(1, Buffer.from('last words')), frame(DONE)]))
    await connection.closed
    assert.deepEqual(await connection.next(), { kind: 'done' })
    await assert.rejects(connection.next(), LauncherLost)
    const seen: Buffer[] = []
    for await (const chunk of connection.output(1) as AsyncIterable<Buffer>) seen.push(chunk)
    assert.equal(Buffer.concat(seen).toString(), 'last words')
    assert.equal(connection.input(0).destroyed, true)
  })

  it('does not read what nobody takes', async () => {
    const file = frame(22, Buffer.alloc(65_536))
    let written = 0
    const write = (): void => {
      while (written < 64 * 1024 * 1024 && peer.write(file)) written += file.length
    }
    peer.on('drain', write)
    write()
    await sleep(300)
    assert.ok(written < 16 * 1024 * 1024, `${written} bytes were taken`)
    for (let count = 0; count < 100; count += 1) assert.equal((await connection.next()).kind, 'fileData')
  })

  it('waits for the other side when it closes', async () => {
    let closed = false
    const closing = connection.close().then(() => (closed = true))
    await assert.rejects(connection.next(), LauncherLost)
    await once(peer, 'end')
    await sleep(20)
    assert.equal(closed, false)
    peer.end()
    await closing
  })
})
