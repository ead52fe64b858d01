import assert from 'node:assert/strict'
import { inspectModule } from '../../src/executors/wasm/module/inspect.ts'
import { depthOf, PAGE_FUEL, REFUSED, type RewriteOptions } from '../../src/executors/wasm/module/meters.ts'
import { compileModule } from '../../src/executors/wasm/module/compile.ts'
import { METER_MODULE, rewriteModule } from '../../src/executors/wasm/module/rewrite.ts'
import { VALUE } from '../../src/executors/wasm/module/types.ts'
import { concat, section, signed, u32 } from '../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule, type ModuleParts } from '../fixtures/wasm-module.ts'

const FUEL: RewriteOptions = { fuel: true, deterministic: false, meters: 'own' }
const DETERMINISTIC: RewriteOptions = { ...FUEL, deterministic: true }
const STACK_BYTES = 984 * 1024
const DEPTH = depthOf(STACK_BYTES)
const { i32: I32, i64: I64, f32: F32, f64: F64, v128: V128, funcref: FUNCREF } = VALUE
const DROP = 0x1a
const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value))]

interface Run {
  /** The class of what it threw; undefined where it returned. */
  readonly threw: string | undefined
  readonly result: unknown
  readonly fuelUsed: bigint
  readonly depth: number
  readonly refused: number
}

/** V8 keeps what it made of the same bytes, so that each compiler is given others: a custom section makes no difference. */
const forCompiler = (bytes: Uint8Array, optimise: boolean): WebAssembly.Module =>
  compileModule(optimise ? bytes : concat([bytes, [0, 2, 1, 0x61]]), { optimise })

function run(
  bytes: Uint8Array,
  {
    options = FUEL,
    fuel = 1n << 40n,
    memoryBytes = 64 * 65_536,
    optimise = false,
    entry = '_start',
  }: {
    readonly options?: RewriteOptions
    readonly fuel?: bigint
    readonly memoryBytes?: number
    readonly optimise?: boolean
    readonly entry?: string
  } = {},
): Run {
  const rewritten = rewriteModule(inspectModule(bytes), options)
  const { exports } = new WebAssembly.Instance(forCompiler(rewritten.bytes, optimise))
  const meter = (named: string | undefined): WebAssembly.Global => {
    const found = exports[named ?? '']
    assert.ok(found instanceof WebAssembly.Global)
    return found
  }
  const { exports: names } = rewritten
  meter(names.budget).value = BigInt(memoryBytes - rewritten.initialBytes)
  meter(names.fuel).value = fuel
  if (names.depth !== undefined) meter(names.depth).value = DEPTH
  let threw: string | undefined
  let result: unknown
  for (const called of [rewritten.startExport, entry]) {
    const found = called === undefined ? undefined : exports[called]
    if (typeof found !== 'function') continue
    try {
      result = found()
    } catch (error) {
      threw = error instanceof Error ? error.constructor.name : 'something'
    }
  }
  return {
    threw,
    result,
    fuelUsed: fuel - BigInt(meter(names.fuel).value),
    depth: names.depth === undefined ? 0 : Number(meter(names.depth).value),
    refused: Number(meter(names.refused).value),
  }
}

/** The same with both compilers of the engine, which must come to the same. */
function everywhere(bytes: Uint8Array, options: Omit<Parameters<typeof run>[1] & object, 'optimise'> = {}): Run {
  assert.ok(WebAssembly.validate(bytes), 'the module of the test is valid')
  const optimised = run(bytes, { ...options, optimise: true })
  assert.deepEqual(run(bytes, { ...options, optimise: false }), optimised)
  return optimised
}

const started = (body: readonly number[], parts: ModuleParts = {}): Uint8Array =>
  wasmModule({ bodies: [[0, ...body, 0x0b]], ...parts })

