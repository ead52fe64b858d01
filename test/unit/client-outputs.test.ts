import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import fc from 'fast-check'
import { planOutputs } from '../../src/client/output-paths.ts'
import { saveOutputs, type SaveOutputsOptions } from '../../src/client/save-outputs.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { Output } from '../../src/protocol/execution.ts'
import { digestOf } from '../fixtures/receipts.ts'

const outputOf = (path: string, content = 'content'): Output => ({ path, ...digestOf(Buffer.from(content)) })
const isRefused = (thrown: unknown): boolean => isSoukError(thrown, 'RECEIPT_INVALID')

describe('the paths of a result', () => {
  it('become names below a folder', () => {
    assert.deepEqual(
      planOutputs([
        outputOf('/out/a.txt'),
        outputOf('/out/deep/er/b'),
        { path: '/out/link', error: { code: 'SYMLINK', message: 'no' } },
      ]).map(({ segments }) => segments),
      [
        ['out', 'a.txt'],
        ['out', 'deep', 'er', 'b'],
      ],
    )
  })

  for (const path of [
    '/../etc/passwd',
    '/out/../../x',
    'out/relative',
    '/',
    '',
    '/out//x',
    '/out/',
    '/./x',
    '/out/a\0b',
    `/${'x'.repeat(300)}`,
    '/.souk-partial/x',
  ]) {
    it(`are refused where one is ${JSON.stringify(path.slice(0, 30))}`, () => {
      assert.throws(() => planOutputs([outputOf('/out/fine'), outputOf(path)]), isRefused)
    })
  }

  it('are refused where two are one, or one is below the other', () => {
    assert.throws(() => planOutputs([outputOf('/out/a'), outputOf('/out/a', 'other')]), isRefused)
    assert.throws(() => planOutputs([outputOf('/out/a/b/c'), outputOf('/out/a')]), isRefused)
    assert.equal(planOutputs([outputOf('/out/a'), outputOf('/out/ab')]).length, 2)
  })

  it('never lead out of the folder, whatever they are', () => {
    const nasty = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('..', '.', '', 'a', '...', '~', 'C:', '\\..\\', 'a\nb'))
        .map((names) => `/${names.join('/')}`),
    )
    fc.assert(
      fc.property(fc.array(nasty, { maxLength: 4 }), (paths) => {
        try {
          for (const { segments } of planOutputs(paths.map((path) => outputOf(path)))) {
            assert(join('/base', ...segments).startsWith(`/base${sep}`))
          }
        } catch (thrown) {
          assert(isRefused(thrown), String(thrown))
        }
      }),
    )
  })
})

