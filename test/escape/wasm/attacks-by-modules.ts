import { concat, name, section, u32 } from '../../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule } from '../../fixtures/wasm-module.ts'
import { block, body, drop, I32, i32, I64, memoryGrow, plain, unreachable, type Code } from './assembler.ts'
import { INVALID, MiB, UNHURT, type WasmAttack } from './attack.ts'

const HEADER = wasmModule().subarray(0, 8)
const PREVIEW1 = 'wasi_snapshot_preview1'
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item)
const custom = (text: string, content: Uint8Array | Code = []): Uint8Array => section(0, [name(text), content])
/** Sections of the smallest command, in their order. */
const TYPES = section(1, [[1, 0x60, 0, 0]])
const FUNCTIONS = section(3, [[1, 0]])
const MEMORY = section(5, [[1, 0, 1]])
const EXPORTS = section(7, [[2, ...exported('memory', 2, 0), ...exported('_start', 0, 0)]])
const CODE = section(10, [[1, 2, 0, 0x0b]])
const command = (...sections: readonly (Uint8Array | Code)[]): Uint8Array => concat([HEADER, ...sections])
/** A command with one section in place of its own, or besides. */
const withSection = (id: number, content: Uint8Array | Code): Uint8Array =>
  command(
    ...[TYPES, FUNCTIONS, MEMORY, EXPORTS, CODE, section(id, [content])]
      .filter((each, index) => index === 5 || each[0] !== id)
      .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
  )