describe('fuel', () => {
  it('costs 1 for each instruction that runs, and nothing for one that does not', () => {
    assert.equal(everywhere(started([0x01, 0x01, ...i32(5), DROP])).fuelUsed, 4n)
    assert.equal(everywhere(started([...i32(0), 0x04, 0x40, 0x01, 0x01, 0x05, 0x01, 0x0b])).fuelUsed, 3n)
    assert.equal(everywhere(started([...i32(1), 0x04, 0x40, 0x01, 0x01, 0x05, 0x01, 0x0b])).fuelUsed, 4n)
    assert.equal(everywhere(started([0x02, 0x40, 0x0c, 0, 0x01, 0x01, 0x0b, 0x01])).fuelUsed, 3n)
    assert.equal(everywhere(started([0x02, 0x40, ...i32(1), 0x0d, 0, 0x01, 0x0b, 0x01])).fuelUsed, 4n)
    assert.equal(everywhere(started([0x0f, 0x01])).fuelUsed, 1n)
    assert.equal(everywhere(started([0x00, 0x01])).fuelUsed, 1n)
  })

  it('counts a loop once for each time', () => {
    const body = [0x03, 0x40, 0x20, 0, ...i32(1), 0x6a, 0x22, 0, ...i32(1000), 0x48, 0x0d, 0, 0x0b]
    assert.equal(everywhere(wasmModule({ bodies: [[1, 1, I32, ...body, 0x0b]] })).fuelUsed, 7001n)
  })

  const TYPE_0 = 0
  const forever: readonly (readonly [string, Uint8Array])[] = [
    ['a loop of nothing', started([0x03, 0x40, 0x0c, 0, 0x0b])],
    ['a loop of a br_table', started([0x03, 0x40, ...i32(7), 0x0e, 3, 0, 0, 0, 0, 0x0b])],
    ['a loop by br_if', started([0x03, 0x40, ...i32(1), 0x0d, 0, 0x0b])],
    ['a loop from its inner block', started([0x03, 0x40, 0x02, 0x40, 0x0c, 1, 0x0b, 0x0b])],
    [
      'a loop with parameters',
      wasmModule({ types: [[[I32], []]], bodies: [[0, ...i32(1), 0x03, 1, 0x0c, 0, 0x0b, 0x0b]] }),
    ],
    ['recursion', started([0x10, 0, 0x01])],
    ['a tail call', started([0x12, 0])],
    [
      'tail calls through a table',
      started([...i32(0), 0x13, TYPE_0, 0], {
        tables: [[FUNCREF, 0, 1]],
        beforeCode: [section(9, [[1, 0, ...i32(0), 0x0b, 1, 0]])],
      }),
    ],
    [
      'calls through a table',
      started([...i32(0), 0x11, TYPE_0, 0, 0x01], {
        tables: [[FUNCREF, 0, 1]],
        beforeCode: [section(9, [[1, 0, ...i32(0), 0x0b, 1, 0]])],
      }),
    ],
    [
      'a start function',
      wasmModule({
        bodies: [
          [0, 0x0b],
          [0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b],
        ],
        start: 1,
      }),
    ],
    [
      'small functions that are not checked themselves',
      wasmModule({
        bodies: [
          [0, 0x03, 0x40, 0x10, 1, 0x0c, 0, 0x0b, 0x0b],
          [0, 0x01, 0x0b],
        ],
      }),
    ],
  ]
  for (const [what, bytes] of forever) {
    it(`ends ${what}`, () => {
      const { threw, fuelUsed } = everywhere(bytes, { fuel: 2000n })
      assert.equal(threw, 'RuntimeError')
      assert.ok(fuelUsed > 2000n && fuelUsed < 2100n, `${fuelUsed}`)
    })
  }

  it('costs bulk instructions by length, before they run', () => {
    const page = [...i32(0), ...i32(7)]
    const segment = {
      beforeCode: [section(12, [[1]])],
      extra: [section(11, [[1, 1, 200, 1, ...Array.from({ length: 200 }, () => 1)]])],
    }
    assert.equal(everywhere(started([...page, ...i32(65_536), 0xfc, 11, 0])).fuelUsed, 4n + 8192n)
    assert.equal(everywhere(started([...page, ...i32(4096), 0xfc, 10, 0, 0])).fuelUsed, 4n + 512n)
    assert.equal(everywhere(started([...page, ...i32(7), 0xfc, 10, 0, 0])).fuelUsed, 4n)
    assert.equal(everywhere(started([...i32(0), ...i32(0), ...i32(200), 0xfc, 8, 0, 0], segment)).fuelUsed, 4n + 25n)
    const beyond = everywhere(started([...page, ...i32(-1), 0xfc, 11, 0]), { fuel: 1000n })
    assert.deepEqual([beyond.threw, beyond.fuelUsed], ['RuntimeError', 4n + 536_870_911n])
  })

  it('costs elements of tables 1 each', () => {
    const table = { tables: [[FUNCREF, 0, 100]] }
    assert.equal(everywhere(started([...i32(0), 0xd0, FUNCREF, ...i32(100), 0xfc, 17, 0], table)).fuelUsed, 104n)
    assert.equal(everywhere(started([...i32(0), ...i32(1), ...i32(99), 0xfc, 14, 0, 0], table)).fuelUsed, 103n)
    const passive = { ...table, beforeCode: [section(9, [[1, 1, 0, 3, 0, 0, 0]])] }
    assert.equal(everywhere(started([...i32(0), ...i32(0), ...i32(3), 0xfc, 12, 0, 0], passive)).fuelUsed, 7n)
    assert.equal(everywhere(started([0xd0, FUNCREF, ...i32(50), 0xfc, 15, 0, DROP], table)).fuelUsed, 54n)
  })

  it('costs what memory grows by, and not what it is refused', () => {
    const grow = (pages: number): Uint8Array => started([...i32(pages), 0x40, 0, DROP])
    assert.equal(everywhere(grow(3)).fuelUsed, 3n + 3n * BigInt(PAGE_FUEL))
    const refused = everywhere(grow(64))
    assert.deepEqual([refused.fuelUsed, refused.refused], [3n, REFUSED.budget])
  })

  it('leaves the host’s calls at the cost of a call', () => {
    const bytes = wasmModule({
      imports: [{ module: 'm', name: 'f', description: [0, 0] }],
      bodies: [[0, 0x10, 0, 0x10, 0, 0x0b]],
    })
    const { bytes: rewritten, exports: names } = rewriteModule(inspectModule(bytes), FUEL)
    const left: bigint[] = []
    const meters: WebAssembly.Global[] = []
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(rewritten), {
      m: { f: () => left.push(BigInt(meters[0]?.value ?? 0)) },
    })
    const found = exports[names.fuel ?? '']
    assert.ok(found instanceof WebAssembly.Global)
    meters.push(found)
    found.value = 10n
    const start = exports['_start']
    assert.ok(typeof start === 'function')
    start()
    assert.deepEqual(left, [8n, 8n])
  })

  it('takes time in proportion to the module, however its blocks lie', () => {
    const deep = 100_000
    const blocks = [...Array.from({ length: deep }, () => [0x02, 0x40]).flat()]
    const branches = Array.from({ length: deep }, (_, index) => [0x0c, ...u32(deep - 1 - index), 0x0b]).flat()
    const tables = Array.from({ length: 20 }, () => [
      ...i32(0),
      0x0e,
      ...u32(60_000),
      ...Array.from({ length: 60_001 }, () => 0),
      0x0b,
    ]).flat()
    const before = performance.now()
    for (const options of [FUEL, DETERMINISTIC]) {
      rewriteModule(inspectModule(started([...blocks, ...branches])), options)
      rewriteModule(
        inspectModule(started([...Array.from({ length: 20 }, () => [0x02, 0x40]).flat(), ...tables])),
        options,
      )
    }
    assert.ok(performance.now() - before < 20_000)
  })
})

