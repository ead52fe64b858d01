import { PREVIEW1, SIGNATURES } from './host/signatures.ts'
import { concat, name, section, u32 } from './module/writer.ts'
import { VALUE } from './module/types.ts'

/** What it leaves out: the end of it, the wait, and the closing of its own stdin. */
const SKIPPED: ReadonlySet<string> = new Set(['proc_exit', 'poll_oneoff', 'fd_close', 'fd_renumber'])

/** A WASI command that calls every function of preview 1 once, with zeros for parameters, and grows its memory. */
export function warmUpModule(): Uint8Array {
  const calls = Object.entries(SIGNATURES).filter(([call]) => !SKIPPED.has(call))
  const codes = (parameters: string): number[] =>
    Array.from(parameters, (code) => (code === 'I' ? VALUE.i64 : VALUE.i32))
  const types = calls.map(([, { parameters, results }]) => [
    0x60,
    ...u32(parameters.length),
    ...codes(parameters),
    ...u32(results.length),
    ...codes(results),
  ])
  const body = calls.flatMap(([, { parameters }], index) => [
    ...codes(parameters).flatMap((type) => [type === VALUE.i64 ? 0x42 : 0x41, 0]),
    ...[0x10, ...u32(index), 0x1a],
  ])
  const code = [0, ...body, 0x41, 1, 0x40, 0, 0x1a, 0x0b]
  return concat([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [u32(types.length + 1), ...types, [0x60, 0, 0]]),
    section(2, [
      u32(calls.length),
      ...calls.map(([call], index) => [...name(PREVIEW1), ...name(call), 0, ...u32(index)]),
    ]),
    section(3, [[1, ...u32(types.length)]]),
    section(5, [[1, 0, 1]]),
    section(7, [[2, ...name('memory'), 2, 0, ...name('_start'), 0, ...u32(calls.length)]]),
    section(10, [[1], u32(code.length), code]),
  ])
}
