import { concat, u32 } from '../../../src/executors/wasm/module/writer.ts'
import { wasmModule } from '../../fixtures/wasm-module.ts'
import * as asm from './assembler.ts'
import { body, call, callIndirect, FUNCREF, I32, i32, I64, localGet, plain } from './assembler.ts'
import { exited, limit, type WasmAttack } from './attack.ts'

const V128 = 0x7b
const DETERMINISTIC = { deterministic: { seed: '0'.repeat(64) } }
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item)

/**
 * Recursion whose frames are far larger, or smaller, in the engine than they look: the end has to come from the meter, at the
 * same depth everywhere, and never from this machine's stack, which would be the provider's fault and so free.
 */
const RECURSIONS: readonly (readonly [what: string, module: () => Uint8Array])[] = [
  ['of small frames', () => wasmModule({ bodies: [plain(call(0), call(0))] })],
  ['of one after the other in a start function', () => wasmModule({ bodies: [plain(), plain(call(1))], start: 1 })],
  ['of frames with 40,000 vectors', () => wasmModule({ bodies: [body([[40_000, V128]], call(0))] })],
  [
    'of frames with 1000 vectors that all live on',
    () =>
      wasmModule({
        bodies: [
          concat([
            [1, ...u32(1000), V128],
            ...Array.from({ length: 1000 }, (_, index) => [...i32(index), 0xfd, 17, 0x21, ...u32(index)]),
            call(0),
            ...Array.from({ length: 1000 }, (_, index) => [...localGet(index), 0xfd, 83, 0x1a]),
            ...many(1000, [...i32(0), ...localGet(1), 0xfd, 11, 4, 0]),
            [0x0b],
          ]),
        ],
      }),
  ],
  [
    'with 1000 parameters each',
    () =>
      wasmModule({
        types: [[many(1000, I64), []]],
        functions: [0, 1],
        bodies: [
          plain(...many(1000, asm.i64(1n)), call(1)),
          plain(...Array.from({ length: 1000 }, (_, index) => localGet(index)), call(1)),
        ],
      }),
  ],
  [
    'with 1000 results each',
    () =>
      wasmModule({
        types: [[[], many(1000, I64)]],
        functions: [0, 1],
        bodies: [plain(call(1), ...many(1000, asm.drop)), plain(call(1))],
      }),
  ],
  [
    'with 20,000 values on the stack of operands',
    () =>
      wasmModule({
        types: [[[], [I32]]],
        functions: [0, 1],
        bodies: [
          plain(call(1), asm.drop),
          concat([
            [0],
            ...Array.from({ length: 20_000 }, (_, index) => [...i32(0), 0x28, 2, ...u32((index * 4) % 60_000)]),
            call(1),
            ...many(20_000, asm.i32Add),
            [0x0b],
          ]),
        ],
      }),
  ],
  [
    'by way of a table, in functions too large for the optimiser',
    () =>
      wasmModule({
        tables: [[FUNCREF, 0, 1]],
        elements: [[0, ...i32(0), ...asm.end, 1, 1]],
        bodies: [
          plain(call(1)),
          concat([[1, ...u32(5000), I64], i32(0), callIndirect(0), ...many(600_000, [0x01, 0x01]), [0x0b]]),
        ],
      }),
  ],
]

/** Ways to tell two runs of a deterministic task from each other, or to make one fail. */
export const ATTACKS_ON_SAMENESS: readonly WasmAttack[] = [
  {
    name: 'what could tell one run from another: clocks, random numbers, the time that work takes, the bits of no number',
    tries: 'telltale',
    ...DETERMINISTIC,
    comesTo: {
      outcome: exited(),
      // The first block of ChaCha20 under a key and nonce of zeros (RFC 8439, A.1), and 2000-01-01.
      stdout:
        /^76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\nwall 94668480\d{10}\nothers \d+000 \d+000 \d+000\nworking took 1000 of 1000\nno number 7ff8000000000000\n$/,
    },
  },
  ...RECURSIONS.map(([what, tries]): WasmAttack => ({
    name: `deterministic recursion: ${what}`,
    tries,
    ...DETERMINISTIC,
    comesTo: { outcome: { kind: 'trapped', trap: 'stackOverflow' } },
  })),
  {
    name: 'a deterministic task that runs out of fuel and stack at once',
    tries: () => wasmModule({ bodies: [plain(call(0), call(0))] }),
    ...DETERMINISTIC,
    limits: { fuel: 100 },
    comesTo: { outcome: limit('fuel'), limitsHit: ['fuel'], usage: ({ fuelUsed }) => fuelUsed === 100 },
  },
]
