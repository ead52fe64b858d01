import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FileData } from '../../src/executors/wasm/host/file-data.ts'
import type { FileSystem } from '../../src/executors/wasm/host/file-system.ts'
import { GuestExit } from '../../src/executors/wasm/host/guest-exit.ts'
import type { DirectoryNode } from '../../src/executors/wasm/host/nodes.ts'
import { PREVIEW1_NAMES, SIGNATURES, type Preview1Name } from '../../src/executors/wasm/host/signatures.ts'
import { AT, OPEN, PAGE_BYTES, preview1Guest, ROOT_FD, type Preview1Guest } from '../fixtures/preview1-guest.ts'

const LIMITS = { memoryBytes: 100_000, diskBytes: 50_000, inodes: 12, openFiles: 12 }

/** A guest with links of all kinds and names that are traps, and a few descriptors open. */
function fuzzed(): Preview1Guest {
  const guest = preview1Guest({ limits: LIMITS })
  guest.open('tmp/a', { flags: OPEN.create })
  guest.must('path_symlink', ...guest.path('../..', AT.otherPath), ROOT_FD, ...guest.path('tmp/b'))
  guest.must('path_symlink', ...guest.path('loop', AT.otherPath), ROOT_FD, ...guest.path('tmp/loop'))
  guest.must('path_link', ROOT_FD, 0, ...guest.path('tmp/a'), ROOT_FD, ...guest.path('__proto__', AT.otherPath))
  guest.open('.', { flags: OPEN.directory, rights: (1n << 30n) - 1n - (1n << 6n) })
  return guest
}

/** Makes a call; errnos come back, and only the guest's own end may be thrown. */
function make(guest: Preview1Guest, name: Preview1Name, values: readonly (number | bigint)[]): void {
  try {
    const code = (guest.call as (call: string, ...parameters: readonly unknown[]) => number)(name, ...values)
    assert.ok(Number.isInteger(code) && code >= 0 && code <= 76)
  } catch (error) {
    if (!(error instanceof GuestExit)) throw error
  }
}

/** Removes all that the task has made, as one that cleans up after itself would. */
function removeAll(fileSystem: FileSystem, directory: DirectoryNode): void {
  for (const [name, { node }] of directory.entries) {
    if (node.kind === 'directory') removeAll(fileSystem, node)
    if (!node.counted) continue
    const place = { parent: directory, name, node, mustBeDirectory: false }
    if (node.kind === 'directory') fileSystem.removeDirectory(place)
    else fileSystem.removeFile(place)
  }
}

