import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createOutputLog,
  outputSizes,
  readOutput,
  removeOutput,
  reopenOutputLog,
} from '../../src/node/results/output-log.ts'

describe('output log', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-output-log-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const place = () => ({ dir, taskId: `0x${'ab'.repeat(32)}` })
  const text = async (stream: 'stdout' | 'stderr', offset = 0, length = 1000): Promise<string> =>
    Buffer.from(await readOutput({ ...place(), stream, offset, length })).toString()

  it('keeps both streams apart, tells their sizes as they grow, and what they were', async () => {
    let grown = 0
    const log = await createOutputLog({ ...place(), attempt: 1, onGrow: () => (grown += 1) })
    await new Promise((resolve) => log.stdout.write('hello ', resolve))
    await new Promise((resolve) => log.stderr.write('oops', resolve))
    await new Promise((resolve) => log.stdout.write('world', resolve))
    assert.deepEqual(log.sizes(), { stdout: 11, stderr: 4 })
    assert.equal(await text('stdout'), 'hello world')
    assert.equal(await text('stdout', 6, 3), 'wor')
    const digests = await log.seal()
    assert.deepEqual(digests.stdout, { sha256: createHash('sha256').update('hello world').digest('hex'), bytes: 11 })
    assert.deepEqual(digests.stderr, { sha256: createHash('sha256').update('oops').digest('hex'), bytes: 4 })
    assert.equal(grown, 3)
    assert.deepEqual(await outputSizes(place()), { stdout: 11, stderr: 4 })
  })

  it('makes no file for a task that writes nothing, and reads nothing from it', async () => {
    const log = await createOutputLog({ ...place(), attempt: 1, onGrow() {} })
    const digests = await log.seal()
    assert.equal(digests.stdout.sha256, createHash('sha256').digest('hex'))
    assert.deepEqual(await readdir(dir), [])
    assert.equal(await text('stderr'), '')
    assert.deepEqual(await outputSizes(place()), { stdout: 0, stderr: 0 })
  })

  it('says that something is written when it is in the file', async () => {
    const log = await createOutputLog({ ...place(), attempt: 1, onGrow() {} })
    let expected = 0
    const checks: Promise<void>[] = []
    for (let count = 0; count < 50; count += 1) {
      const chunk = Buffer.alloc(1 + count * 997, 'x')
      expected += chunk.length
      const atLeast = expected
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      checks.push(promise)
      log.stdout.write(chunk, () => {
        try {
          const { size } = statSync(join(dir, `${place().taskId}.stdout`))
          assert.ok(size >= atLeast, `${size} of ${atLeast} bytes`)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    }
    await Promise.all(checks)
    await log.close()
  })

  it('goes on where an earlier process stopped, in the middle of a write or before the first byte', async () => {
    const first = await createOutputLog({ ...place(), attempt: 2, onGrow() {} })
    await new Promise((resolve) => first.stdout.write('before and ', resolve))
    await first.close()
    const second = await reopenOutputLog({ ...place(), onGrow() {} })
    assert.deepEqual(second.sizes(), { stdout: 11, stderr: 0 })
    await new Promise((resolve) => second.stderr.write('late', resolve))
    await second.close()
    const third = await reopenOutputLog({ ...place(), onGrow() {} })
    assert.deepEqual(third.sizes(), { stdout: 11, stderr: 4 })
    third.stdout.write('after')
    const digests = await third.seal()
    assert.deepEqual(digests.stdout, {
      sha256: createHash('sha256').update('before and after').digest('hex'),
      bytes: 16,
    })
    assert.equal(digests.stderr.sha256, createHash('sha256').update('late').digest('hex'))
    assert.equal(await text('stdout'), 'before and after')
  })

  it('forgets what an earlier attempt wrote', async () => {
    const first = await createOutputLog({ ...place(), attempt: 1, onGrow() {} })
    first.stdout.write('first attempt')
    await first.seal()
    const second = await createOutputLog({ ...place(), attempt: 2, onGrow() {} })
    assert.deepEqual(await outputSizes(place()), { stdout: 0, stderr: 0 })
    second.stdout.write('second')
    await second.seal()
    assert.equal(await text('stdout'), 'second')
  })

  it('seals only what was written, and rejects when the disk does', async () => {
    const log = await createOutputLog({ dir: join(dir, 'not-there'), taskId: place().taskId, attempt: 1, onGrow() {} })
    log.stdout.on('error', () => {})
    log.stdout.write('lost')
    await assert.rejects(log.seal(), { code: 'ENOENT' })
    await log.close()
  })

  it('closes in the middle of a write without leaving a descriptor', async () => {
    const before = (await readdir('/proc/self/fd')).length
    const log = await createOutputLog({ ...place(), attempt: 1, onGrow() {} })
    log.stdout.write(Buffer.alloc(1024 * 1024))
    await log.close()
    await log.close()
    await removeOutput(place())
    assert.ok((await readdir('/proc/self/fd')).length <= before)
    assert.deepEqual(await readdir(dir), [])
  })
})
