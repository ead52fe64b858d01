import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { MAX_RESULT_FILES } from '../../src/protocol/receipt.ts'
import { createResultCollector } from '../../src/executors/results.ts'

const content = (...texts: readonly string[]): AsyncIterable<Uint8Array> =>
  Readable.from(texts.map((text) => Buffer.from(text)))
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('result collector', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-results-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('stores files under their digest, each content once, readable by the owner alone', async () => {
    const results = await createResultCollector({ dir, maxBytes: 100, maxFiles: 10 })
    await results.collect({ path: '/out/b', content: content('sa', 'me') })
    await results.collect({ path: '/out/a', content: content('same') })
    await results.collect({ path: '/out/empty', content: content() })
    assert.deepEqual(results.outputs(), [
      { path: '/out/a', sha256: sha256('same'), bytes: 4 },
      { path: '/out/b', sha256: sha256('same'), bytes: 4 },
      { path: '/out/empty', sha256: sha256(''), bytes: 0 },
    ])
    assert.deepEqual((await readdir(join(dir, 'results'))).sort(), [sha256(''), sha256('same')].sort())
    assert.equal(await readFile(join(dir, 'results', sha256('same')), 'utf8'), 'same')
    assert.equal((await stat(join(dir, 'results', sha256('same')))).mode & 0o777, 0o600)
  })

  it('keeps nothing of a file that is too large, and goes on with smaller ones', async () => {
    const results = await createResultCollector({ dir, maxBytes: 5, maxFiles: 10 })
    await results.collect({ path: '/out/large', content: content('123', '456') })
    await results.collect({ path: '/out/small', content: content('12345') })
    await results.collect({ path: '/out/more', content: content('6') })
    assert.deepEqual(
      results.outputs().map((output) => [output.path, 'error' in output ? output.error.code : output.bytes]),
      [
        ['/out/large', 'TOO_LARGE'],
        ['/out/more', 'TOO_LARGE'],
        ['/out/small', 5],
      ],
    )
    assert.deepEqual(await readdir(join(dir, 'results')), [sha256('12345')])
  })

  it('names the first file too many, and drains them all', async () => {
    const results = await createResultCollector({ dir, maxBytes: 100, maxFiles: 1 })
    const drained: string[] = []
    async function* counted(path: string): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      drained.push(path)
    }
    for (const path of ['/out/1', '/out/2', '/out/3']) await results.collect({ path, content: counted(path) })
    assert.deepEqual(drained, ['/out/1', '/out/2', '/out/3'])
    assert.deepEqual(
      results.outputs().map((output) => [output.path, 'error' in output && output.error.code]),
      [
        ['/out/1', false],
        ['/out/2', 'TOO_MANY'],
      ],
    )
  })

  it('refuses names with control characters, and shows them without', async () => {
    const results = await createResultCollector({ dir, maxBytes: 100, maxFiles: 10 })
    await results.collect({ path: '/out/\u001b[2J', content: content('x') })
    await results.collect({ path: `/out/${'x'.repeat(5000)}`, content: content('x') })
    const codes = results.outputs().map((output) => 'error' in output && output.error.code)
    assert.deepEqual(codes, ['UNSAFE_NAME', 'UNSAFE_NAME'])
    for (const { path } of results.outputs()) assert.ok(!/\p{Cc}/u.test(path) && path.length <= 1024)
  })

  it('stays small enough for a receipt, whatever names the task thinks of', async () => {
    const results = await createResultCollector({ dir, maxBytes: 100, maxFiles: 100_000 })
    for (let n = 0; n < 400; n += 1)
      await results.collect({ path: `/out/${n}${'\u{1F40C}'.repeat(1000)}`, content: content('x') })
    await results.collect({ path: `/${'x'.repeat(1022)}\u{1F40C}`, content: content('x') })
    const outputs = results.outputs()
    assert.ok(Buffer.byteLength(JSON.stringify(outputs)) < 2 * 1024 * 1024)
    assert.equal(outputs.filter((output) => 'error' in output && output.error.code === 'TOO_MANY').length, 1)
    for (const { path } of outputs) assert.ok(path.isWellFormed())
  })

  it('counts what is refused among what is too many', async () => {
    const results = await createResultCollector({ dir, maxBytes: 100, maxFiles: 10 })
    for (let n = 0; n < 2 * MAX_RESULT_FILES; n += 1)
      results.refuse({ path: `/out/${n}`, code: 'SYMLINK', message: 'it is a symbolic link' })
    const outputs = results.outputs()
    assert.ok(outputs.length <= MAX_RESULT_FILES, `${outputs.length} entries`)
    assert.equal(outputs.filter((output) => 'error' in output && output.error.code === 'TOO_MANY').length, 1)
  })

  it('keeps no half of a file whose content breaks off', async () => {
    const results = await createResultCollector({ dir, maxBytes: 100, maxFiles: 10 })
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      throw new Error('broke off')
    }
    await assert.rejects(results.collect({ path: '/out/x', content: broken() }), /broke off/)
    assert.deepEqual(await readdir(join(dir, 'results')), [])
    assert.deepEqual(results.outputs(), [])
  })
})