describe('deterministic modules', () => {
  const f64 = (bits: bigint): number[] => [
    0x44,
    ...Array.from({ length: 8 }, (_, place) => Number((bits >> BigInt(8 * place)) & 255n)),
  ]
  const f32 = (bits: number): number[] => [
    0x43,
    ...Array.from({ length: 4 }, (_, place) => (bits >>> (8 * place)) & 255),
  ]
  const SIGNALLING_F64 = 0xfff4_0000_0000_0123n
  const SIGNALLING_F32 = 0xffa0_0123
  const NAN_F64 = 0x7ff8_0000_0000_0000n
  const NAN_F32 = 0x7fc0_0000
  /** What a body leaves on the stack, as an integer. */
  const computed = (body: readonly number[], result: number): unknown => {
    const bytes = wasmModule({
      types: [[[], [result]]],
      functions: [1],
      bodies: [[0, ...body, 0x0b]],
    })
    return everywhere(bytes, { options: DETERMINISTIC }).result
  }

  it('make the NaNs canonical that the specification leaves open', () => {
    const bits = (body: readonly number[]): bigint =>
      BigInt.asUintN(64, BigInt(computed([...body, 0xbd], I64) as bigint))
    for (const binary of [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5])
      assert.equal(bits([...f64(SIGNALLING_F64), ...f64(1n), binary]), NAN_F64, `0x${binary.toString(16)}`)
    for (const unary of [0x9b, 0x9c, 0x9d, 0x9e, 0x9f]) assert.equal(bits([...f64(SIGNALLING_F64), unary]), NAN_F64)
    assert.equal(bits([...f64(0n), ...f64(0n), 0xa3]), NAN_F64)
    assert.equal(bits([...f32(SIGNALLING_F32), 0xbb]), NAN_F64)
    assert.equal(bits([...f64(SIGNALLING_F64), ...f64(1n), 0xa0, ...f64(2n), 0xa2, 0x9f]), NAN_F64)
    const word = (body: readonly number[]): number => (computed([...body, 0xbc], I32) as number) >>> 0
    for (const binary of [0x92, 0x93, 0x94, 0x95, 0x96, 0x97])
      assert.equal(word([...f32(SIGNALLING_F32), ...f32(1), binary]), NAN_F32, `0x${binary.toString(16)}`)
    for (const unary of [0x8d, 0x8e, 0x8f, 0x90, 0x91]) assert.equal(word([...f32(SIGNALLING_F32), unary]), NAN_F32)
    assert.equal(word([...f64(SIGNALLING_F64), 0xb6]), NAN_F32)
  })

  it('make them canonical where their sign is looked at, lane by lane, and after a result is kept', () => {
    const bits = (body: readonly number[]): bigint =>
      BigInt.asUintN(64, BigInt(computed([...body, 0xbd], I64) as bigint))
    assert.equal(bits([...f64(1n), ...f64(SIGNALLING_F64), ...f64(1n), 0xa0, 0xa6]), 1n, 'copysign')
    const v128 = (low: bigint, high: bigint): number[] => [0xfd, 12, ...f64(low).slice(1), ...f64(high).slice(1)]
    const lanes = (code: readonly number[]): readonly bigint[] =>
      [0, 1].map((lane) => BigInt.asUintN(64, BigInt(computed([...code, 0xfd, 29, lane], I64) as bigint)))
    const nan = v128(SIGNALLING_F64, 1n)
    for (const unary of [116, 117, 122, 148, 239]) assert.equal(lanes([...nan, 0xfd, ...u32(unary)])[0], NAN_F64)
    for (const binary of [240, 241, 242, 243, 244, 245])
      assert.equal(lanes([...nan, ...nan, 0xfd, ...u32(binary)])[0], NAN_F64)
    const both = (BigInt(NAN_F32) << 32n) | BigInt(NAN_F32)
    const four = v128((BigInt(SIGNALLING_F32) << 32n) | BigInt(SIGNALLING_F32), 0n)
    for (const unary of [103, 104, 105, 106, 227]) assert.equal(lanes([...four, 0xfd, ...u32(unary)])[0], both)
    for (const binary of [228, 229, 230, 231, 232, 233])
      assert.equal(lanes([...four, ...four, 0xfd, ...u32(binary)])[0], both)
    assert.equal(lanes([...nan, 0xfd, 94])[0], BigInt(NAN_F32))
    assert.equal(lanes([...four, 0xfd, 95])[0], NAN_F64)
    // As vectors of the other shape the bits are looked at.
    assert.equal(lanes([...nan, 0xfd, ...u32(239), 0xfd, ...u32(224)])[0], NAN_F64)
  })

  it('leave the bits of a NaN alone that is only moved', () => {
    assert.equal(
      BigInt.asUintN(64, BigInt(computed([...f64(SIGNALLING_F64), 0x9a, 0xbd], I64) as bigint)),
      SIGNALLING_F64 ^ (1n << 63n),
    )
    assert.equal(
      BigInt.asUintN(64, BigInt(computed([...f64(SIGNALLING_F64), 0x99, 0xbd], I64) as bigint)),
      SIGNALLING_F64 & ~(1n << 63n),
    )
  })

  it('give back the depth of a function however it is left', () => {
    const call = [0x10, 1]
    const ways: readonly (readonly number[])[] = [
      [...call],
      [...call, 0x0f, ...call],
      [...call, 0x0c, 0],
      [...call, ...i32(1), 0x0d, 0, ...call],
      [0x02, 0x40, ...call, 0x0c, 1, 0x0b],
      [...call, ...i32(1), 0x0e, 1, 0, 0],
      [...call, 0x12, 1],
    ]
    for (const way of ways) {
      const bytes = wasmModule({
        bodies: [
          [0, ...way, 0x0b],
          [0, 0x10, 2, 0x0b],
          [0, 0x0b],
        ],
      })
      const { depth, threw } = everywhere(bytes, { options: DETERMINISTIC })
      assert.deepEqual([depth, threw], [DEPTH, undefined], way.join())
    }
    const results = wasmModule({
      types: [[[], [I32, I64]]],
      functions: [0, 1, 0],
      bodies: [
        [0, 0x10, 1, DROP, DROP, 0x0b],
        [0, 0x10, 2, ...i32(1), 0x42, 1, ...i32(1), 0x0d, 0, 0x0b],
        [0, 0x0b],
      ],
    })
    assert.equal(everywhere(results, { options: DETERMINISTIC }).depth, DEPTH, 'several results')
  })

  it('run out of depth before V8 runs out of stack, with the largest frames, and equally far with either compiler', () => {
    const times = (count: number, code: (index: number) => readonly number[]): number[] =>
      Array.from({ length: count }, (_, index) => code(index)).flat()
    const get = (index: number): number[] => [0x20, ...u32(index)]
    const keep = [0x24, 0]
    const zero: Readonly<Record<number, readonly number[]>> = {
      [I32]: i32(7),
      [I64]: [0x42, 7],
      [F64]: f64(5n),
      [V128]: [0xfd, 12, ...Array.from({ length: 16 }, () => 3)],
      [F32]: f32(1),
    }
    const frames: Readonly<
      Record<
        string,
        {
          readonly parameters?: readonly number[]
          readonly results?: readonly number[]
          readonly locals?: readonly number[]
          readonly body: readonly number[]
        }
      >
    > = {
      none: { body: [0x10, 1, 0x10, 1] },
      parameters: {
        parameters: Array.from({ length: 1000 }, () => I64),
        body: [...times(1000, get), 0x10, 1, ...times(1000, (index) => [...get(index), ...keep])],
      },
      vectors: {
        parameters: Array.from({ length: 200 }, () => V128),
        body: [...times(200, get), 0x10, 1, ...times(200, (index) => [...get(index), 0xfd, 29, 0, ...keep])],
      },
      results: { results: Array.from({ length: 1000 }, () => V128), body: [0x10, 1] },
      'local variables': { locals: [...u32(30_000), V128], body: [0x10, 1, 0x10, 1] },
      operands: { body: [...times(5000, () => [0x23, 0]), 0x10, 1, ...times(5000, () => keep)] },
      'floats in registers': {
        parameters: [F64],
        body: [
          ...times(500, (index) => [...get(0), ...f64(BigInt(index) << 40n), 0xa0]),
          ...get(0),
          0x10,
          1,
          ...times(500, () => [0xbd, ...keep]),
        ],
      },
      'results kept across the call': {
        parameters: [I64],
        body: [
          ...times(2000, (index) => [...get(0), 0x42, ...signed(BigInt(index * 3 + 1)), 0x7e, ...keep]),
          ...get(0),
          0x10,
          1,
          ...times(2000, (index) => [...get(0), 0x42, ...signed(BigInt(index * 3 + 1)), 0x7e, ...keep]),
        ],
      },
    }
    for (const [what, { parameters = [], results = [], locals, body }] of Object.entries(frames)) {
      const bytes = wasmModule({
        types: [[parameters, results]],
        functions: [0, 1],
        globals: [[I64, 1, 0x42, 5, 0x0b]],
        bodies: [
          [0, ...parameters.flatMap((type) => zero[type] ?? []), 0x10, 1, ...results.map(() => DROP), 0x0b],
          [...(locals === undefined ? [0] : [1, ...locals]), ...body, 0x0b],
        ],
      })
      const { threw, depth } = everywhere(bytes, { options: DETERMINISTIC })
      assert.equal(threw, 'RuntimeError', what)
      assert.ok(depth < 0, what)
    }
  })
})

