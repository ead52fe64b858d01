import { name, section, u32 } from '../../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule } from '../../fixtures/wasm-module.ts'
import { i32, plain, type Code } from './assembler.ts'
import type { WasmAttack } from './attack.ts'

const PREVIEW1 = 'wasi_snapshot_preview1'
const FUNCTION = [0, 0]
const importing = (module: string, item: string, description: Code, memories?: readonly Code[]): Uint8Array =>
  wasmModule({ imports: [{ module, name: item, description }], ...(memories && { memories }) })
const coded = (...code: readonly Code[]): Uint8Array => wasmModule({ bodies: [plain(...code)] })
/** A module whose second type is one of a later proposal. */
const typed = (...bytes: Code): Uint8Array => {
  const module = wasmModule()
  const types = section(1, [[2, 0x60, 0, 0, ...bytes]])
  return Uint8Array.from([...module.subarray(0, 8), ...types, ...module.subarray(14)])
}
/** A component that imports an instance with nothing in it. */
const component = (instance: string): Uint8Array =>
  Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
    ...section(7, [[1, 0x42, 0]]),
    ...section(10, [[1, 0x00, ...name(instance), 0x05, 0]]),
  ])

/** What a module may not have, by the name of what the refusal must say. */
const REFUSED: readonly (readonly [what: string, module: Uint8Array, named: string])[] = [
  ['a function that no WASI has', importing('env', 'system', FUNCTION), 'env.system'],
  ['a function of preview 1 that does not exist', importing(PREVIEW1, 'sock_open', FUNCTION), `${PREVIEW1}.sock_open`],
  ['a function named constructor', importing(PREVIEW1, 'constructor', FUNCTION), `${PREVIEW1}.constructor`],
  ['a function named __proto__', importing(PREVIEW1, '__proto__', FUNCTION), `${PREVIEW1}.__proto__`],
  ['a function named hasOwnProperty', importing(PREVIEW1, 'hasOwnProperty', FUNCTION), `${PREVIEW1}.hasOwnProperty`],
  ['a function without a name', importing('', '', FUNCTION), '.'],
  ['a module named __proto__', importing('__proto__', 'fd_close', FUNCTION), '__proto__.fd_close'],
  [
    'a module named like preview 1 with a NUL',
    importing(`${PREVIEW1}\0`, 'fd_close', FUNCTION),
    `${PREVIEW1}\0.fd_close`,
  ],
  ['a function of JavaScript', importing('wasm:js-string', 'length', FUNCTION), 'wasm:js-string.length'],
  ['preview 0', importing('wasi_unstable', 'fd_close', FUNCTION), 'wasi_unstable.fd_close'],
  ['threads of WASI', importing('wasi', 'thread-spawn', FUNCTION), 'wasi.thread-spawn'],
  [
    'sockets of preview 2',
    importing('wasi:sockets/tcp@0.2.0', 'start-connect', FUNCTION),
    'wasi:sockets/tcp@0.2.0.start-connect',
  ],
  ['a call with parameters of its own', importing(PREVIEW1, 'proc_exit', FUNCTION), `${PREVIEW1}.proc_exit`],
  ['a memory', importing('env', 'memory', [2, 0, 1], []), 'env.memory'],
  ['a shared memory', importing('env', 'memory', [2, 3, 1, 2], []), 'threads'],
  ['a table', importing('env', 'table', [1, 0x70, 0, 1]), 'env.table'],
  ['a global', importing('env', 'global', [3, 0x7f, 0]), 'env.global'],
  ['a tag', importing('env', 'tag', [4, 0, 0]), 'env.tag'],
  ['the global that meters memory', importing('souk', 'budget', [3, 0x7e, 1]), 'souk.budget'],
  ['the global that meters instructions', importing('souk', 'fuel', [3, 0x7e, 1]), 'souk.fuel'],
].map(([what, module, named]) => [`an import of ${String(what)}`, module as Uint8Array, String(named)] as const)

