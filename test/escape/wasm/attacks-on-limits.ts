import assert from 'node:assert/strict'
import { concat, u32 } from '../../../src/executors/wasm/module/writer.ts'
import type { Usage } from '../../../src/protocol/execution.ts'
import { wasmModule } from '../../fixtures/wasm-module.ts'
import * as asm from './assembler.ts'
import {
  body,
  br,
  brIf,
  call,
  callIndirect,
  drop,
  forever,
  FUNCREF,
  I32,
  i32,
  I64,
  localGet,
  loop,
  plain,
  returnCall,
  returnCallIndirect,
  type Code,
} from './assembler.ts'
import { exited, limit, MiB, PAGE_BYTES, UNHURT, type WasmAttack } from './attack.ts'
import { AT, calling, FILE, hostModule, OPEN_FILE, ROOT } from './host-calls.ts'
import { PREVIEW1_NAMES } from '../../../src/executors/wasm/host/signatures.ts'

const CPU_LIMIT = { limits: { cpuTimeMs: 50 }, comesTo: { outcome: limit('cpuTime'), limitsHit: ['cpuTime'] } } as const
const STACK_OVERFLOW = { comesTo: { outcome: { kind: 'trapped', trap: 'stackOverflow' } } } as const
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item)

const FUEL = 1_000_000
const FUEL_LIMIT = {
  limits: { fuel: FUEL },
  comesTo: { outcome: limit('fuel'), limitsHit: ['fuel'], usage: ({ fuelUsed }: Usage) => fuelUsed === FUEL },
} as const satisfies Partial<WasmAttack>
/** Those that are tried without fuel as well. */
const TIMED = new Set([
  'a loop without end',
  'a start function without end',
  'memory filled and copied in bulk, without end',
  'calls of the host, without end',
])

/** Loops without end, by every instruction that jumps or calls. */
const ENDLESS: readonly (readonly [what: string, module: () => Uint8Array])[] = [
  ['a loop without end', () => wasmModule({ bodies: [plain(forever())] })],
  ['a start function without end', () => wasmModule({ bodies: [plain(), plain(forever())], start: 1 })],
  ['a jump table without end', () => wasmModule({ bodies: [plain(loop(i32(7), [0x0e, 2, 0, 0, 0]))] })],
  ['a condition without end', () => wasmModule({ bodies: [plain(loop(i32(1), brIf(0)))] })],
  [
    'loops in loops, each left for the next outer one',
    () => wasmModule({ bodies: [plain(loop(loop(loop(loop(i32(1), brIf(3), br(0)), br(0)), br(0)), br(0)))] }),
  ],
  ['a function that calls itself last', () => wasmModule({ bodies: [plain(returnCall(0))] })],
  [
    'functions that call each other last, by way of a table',
    () =>
      wasmModule({
        tables: [[FUNCREF, 0, 2]],
        elements: [[0, ...i32(0), ...asm.end, 2, 0, 1]],
        bodies: [plain(i32(1), returnCallIndirect(0)), plain(i32(0), returnCallIndirect(0))],
      }),
  ],
  [
    'a tree of calls that is not deep, and never done',
    () =>
      wasmModule({
        bodies: Array.from({ length: 64 }, (_, index) =>
          plain(...(index < 63 ? [call(index + 1), call(index + 1)] : [])),
        ),
      }),
  ],
  [
    'code that looks as if it were not reached, in a loop',
    () => wasmModule({ bodies: [plain(loop(asm.block(br(0), asm.unreachable), br(0), asm.unreachable))] }),
  ],
  [
    'memory filled and copied in bulk, without end',
    () =>
      wasmModule({
        memories: [[0, ...u32(500)]],
        bodies: [
          plain(
            forever(
              [...i32(0), ...i32(1), ...i32(500 * PAGE_BYTES), 0xfc, 11, 0],
              [...i32(0), ...i32(1), ...i32(499 * PAGE_BYTES), 0xfc, 10, 0, 0],
            ),
          ),
        ],
      }),
  ],
  [
    'a table filled and copied in bulk, without end',
    () =>
      wasmModule({
        tables: [[FUNCREF, 0, ...u32(1_000_000)]],
        bodies: [
          plain(
            forever(
              [...i32(0), ...asm.refNull(FUNCREF), ...i32(1_000_000), 0xfc, 17, 0],
              [...i32(0), ...i32(1), ...i32(999_999), 0xfc, 14, 0, 0],
            ),
          ),
        ],
      }),
  ],
  [
    'calls of the host, without end',
    () => hostModule([OPEN_FILE, forever([...calling('fd_tell', [FILE, AT.out]), ...drop])]),
  ],
]