describe('shared meters', () => {
  const SHARED: RewriteOptions = { ...DETERMINISTIC, meters: 'imported' }

  /** A module of the host's that has the meters. */
  function meters(): WebAssembly.Instance['exports'] {
    const types = [I64, I32, I64, I32]
    const bytes = concat([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(6, [[4], ...types.map((type) => [type, 1, type === I64 ? 0x42 : 0x41, 0, 0x0b])]),
      section(7, [[4], ...['budget', 'refused', 'fuel', 'depth'].map((text, index) => exported(text, 3, index))]),
    ])
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
    for (const [meter, value] of [
      ['budget', 65_536n],
      ['fuel', 1_000_000n],
      ['depth', DEPTH],
    ] as const) {
      const global = exports[meter]
      assert.ok(global instanceof WebAssembly.Global)
      global.value = value
    }
    return exports
  }

  it('serve several modules that import each other’s memories and globals, whose own indices move', () => {
    const shared = meters()
    const link = (bytes: Uint8Array, imports: WebAssembly.Imports = {}): WebAssembly.Instance['exports'] => {
      const rewritten = rewriteModule(inspectModule(bytes), SHARED)
      assert.deepEqual(rewritten.exports, { budget: 'budget', refused: 'refused', fuel: 'fuel', depth: 'depth' })
      return new WebAssembly.Instance(new WebAssembly.Module(rewritten.bytes), { ...imports, [METER_MODULE]: shared })
        .exports
    }
    const first = link(
      wasmModule({
        globals: [
          [I32, 1, ...i32(40), 0x0b],
          [I32, 0, ...i32(2), 0x0b],
        ],
        exports: [exported('memory', 2, 0), exported('count', 3, 0), exported('two', 3, 1), exported('_start', 0, 0)],
        bodies: [[0, ...i32(1), 0x40, 0, DROP, 0x0b]],
      }),
    )
    const second = link(
      wasmModule({
        imports: [
          { module: 'a', name: 'memory', description: [2, 0, 1] },
          { module: 'a', name: 'count', description: [3, I32, 1] },
          { module: 'a', name: 'two', description: [3, I32, 0] },
        ],
        memories: [],
        globals: [[I32, 1, 0x23, 1, 0x0b]], // starts as the imported `two`
        exports: [exported('own', 3, 2), exported('_start', 0, 0)],
        // own += count; count = own; memory.grow(1)
        bodies: [[0, 0x23, 2, 0x23, 0, 0x6a, 0x24, 2, 0x23, 2, 0x24, 0, ...i32(1), 0x40, 0, DROP, 0x0b]],
      }),
      { a: first },
    )
    const valueOf = (exports: WebAssembly.Instance['exports'], global: string): number => {
      const found = exports[global]
      assert.ok(found instanceof WebAssembly.Global)
      return Number(found.value)
    }
    const start = second['_start']
    assert.ok(typeof start === 'function')
    start()
    assert.deepEqual([valueOf(second, 'own'), valueOf(first, 'count')], [42, 42])
    assert.deepEqual([valueOf(shared, 'budget'), valueOf(shared, 'refused')], [0, 0])
    start()
    assert.deepEqual([valueOf(shared, 'budget'), valueOf(shared, 'refused')], [0, REFUSED.budget])
    assert.equal(valueOf(shared, 'depth'), DEPTH)
  })

  it('are the only ones under which a module may import anything but functions', () => {
    const bytes = wasmModule({ imports: [{ module: 'a', name: 'memory', description: [2, 0, 1] }], memories: [] })
    assert.throws(() => rewriteModule(inspectModule(bytes), FUEL), /imports a memory, a\.memory/)
    assert.ok(WebAssembly.validate(rewriteModule(inspectModule(bytes), SHARED).bytes))
  })

  it('leave a start function where it is', () => {
    const rewritten = rewriteModule(
      inspectModule(
        wasmModule({
          bodies: [
            [0, 0x0b],
            [0, 0x00, 0x0b],
          ],
          start: 1,
        }),
      ),
      SHARED,
    )
    assert.equal(rewritten.startExport, undefined)
    assert.throws(
      () => new WebAssembly.Instance(new WebAssembly.Module(rewritten.bytes), { [METER_MODULE]: meters() }),
      WebAssembly.RuntimeError,
    )
  })
})
