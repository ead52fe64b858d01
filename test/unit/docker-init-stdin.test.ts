import { deepEqual, equal } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { WINDOW_BYTES } from '../../src/executors/docker/init-frames.ts'
import { createInitStdin, type InitStdin } from '../../src/executors/docker/init-stdin.ts'

/** What comes before the data in a frame. */
const HEADER_BYTES = 5

function stdinOf(skipBytes?: number): { readonly stdin: InitStdin; readonly sent: Buffer[] } {
  const sent: Buffer[] = []
  const stdin = createInitStdin({
    send: (frame) => sent.push(frame.subarray(HEADER_BYTES)),
    ...(skipBytes !== undefined && { skipBytes }),
  })
  return { stdin, sent }
}

const bytesOf = (sent: readonly Buffer[]): number => sent.reduce((sum, { length }) => sum + length, 0)

describe("The standard input of a container's task", () => {
  it('is sent as far as its first process has room', async () => {
    const { stdin, sent } = stdinOf()
    stdin.stream.write(Buffer.alloc(3 * WINDOW_BYTES))
    await setImmediate()
    equal(bytesOf(sent), WINDOW_BYTES)
    stdin.used(1000)
    equal(bytesOf(sent), WINDOW_BYTES + 1000)
  })

  it('goes on after a restart with no more than there is room for beside what the task has not read yet', async () => {
    const taken = 3 * WINDOW_BYTES
    const { stdin, sent } = stdinOf(taken)
    stdin.stream.write(Buffer.alloc(5 * WINDOW_BYTES))
    await setImmediate()
    // How much of what it took is used is not known before it says so.
    equal(bytesOf(sent), 0)
    stdin.used(taken - WINDOW_BYTES + 10)
    equal(bytesOf(sent), 10)
    stdin.used(taken)
    equal(bytesOf(sent), WINDOW_BYTES)
  })

  it('goes on with the byte after the last one that was taken', async () => {
    const { stdin, sent } = stdinOf(3)
    stdin.stream.write(Buffer.from('ab'))
    stdin.stream.write(Buffer.from('cdef'))
    await setImmediate()
    stdin.used(3)
    await setImmediate()
    deepEqual(Buffer.concat(sent).toString(), 'def')
  })
})
