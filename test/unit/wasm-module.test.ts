import assert from 'node:assert/strict'
import { inspectModule } from '../../src/executors/wasm/module/inspect.ts'
import { TABLE_ELEMENT_BYTES, type RewriteOptions } from '../../src/executors/wasm/module/meters.ts'
import { rewriteModule, type RewrittenModule } from '../../src/executors/wasm/module/rewrite.ts'
import { concat, name, section, signed, u32 } from '../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule, type ModuleParts } from '../fixtures/wasm-module.ts'

const PAGE = 65_536
const [I32, I64, F64, FUNCREF, EXTERNREF] = [0x7f, 0x7e, 0x7c, 0x70, 0x6f]

const FUEL = 1n << 62n
const DEPTH = 500_000
const PLAIN: RewriteOptions = { fuel: false, deterministic: false, meters: 'own' }

const EVERY_WAY: readonly RewriteOptions[] = (['own', 'imported'] as const).flatMap((meters) => [
  { fuel: false, deterministic: false, meters },
  { fuel: true, deterministic: false, meters },
  { fuel: true, deterministic: true, meters },
])

interface Rewritten {
  readonly result: RewrittenModule
  readonly exports: WebAssembly.Instance['exports']
}

/** An instance under meters of its own, with the budget that `memoryBytes` leaves it and as much fuel and depth as it likes. */
function instance(
  bytes: Uint8Array,
  { memoryBytes = 10 * PAGE, ...options }: Partial<RewriteOptions> & { readonly memoryBytes?: number } = {},
): Rewritten {
  assert.ok(WebAssembly.validate(bytes), 'the module of the test is valid')
  const result = rewriteModule(inspectModule(bytes), { ...PLAIN, ...options })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(result.bytes))
  setGlobal(exports, result.exports.budget, BigInt(memoryBytes - result.initialBytes))
  if (result.exports.fuel !== undefined) setGlobal(exports, result.exports.fuel, FUEL)
  if (result.exports.depth !== undefined) setGlobal(exports, result.exports.depth, DEPTH)
  return { result, exports }
}

function rewritten(parts: ModuleParts, memoryBytes = 10 * PAGE): Rewritten {
  return instance(wasmModule(parts), { memoryBytes })
}
function setGlobal(exports: WebAssembly.Instance['exports'], named: string, value: bigint | number): void {
  const found = exports[named]
  assert.ok(found instanceof WebAssembly.Global)
  found.value = value
}
function call(exports: WebAssembly.Instance['exports'], named: string, ...values: unknown[]): unknown {
  const found = exports[named]
  assert.ok(typeof found === 'function')
  return found(...values)
}
function globalOf(exports: WebAssembly.Instance['exports'], named: string): number {
  const found = exports[named]
  assert.ok(found instanceof WebAssembly.Global)
  return Number(found.value)
}

