import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { openResultCache, type CacheQuestion, type ResultCache } from '../../src/node/results/result-cache.ts'
import type { Receipt, UnsignedReceipt } from '../../src/protocol/receipt.ts'
import type { Limits } from '../../src/protocol/limits.ts'
import { receiptSaying } from '../fixtures/provider-says.ts'
import { digestOf } from '../fixtures/receipts.ts'

const MIB = 1024 * 1024
const FILE = Buffer.from('3.14159')

describe('the result cache', () => {
  let dir = ''
  let jobs = 0
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-result-cache-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const open = (bounds: { maxEntries?: number; maxBytes?: number } = {}): Promise<ResultCache> =>
    openResultCache({
      dir: join(dir, 'cache'),
      maxEntries: 10,
      maxBytes: MIB,
      percent: 30,
      logger: pino({ level: 'silent' }),
      ...bounds,
    })
  const question = (name: string, changed: Partial<CacheQuestion> = {}): CacheQuestion => ({
    specDigest: digestOf(Buffer.from(name)).sha256,
    engine: 'V8 13.6',
    limits: receiptSaying({ number: 11 }).limits as Limits,
    ...changed,
  })

  /** A task that printed `text` and left one file. */
  async function keep(
    cache: ResultCache,
    name: string,
    { text = name, changed = {} }: { text?: string; changed?: Partial<UnsignedReceipt> } = {},
  ): Promise<Receipt> {
    const folder = join(dir, `run-${jobs++}`)
    await mkdir(folder)
    await writeFile(join(folder, 'out'), text)
    await writeFile(join(folder, 'file'), FILE)
    const outputs = [{ path: '/out/pi', ...digestOf(FILE) }]
    const empty = digestOf(Buffer.alloc(0))
    const receipt = receiptSaying({ number: 11, stdout: text, changed: { outputs, stderr: empty, ...changed } })
    await cache.keep({
      question: question(name),
      receipt,
      stdoutFile: join(folder, 'out'),
      stderrFile: join(folder, 'err-that-is-not-there'),
      fileOf: () => join(folder, 'file'),
    })
    return receipt
  }

  async function ask(cache: ResultCache, asked: CacheQuestion) {
    const job = join(dir, `job-${jobs++}`)
    const streams = { stdout: '', stderr: '' }
    const into = (name: keyof typeof streams): Writable =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          streams[name] += chunk.toString()
          done()
        },
      })
    const answer = await cache.answer({ question: asked, dir: job, stdout: into('stdout'), stderr: into('stderr') })
    const files = answer === undefined ? [] : await readdir(join(job, 'results'))
    return { answer, streams, files, job }
  }
  const has = (cache: ResultCache, name: string): boolean => cache.percentFor(question(name)) !== undefined

  it('gives what was kept: output, files and usage as first measured, and what it costs', async () => {
    const cache = await open()
    const { outcome, usage, isolation, outputs } = await keep(cache, 'one')
    assert.equal(cache.percentFor(question('one')), 30)
    for (const _ of [1, 2]) {
      const { answer, streams, files, job } = await ask(cache, question('one'))
      assert.deepEqual(answer, { execution: { outcome, usage, isolation, outputs }, percent: 30 })
      assert.deepEqual(streams, { stdout: 'one', stderr: '' })
      assert.deepEqual(files, [digestOf(FILE).sha256])
      assert.deepEqual(await readFile(join(job, 'results', files[0] ?? '')), FILE)
    }
  })

  it('has no answer where the task, the engine or any limit is another', async () => {
    const cache = await open()
    await keep(cache, 'one')
    const { limits } = question('one')
    for (const other of [
      question('two'),
      question('one', { engine: 'V8 14' }),
      question('one', { limits: { ...limits, cpuTimeMs: 901 } }),
    ]) {
      assert.equal(cache.percentFor(other), undefined)
      const { answer, streams, job } = await ask(cache, other)
      assert.equal(answer, undefined)
      assert.deepEqual(streams, { stdout: '', stderr: '' })
      await assert.rejects(readdir(job))
    }
  })

  it('keeps only ends that come again, with every file handed over', async () => {
    const cache = await open()
    await keep(cache, 'time', { changed: { outcome: { kind: 'limit', limit: 'cpuTime' } } })
    await keep(cache, 'memory', { changed: { outcome: { kind: 'limit', limit: 'memory' } } })
    await keep(cache, 'cancelled', { changed: { outcome: { kind: 'cancelled' } } })
    await keep(cache, 'killed', { changed: { outcome: { kind: 'killed', signal: 'SIGKILL' } } })
    const error = { code: 'TOO_LARGE', message: 'no room' } as const
    await keep(cache, 'lost', { changed: { outputs: [{ path: '/out/a', error }] } })
    for (const name of ['time', 'memory', 'cancelled', 'killed', 'lost']) assert.ok(!has(cache, name), name)
    await keep(cache, 'trap', { changed: { outcome: { kind: 'trapped', trap: 'unreachable' } } })
    await keep(cache, 'fuel', { changed: { outcome: { kind: 'limit', limit: 'fuel' } } })
    for (const name of ['trap', 'fuel']) assert.ok(has(cache, name), name)
  })

  it('stays within its bounds: what was asked for longest ago goes first, files and all', async () => {
    const cache = await open({ maxEntries: 2 })
    await keep(cache, 'one')
    await keep(cache, 'two')
    await ask(cache, question('one'))
    await keep(cache, 'three')
    assert.deepEqual(
      ['one', 'two', 'three'].map((name) => has(cache, name)),
      [true, false, true],
    )
    assert.equal((await readdir(join(dir, 'cache'))).length, 2)

    const small = await open({ maxBytes: 64 * 1024 })
    await keep(small, 'large', { text: 'x'.repeat(64 * 1024) })
    assert.ok(!has(small, 'large'))
    await keep(small, 'half', { text: 'x'.repeat(30 * 1024) })
    await keep(small, 'other half', { text: 'x'.repeat(30 * 1024) })
    assert.deepEqual([has(small, 'half'), has(small, 'other half')], [false, true])
  })

  it('leaves no more than its bounds where many come at once', async () => {
    const cache = await open({ maxEntries: 3 })
    await Promise.all(Array.from({ length: 20 }, (_, index) => keep(cache, `task ${index % 10}`)))
    assert.ok((await readdir(join(dir, 'cache'))).length <= 3)
    const kept = Array.from({ length: 10 }, (_, index) => has(cache, `task ${index}`)).filter(Boolean)
    assert.equal(kept.length, (await readdir(join(dir, 'cache'))).length)
    assert.ok(kept.length > 0)
  })

  it('has no answer where the disk has forgotten or changed it, and nothing was written then', async () => {
    for (const harm of ['change', 'remove'] as const) {
      const cache = await open()
      await keep(cache, 'one')
      const [folder = ''] = await readdir(join(dir, 'cache'))
      const file = join(dir, 'cache', folder, digestOf(FILE).sha256)
      if (harm === 'change') await writeFile(file, 'changed')
      else await rm(file)
      const { answer, streams } = await ask(cache, question('one'))
      assert.equal(answer, undefined)
      assert.equal(streams.stdout, '')
      assert.ok(!has(cache, 'one'))
      assert.deepEqual(await readdir(join(dir, 'cache')), [])
    }
  })

  it('is empty when it is opened', async () => {
    await keep(await open(), 'one')
    const again = await open()
    assert.ok(!has(again, 'one'))
    assert.deepEqual(await readdir(join(dir, 'cache')), [])
  })
})
