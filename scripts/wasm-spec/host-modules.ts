import { VALUE } from '../../src/executors/wasm/module/types.ts'
import { METERS } from '../../src/executors/wasm/module/meters.ts'
import { concat, name, section, signed, u32 } from '../../src/executors/wasm/module/writer.ts'

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const exported = (text: string, kind: number, index: number): number[] => [...name(text), kind, ...u32(index)]

/** The module `spectest` that the suite's modules import from (its interpreter/README.md). */
export function spectestModule(): Uint8Array {
  const prints: readonly (readonly [string, readonly number[]])[] = [
    ['print', []],
    ['print_i32', [VALUE.i32]],
    ['print_i64', [VALUE.i64]],
    ['print_f32', [VALUE.f32]],
    ['print_f64', [VALUE.f64]],
    ['print_i32_f32', [VALUE.i32, VALUE.f32]],
    ['print_f64_f64', [VALUE.f64, VALUE.f64]],
  ]
  const float = new Uint8Array(12)
  new DataView(float.buffer).setFloat32(0, 666.6, true)
  new DataView(float.buffer).setFloat64(4, 666.6, true)
  const globals = [
    [VALUE.i32, 0, 0x41, ...signed(666n), 0x0b],
    [VALUE.i64, 0, 0x42, ...signed(666n), 0x0b],
    [VALUE.f32, 0, 0x43, ...float.subarray(0, 4), 0x0b],
    [VALUE.f64, 0, 0x44, ...float.subarray(4), 0x0b],
  ]
  return concat([
    MAGIC,
    section(1, [[prints.length], ...prints.map(([, types]) => [0x60, types.length, ...types, 0])]),
    section(3, [[prints.length, ...prints.keys()]]),
    section(4, [[1, VALUE.funcref, 1, 10, 20]]),
    section(5, [[1, 1, 1, 2]]),
    section(6, [[globals.length], ...globals]),
    section(7, [
      [prints.length + globals.length + 2],
      ...prints.map(([text], index) => exported(text, 0, index)),
      ...['global_i32', 'global_i64', 'global_f32', 'global_f64'].map((text, index) => exported(text, 3, index)),
      exported('table', 1, 0),
      exported('memory', 2, 0),
    ]),
    section(10, [[prints.length], ...prints.map(() => [2, 0, 0x0b])]),
  ])
}

/** A module that exports the meters, for modules that import them. */
export function meterModule(): Uint8Array {
  const meters = Object.entries(METERS)
  return concat([
    MAGIC,
    section(6, [[meters.length], ...meters.map(([, type]) => [type, 1, type === VALUE.i64 ? 0x42 : 0x41, 0, 0x0b])]),
    section(7, [[meters.length], ...meters.map(([meter], index) => exported(meter, 3, index))]),
  ])
}