describe('module rewriting', () => {
  /** A module with one more function, of type 1: `grow(pages) => memory.grow(pages)`. */
  function memoryGrower(memory: readonly number[]): Uint8Array {
    const body = [0, 0x20, 0, 0x40, 0, 0x0b]
    return concat([
      wasmModule().subarray(0, 8),
      section(1, [[2, 0x60, 0, 0, 0x60, 1, I32, 1, I32]]),
      section(3, [[2, 0, 1]]),
      section(5, [[1, ...memory]]),
      section(7, [[3], exported('memory', 2, 0), exported('_start', 0, 0), exported('grow', 0, 1)]),
      section(10, [[2, 2, 0, 0x0b], u32(body.length), body]),
    ])
  }
  function grower(memory: readonly number[], memoryBytes: number): Rewritten {
    return instance(memoryGrower(memory), { memoryBytes })
  }

  it('lets memory grow up to the budget, and notes when it may not', () => {
    const { result, exports } = grower([0, 1], 4 * PAGE)
    assert.equal(globalOf(exports, result.exports.budget), 3 * PAGE)
    assert.equal(call(exports, 'grow', 2), 1)
    assert.equal(globalOf(exports, result.exports.budget), PAGE)
    assert.equal(globalOf(exports, result.exports.refused), 0)
    assert.equal(call(exports, 'grow', 2), -1)
    assert.equal(globalOf(exports, result.exports.refused), 1)
    assert.equal(call(exports, 'grow', 1), 3)
    assert.equal(call(exports, 'grow', 0), 4)
    assert.equal(call(exports, 'grow', -1), -1)
    assert.equal(globalOf(exports, result.exports.budget), 0)
  })

  it('takes the budget for what it is when the host has drawn on it', () => {
    const { result, exports } = grower([0, 1], 4 * PAGE)
    setGlobal(exports, result.exports.budget, BigInt(PAGE - 1))
    assert.equal(call(exports, 'grow', 1), -1)
    assert.equal(globalOf(exports, result.exports.refused), 1)
  })

  it('does not blame the limit for the module’s own maximum', () => {
    const { result, exports } = grower([1, 1, 2], 10 * PAGE)
    assert.equal(call(exports, 'grow', 1), 1)
    assert.equal(call(exports, 'grow', 1), -1)
    assert.equal(globalOf(exports, result.exports.refused), 0)
  })

  it('meters tables of both kinds of references', () => {
    for (const type of [FUNCREF, EXTERNREF]) {
      const grow = [0x41, ...signed(100n), 0xfc, 15, 0]
      const { result, exports } = rewritten(
        { tables: [[type, 0, 4]], bodies: [[0, 0xd0, type, ...grow, 0x1a, 0x0b]] },
        PAGE + 150 * TABLE_ELEMENT_BYTES,
      )
      assert.equal(result.initialBytes, PAGE + 4 * TABLE_ELEMENT_BYTES)
      call(exports, '_start')
      assert.equal(globalOf(exports, result.exports.budget), 46 * TABLE_ELEMENT_BYTES)
      call(exports, '_start')
      assert.equal(globalOf(exports, result.exports.budget), 46 * TABLE_ELEMENT_BYTES)
      assert.equal(globalOf(exports, result.exports.refused), 1)
    }
  })

  it('moves no index: calls, globals and tables of the module mean what they did', () => {
    const globals = [[I32, 1, 0x41, 5, 0x0b]] // mutable, 5 at first; the second function adds one
    const bodies = [
      [0, 0x10, 1, 0x41, 1, 0x40, 0, 0x1a, 0x10, 1, 0x0b],
      [0, 0x23, 0, 0x41, 1, 0x6a, 0x24, 0, 0x0b],
    ]
    const exports = [exported('memory', 2, 0), exported('_start', 0, 0), exported('count', 3, 0)]
    const { exports: instance } = rewritten({ globals, bodies, exports: [...exports] })
    call(instance, '_start')
    assert.equal(globalOf(instance, 'count'), 7)
  })

  it('makes a start function an export that the host calls', () => {
    const { result, exports } = rewritten({
      bodies: [
        [0, 0x0b],
        [0, 0x00, 0x0b],
      ],
      start: 1,
    })
    assert.equal(result.startExport, 'souk:start')
    assert.throws(() => call(exports, 'souk:start'), WebAssembly.RuntimeError)
  })

  it('finds names of its own where the module has taken them', () => {
    const taken = ['souk:budget', "souk:budget'", 'souk:refused'].map((text) => exported(text, 0, 0))
    const { result } = rewritten({ exports: [exported('memory', 2, 0), exported('_start', 0, 0), ...taken] })
    assert.equal(result.exports.budget, "souk:budget''")
    assert.equal(result.exports.refused, "souk:refused'")
  })

  it('drops custom sections', () => {
    const { result } = rewritten({ extra: [section(0, [name('name'), [1, 2, 3]])] })
    assert.ok(!Buffer.from(result.bytes).includes('name'))
  })

  it('knows the immediates of every kind of instruction', () => {
    const zero = [0x41, 0]
    const v128 = [0xfd, 12, ...Array.from({ length: 16 }, () => 0x0b)]
    const instructions: readonly (readonly number[])[] = [
      [0x02, 0x40, 0x0c, 0, 0x0b],
      [0x02, I32, 0x41, 0x0b, 0x0b, 0x1a],
      [...zero, 0x04, I32, 0x41, 0x0b, 0x05, 0x41, 0x0b, 0x0b, 0x1a],
      [0x02, 0x40, ...zero, 0x0e, 2, 0, 0, 0, 0x0b],
      [0x41, ...signed(-123_456_789n), 0x1a, 0x42, ...signed(-(2n ** 62n)), 0x1a],
      [0x43, 0x0b, 0x0b, 0x0b, 0x0b, 0x1a, 0x44, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x1a],
      [...zero, 0x28, 2, 11, 0x1a, 0x3f, 0, 0x1a],
      [...zero, 0x42, 0, 0x37, 3, 0x0b],
      [...zero, ...zero, ...zero, 0x1c, 1, I32, 0x1a],
      [0xd0, FUNCREF, 0xd1, 0x1a, 0xd0, EXTERNREF, 0x1a],
      [...zero, ...zero, ...zero, 0xfc, 11, 0, ...zero, ...zero, ...zero, 0xfc, 10, 0, 0],
      [0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0xfc, 2, 0x1a],
      [...zero, 0x11, 0, 0],
      [...v128, ...v128, 0xfd, 13, ...Array.from({ length: 16 }, () => 11), 0x1a],
      [...v128, 0xfd, 21, 11, 0x1a, ...zero, 0xfd, 0, 4, 11, 0x1a],
      [...zero, ...v128, 0xfd, 84, 0, 11, 11, 0x1a],
      [...zero, ...zero, 0x25, 0, 0x26, 0],
    ]
    for (const instruction of instructions) {
      const bytes = wasmModule({ tables: [[FUNCREF, 0, 1]], bodies: [[0, ...instruction, 0x0b]] })
      assert.ok(WebAssembly.validate(bytes), instruction.join())
      for (const options of EVERY_WAY) {
        const result = rewriteModule(inspectModule(bytes), options)
        assert.ok(WebAssembly.validate(result.bytes), instruction.join())
      }
    }
  })

  it('knows block types that are type indexes, and locals', () => {
    const bytes = wasmModule({
      types: [[[I64], [F64, I32]]],
      bodies: [[2, 3, I32, 1, F64, 0x42, 1, 0x02, 1, 0x1a, 0x20, 3, 0x20, 0, 0x0b, 0x1a, 0x1a, 0x0b]],
    })
    assert.ok(WebAssembly.validate(bytes))
    for (const options of EVERY_WAY) assert.ok(WebAssembly.validate(rewriteModule(inspectModule(bytes), options).bytes))
  })
})