describe('saving a result', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-save-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  /** A provider with these files, that breaks off at each of these offsets once. */
  function save(
    files: Readonly<Record<string, string>>,
    options: Partial<SaveOutputsOptions> & { readonly breakAt?: number[] } = {},
  ) {
    const contents = new Map(
      Object.values(files).map((content) => [digestOf(Buffer.from(content)).sha256, Buffer.from(content)]),
    )
    const breaks = options.breakAt ?? []
    const reads: number[] = []
    const saved = saveOutputs({
      dir: join(dir, 'to'),
      outputs: Object.entries(files).map(([path, content]) => outputOf(path, content)),
      patience: () => ({
        progress: () => undefined,
        async afterFailure(thrown) {
          if (!isSoukError(thrown, 'CONNECTION_LOST')) throw thrown
        },
      }),
      async *read({ blob, offset }) {
        reads.push(offset)
        const content = contents.get(blob.sha256) ?? Buffer.alloc(0)
        for (let at = offset; at < content.length; at += 4) {
          if (breaks[0] !== undefined && at >= breaks[0]) {
            breaks.shift()
            throw new SoukError({ code: 'CONNECTION_LOST', message: 'it broke', details: {} })
          }
          yield content.subarray(at, at + 4)
        }
      },
      ...options,
    })
    return { saved, reads }
  }

  it('puts every file in its place, and nothing else', async () => {
    const seen: { fetchedBytes: number; totalBytes: number }[] = []
    const { saved } = save(
      { '/out/a.txt': 'first', '/out/deep/b': 'second', '/empty': '' },
      { onProgress: (progress) => seen.push(progress) },
    )
    assert.deepEqual(
      (await saved).map(({ path, file }) => [path, file]),
      [
        ['/out/a.txt', join(dir, 'to/out/a.txt')],
        ['/out/deep/b', join(dir, 'to/out/deep/b')],
        ['/empty', join(dir, 'to/empty')],
      ],
    )
    assert.equal(await readFile(join(dir, 'to/out/deep/b'), 'utf8'), 'second')
    assert.deepEqual((await readdir(join(dir, 'to'), { recursive: true })).sort(), [
      'empty',
      'out',
      'out/a.txt',
      'out/deep',
      'out/deep/b',
    ])
    assert.equal((await lstat(join(dir, 'to/out/a.txt'))).mode & 0o700, 0o600)
    assert.deepEqual(seen.at(-1), { path: '/empty', fetchedBytes: 11, totalBytes: 11 })
  })

  it('goes on where a broken connection left off', async () => {
    const { saved, reads } = save({ '/out/a': '0123456789abcdef' }, { breakAt: [4, 12] })
    await saved
    assert.deepEqual(reads, [0, 4, 12])
    assert.equal(await readFile(join(dir, 'to/out/a'), 'utf8'), '0123456789abcdef')
  })

  it('goes on where an earlier call left off', async () => {
    const files = { '/out/a': 'already there', '/out/b': '0123456789abcdef' }
    const impatient = { progress: () => undefined, afterFailure: (thrown: unknown) => Promise.reject(thrown) }
    await assert.rejects(save(files, { breakAt: [8], patience: () => impatient }).saved)
    const { saved, reads } = save(files)
    await saved
    assert.equal(reads[0], 8)
    assert.equal(await readFile(join(dir, 'to/out/a'), 'utf8'), 'already there')
    assert.equal(await readFile(join(dir, 'to/out/b'), 'utf8'), '0123456789abcdef')
  })

  it('fetches nothing where everything is there', async () => {
    await save({ '/out/a': 'content' }).saved
    const { saved, reads } = save({ '/out/a': 'content' })
    assert.equal((await saved).length, 1)
    assert.deepEqual(reads, [])
  })

  it('refuses content that has another digest, and leaves none of it', async () => {
    async function* wrong(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('wrongly')
    }
    await assert.rejects(save({ '/out/a': 'content' }, { read: wrong }).saved, isRefused)
    await assert.rejects(lstat(join(dir, 'to/out/a')), { code: 'ENOENT' })
  })

  it('writes over no other file, and through no link', async () => {
    const victim = join(dir, 'victim')
    await mkdir(victim)
    await writeFile(join(victim, 'a'), 'precious')
    const inTheWay = (thrown: unknown): boolean => isSoukError(thrown, 'INVALID_INPUT')
    for (const prepare of [
      () => symlink(victim, join(dir, 'to/out')),
      () => mkdir(join(dir, 'to/out')).then(() => symlink(join(victim, 'a'), join(dir, 'to/out/a'))),
      () => mkdir(join(dir, 'to/out')).then(() => writeFile(join(dir, 'to/out/a'), 'mine')),
      () => mkdir(join(dir, 'to/out/a'), { recursive: true }).then(() => undefined),
      () => symlink(victim, join(dir, 'to/.souk-partial')),
    ]) {
      await mkdir(join(dir, 'to'))
      await prepare()
      await assert.rejects(save({ '/out/a': 'content' }).saved, inTheWay)
      assert.deepEqual(await readdir(victim), ['a'])
      assert.equal(await readFile(join(victim, 'a'), 'utf8'), 'precious')
      await rm(join(dir, 'to'), { recursive: true })
    }
  })

  it('says so where the folder cannot be used', async () => {
    await writeFile(join(dir, 'file'), '')
    await assert.rejects(save({ '/out/a': 'content' }, { dir: join(dir, 'file') }).saved, (thrown) =>
      isSoukError(thrown, 'INVALID_INPUT'),
    )
  })
})