/** Modules that are none, or that are more than a compiler should be given. */
export const ATTACKS_BY_MODULES: readonly WasmAttack[] = [
  { name: 'a module of no bytes', tries: () => new Uint8Array(), comesTo: INVALID },
  {
    name: 'a script in place of a module',
    tries: () => new TextEncoder().encode('#!/bin/sh\necho no module\n'),
    comesTo: { named: undefined, says: /first bytes/ },
  },
  { name: 'half a module', tries: () => wasmModule().subarray(0, 30), comesTo: INVALID },
  {
    name: '64 megabytes of zeros',
    tries: () => new Uint8Array(64 * MiB),
    comesTo: { named: undefined, says: /first bytes/ },
  },
  {
    name: '32 million sections without even a name',
    tries: () => concat([wasmModule(), new Uint8Array(63 * MiB)]),
    comesTo: INVALID,
  },
  {
    name: 'a component with the sections of a module',
    tries: () => wasmModule({ version: [0x0d, 0, 1, 0] }),
    comesTo: { named: undefined, says: /component is malformed/ },
  },
  {
    name: 'a version of tomorrow',
    tries: () => wasmModule({ version: [2, 0, 0, 0] }),
    comesTo: { named: undefined, says: /version/ },
  },
  {
    name: 'a billion functions in a few bytes',
    tries: () => concat([HEADER, section(3, [u32(1_000_000_000)])]),
    comesTo: { named: undefined, says: /too large/ },
  },
  {
    name: 'four billion globals in a few bytes',
    tries: () => withSection(6, u32(2 ** 32 - 1)),
    comesTo: INVALID,
  },
  {
    name: 'four billion data segments in a few bytes',
    tries: () => withSection(11, u32(2 ** 32 - 1)),
    comesTo: INVALID,
  },
  {
    name: 'four billion elements in a segment of a few bytes',
    tries: () => wasmModule({ tables: [[0x70, 0, 1]], elements: [[0, ...i32(0), 0x0b, ...u32(2 ** 32 - 1), 0]] }),
    comesTo: INVALID,
  },
  {
    name: 'a type with more parameters than bytes',
    tries: () => withSection(1, [1, 0x60, ...u32(2 ** 32 - 1), I32]),
    comesTo: { named: undefined, says: /1000 parameters/ },
  },
  {
    name: 'two million types',
    tries: () => withSection(1, concat([u32(2_000_000), ...many(2_000_000, [0x60, 0, 0])])),
    comesTo: { named: undefined, says: /too large/ },
  },
  {
    name: 'a million local variables',
    tries: () => wasmModule({ bodies: [[1, ...u32(1_000_000), I32, 0x0b]] }),
    comesTo: { named: undefined, says: /local variables/ },
  },
  {
    name: 'local variables in groups that add up to 2^32 and over',
    tries: () => wasmModule({ bodies: [body([[2 ** 32 - 1, I32], [1, I64]])] }), // prettier-ignore
    comesTo: { named: undefined, says: /local variables/ },
  },
  {
    name: 'four billion groups of no local variables',
    tries: () => wasmModule({ bodies: [[...u32(2 ** 32 - 1), 0, I32, 0x0b]] }),
    comesTo: INVALID,
  },
  {
    name: 'a jump table of four million targets',
    tries: () => wasmModule({ bodies: [concat([[0, ...i32(0), 0x0e], u32(4_000_000), new Uint8Array(4_000_001), [0x0b]])] }), // prettier-ignore
    comesTo: INVALID,
  },
  {
    name: 'a function of eight megabytes',
    tries: () => wasmModule({ bodies: [concat([[0], new Uint8Array(8 * MiB).fill(0x01), [0x0b]])] }),
    comesTo: INVALID,
  },
  {
    name: '100,000 blocks in each other, compiled by the optimiser',
    tries: () => wasmModule({ bodies: [concat([[0], ...many(100_000, [0x02, 0x40]), ...many(100_001, [0x0b])])] }),
    comesTo: UNHURT,
  },
  {
    name: 'half a million functions',
    tries: () => wasmModule({ bodies: many(500_000, [0, 0x0b]) }),
    comesTo: UNHURT,
  },
  {
    name: 'more exports than are looked at',
    tries: () => wasmModule({ exports: Array.from({ length: 100_001 }, (_, index) => exported(`f${index}`, 0, 0)) }),
    comesTo: { named: undefined, says: /too large/ },
  },
  {
    name: 'more imports than are looked at',
    tries: () => wasmModule({ imports: many(100_001, { module: PREVIEW1, name: 'fd_close', description: [0, 0] }) }),
    comesTo: { named: undefined, says: /too large/ },
  },
  {
    name: 'an import whose name is a megabyte of escape sequences',
    tries: () => wasmModule({ imports: [{ module: 'env', name: '\u001b[2J\n'.repeat(200_000), description: [0, 0] }] }),
    // What it names is cut, and is for whoever shows it to make harmless.
    comesTo: { named: `env.${'\u001b[2J\n'.repeat(100)}`.slice(0, 500) },
  },
  {
    name: '100,000 tables',
    tries: () => wasmModule({ tables: many(100_000, [0x70, 0, 0]) }),
    comesTo: UNHURT,
  },
  {
    name: 'tables that are small one by one, and together more than memory',
    tries: () => wasmModule({ tables: many(1000, [0x70, 0, ...u32(10_000)]) }),
    comesTo: { named: 'memory' },
  },
  {
    name: 'more memory than the limit at the start',
    tries: () => wasmModule({ memories: [[0, ...u32(2000)]] }),
    comesTo: { named: 'memory' },
  },
  {
    name: 'a table larger than memory may be',
    tries: () => wasmModule({ tables: [[0x70, 0, ...u32(9_000_000)]] }),
    comesTo: { named: 'memory' },
  },
  {
    name: 'a table of four billion elements',
    tries: () => wasmModule({ tables: [[0x6f, 0, ...u32(2 ** 32 - 1)]] }),
    comesTo: INVALID,
  },
  {
    name: 'a list of names that names four billion functions',
    tries: () => concat([wasmModule(), custom('name', [1, 20, ...u32(2 ** 32 - 1), ...u32(2 ** 32 - 1)])]),
    comesTo: UNHURT,
  },
  {
    name: 'a million custom sections, between all others',
    tries() {
      const flood = concat(many(250_000, custom('x')))
      return command(flood, TYPES, FUNCTIONS, flood, MEMORY, EXPORTS, flood, CODE, flood)
    },
    comesTo: UNHURT,
  },
  {
    name: 'a data segment of megabytes where it fits',
    tries: () => wasmModule({ memories: [[0, 65]], extra: [section(11, [[1, 0, ...i32(0), 0x0b], u32(4 * MiB), new Uint8Array(4 * MiB)])] }), // prettier-ignore
    comesTo: UNHURT,
  },
  {
    name: 'data that lies outside memory',
    tries: () => wasmModule({ extra: [section(11, [[1, 0, ...i32(1_000_000), 0x0b, 1, 7]])] }),
    comesTo: { named: undefined, says: /instantiated/ },
  },
  {
    name: 'elements that lie outside their table',
    tries: () => wasmModule({ tables: [[0x70, 0, 1]], elements: [[0, ...i32(-1), 0x0b, 1, 0]] }),
    comesTo: { named: undefined, says: /instantiated/ },
  },
  {
    name: 'a growth of memory for each of 20,000 lines, through the optimiser',
    tries: () => wasmModule({ bodies: [plain(...many(20_000, [...i32(0), ...memoryGrow, ...drop]))] }),
    comesTo: UNHURT,
  },
]