/** With fuel or without, what takes its time here is the compiler, and the task pays for it. */
const COMPILED_LATE: (typeof ENDLESS)[number] = [
  'a function whose 49,000 locals meet at 400,000 jumps, compiled while it runs',
  () =>
    wasmModule({
      bodies: [
        concat([
          [1, ...u32(49_000), I64, 0x02, 0x40],
          ...many(400_000, [...localGet(0), 0xa7, ...brIf(0)]),
          [0x0b, 0x0b],
        ]),
      ],
    }),
]

/** Calls itself without end, and the host each time before. */
const recursing = (host: Code): Uint8Array =>
  hostModule([
    [
      ...i32(0),
      0x28,
      2,
      ...u32(AT.flag),
      ...asm.i32Eqz,
      ...asm.ifThen(OPEN_FILE, i32(0), i32(1), asm.i32Store(AT.flag)),
    ],
    host,
    call(PREVIEW1_NAMES.length),
  ])

/** Stack overflows in the middle of a call of the host: the call does nothing by halves, and nobody's fault but the task's. */
const DEEP_CALLS: readonly (readonly [what: string, code: Code])[] = [
  ['writing', [...calling('fd_write', [1, AT.iovec, 1, AT.out]), ...drop]],
  ['writing to a file', [...calling('fd_write', [FILE, AT.iovec, 1, AT.out]), ...drop]],
  ['reading', [...calling('fd_read', [0, AT.iovec, 1, AT.out]), ...drop]],
  [
    'opening and closing',
    [
      ...calling('path_open', [ROOT, 0, AT.path, 1, 9, 0x1fff_ffffn, 0n, 0, AT.out]),
      ...drop,
      ...calling('fd_close', [FILE + 1]),
      ...drop,
    ],
  ],
  [
    'making and removing',
    [
      ...calling('path_create_directory', [ROOT, AT.name, 1]),
      ...drop,
      ...calling('path_remove_directory', [ROOT, AT.name, 1]),
      ...drop,
    ],
  ],
  [
    'renaming',
    [
      ...calling('path_rename', [ROOT, AT.path, 1, ROOT, AT.name, 1]),
      ...drop,
      ...calling('path_rename', [ROOT, AT.name, 1, ROOT, AT.path, 1]),
      ...drop,
    ],
  ],
  ['listing', [...calling('fd_readdir', [ROOT, AT.buffer, 64, 0n, AT.out]), ...drop]],
  ['waiting', [...calling('poll_oneoff', [AT.subscription, AT.events, 1, AT.out]), ...drop]],
  ['asking for random numbers', [...calling('random_get', [AT.buffer, 64]), ...drop]],
  ['asking for arguments', [...calling('args_get', [AT.out, AT.buffer]), ...drop]],
]

/** What the compiler, at the first call, needs more memory for than a provider has beside its tasks': the task pays for that, too. */
const COMPILER_BOMBS: readonly (readonly [what: string, module: () => Uint8Array])[] = [
  [
    '1000 loops in each other around 49,000 locals that all change',
    () =>
      wasmModule({
        bodies: [
          concat([
            [1, ...u32(49_000), I64],
            ...many(1000, [0x03, 0x40]),
            ...Array.from({ length: 48_999 }, (_, index) => [...localGet(index), 0x21, ...u32(index + 1)]),
            ...many(1001, [0x0b]),
          ]),
        ],
      }),
  ],
  [
    '480 jump tables of 900 targets each into 500 blocks',
    () =>
      wasmModule({
        bodies: [
          concat([
            [1, ...u32(200), I32],
            ...many(500, [0x02, 0x40]),
            ...many(
              480,
              concat([
                localGet(0),
                [0x04, 0x40],
                localGet(1),
                [0x0e],
                u32(900),
                ...Array.from({ length: 901 }, (_, target) => u32(target % 500)),
                [0x0b],
              ]),
            ),
            ...many(501, [0x0b]),
          ]),
        ],
      }),
  ],
  [
    '30,000 branches that each change one of 1000 locals',
    () =>
      wasmModule({
        bodies: [
          concat([
            [1, ...u32(1000), I64],
            ...Array.from({ length: 30_000 }, (_, index) => [
              ...[...localGet(index % 1000), 0xa7, 0x04, 0x40],
              ...[...localGet((index * 7) % 1000), 0x21, ...u32((index * 13) % 1000), 0x05],
              ...[...localGet((index * 3) % 1000), 0x21, ...u32((index * 17) % 1000), 0x0b],
            ]),
            [0x0b],
          ]),
        ],
      }),
  ],
]

