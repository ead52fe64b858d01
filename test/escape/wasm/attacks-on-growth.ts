import assert from 'node:assert/strict'
import { section } from '../../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule, type ModuleParts } from '../../fixtures/wasm-module.ts'
import * as asm from './assembler.ts'
import {
  block,
  body,
  br,
  call,
  callIndirect,
  drop,
  FUNCREF,
  EXTERNREF,
  globalGet,
  globalSet,
  I32,
  i32,
  I64,
  i64,
  loop,
  localGet,
  memoryGrow,
  mustBe,
  plain,
  refFunc,
  refNull,
  returnCall,
  returnCallIndirect,
  tableGrow,
  tableSet,
  unreachable,
  untilRefused,
  type Code,
} from './assembler.ts'
import { INVALID, MEMORY_REFUSED, MiB, PAGE_BYTES, UNHURT, type WasmAttack } from './attack.ts'
import type { Ran } from '../../conformance/executor-conformance.ts'

const LIMITS = { memoryBytes: 8 * MiB }
const FUNCTION_TABLE = [FUNCREF, 0, 4]
const EXTERNAL_TABLE = [EXTERNREF, 0, 1]
const ONE_PAGE: Code = [...i32(1), ...memoryGrow]
const TO_THE_LIMIT = untilRefused(ONE_PAGE)

/** The peak is the limit to within what one more growth would have taken. */
const fullTo =
  (bytes: number, within = PAGE_BYTES) =>
  ({ execution: { usage } }: Ran): void => {
    assert.ok(usage.memoryPeakBytes <= bytes, `${usage.memoryPeakBytes} of ${bytes}`)
    assert.ok(usage.memoryPeakBytes > bytes - within, `${usage.memoryPeakBytes} of ${bytes}`)
  }
/** Memory is filled to the limit, by whatever way, and no further. */
const filling = (name: string, parts: ModuleParts, rest: Partial<WasmAttack> = {}): WasmAttack => ({
  name,
  tries: () => wasmModule(parts),
  limits: LIMITS,
  comesTo: MEMORY_REFUSED,
  verify: fullTo(LIMITS.memoryBytes),
  ...rest,
})