/** What is not valid, in places that rewriting a module writes anew and so could heal. */
export const INVALID_MODULES: readonly WasmAttack[] = (
  [
    ['sections out of order', command(TYPES, MEMORY, FUNCTIONS, EXPORTS, CODE)],
    ['a section that comes twice', command(TYPES, TYPES, FUNCTIONS, MEMORY, EXPORTS, CODE)],
    ['a section that nobody knows', command(TYPES, FUNCTIONS, MEMORY, EXPORTS, CODE, [14, 0])],
    ['a section that is longer than the module', command(TYPES, FUNCTIONS, MEMORY, EXPORTS, [10, ...u32(2 ** 32 - 1), 1, 2, 0, 0x0b])], // prettier-ignore
    ['a section that ends before its content', command([1, 3, 1, 0x60, 0, 0], FUNCTIONS, MEMORY, EXPORTS, CODE)],
    ['a section with more in it than it says', withSection(3, [1, 0, 0])],
    ['a section length of six bytes', command([1, 0x84, 0x80, 0x80, 0x80, 0x80, 0, 1, 0x60, 0, 0], FUNCTIONS, MEMORY, EXPORTS, CODE)], // prettier-ignore
    ['a length whose unused bits are set', command([1, 0x84, 0x80, 0x80, 0x80, 0x70, 1, 0x60, 0, 0], FUNCTIONS, MEMORY, EXPORTS, CODE)], // prettier-ignore
    ['a custom section whose name is longer than it is', command([0, 1, 5], TYPES, FUNCTIONS, MEMORY, EXPORTS, CODE)],
    ['a custom section without a name', command([0, 0], TYPES, FUNCTIONS, MEMORY, EXPORTS, CODE)],
    ['a custom section whose name is not UTF-8', command([0, 2, 1, 0xff], TYPES, FUNCTIONS, MEMORY, EXPORTS, CODE)],
    ['a memory whose maximum is below its minimum', wasmModule({ memories: [[1, 2, 1]] })],
    ['a memory whose maximum is beyond 4 GB', wasmModule({ memories: [[1, 1, ...u32(65_537)]] })],
    ['a table whose maximum is below its minimum', wasmModule({ tables: [[0x70, 1, 2, 1]] })],
    ['two exports of one name', wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 0, 0), exported('_start', 0, 0)] })], // prettier-ignore
    ['an export of what is not there', wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 0, 0), exported('t', 1, 0)] })], // prettier-ignore
    ['an export of a kind that nobody knows', wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 0, 0), exported('t', 9, 0)] })], // prettier-ignore
    ['functions without code', command(TYPES, section(3, [[2, 0, 0]]), MEMORY, EXPORTS, CODE)],
    ['code without functions', command(TYPES, FUNCTIONS, MEMORY, EXPORTS, section(10, [[2, 2, 0, 0x0b, 2, 0, 0x0b]]))],
    ['a function whose type is not there', wasmModule({ functions: [0, 1], bodies: [plain(), plain()] })],
    ['code after the end of a function', wasmModule({ bodies: [[0, 0x0b, 0x01]] })],
    ['a function that does not end', wasmModule({ bodies: [[0, 0x02, 0x40, 0x0b]] })],
    ['a start function that takes values', wasmModule({ types: [[[I32], []]], bodies: [plain(), plain()], functions: [0, 1], start: 1 })], // prettier-ignore
    ['a start function that is not there', wasmModule({ start: 7 })],
    ['a start section with two functions', withSection(8, [0, 0])],
    ['a count of data that is another than there is', command(TYPES, FUNCTIONS, MEMORY, EXPORTS, section(12, [[5]]), CODE)], // prettier-ignore
    ['data of a kind that nobody knows', wasmModule({ extra: [section(11, [[1, 3, 1, ...i32(0), 0x0b, 0]])] })],
    ['values of other types than the code has', wasmModule({ bodies: [plain(i32(1))] })],
    ['an access to memory that is aligned beyond its size', wasmModule({ bodies: [[0, ...i32(0), 0x28, 9, 0, 0x1a, 0x0b]] })], // prettier-ignore
    ['an integer that is longer than its type', wasmModule({ bodies: [[0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x0b]] })], // prettier-ignore
    ['a jump beyond the function', wasmModule({ bodies: [plain(block([0x0c, 9]))] })],
    ['an else without an if', wasmModule({ bodies: [[0, 0x05, 0x0b]] })],
    ['code that only looks unreachable', wasmModule({ bodies: [plain(unreachable, [0x6a], [0x20, 9])] })],
    ['bytes after the last section', concat([wasmModule(), [0x01]])],
  ] as const satisfies readonly (readonly [string, Uint8Array])[]
).map(([what, bytes]) => ({ name: `no valid module: ${what}`, tries: () => bytes, comesTo: INVALID }))