const FEATURES: readonly (readonly [what: string, module: Uint8Array, named: string])[] = [
  ['a component that imports sockets', component('wasi:sockets/tcp@0.2.0'), 'wasi:sockets'],
  ['a component that imports HTTP', component('wasi:http/outgoing-handler@0.2.0'), 'wasi:http'],
  ['a shared memory', wasmModule({ memories: [[3, 1, 2]] }), 'threads'],
  ['a shared table', wasmModule({ tables: [[0x70, 3, 1, 2]] }), 'threads'],
  ['an atomic instruction', coded([0xfe, 0x03, 0]), 'threads'],
  ['a wait for another thread', coded(i32(0), i32(0), [0x42, 0x7f, 0xfe, 0x01, 2, 0, 0x1a]), 'threads'],
  ['a 64-bit memory', wasmModule({ memories: [[4, 1]] }), 'memory64'],
  ['a 64-bit table', wasmModule({ tables: [[0x70, 4, 1]] }), 'memory64'],
  ['a 64-bit shared memory, which is more than one thing', wasmModule({ memories: [[7, 1, 2]] }), 'threads'],
  ['two memories', wasmModule({ memories: [[0, 1], [0, 1]] }), 'multi-memory'], // prettier-ignore
  ['a store to another memory', coded(i32(0), i32(0), [0x36, 0x42, 1, 0]), 'multi-memory'],
  ['a copy to another memory', coded(i32(0), i32(0), i32(0), [0xfc, 10, 1, 0]), 'multi-memory'],
  ['a fill of another memory', coded(i32(0), i32(0), i32(0), [0xfc, 11, 1]), 'multi-memory'],
  ['the size of another memory', coded([0x3f, 1, 0x1a]), 'multi-memory'],
  ['the growth of another memory', coded(i32(1), [0x40, 1, 0x1a]), 'multi-memory'],
  ['a relaxed vector instruction', coded([0xfd, 0x80, 0x02]), 'relaxed-simd'],
  ['a relaxed instruction by a number that is too long', coded([0xfd, 0x80, 0x82, 0x80, 0x00]), 'relaxed-simd'],
  ['an exception of the first proposal', coded([0x06, 0x40, 0x19, 0x0b]), 'exception-handling'],
  ['an exception of the second proposal', coded([0x1f, 0x40, 0, 0x0b]), 'exception-handling'],
  ['an exception thrown', coded([0x08, 0]), 'exception-handling'],
  ['a reference to an exception thrown', coded([0x00, 0x0a]), 'exception-handling'],
  ['a tag', Uint8Array.from([...wasmModule(), ...section(13, [[1, 0, 0]])]), 'exception-handling'],
  ['a structure', typed(0x5f, 0), 'gc'],
  ['an array', typed(0x5e, 0x7f, 0), 'gc'],
  ['types that know each other', typed(0x4e, 1, 0x60, 0, 0), 'gc'],
  ['an instruction on structures', coded([0xfb, 0, 0, 0x1a]), 'gc'],
  ['a local of any type', wasmModule({ bodies: [[1, 1, 0x6e, 0x0b]] }), 'gc'],
  ['a null of no type', coded([0xd0, 0x71, 0x1a]), 'gc'],
  ['a reference to a string', coded([0xfb, 0x80, 0x01, 0x1a]), 'gc'],
  ['a call by reference', coded([0xd0, 0x70, 0x14, 0]), 'function-references'],
  ['a tail call by reference', coded([0xd0, 0x70, 0x15, 0]), 'function-references'],
  ['a jump where a reference is null', coded([0xd0, 0x70, 0xd5, 0, 0x1a]), 'function-references'],
  [
    'a table with a first value',
    wasmModule({ tables: [[0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b]] }),
    'function-references',
  ],
  ['a stack of its own', coded([0xe0, 0]), 'opcode 0xe0'],
  ['an instruction that nobody knows', coded([0xff]), 'opcode 0xff'],
  ['a bulk instruction that nobody knows', coded([0xfc, 99]), 'opcode 0xfc 99'],
]

const COMMANDS: readonly (readonly [what: string, module: Uint8Array, named: string])[] = [
  ['no memory', wasmModule({ exports: [exported('_start', 0, 0)] }), 'memory'],
  [
    'a memory that is a function',
    wasmModule({ exports: [exported('memory', 0, 0), exported('_start', 0, 0)] }),
    'memory',
  ],
  ['no _start', wasmModule({ exports: [exported('memory', 2, 0)] }), '_start'],
  [
    'a _start that is no function',
    wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 2, 0)] }),
    '_start',
  ],
  ['a _start that takes values', wasmModule({ types: [[[0x7f], []]], functions: [1] }), '_start'],
  [
    'a _start that is a call of the host',
    wasmModule({
      types: [[[0x7f], []]],
      imports: [{ module: PREVIEW1, name: 'proc_exit', description: [0, 1] }],
      exports: [exported('memory', 2, 0), exported('_start', 0, 0)],
    }),
    '_start',
  ],
  [
    'a _start that is not there',
    wasmModule({ exports: [exported('memory', 2, 0), [...name('_start'), 0, ...u32(2 ** 32 - 1)]] }),
    '_start',
  ],
]

/** Everything that is refused by its name before anything of it runs. */
export const ATTACKS_BY_FEATURES: readonly WasmAttack[] = [...REFUSED, ...FEATURES, ...COMMANDS].map(
  ([what, module, named]) => ({ name: `refused by name: ${what}`, tries: () => module, comesTo: { named } }),
)