/** Ways to have more memory than was given: by growth that the rewriter does not see, and by what it added. */
export const ATTACKS_ON_GROWTH: readonly WasmAttack[] = [
  filling('memory.grow without end', { bodies: [plain(TO_THE_LIMIT)] }),
  filling('memory.grow in a start function, and again in _start', {
    bodies: [plain(TO_THE_LIMIT, TO_THE_LIMIT), plain(TO_THE_LIMIT)],
    start: 1,
  }),
  filling('memory.grow behind an indirect call', {
    types: [[[], [I32]]],
    functions: [0, 1],
    tables: [FUNCTION_TABLE],
    elements: [[0, ...i32(2), ...asm.end, 1, 1]],
    bodies: [plain(untilRefused(i32(2), callIndirect(1))), plain(ONE_PAGE)],
  }),
  filling('memory.grow behind tail calls', {
    types: [[[], [I32]]],
    functions: [0, 1, 1, 1],
    tables: [FUNCTION_TABLE],
    elements: [[0, ...i32(1), ...asm.end, 1, 3]],
    bodies: [plain(untilRefused(call(1))), plain(returnCall(2)), plain(i32(1), returnCallIndirect(1)), plain(ONE_PAGE)],
  }),
  filling('memory.grow behind a reference that is put into a table', {
    types: [[[], [I32]]],
    functions: [0, 1],
    tables: [FUNCTION_TABLE],
    elements: [[3, 0, 1, 1]],
    bodies: [plain(i32(0), refFunc(1), tableSet(0), untilRefused(i32(0), callIndirect(1))), plain(ONE_PAGE)],
  }),
  filling('memory.grow with its index written longer than it need be', {
    bodies: [plain(untilRefused(i32(1), [0x40, 0x80, 0x80, 0x00]))],
  }),
  filling('memory.grow as an operand, a condition and an index', {
    bodies: [
      plain(
        loop(
          ONE_PAGE,
          ONE_PAGE,
          [0x48], // i32.lt_s: the second is above the first while both are given
          [0x0d, 0],
        ),
      ),
    ],
  }),
  {
    name: 'memory.grow by all but nothing, and by 4 GB and over',
    tries: () =>
      wasmModule({
        bodies: [
          plain(
            ...[-1, 0x7fff_ffff, -0x8000_0000, 65_536, 129, 128].flatMap((pages) => [
              i32(pages),
              memoryGrow,
              mustBe(-1),
            ]),
            [0x3f, 0],
            mustBe(1),
            i32(127),
            memoryGrow,
            mustBe(1),
          ),
        ],
      }),
    limits: LIMITS,
    comesTo: MEMORY_REFUSED,
    verify: fullTo(LIMITS.memoryBytes),
  },
  {
    name: 'memory.grow by nothing, a million times',
    tries: () =>
      wasmModule({
        bodies: [
          body(
            [[1, I32]],
            loop(
              i32(0),
              memoryGrow,
              mustBe(1),
              localGet(0),
              i32(1),
              asm.i32Add,
              asm.localTee(0),
              i32(1_000_000),
              asm.i32Ne,
              [0x0d, 0],
            ),
          ),
        ],
      }),
    limits: LIMITS,
    comesTo: UNHURT,
    verify: ({ execution }) => assert.equal(execution.usage.memoryPeakBytes, PAGE_BYTES),
  },
  {
    name: 'memory.grow and table.grow where code is never reached, with operands of no type',
    tries: () =>
      wasmModule({
        tables: [FUNCTION_TABLE, EXTERNAL_TABLE],
        bodies: [
          plain(
            block(br(0), memoryGrow, drop),
            block(br(0), tableGrow(0), drop),
            block(br(0), i32(1), tableGrow(1), drop),
            block([0x0f], memoryGrow, memoryGrow, tableGrow(1), memoryGrow, drop),
            unreachable,
          ),
        ],
      }),
    comesTo: UNHURT,
  },
  {
    name: 'memory that its own maximum holds back is no limit of ours',
    tries: () => wasmModule({ memories: [[1, 1, 3]], bodies: [plain(TO_THE_LIMIT)] }),
    comesTo: UNHURT,
    verify: ({ execution }) => assert.equal(execution.usage.memoryPeakBytes, 3 * PAGE_BYTES),
  },
  filling(
    'table.grow without end',
    { tables: [[FUNCREF, 0, 1]], bodies: [plain(untilRefused(refNull(FUNCREF), i32(100), tableGrow(0)))] },
    { verify: fullTo(LIMITS.memoryBytes, 100 * 32) },
  ),
  filling(
    'table.grow with functions for values, by a number written longer than it need be',
    {
      tables: [[FUNCREF, 0, 1]],
      elements: [[3, 0, 1, 0]],
      bodies: [plain(untilRefused(refFunc(0), i32(100), [0xfc, 0x8f, 0x80, 0x00, 0x80, 0x00]))],
    },
    { verify: fullTo(LIMITS.memoryBytes, 100 * 32) },
  ),
  filling('table.grow of two tables in turn, and memory between them', {
    tables: [FUNCTION_TABLE, EXTERNAL_TABLE],
    bodies: [
      plain(
        untilRefused(
          refNull(FUNCREF),
          i32(5000),
          tableGrow(0),
          drop,
          ONE_PAGE,
          drop,
          refNull(EXTERNREF),
          i32(5000),
          tableGrow(1),
        ),
        TO_THE_LIMIT,
      ),
    ],
  }),
  {
    name: 'table.grow by 2^32 - 1, and to beyond what V8 can hold',
    tries: () =>
      wasmModule({
        tables: [EXTERNAL_TABLE],
        bodies: [
          plain(
            ...[-1, 0x7fff_ffff, 20_000_000].flatMap((count) => [
              refNull(EXTERNREF),
              i32(count),
              tableGrow(0),
              mustBe(-1),
            ]),
            [0xfc, 16, 0],
            mustBe(1),
          ),
        ],
      }),
    limits: LIMITS,
    // No limit of ours is what refuses this: no engine has tables that large.
    comesTo: UNHURT,
  },
  {
    name: 'what looks like memory.grow in the middle of numbers',
    tries: () =>
      wasmModule({
        memories: [[0, 2]],
        bodies: [
          body(
            [
              [64, I32],
              [1, I64],
            ],
            i32(0x40),
            mustBe(0x40),
            [0x43, 0x40, 0x00, 0x40, 0x00, 0x1a], // f32.const
            [0x44, 0x40, 0x00, 0xfc, 0x0f, 0x00, 0x40, 0x00, 0x40, 0x1a], // f64.const
            [0xfd, 12, 0x40, 0, 0x40, 0, 0x40, 0, 0x40, 0, 0xfc, 15, 0, 0x40, 0, 0x40, 0, 0x40, 0x1a], // v128.const
            [0x42, 0xc0, 0x80, 0xc0, 0x00, 0x1a], // i64.const
            i32(0),
            [0x28, 2, 0xc0, 0x00, 0x1a], // i32.load offset=64
            localGet(0x40 - 1),
            drop,
            i32(0),
            [0x04, 0x40, 0x01, 0x0b], // if without a result: its type is 0x40
            [0x3f, 0],
            mustBe(2),
          ),
        ],
        extra: [section(11, [[1, 0, ...i32(0), 0x0b, 4, 0x40, 0, 0x40, 0]])],
      }),
    comesTo: UNHURT,
    verify: ({ execution }) => assert.equal(execution.usage.memoryPeakBytes, 2 * PAGE_BYTES),
  },
  filling('globals of its own by the names of those that meter it, set to as much as there is', {
    globals: [
      [I64, 1, ...i64(2n ** 62n), ...asm.end],
      [I64, 1, ...i64(2n ** 62n), ...asm.end],
      [I32, 1, ...i32(0), ...asm.end],
    ],
    exports: [
      exported('memory', 2, 0),
      exported('_start', 0, 0),
      exported('souk:budget', 3, 0),
      exported("souk:budget'", 3, 1),
      exported('souk:refused', 3, 2),
      exported('souk:fuel', 3, 1),
      exported('souk:depth', 3, 2),
      exported('souk:start', 0, 0),
    ],
    bodies: [
      plain(untilRefused(i64(2n ** 62n), globalSet(0), i64(2n ** 62n), globalSet(1), i32(0), globalSet(2), ONE_PAGE)),
    ],
  }),
  {
    name: 'exports by the names that every object of JavaScript has',
    tries: () =>
      wasmModule({
        exports: [
          exported('memory', 2, 0),
          exported('_start', 0, 0),
          ...['__proto__', 'constructor', 'toString', 'valueOf', 'then', 'hasOwnProperty', '', '\0', 'exports'].map(
            (name) => exported(name, 0, 1),
          ),
        ],
        bodies: [plain(), plain(unreachable)],
      }),
    comesTo: UNHURT,
  },
]

