import { Buffer } from 'node:buffer'

/**
 * The permutation Keccak-f[1600] (FIPS 202, 3.2 to 3.3) as a WebAssembly module, written out here instruction by instruction:
 * JavaScript has no 64-bit integers but BigInt, and with pairs of 32-bit ones takes several times as long.
 */

const LANES = 25
const ROUNDS = 24

/** Opcodes of WebAssembly, core specification 5.4. */
const OP = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i64Load: 0x29,
  i64Store: 0x37,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Ne: 0x47,
  i32Add: 0x6a,
  i64And: 0x83,
  i64Xor: 0x85,
  i64Rotl: 0x89,
} as const
const I32 = 0x7f
const I64 = 0x7e
const NO_RESULT = 0x40

/** Locals: the state, the state after rho and pi, the parities of its columns; and how far the round constants are read. */
const A = 0
const B = LANES
const C = 2 * LANES
const LANE_LOCALS = C + 5
const AT = LANE_LOCALS

const LANE_BYTES = 8
/** 2^3 bytes. */
const LANE_ALIGNMENT = 3
/** Where in memory the round constants lie, behind the state. */
const CONSTANTS_AT = 256

/** The state is 25 lanes of 8 bytes at the start of `memory`; `permute` changes it. */
export interface KeccakPermutation {
  readonly memory: WebAssembly.Memory
  readonly permute: () => void
}

export function createKeccakPermutation(): KeccakPermutation {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()))
  const permutation = exports as unknown as KeccakPermutation
  const constants = new DataView(permutation.memory.buffer, CONSTANTS_AT)
  for (const [index, constant] of roundConstants().entries()) constants.setBigUint64(LANE_BYTES * index, constant, true)
  return permutation
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const locals = vector([
    [...unsigned(LANE_LOCALS), I64],
    [1, I32],
  ])
  const code = [...locals, ...permutation(), OP.end]
  const exported = [
    [...text('memory'), 0x02, 0x00],
    [...text('permute'), 0x00, 0x00],
  ]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([[0x60, 0x00, 0x00]])),
    ...section(3, vector([[0x00]])),
    ...section(5, vector([[0x01, 0x01, 0x01]])),
    ...section(7, vector(exported)),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ])
}

function permutation(): number[] {
  const lanes = Array.from({ length: LANES }, (_, lane) => lane)
  const place = (lane: number): number[] => [LANE_ALIGNMENT, ...unsigned(LANE_BYTES * lane)]
  return [
    ...lanes.flatMap((lane) => [...i32(0), OP.i64Load, ...place(lane), ...set(A + lane)]),
    ...[OP.loop, NO_RESULT],
    ...round(),
    ...[...get(AT), ...i32(LANE_BYTES), OP.i32Add, OP.localTee, ...unsigned(AT)],
    ...[...i32(LANE_BYTES * ROUNDS), OP.i32Ne, OP.brIf, 0, OP.end],
    ...lanes.flatMap((lane) => [...i32(0), ...get(A + lane), OP.i64Store, ...place(lane)]),
  ]
}

function round(): number[] {
  const five = [0, 1, 2, 3, 4]
  const code: number[] = []
  // Theta: each lane takes up the parities of two columns.
  for (const x of five) {
    const others = [1, 2, 3, 4].flatMap((y) => [...get(A + x + 5 * y), OP.i64Xor])
    code.push(...get(A + x), ...others, ...set(C + x))
  }
  for (const x of five) {
    const parities = [...get(C + ((x + 1) % 5)), ...i64(1), OP.i64Rotl, ...get(C + ((x + 4) % 5)), OP.i64Xor]
    for (const lane of five.map((y) => A + x + 5 * y)) code.push(...get(lane), ...parities, OP.i64Xor, ...set(lane))
  }
  // Rho and pi: each is rotated by a triangular number, and moves.
  code.push(...get(A), ...set(B))
  for (let [step, turn, x, y] = [1, 1, 1, 0]; step < LANES; step++, turn = (turn + step) % 64) {
    const [toX, toY] = [y, (2 * x + 3 * y) % 5]
    code.push(...get(A + x + 5 * y), ...i64(turn), OP.i64Rotl, ...set(B + toX + 5 * toY))
    x = toX
    y = toY
  }
  // Chi: along each row, where it is not one and the next but one, each is turned over.
  for (const y of five) {
    const lane = (x: number): number => B + (x % 5) + 5 * y
    for (const x of five) {
      const change = [...get(lane(x + 1)), ...i64(-1), OP.i64Xor, ...get(lane(x + 2)), OP.i64And]
      code.push(...get(lane(x)), ...change, OP.i64Xor, ...set(A + x + 5 * y))
    }
  }
  // Iota.
  const constant = [...get(AT), OP.i64Load, LANE_ALIGNMENT, ...unsigned(CONSTANTS_AT)]
  return [...code, ...get(A), ...constant, OP.i64Xor, ...set(A)]
}

/** By the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1 (FIPS 202, algorithm 5). */
function roundConstants(): bigint[] {
  let register = 1
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n
    for (let power = 0; power <= 6; power++) {
      if ((register & 1) === 1) constant |= 1n << BigInt(2 ** power - 1)
      register = (register << 1) ^ ((register & 0x80) === 0 ? 0 : 0x171)
    }
    return constant
  })
}

const get = (local: number): number[] => [OP.localGet, ...unsigned(local)]
const set = (local: number): number[] => [OP.localSet, ...unsigned(local)]
const i32 = (value: number): number[] => [OP.i32Const, ...signed(value)]
const i64 = (value: number): number[] => [OP.i64Const, ...signed(value)]
const text = (value: string): number[] => vector([...Buffer.from(value, 'ascii')].map((byte) => [byte]))
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content]
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()]

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  const low = value & 0x7f
  const rest = value >> 7
  const last = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)
  return last ? [low] : [low | 0x80, ...signed(rest)]
}
