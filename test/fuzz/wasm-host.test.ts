import assert from 'node:assert/strict'
import fc from 'fast-check'
import { virtualClock } from '../../src/executors/wasm/host/clocks.ts'
import { Descriptors } from '../../src/executors/wasm/host/descriptors.ts'
import { Errno } from '../../src/executors/wasm/host/errno.ts'
import { FileData } from '../../src/executors/wasm/host/file-data.ts'
import { FileSystem } from '../../src/executors/wasm/host/file-system.ts'
import { GuestExit } from '../../src/executors/wasm/host/guest-exit.ts'
import { GuestMemory } from '../../src/executors/wasm/host/guest-memory.ts'
import type { Host } from '../../src/executors/wasm/host/host.ts'
import { Quota, type QuotaLimits } from '../../src/executors/wasm/host/quota.ts'
import { seededRandom } from '../../src/executors/wasm/host/random.ts'
import { preview1Calls } from '../../src/executors/wasm/host/run-preview1.ts'
import { SIGNATURES } from '../../src/executors/wasm/host/signatures.ts'
import { Streams } from '../../src/executors/wasm/host/streams.ts'

const LIMITS: QuotaLimits = { memoryBytes: 100_000, diskBytes: 50_000, inodes: 8, openFiles: 10 }
const PAGE = 65_536

interface Fuzzed {
  readonly memory: WebAssembly.Memory
  readonly fileSystem: FileSystem
  readonly budget: { leftBytes: number }
  call(name: string, values: readonly (number | bigint)[]): void
}

/** The calls of the host over a memory of one page, with nothing behind its streams. */
function fuzzed(): Fuzzed {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const budget = { leftBytes: LIMITS.memoryBytes }
  const quota = new Quota(LIMITS, budget)
  const clock = virtualClock()
  const fileSystem = new FileSystem(quota, clock)
  fileSystem.provideDirectory('/tmp', { readOnly: false })
  fileSystem.provideFile('/in/book').write(0, new TextEncoder().encode('as it was'))
  const descriptors = new Descriptors({
    quota,
    onClosed: (descriptor) => descriptor.kind === 'file' && fileSystem.release(descriptor.node),
  })
  descriptors.preopen('/', fileSystem.root)
  const streams = new Streams({ port: { read: () => 0, write: () => {} }, outputBytes: 0 })
  const host: Host = {
    memory: new GuestMemory(memory),
    fileSystem,
    descriptors,
    streams,
    clock,
    random: seededRandom('5'.repeat(64)),
    args: ['name', 'argument'],
    env: { NAME: 'value' },
  }
  const calls: Readonly<Record<string, (...values: never[]) => void>> = preview1Calls(host)
  return {
    memory,
    fileSystem,
    budget,
    call(name, values) {
      try {
        calls[name]?.(...(values as never[]))
      } catch (error) {
        if (!(error instanceof Errno) && !(error instanceof GuestExit)) throw error
      }
    },
  }
}

const small = fc.integer({ min: 0, max: 20 })
const anyI32 = fc.oneof(
  { weight: 4, arbitrary: small },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: PAGE }) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
)
const anyI64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 200n }),
  fc.constant((1n << 30n) - 1n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const names = Object.keys(SIGNATURES)
const anyCall = fc.constantFrom(...names).chain((name) => {
  const parameters = (SIGNATURES[name]?.parameters ?? '')
    .split('')
    .map((code): fc.Arbitrary<number | bigint> => (code === 'I' ? anyI64 : anyI32))
  return fc.record({ name: fc.constant(name), values: fc.tuple(...parameters) })
})
/** What the low end of memory holds: paths, and zeros to be used as iovecs. */
const anyPath = fc
  .array(fc.constantFrom('tmp', 'in', 'book', '..', '.', 'a', 'b', ''), { maxLength: 4 })
  .map((parts) => parts.join('/'))

describe('fuzz: WebAssembly host', function () {
  this.timeout(60_000)

  it('answers any call with any parameters by an errno, keeps its books and its inputs', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyCall, anyPath), { maxLength: 40 }), (calls) => {
        const { memory, fileSystem, budget, call } = fuzzed()
        for (const [{ name, values }, path] of calls) {
          new Uint8Array(memory.buffer).set(new TextEncoder().encode(path).subarray(0, 20))
          call(name, values)
          assert.ok(budget.leftBytes >= 0 && budget.leftBytes <= LIMITS.memoryBytes)
          assert.ok(LIMITS.memoryBytes - budget.leftBytes <= LIMITS.diskBytes)
        }
        const book = fileSystem.resolve(fileSystem.root, 'in/book').node
        assert.ok(book?.kind === 'file')
        assert.equal(Buffer.concat([...book.data.pieces()]).toString(), 'as it was')
      }),
      { numRuns: 1500 },
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
