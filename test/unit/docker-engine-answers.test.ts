import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { pack } from 'tar-stream'
import { onlyFileOf } from '../../src/executors/docker/engine-answers.ts'

async function archiveOf(bytes: number): Promise<Buffer> {
  const archive = pack()
  archive.entry({ name: 'passwd' }, Buffer.alloc(bytes, 'x'))
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

describe('a file that an engine hands out', () => {
  const unheard: unknown[] = []
  const onUnheard = (error: unknown): void => void unheard.push(error)
  let others: NodeJS.UnhandledRejectionListener[]

  beforeEach(() => {
    unheard.splice(0)
    others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', onUnheard)
  })
  afterEach(() => {
    process.off('unhandledRejection', onUnheard)
    for (const other of others) process.on('unhandledRejection', other)
  })

  it('is what is in its archive', async () => {
    assert.equal((await onlyFileOf(Readable.from([await archiveOf(1000)]), 1000)).length, 1000)
  })

  for (const [how, archive, pattern] of [
    ['breaks off', async () => [(await archiveOf(4000)).subarray(0, 800), new Error('the engine is gone')], /gone/],
    ['is too long', async () => [await archiveOf(1001)], /more than 1000/],
    ['is no archive', async () => [Buffer.alloc(5000, 'x')], /./],
  ] as const) {
    it(`fails where it ${how}, which whoever asked for it hears and nobody else`, async () => {
      const pieces: readonly (Buffer | Error)[] = await archive()
      const source = Readable.from(
        (function* () {
          for (const piece of pieces) {
            if (piece instanceof Error) throw piece
            yield piece
          }
        })(),
      )
      await assert.rejects(onlyFileOf(source, 1000), pattern)
      await sleep(10)
      assert.deepEqual(unheard, [])
      assert.ok(source.destroyed)
    })
  }
})