/** Ways to have more time, stack, output or memory of the host than was given. */
export const ATTACKS_ON_LIMITS: readonly WasmAttack[] = [
  ...ENDLESS.map(([what, tries]): WasmAttack => ({ name: `with a limit on fuel: ${what}`, tries, ...FUEL_LIMIT })),
  ...[...ENDLESS.filter(([what]) => TIMED.has(what)), COMPILED_LATE].map(([name, tries]): WasmAttack => ({
    name,
    tries,
    ...CPU_LIMIT,
  })),
  { name: 'recursion without end', tries: () => wasmModule({ bodies: [plain(call(0), call(0))] }), ...STACK_OVERFLOW },
  {
    name: 'recursion without end by way of a table, with 1000 values on the stack each time',
    tries: () =>
      wasmModule({
        types: [[many(100, I64), []]],
        functions: [0, 1],
        tables: [[FUNCREF, 0, 1]],
        elements: [[0, ...i32(0), ...asm.end, 1, 1]],
        bodies: [
          plain(...many(100, asm.i64(1n)), call(1)),
          body([[900, I64]], ...Array.from({ length: 100 }, (_, index) => localGet(index)), i32(0), callIndirect(1)),
        ],
      }),
    ...STACK_OVERFLOW,
  },
  {
    name: 'recursion in a start function',
    tries: () => wasmModule({ bodies: [plain(), plain(call(1))], start: 1 }),
    ...STACK_OVERFLOW,
  },
  ...DEEP_CALLS.map(([what, code]): WasmAttack => ({
    name: `recursion without end, and at its end a call of the host: ${what}`,
    tries: () => recursing(code),
    outputs: ['/out'],
    ...STACK_OVERFLOW,
  })),
  ...COMPILER_BOMBS.map(([what, tries]): WasmAttack => ({
    name: `for the compiler: ${what}`,
    tries,
    comesTo: { outcome: limit('memory'), limitsHit: ['memory'] },
  })),
  {
    name: 'megabytes of standard input that it never reads',
    tries: () => wasmModule(),
    stdin: new Uint8Array(8 * MiB),
    comesTo: UNHURT,
  },
  {
    name: 'standard input read on and on after its end',
    tries: () => hostModule([forever([...calling('fd_read', [0, AT.iovec, 1, AT.out]), ...drop])]),
    stdin: new Uint8Array(MiB),
    ...CPU_LIMIT,
  },
  {
    name: 'output by the byte on both streams in turn: exactly the limit arrives',
    tries: () =>
      hostModule([forever(...[1, 2].map((fd) => [...calling('fd_write', [fd, 128, 1, AT.out]), ...drop]))], {
        data: [[128, [AT.path, 0, 0, 0, 1, 0, 0, 0]]],
      }),
    limits: { outputBytes: 5001 },
    comesTo: { outcome: limit('output'), stdout: 'f'.repeat(2501), stderr: 'f'.repeat(2500), limitsHit: ['output'] },
  },
  {
    name: 'arguments and variables by the names that every object of JavaScript has',
    tries: 'environment',
    command: ['__proto__', 'constructor'],
    env: Object.fromEntries([['__proto__', 'polluted'], ['constructor', 'x'], ['toString', 'y']]), // prettier-ignore
    comesTo: { outcome: exited(), stdout: '__proto__=polluted\nconstructor=x\ntoString=y\n' },
  },
  {
    name: 'a process of the host with an end of its own: an exit code of every bit',
    tries: () => hostModule([calling('proc_exit', [-0x8000_0000])]),
    comesTo: { outcome: exited(2 ** 31) },
    verify: ({ execution }) => assert.deepEqual(execution.outputs, []),
  },
]