const small = fc.integer({ min: 0, max: 20 })
const anyI32 = fc.oneof(
  { weight: 4, arbitrary: small },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: PAGE_BYTES }) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
)
const anyI64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 200n }),
  fc.constant((1n << 30n) - 1n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const anyCall = fc.constantFrom(...PREVIEW1_NAMES).chain((name) => {
  const parameters = (SIGNATURES[name]?.parameters ?? '')
    .split('')
    .map((code): fc.Arbitrary<number | bigint> => (code === 'I' ? anyI64 : anyI32))
  return fc.record({ name: fc.constant(name), values: fc.tuple(...parameters) })
})
/** What the low end of memory holds: paths, and zeros to be used as iovecs. */
const anyPath = fc
  .array(fc.constantFrom('tmp', 'in', 'book', '..', '.', 'a', 'b', '', 'loop', '__proto__'), { maxLength: 4 })
  .map((parts) => parts.join('/'))

describe('fuzz: WebAssembly host', function () {
  this.timeout(60_000)

  it('answers any call with any parameters by an errno, keeps its books and its inputs', () => {
    const prototype = Object.getOwnPropertyNames(Object.prototype).length
    fc.assert(
      fc.property(fc.array(fc.tuple(anyCall, anyPath), { maxLength: 60 }), (calls) => {
        const guest = fuzzed()
        const { fileSystem, budget } = guest
        for (const [{ name, values }, path] of calls) {
          guest.bytes.set(new TextEncoder().encode(path).subarray(0, 20))
          make(guest, name, values)
          assert.ok(budget.leftBytes >= 0 && budget.leftBytes <= LIMITS.memoryBytes)
        }
        const book = fileSystem.resolve(fileSystem.root, 'in/book').node
        assert.ok(book?.kind === 'file')
        assert.equal(Buffer.concat([...book.data.pieces()]).toString(), 'as it was')
        for (let fd = 0; fd < 2 * LIMITS.openFiles; fd += 1) guest.call('fd_close', fd)
        removeAll(fileSystem, fileSystem.root)
        assert.equal(budget.leftBytes, LIMITS.memoryBytes, 'all of it comes back')
        assert.equal(Object.getOwnPropertyNames(Object.prototype).length, prototype)
      }),
      { numRuns: 2000 },
    )
  })

  it('changes nothing of a memory that a call gets a pointer beyond the end of', () => {
    const beyond = fc.integer({ min: PAGE_BYTES - 3, max: 2 ** 31 - 1 })
    const inside = fc.integer({ min: AT.buffer, max: AT.buffer + 100 })
    const results: Readonly<
      Partial<Record<Preview1Name, (outside: number, pointer: number) => readonly (number | bigint)[]>>
    > = {
      args_sizes_get: (outside, pointer) => [pointer, outside],
      environ_sizes_get: (outside, pointer) => [pointer, outside],
      args_get: (outside, pointer) => [outside, pointer],
      clock_time_get: (outside) => [0, 0n, outside],
      clock_res_get: (outside) => [0, outside],
      fd_fdstat_get: (outside) => [0, outside],
      fd_filestat_get: (outside) => [0, outside],
      fd_prestat_get: (outside) => [ROOT_FD, outside],
      fd_seek: (outside) => [4, 0n, 0, outside],
      fd_tell: (outside) => [4, outside],
      random_get: (outside, pointer) => [pointer, outside],
      poll_oneoff: (outside, pointer) => [outside, pointer, 1, pointer],
      fd_readdir: (outside) => [ROOT_FD, outside, 100, 0n, AT.result],
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.entries(results)),
        beyond,
        inside,
        ([name, parameters], outside, pointer) => {
          const guest = fuzzed()
          const before = guest.bytes.slice()
          make(guest, name as Preview1Name, parameters(outside, pointer))
          assert.ok(Buffer.from(before).equals(guest.bytes), name)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps files as an array of bytes would', () => {
    const offset = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 250_000, max: 800_000 }))
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), offset, bytes: fc.uint8Array({ maxLength: 3000 }) }),
      fc.record({ kind: fc.constant('resize' as const), offset }),
      fc.record({ kind: fc.constant('read' as const), offset, length: fc.integer({ min: 0, max: 300_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const data = new FileData()
        let model = Buffer.alloc(0)
        for (const each of steps) {
          if (each.kind === 'write') {
            data.write(each.offset, each.bytes)
            if (each.bytes.length > 0)
              model = Buffer.concat([model, Buffer.alloc(Math.max(0, each.offset + each.bytes.length - model.length))])
            model.set(each.bytes, each.bytes.length > 0 ? each.offset : 0)
          } else if (each.kind === 'resize') {
            data.resize(each.offset)
            model = Buffer.concat([
              model.subarray(0, each.offset),
              Buffer.alloc(Math.max(0, each.offset - model.length)),
            ])
          } else {
            const target = new Uint8Array(each.length).fill(0xff)
            const count = data.read(each.offset, target)
            assert.ok(
              Buffer.from(target.subarray(0, count)).equals(model.subarray(each.offset, each.offset + each.length)),
            )
          }
        }
        assert.equal(data.size, model.length)
        assert.ok(Buffer.concat([...data.pieces()]).equals(model))
      }),
      { numRuns: 200 },
    )
  })
})
