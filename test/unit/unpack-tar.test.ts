import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, link, lstat, mkdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { UnpackedTree } from '../../src/artifacts/unpack-tar-tree.ts'
import { isSoukError, type SoukError } from '../../src/protocol/errors.ts'
import { endMarker, paxHeader, rawEntry, rawTar, type RawEntry } from '../fixtures/raw-tar.ts'
import { createUnpackPlace, treeOf, type UnpackPlace } from '../fixtures/unpack-place.ts'

const run = promisify(execFile)

describe('unpackTar', function () {
  this.timeout(60_000)
  let place: UnpackPlace

  beforeEach(async () => {
    place = await createUnpackPlace()
  })
  afterEach(() => place.remove())

  /** The error with which an archive is refused, nothing outside having changed. */
  async function refusal(...args: Parameters<UnpackPlace['unpack']>): Promise<SoukError<'INVALID_INPUT'>> {
    const before = await place.outside()
    const thrown: unknown = await place.unpack(...args).then(
      () => assert.fail('the archive was taken'),
      (error: unknown) => error,
    )
    assert.ok(isSoukError(thrown, 'INVALID_INPUT'), `not a refusal: ${String(thrown)}`)
    assert.equal(thrown.phase, 'prepare')
    assert.equal(thrown.fault, 'requester')
    assert.deepEqual(await place.outside(), before)
    return thrown
  }

  /** That an archive with one bad entry is refused for that entry, in these words. */
  async function refuses(bad: RawEntry, words: RegExp, ...before: readonly (RawEntry | Uint8Array)[]): Promise<void> {
    const error = await refusal(rawTar(...before, bad))
    assert.match(error.message, words)
    assert.deepEqual(
      error.details.issues.map(({ path }) => path),
      [Buffer.from(bad.name).toString()],
    )
  }

  describe('what tar makes', () => {
    const LONG = `${'long-folder-name-'.repeat(8)}/${'long-file-name-'.repeat(12)}`

    async function makeSource(): Promise<string> {
      const from = join(place.dir, 'outside', 'from')
      await mkdir(join(from, 'bin'), { recursive: true })
      await mkdir(join(from, LONG, '..'), { recursive: true })
      await mkdir(join(from, 'empty'), { mode: 0o700 })
      await writeFile(join(from, 'bin', 'tool'), 'tool')
      await chmod(join(from, 'bin', 'tool'), 0o6711)
      await writeFile(join(from, 'données'), 'x'.repeat(700_000), { mode: 0o600 })
      await writeFile(join(from, LONG), 'long')
      await link(join(from, 'bin', 'tool'), join(from, 'bin', 'zool'))
      await symlink('/etc/passwd', join(from, 'absolute'))
      await symlink('../../outside/secret', join(from, 'bin', 'relative'))
      await utimes(join(from, 'données'), 1_234_567, 1_234_567)
      return from
    }

    for (const [what, options] of Object.entries({
      gnu: ['--format=gnu'],
      pax: ['--format=pax'],
      'gzip, pax': ['--format=pax', '-z'],
      'every record 2048 blocks': ['-b', '2048'],
    }))
      it(`is unpacked, owners and modes made plain: ${what}`, async () => {
        const from = await makeSource()
        const archive = join(place.dir, 'outside', 'made.tar')
        await run('tar', [...options, '-C', from, '-cf', archive, '.'])
        const before = await place.outside()
        const unpacked = await place.unpack(await readFile(archive))
        assert.deepEqual(await place.outside(), before)
        assert.deepEqual(unpacked, { entries: 10, bytes: 700_008 })
        const tree = await treeOf(place.into)
        const uid = process.getuid?.()
        const folder = { type: 'folder', mode: 0o755, uid, content: '' }
        assert.deepEqual(
          tree,
          new Map(
            Object.entries({
              absolute: { type: 'symlink', mode: 0o777, uid, content: '/etc/passwd' },
              bin: folder,
              'bin/relative': { type: 'symlink', mode: 0o777, uid, content: '../../outside/secret' },
              'bin/tool': { type: 'file', mode: 0o755, uid, content: 'tool' },
              'bin/zool': { type: 'file', mode: 0o755, uid, content: 'tool' },
              données: { type: 'file', mode: 0o644, uid, content: 'x'.repeat(700_000) },
              empty: folder,
              [LONG.split('/')[0] ?? '']: folder,
              [LONG]: { type: 'file', mode: 0o644, uid, content: 'long' },
            }),
          ),
        )
        const [tool, zool] = await Promise.all(['tool', 'zool'].map((name) => lstat(join(place.into, 'bin', name))))
        assert.equal(tool?.ino, zool?.ino)
        assert.equal((await lstat(join(place.into, 'données'))).mtimeMs, 1_234_567_000)
        assert.equal((await lstat(place.into)).mode & 0o7777, 0o755)
      })

    it('is refused where it is sparse, or compressed otherwise', async () => {
      const from = join(place.dir, 'outside')
      await truncate(join(from, 'secret'), 1_000_000)
      for (const [options, words] of [
        [['-S', '--format=gnu'], /"secret" is of an unknown kind/],
        [['-S', '--format=pax'], /is a sparse file/],
        [['-J'], /compressed with xz/],
      ] as const) {
        const { stdout } = await run('tar', [...options, '-C', from, '-c', 'secret'], { encoding: 'buffer' })
        assert.match((await refusal(stdout)).message, words)
        await place.clear()
      }
    })
  })

  it('makes modes exact whatever the umask', async () => {
    const umask = process.umask(0o077)
    try {
      await place.unpack(
        rawTar({ name: 'implied/file' }, { name: 'folder', type: '5', mode: 0 }, { name: 'x', mode: 1 }),
      )
    } finally {
      process.umask(umask)
    }
    const modes = [...(await treeOf(place.into))].map(([name, { mode }]) => [name, mode.toString(8)])
    assert.deepEqual(Object.fromEntries(modes), { implied: '755', 'implied/file': '644', folder: '755', x: '755' })
    assert.equal((await lstat(place.into)).mode & 0o7777, 0o755)
  })

  it('lets a file replace a file, and leaves the other names of the first one alone', async () => {
    const unpacked = await place.unpack(
      rawTar(
        { name: './a', content: 'first', mode: 0o755 },
        { name: 'b', type: '1', linkname: './a' },
        { name: 'a', content: 'second' },
        { name: 'c/', type: '5' },
        { name: 'c//./d', content: 'in c' },
        { name: './c', type: '5' },
        { name: './', type: '5' },
      ),
    )
    assert.deepEqual(unpacked, { entries: 7, bytes: 15 })
    const contents = [...(await treeOf(place.into))].map(([name, { content, mode }]) => [name, content, mode])
    assert.deepEqual(
      contents.toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1)),
      [
        ['a', 'second', 0o644],
        ['b', 'first', 0o755],
        ['c', '', 0o755],
        ['c/d', 'in c', 0o644],
      ],
    )
  })

  it('unpacks an archive of nothing', async () => {
    assert.deepEqual(await place.unpack(rawTar()), { entries: 0, bytes: 0 })
    await place.clear()
    assert.deepEqual(await place.unpack(gzipSync(rawTar())), { entries: 0, bytes: 0 })
  })

  it('keeps no time that a file system may not hold', async () => {
    await place.unpack(rawTar({ name: 'a', mtimeS: 0o77777777777 }))
    assert.equal((await lstat(join(place.into, 'a'))).mtimeMs, 0)
  })

  describe('names', () => {
    it('that lead out are refused', async () => {
      await refuses({ name: '../outside/new' }, /leads upwards/)
      await refuses({ name: 'a/../../outside/secret', content: 'changed' }, /leads upwards/)
      await refuses({ name: '..', type: '5' }, /leads upwards/)
      await refuses(
        { name: 'a', type: '1', linkname: '../outside/secret' },
        /"a" is a hard link to a name that leads upwards/,
      )
      await refuses({ name: join(place.dir, 'outside', 'x') }, /starts with a slash/)
      await refuses({ name: '//x' }, /starts with a slash/)
    })

    it('that no file can have are refused', async () => {
      await refuses({ name: new Uint8Array([0x61, 0xe9]) }, /not UTF-8/)
      await refuses({ name: '' }, /of no letters/)
      for (const [path, words] of [
        ['a\0b', /NUL/],
        [`${'a/'.repeat(512)}b`, /more than 1024 bytes/],
        ['b'.repeat(256), /more than 255 bytes/],
        ['é'.repeat(128), /more than 255 bytes/],
      ] as const) {
        const error = await refusal(rawTar(paxHeader({ path }), { name: 'a' }))
        assert.match(error.message, words)
      }
      const { entries } = await place.unpack(
        rawTar(paxHeader({ path: `${'c/'.repeat(384)}${'d'.repeat(255)}` }), { name: 'a' }),
      )
      assert.equal(entries, 385)
    })

    it('of symbolic links are bounded', async () => {
      const made = await place.unpack(
        rawTar(paxHeader({ linkpath: 't'.repeat(4_095) }), { name: 'l', type: '2', linkname: 'x' }),
      )
      assert.equal(made.entries, 1)
      await refuses({ name: 'm', type: '2' }, /points nowhere/)
      for (const linkpath of ['t'.repeat(4_096), 'a\0b']) {
        const error = await refusal(rawTar(paxHeader({ linkpath }), { name: 'm', type: '2', linkname: 'x' }))
        assert.match(error.message, /points to a name/)
      }
    })
  })

  it('refuses devices, FIFOs and kinds that it does not know', async () => {
    for (const [type, words] of [
      ['3', /is a character device/],
      ['4', /is a block device/],
      ['6', /is a fifo/],
      ['7', /is a contiguous file/],
      ['S', /of an unknown kind/],
      ['D', /of an unknown kind/],
      ['V', /of an unknown kind/],
      ['M', /of an unknown kind/],
      ['A', /of an unknown kind/],
      ['\u007F', /of an unknown kind/],
    ] as const)
      await refuses({ name: 'dev/x', type }, words)
    assert.equal((await treeOf(place.into)).size, 0)
  })

  describe('links', () => {
    it('are never written through', async () => {
      const out = { name: 'out', type: '2', linkname: '../outside' }
      await refuses({ name: 'out/new' }, /goes through "out", which the archive has made a symbolic link/, out)
      await place.clear()
      await refuses({ name: 'out/folder/x/y' }, /goes through "out"/, out)
      await place.clear()
      await refuses({ name: 'out/sub', type: '5' }, /goes through "out"/, out)
      await place.clear()
      await refuses({ name: 'out/l', type: '2', linkname: 'x' }, /goes through "out"/, out)
      await place.clear()
      await refuses({ name: 'out/l', type: '1', linkname: 'f' }, /goes through "out"/, { name: 'f' }, out)
      await place.clear()
      // One that stays inside is no better: what it points to may be the next entry.
      await refuses(
        { name: 'in/x' },
        /goes through "in"/,
        { name: 'd', type: '5' },
        { name: 'in', type: '2', linkname: 'd' },
      )
      await place.clear()
      await refuses({ name: 'f/x' }, /goes through "f", which the archive has made a file/, { name: 'f' })
    })

    it('are never replaced, and replace nothing', async () => {
      const secret = { name: 'x', type: '2', linkname: '../outside/secret' }
      for (const [first, second, words] of [
        [secret, { name: 'x', content: 'changed' }, /is a file where the archive has a symbolic link/],
        [secret, { name: 'x', type: '5' }, /is a folder where the archive has a symbolic link/],
        [secret, { name: 'x', type: '2', linkname: 'y' }, /is a symbolic link where the archive has a symbolic link/],
        [secret, { name: 'x', type: '1', linkname: 'x' }, /is a hard link where the archive has a symbolic link/],
        [{ name: 'x' }, secret, /is a symbolic link where the archive has a file/],
        [{ name: 'x' }, { name: 'x', type: '5' }, /is a folder where the archive has a file/],
        [{ name: 'x' }, { name: 'x', type: '1', linkname: 'x' }, /is a hard link where the archive has a file/],
        [{ name: 'x', type: '5' }, { name: 'x' }, /is a file where the archive has a folder/],
        [{ name: 'x', type: '5' }, secret, /is a symbolic link where the archive has a folder/],
      ] as const) {
        await refuses(second, words, first)
        await place.clear()
      }
      await refuses({ name: '.', type: '2', linkname: '../outside' }, /makes the root a symbolic link/)
      await refuses({ name: './', type: '1', linkname: 'x' }, /makes the root a hard link/)
    })

    it('of the hard kind lead to files of the archive only', async () => {
      const words = /hard link to something that is not a file further up/
      await refuses({ name: 'h', type: '1', linkname: 'missing' }, words)
      await refuses({ name: 'h', type: '1', linkname: 's' }, words, {
        name: 's',
        type: '2',
        linkname: '../outside/secret',
      })
      await place.clear()
      await refuses({ name: 'h', type: '1', linkname: 's/secret' }, words, {
        name: 's',
        type: '2',
        linkname: '../outside',
      })
      await place.clear()
      await refuses({ name: 'h', type: '1', linkname: 'd' }, words, { name: 'd', type: '5' })
      await refuses({ name: 'h', type: '1', linkname: '.' }, words)
      for (const linkname of ['../outside/secret', join(place.dir, 'outside', 'secret'), '']) {
        const error = await refusal(rawTar({ name: 'h', type: '1', linkname }))
        assert.match(error.message, /"h" is a hard link to a name/)
      }
    })

    it('are not followed where somebody puts one in the place of a folder', async () => {
      const tree = new UnpackedTree({ into: place.into, maxBytes: 1_000, maxEntries: 10 })
      await tree.addFolder('a')
      await tree.addFolder('a/b')
      await rename(join(place.into, 'a/b'), join(place.dir, 'moved'))
      await symlink(join(place.dir, 'outside'), join(place.into, 'a/b'))
      const before = await place.outside()
      for (const add of [
        () => tree.addFile({ name: 'a/b/new', mode: 0, mtimeMs: 0, bytes: 1, content: rawFile('x') }),
        () => tree.addFolder('a/b/c'),
        () => tree.addSymlink('a/b/s', 'x'),
      ])
        await assert.rejects(add, (error: unknown) => isSoukError(error, 'INTERNAL'))
      assert.deepEqual(await place.outside(), before)
    })
  })

  describe('bounds', () => {
    const TWO = rawTar({ name: 'a', content: 'x'.repeat(600) }, { name: 'b/c', content: 'y'.repeat(400) })

    it('hold to the byte and to the entry', async () => {
      assert.deepEqual(await place.unpack(TWO, { maxBytes: 1_000, maxEntries: 3 }), { entries: 3, bytes: 1_000 })
      await place.clear()
      assert.match(
        (await refusal(TWO, { maxBytes: 999 })).message,
        /"b\/c" brings the content to 1000 bytes, and at most 999/,
      )
      await place.clear()
      assert.match((await refusal(TWO, { maxEntries: 2 })).message, /"b\/c" is one more than the 2/)
      await place.clear()
      assert.match(
        (await refusal(rawTar(paxHeader({ path: 'x/'.repeat(500) }), { name: 'a', type: '5' }), { maxEntries: 499 }))
          .message,
        /more than the 499/,
      )
    })

    it('count a declared size before anything of it is there', async () => {
      const declared = rawEntry({ name: 'big', sizeField: '77777777777\0' })
      assert.match((await refusal(declared)).message, /"big" brings the content to 8589934591 bytes/)
      assert.equal((await treeOf(place.into)).size, 0)
    })

    it('hold for what is compressed', async () => {
      const zeros = Buffer.alloc(100_000_000)
      const bombs: readonly (readonly [Uint8Array, RegExp])[] = [
        [rawTar({ name: 'zeros', content: zeros }), /"zeros" brings the content/],
        [zeros, /bytes of padding/],
        [
          rawEntry({ name: 'pax', type: 'x', content: zeros.subarray(0, 50_000_000) }),
          /extended headers of too many bytes/,
        ],
      ]
      for (const [bomb, words] of bombs) assert.match((await refusal(gzipSync(bomb))).message, words)
      const header = rawEntry({ name: 'n', type: 'L', content: 'name' })
      const many = gzipSync(Buffer.concat(Array.from({ length: 100_000 }, () => header)))
      assert.match((await refusal(many)).message, /extended headers of too many bytes/)
      assert.equal((await treeOf(place.into)).size, 0)
    })

    it('hold for extended headers', async () => {
      for (const header of [
        paxHeader({ comment: 'x'.repeat(65_536) }),
        paxHeader({ comment: 'x'.repeat(4_096) }, 'g'),
        rawEntry({ name: 'L', type: 'L', content: 'x'.repeat(8_193) }),
        rawEntry({ name: 'K', type: 'K', content: 'x'.repeat(8_193) }),
        rawEntry({ name: 'x', type: 'x' }),
      ])
        assert.match((await refusal(rawTar(header, { name: 'a' }))).message, /extended headers/)
      const { entries } = await place.unpack(
        rawTar(paxHeader({ comment: 'x' }, 'g'), paxHeader({ comment: 'x'.repeat(65_000) }), { name: 'a' }),
      )
      assert.equal(entries, 1)
    })
  })

  it('takes sizes that everybody reads alike, and no others', async () => {
    for (const sizeField of [
      '-0000000001\0',
      '00000000009\0',
      '0x10\0',
      '1e3\0',
      ' \0 1\0',
      '\x80\0\0\0\0\0\0\0\0\0\0\x01',
      '\xff'.repeat(12),
    ]) {
      const error = await refusal(rawTar({ name: 'a', sizeField: Buffer.from(sizeField, 'latin1') }))
      assert.match(error.message, /"a" has a size that is not a plain octal number/)
    }
    const { bytes } = await place.unpack(
      rawTar({ name: 'a', content: 'abc', sizeField: '   3 \0' }, { name: 'b', sizeField: '' }),
    )
    assert.equal(bytes, 3)
    assert.match(
      (await refusal(rawTar(paxHeader({ size: '1' }), { name: 'c', content: 'xyz' }))).message,
      /"c" gives its size in a PAX header/,
    )
    for (const type of ['1', '2', '5']) await refuses({ name: 'd', type, linkname: 'a', content: 'x' }, /with content/)
  })

  describe('what is no whole archive', () => {
    const WHOLE = rawTar(
      { name: 'folder', type: '5' },
      paxHeader({ path: 'folder/é' }),
      { name: 'a', content: 'x'.repeat(700) },
      { name: 'b' },
    )

    it('is refused wherever it is cut', async () => {
      for (let length = 0; length < WHOLE.length - 512; length += 128) {
        await refusal(WHOLE.subarray(0, length))
        await place.clear()
      }
      const zipped = gzipSync(WHOLE)
      for (let length = 0; length < zipped.length; length += 5) {
        await refusal(zipped.subarray(0, length))
        await place.clear()
      }
      await place.unpack(WHOLE.subarray(0, -512))
    })

    it('is refused where it is an archive of an archive', async () => {
      for (const nested of [gzipSync(gzipSync(WHOLE)), gzipSync(gzipSync(gzipSync(WHOLE)))])
        assert.match((await refusal(nested)).message, /tar archive|Invalid tar header/)
      // Inside it is a file like any other.
      await place.unpack(rawTar({ name: 'inner.tar.gz', content: gzipSync(WHOLE) }))
      assert.deepEqual([...(await treeOf(place.into)).keys()], ['inner.tar.gz'])
    })

    it('is refused where it is something else', async () => {
      assert.match((await refusal(Buffer.from('#!/bin/sh\n'.repeat(200)))).message, /tar archive/)
      assert.match((await refusal(rawTar(Buffer.from(WHOLE).fill(0x31, 148, 155)))).message, /Invalid tar header/)
      const nothing = Buffer.alloc(512)
      nothing.write('0000400', 148)
      assert.match((await refusal(Buffer.concat([nothing, endMarker()]))).message, /header with nothing in it/)
    })

    it('is refused where more follows its end', async () => {
      for (const more of [rawTar({ name: 'second' }), Buffer.from('x')])
        assert.match((await refusal(Buffer.concat([rawTar({ name: 'first' }), more]))).message, /goes on after its end/)
    })
  })

  it('names the entry and the remedy in few words, however long the name', async () => {
    const error = await refusal(rawTar(paxHeader({ path: `${'e'.repeat(60_000)}` }), { name: 'a' }))
    assert.ok(error.message.length < 400 && (error.details.issues[0]?.path.length ?? 0) < 300)
    assert.ok((error.details.issues[0]?.message ?? '').endsWith(error.hint))
  })

  it('ends with the reason of its signal, before and while it works', async () => {
    const reason = new Error('enough')
    await assert.rejects(place.unpack(rawTar({ name: 'a' }), { signal: AbortSignal.abort(reason) }), reason)
    assert.equal((await treeOf(place.into)).size, 0)
    const names = Array.from({ length: 5_000 }, (_, index) => ({ name: `file-${index}`, content: 'x' }))
    const archive = gzipSync(rawTar(...names))
    for (const afterMs of [0, 5, 50]) {
      await place.clear()
      const stop = new AbortController()
      const unpacking = place.unpack(archive, { signal: stop.signal, maxEntries: 5_000 })
      setTimeout(() => stop.abort(reason), afterMs)
      await assert.rejects(unpacking, reason)
      // Nothing goes on behind the caller's back: the folder can be removed.
      const { size } = await treeOf(place.into)
      assert.ok(size < 5_000)
      await rm(place.into, { recursive: true })
      await mkdir(place.into)
    }
  })

  it('tells a failing host from a bad archive', async () => {
    await assert.rejects(place.unpack(rawTar(), { source: join(place.dir, 'missing') }), (error: unknown) =>
      isSoukError(error, 'INTERNAL'),
    )
    await assert.rejects(place.unpack(rawTar({ name: 'a' }), { into: join(place.dir, 'missing') }), (error: unknown) =>
      isSoukError(error, 'INTERNAL'),
    )
  })
})

async function* rawFile(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
