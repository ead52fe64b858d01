import { EDIT } from './edits.ts'

/** Floating-point operands as the canonicalisation of NaNs tells them apart: an i32, say, is none of them. */
export const FLOATS = { none: 0, scalar: 1, f32x4: 2, f64x2: 3 } as const

/** An instruction that does nothing but take operands and give at most one. */
export interface Operation {
  /** Operands taken, by opcode; UNKNOWN where there is no such instruction. */
  readonly takes: Uint8Array
  /** What it computes with as floats: whatever the bits of a NaN are, it comes to the same. */
  readonly consumes: Uint8Array
  /** The edit that makes a NaN of its result canonical, where the specification leaves the bits open. */
  readonly canonical: Uint8Array
}

export const UNKNOWN = 255

const ranges = (table: Uint8Array, value: number, ...spans: readonly (readonly [number, number])[]): void => {
  for (const [first, last] of spans) table.fill(value, first, last + 1)
}

/** The instructions from `i32.eqz` (0x45) to `i64.extend32_s` (0xc4), which have no immediates. */
export const NUMERIC: Operation = numeric()

function numeric(): Operation {
  const takes = new Uint8Array(256).fill(1)
  ranges(takes, 2, [0x46, 0x4f], [0x51, 0x66], [0x6a, 0x78], [0x7c, 0x8a], [0x92, 0x98], [0xa0, 0xa6])
  const consumes = new Uint8Array(256)
  ranges(consumes, FLOATS.scalar, [0x5b, 0x66], [0x8d, 0x97], [0x9b, 0xa5])
  ranges(consumes, FLOATS.scalar, [0xa8, 0xab], [0xae, 0xb1], [0xb6, 0xb6], [0xbb, 0xbb])
  const canonical = new Uint8Array(256)
  // ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max; demotion and promotion. Neither neg nor copysign.
  ranges(canonical, EDIT.canonF32, [0x8d, 0x97], [0xb6, 0xb6])
  ranges(canonical, EDIT.canonF64, [0x9b, 0xa5], [0xbb, 0xbb])
  return { takes, consumes, canonical }
}

/** The vector instructions (0xfd), without relaxed SIMD. */
export const VECTOR: Operation = vector()

function vector(): Operation {
  const takes = new Uint8Array(256).fill(2)
  ranges(takes, 0, [12, 12])
  // Loads, splats, lanes taken out, what has one operand.
  ranges(takes, 1, [0, 10], [15, 22], [24, 25], [27, 27], [29, 29], [31, 31], [33, 33], [77, 77], [83, 83], [92, 100])
  ranges(takes, 1, [103, 106], [116, 117], [122, 122], [124, 129], [131, 132], [135, 138], [148, 148], [160, 161])
  ranges(takes, 1, [163, 164], [167, 170], [192, 193], [195, 196], [199, 202], [224, 225], [227, 227], [236, 237])
  ranges(takes, 1, [239, 239], [248, 255])
  ranges(takes, 3, [82, 82])
  ranges(takes, UNKNOWN, [154, 154], [162, 162], [165, 166], [175, 176], [178, 180], [187, 187], [194, 194])
  ranges(takes, UNKNOWN, [197, 198], [207, 208], [210, 212], [226, 226], [238, 238])
  const consumes = new Uint8Array(256)
  ranges(consumes, FLOATS.f32x4, [65, 70], [95, 95], [103, 106], [227, 233], [248, 249])
  ranges(consumes, FLOATS.f64x2, [71, 76], [94, 94], [116, 117], [122, 122], [148, 148], [239, 245], [252, 253])
  const canonical = new Uint8Array(256)
  ranges(canonical, EDIT.canonF32x4, [94, 94], [103, 106], [227, 233])
  ranges(canonical, EDIT.canonF64x2, [95, 95], [116, 117], [122, 122], [148, 148], [239, 245])
  return { takes, consumes, canonical }
}

/** Vector instructions that store, and so give nothing: v128.store and the lanes' stores. */
export const storesVector = (opcode: number): boolean => opcode === 11 || (opcode >= 88 && opcode <= 91)
