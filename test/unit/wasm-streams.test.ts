import assert from 'node:assert/strict'
import { Errno, ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { Streams, type StreamPort } from '../../src/executors/wasm/host/streams.ts'

const deeper = (): number => 1 + deeper()
const streams = (port: StreamPort): Streams => new Streams({ port, outputBytes: 10 })

describe('standard streams of a WebAssembly task', () => {
  it('end the task where the stack is full in one of their calls: only a broken stream is an I/O error', () => {
    const full = streams({ read: deeper, write: deeper })
    assert.throws(() => full.read(new Uint8Array(1)), RangeError)
    assert.throws(() => full.write('stdout', [new Uint8Array(1)]), RangeError)
    const fail = (): never => {
      throw new Error('EPIPE')
    }
    const broken = streams({ read: fail, write: fail })
    const isIo = (error: unknown): boolean => error instanceof Errno && error.code === ERRNO.io
    assert.throws(() => broken.read(new Uint8Array(1)), isIo)
    assert.throws(() => broken.write('stderr', [new Uint8Array(1)]), isIo)
  })
})
