import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Errno, ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { virtualClock } from '../../src/executors/wasm/host/clocks.ts'
import { FileSystem } from '../../src/executors/wasm/host/file-system.ts'
import type { DirectoryNode, FileNode } from '../../src/executors/wasm/host/nodes.ts'
import { Quota, type QuotaLimits } from '../../src/executors/wasm/host/quota.ts'

const ROOMY: QuotaLimits = { diskBytes: 1000, inodes: 10, openFiles: 10, memoryBytes: 10_000 }

function fileSystem(limits: Partial<QuotaLimits> = {}): {
  readonly fs: FileSystem
  readonly quota: Quota
  readonly budget: { leftBytes: number }
} {
  const all = { ...ROOMY, ...limits }
  const budget = { leftBytes: all.memoryBytes }
  const quota = new Quota(all, budget)
  return { fs: new FileSystem(quota, virtualClock()), quota, budget }
}
const failsWith = (code: number, action: () => unknown): void =>
  assert.throws(action, (error) => error instanceof Errno && error.code === code, `errno ${code}`)
const create = (fs: FileSystem, path: string): FileNode => fs.createFile(fs.resolve(fs.root, path))
const folder = (fs: FileSystem, path: string): DirectoryNode => {
  fs.createDirectory(fs.resolve(fs.root, path))
  const { node } = fs.resolve(fs.root, path)
  assert.ok(node?.kind === 'directory')
  return node
}
const read = (file: FileNode): string => Buffer.concat([...file.data.pieces()]).toString()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('file system in memory', () => {
  it('lets go of the memory of what is cut off a file, which the task gets back', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heldBytes = (): number => {
      collect()
      return process.memoryUsage().arrayBuffers
    }
    const { fs, budget } = fileSystem({ diskBytes: 2 ** 24, memoryBytes: 2 ** 24, inodes: 200 })
    const content = new Uint8Array(256 * 1024).fill(7)
    const before = heldBytes()
    const files = Array.from({ length: 100 }, (_, index) => {
      const file = create(fs, `file${index}`)
      fs.write(file, 0, content)
      fs.resize(file, 1000)
      return file
    })
    const taken = 2 ** 24 - budget.leftBytes
    let held = heldBytes() - before
    // V8 gives buffers back on another thread, some time after it has found that nobody has them.
    for (let tries = 0; tries < 100 && held >= 10 * taken; tries++) {
      await sleep(20)
      held = heldBytes() - before
    }
    assert.ok(held < 10 * taken, `${held} bytes are held, ${taken} are counted`)
    for (const file of files) {
      fs.write(file, 1001, content.subarray(0, 100_000))
      assert.deepEqual(
        [...file.data.pieces()].map((piece) => piece[1000]),
        [0],
      )
      fs.resize(file, 0)
    }
  })

  it('finds what is at a path, and never leaves the folder that it starts from', () => {
    const { fs } = fileSystem()
    const inner = folder(fs, 'a')
    create(fs, 'a/file')
    assert.equal(fs.resolve(fs.root, 'a/./../a//file').node?.kind, 'file')
    assert.equal(fs.resolve(inner, '.').node, inner)
    for (const path of ['..', '../a/file', 'x/../../a', '/a', '/'])
      failsWith(path.startsWith('x') ? ERRNO.noent : ERRNO.notcapable, () => fs.resolve(inner, path))
    failsWith(ERRNO.noent, () => fs.resolve(fs.root, ''))
    failsWith(ERRNO.notdir, () => fs.resolve(fs.root, 'a/file/x'))
    failsWith(ERRNO.nametoolong, () => fs.resolve(fs.root, 'ż'.repeat(128)))
  })

  it('renames over what is there, as POSIX does', () => {
    const { fs } = fileSystem()
    fs.write(create(fs, 'draft'), 0, bytes('new'))
    fs.write(create(fs, 'final'), 0, bytes('old'))
    fs.rename(fs.resolve(fs.root, 'draft'), fs.resolve(fs.root, 'final'))
    const { node } = fs.resolve(fs.root, 'final')
    assert.ok(node?.kind === 'file')
    assert.equal(read(node), 'new')
    assert.equal(fs.resolve(fs.root, 'draft').node, undefined)
    folder(fs, 'folder')
    folder(fs, 'folder/inner')
    failsWith(ERRNO.isdir, () => fs.rename(fs.resolve(fs.root, 'final'), fs.resolve(fs.root, 'folder')))
    failsWith(ERRNO.notdir, () => fs.rename(fs.resolve(fs.root, 'folder'), fs.resolve(fs.root, 'final')))
    failsWith(ERRNO.inval, () => fs.rename(fs.resolve(fs.root, 'folder'), fs.resolve(fs.root, 'folder/inner/below')))
    folder(fs, 'other')
    failsWith(ERRNO.notempty, () => fs.rename(fs.resolve(fs.root, 'other'), fs.resolve(fs.root, 'folder')))
    fs.rename(fs.resolve(fs.root, 'folder'), fs.resolve(fs.root, 'other'))
    assert.equal(fs.resolve(fs.root, 'other/inner').node?.kind, 'directory')
  })

  it('holds what was set up in its place, and inputs as they are', () => {
    const { fs } = fileSystem()
    fs.provideDirectory('/out', { readOnly: false })
    fs.provideFile('/in/deep/book')
    const book = (): ReturnType<FileSystem['resolve']> => fs.resolve(fs.root, 'in/deep/book')
    failsWith(ERRNO.rofs, () => fs.removeFile(book()))
    failsWith(ERRNO.rofs, () => fs.rename(book(), fs.resolve(fs.root, 'out/book')))
    failsWith(ERRNO.rofs, () => create(fs, 'in/deep/other'))
    failsWith(ERRNO.rofs, () => folder(fs, 'in/folder'))
    failsWith(ERRNO.busy, () => fs.rename(fs.resolve(fs.root, 'out'), fs.resolve(fs.root, 'elsewhere')))
    failsWith(ERRNO.busy, () => fs.removeDirectory(fs.resolve(fs.root, 'out')))
    create(fs, 'out/result')
    failsWith(ERRNO.rofs, () => fs.rename(fs.resolve(fs.root, 'out/result'), book()))
  })

  it('counts bytes by apparent size, and of names, and returns what is removed', () => {
    const { fs, quota, budget } = fileSystem()
    const file = create(fs, 'file')
    fs.resize(file, 900)
    assert.equal(budget.leftBytes, 9100 - 'file'.length)
    failsWith(ERRNO.nospc, () => fs.resize(file, 1001))
    assert.deepEqual([...quota.hit], ['disk'])
    assert.equal(file.data.size, 900)
    assert.equal(fs.write(file, 950, new Uint8Array(100)), 50)
    failsWith(ERRNO.nospc, () => fs.write(file, 1000, new Uint8Array(1)))
    fs.removeFile(fs.resolve(fs.root, 'file'))
    assert.equal(budget.leftBytes, 10_000)
    assert.equal(quota.memoryPeakBytes, 1000 + 'file'.length)
  })

  it('takes nothing for a write that does not reach past its gap', () => {
    const { fs, budget } = fileSystem()
    failsWith(ERRNO.nospc, () => fs.write(create(fs, 'file'), 1_000_000, bytes('x')))
    assert.equal(budget.leftBytes, 10_000 - 'file'.length)
  })

  it('counts an unlinked file until its last descriptor is closed', () => {
    const { fs, budget } = fileSystem({ inodes: 1 })
    const file = create(fs, 'file')
    file.opens = 2
    fs.write(file, 0, new Uint8Array(600))
    fs.removeFile(fs.resolve(fs.root, 'file'))
    failsWith(ERRNO.nospc, () => create(fs, 'second'))
    fs.release(file)
    assert.equal(budget.leftBytes, 9400)
    fs.release(file)
    assert.equal(budget.leftBytes, 10_000)
    create(fs, 'second')
  })

  it('names memory when memory is what holds a file back', () => {
    const { fs, quota } = fileSystem({ memoryBytes: 100 })
    assert.equal(fs.write(create(fs, 'file'), 0, new Uint8Array(200)), 100 - 'file'.length)
    assert.deepEqual([...quota.hit], ['memory'])
  })

  it('counts folders and files as inodes, and gives them back', () => {
    const { fs, quota } = fileSystem({ inodes: 2 })
    folder(fs, 'a')
    create(fs, 'b')
    failsWith(ERRNO.nospc, () => create(fs, 'c'))
    assert.deepEqual([...quota.hit], ['inodes'])
    fs.removeDirectory(fs.resolve(fs.root, 'a'))
    create(fs, 'c')
  })

  it('makes nothing in a folder that was removed while it was open', () => {
    const { fs } = fileSystem()
    const gone = folder(fs, 'gone')
    fs.removeDirectory(fs.resolve(fs.root, 'gone'))
    failsWith(ERRNO.noent, () => fs.createFile(fs.resolve(gone, 'file')))
  })

  it('lists the files that the task made, at any depth, and not its inputs', () => {
    const { fs } = fileSystem()
    const out = fs.provideDirectory('/out', { readOnly: false })
    fs.provideFile('/out/input')
    folder(fs, 'out/a')
    fs.write(create(fs, 'out/a/deep'), 0, bytes('x'))
    create(fs, 'out/plain')
    assert.deepEqual([...fs.files(out, '/out')].map(({ path }) => path).sort(), ['/out/a/deep', '/out/plain'])
  })
})
