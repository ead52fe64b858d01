import { signed, u32 } from '../../../src/executors/wasm/module/writer.ts'

/** Instructions of WebAssembly by their names in the specification, as bytes; for attacks too odd for a compiler. */

export type Code = readonly number[]

export const I32 = 0x7f
export const I64 = 0x7e
export const FUNCREF = 0x70
export const EXTERNREF = 0x6f

export const unreachable: Code = [0x00]
export const end: Code = [0x0b]
export const drop: Code = [0x1a]
export const i32Add: Code = [0x6a]
export const i32Eqz: Code = [0x45]
export const i32Ne: Code = [0x47]

export const i32 = (value: number): Code => [0x41, ...signed(BigInt(value | 0))]
export const i64 = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))]
export const localGet = (index: number): Code => [0x20, ...u32(index)]
export const localTee = (index: number): Code => [0x22, ...u32(index)]
export const globalGet = (index: number): Code => [0x23, ...u32(index)]
export const globalSet = (index: number): Code => [0x24, ...u32(index)]
export const call = (index: number): Code => [0x10, ...u32(index)]
export const returnCall = (index: number): Code => [0x12, ...u32(index)]
export const callIndirect = (type: number): Code => [0x11, ...u32(type), 0]
export const returnCallIndirect = (type: number): Code => [0x13, ...u32(type), 0]
export const refFunc = (index: number): Code => [0xd2, ...u32(index)]
export const refNull = (type: number): Code => [0xd0, type]
export const memoryGrow: Code = [0x40, 0]
export const tableGrow = (table: number): Code => [0xfc, 15, ...u32(table)]
export const tableSet = (table: number): Code => [0x26, ...u32(table)]
export const br = (depth: number): Code => [0x0c, ...u32(depth)]
export const brIf = (depth: number): Code => [0x0d, ...u32(depth)]
/** Stores an i32 at an address that is on the stack below it. */
export const i32Store = (offset: number): Code => [0x36, 2, ...u32(offset)]
export const i64Store = (offset: number): Code => [0x37, 3, ...u32(offset)]

export const block = (...code: readonly Code[]): Code => [0x02, 0x40, ...code.flat(), ...end]
export const loop = (...code: readonly Code[]): Code => [0x03, 0x40, ...code.flat(), ...end]
export const ifThen = (...code: readonly Code[]): Code => [0x04, 0x40, ...code.flat(), ...end]
/** Traps unless the i32 on the stack is `value`. */
export const mustBe = (value: number): Code => [...i32(value), ...i32Ne, ...ifThen(unreachable)]
/** Runs `code` for ever. */
export const forever = (...code: readonly Code[]): Code => loop(...code, br(0))
/** Runs `code`, which leaves an i32, until that is `-1`. */
export const untilRefused = (...code: readonly Code[]): Code => loop(...code, i32(-1), i32Ne, brIf(0))

/** A function's body: as many locals of each type, and its code. */
export const body = (locals: readonly (readonly [count: number, type: number])[], ...code: readonly Code[]): Code => [
  ...u32(locals.length),
  ...locals.flatMap(([count, type]) => [...u32(count), type]),
  ...code.flat(),
  ...end,
]
/** A body without locals. */
export const plain = (...code: readonly Code[]): Code => body([], ...code)