/** The module's own indices end where those begin that the rewriter adds: types, functions, globals, exports. */
const BEYOND: readonly (readonly [what: string, module: Uint8Array])[] = [
  ['a global is set', wasmModule({ bodies: [plain(i64(2n ** 40n), globalSet(0), TO_THE_LIMIT)] })],
  ['a global is read', wasmModule({ bodies: [plain(globalGet(1), drop, TO_THE_LIMIT)] })],
  [
    'a global begins as another',
    wasmModule({ globals: [[I64, 1, ...globalGet(1), ...asm.end]], bodies: [plain(TO_THE_LIMIT)] }),
  ],
  [
    'a global is exported',
    wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 0, 0), exported('g', 3, 0)] }),
  ],
  ['data is placed by a global', wasmModule({ extra: [section(11, [[1, 0, ...globalGet(1), ...asm.end, 0]])] })],
  [
    'elements are placed by a global',
    wasmModule({ tables: [FUNCTION_TABLE], elements: [[0, ...globalGet(1), ...asm.end, 0]] }),
  ],
  ['a function is called', wasmModule({ bodies: [plain(i32(1), call(1), drop, ONE_PAGE, drop)] })],
  [
    'a function is called last',
    wasmModule({
      types: [[[I32], [I32]]],
      functions: [0, 1],
      bodies: [plain(ONE_PAGE, call(1), drop), body([], i32(1), returnCall(2))],
    }),
  ],
  [
    'a function is referred to',
    wasmModule({ elements: [[3, 0, 1, 1]], bodies: [plain(refFunc(1), drop, ONE_PAGE, drop)] }),
  ],
  [
    'a function is an element',
    wasmModule({
      tables: [FUNCTION_TABLE],
      elements: [[0, ...i32(0), ...asm.end, 1, 1]],
      bodies: [plain(ONE_PAGE, drop)],
    }),
  ],
  [
    'a function is an element by expression',
    wasmModule({
      tables: [FUNCTION_TABLE],
      elements: [[4, ...i32(0), ...asm.end, 1, ...refFunc(1), ...asm.end]],
      bodies: [plain(ONE_PAGE, drop)],
    }),
  ],
  [
    'a function is exported',
    wasmModule({
      exports: [exported('memory', 2, 0), exported('_start', 0, 0), exported('f', 0, 1)],
      bodies: [plain(ONE_PAGE, drop)],
    }),
  ],
  ['a function is what a module starts with', wasmModule({ start: 1, bodies: [plain(ONE_PAGE, drop)] })],
  [
    'a function is what a command starts with',
    wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 0, 1)], bodies: [plain(ONE_PAGE, drop)] }),
  ],
  ['a type is that of a block', wasmModule({ bodies: [plain(ONE_PAGE, [0x02, 0x01, ...asm.end], drop)] })],
  [
    'a type is that of an indirect call',
    wasmModule({ tables: [FUNCTION_TABLE], bodies: [plain(ONE_PAGE, i32(0), callIndirect(1), drop)] }),
  ],
  ['a type is that of a function', wasmModule({ functions: [0, 1], bodies: [plain(ONE_PAGE, drop), plain(i32(0))] })],
  [
    'a type is that of an import',
    wasmModule({
      imports: [{ module: 'wasi_snapshot_preview1', name: 'sched_yield', description: [0, 1] }],
      bodies: [plain(ONE_PAGE, drop)],
    }),
  ],
  ['a table is grown that is not there', wasmModule({ bodies: [plain(refNull(FUNCREF), i32(1), tableGrow(0), drop)] })],
  ['a table is called through that is not there', wasmModule({ bodies: [plain(i32(0), [0x11, 0, 5])] })],
  [
    'a memory is grown that is not there',
    wasmModule({ memories: [], exports: [exported('_start', 0, 0)], bodies: [plain(ONE_PAGE, drop)] }),
  ],
]

export const ATTACKS_BY_INDEX: readonly WasmAttack[] = BEYOND.map(([what, module]) => ({
  name: `an index of what is added, or of nothing: ${what}`,
  tries: () => module,
  limits: LIMITS,
  comesTo:
    what === 'a memory is grown that is not there'
      ? { named: 'memory' }
      : what === 'a function is what a command starts with'
        ? { named: '_start' }
        : INVALID,
}))
