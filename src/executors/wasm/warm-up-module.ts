import { PREVIEW1, SIGNATURES } from './host/signatures.ts'
import type { RewrittenFacts } from './channel.ts'
import { PAGE_BYTES } from './module/meters.ts'
import { concat, name, section, u32 } from './module/writer.ts'
import { VALUE } from './module/types.ts'

/** What it leaves out: the end of it, the wait, and the closing of its own stdin. */
const SKIPPED: ReadonlySet<string> = new Set(['proc_exit', 'poll_oneoff', 'fd_close', 'fd_renumber'])

/** As the rewriter would say of it. */
export const WARM_UP_FACTS: RewrittenFacts = {
  initialBytes: PAGE_BYTES,
  exports: { budget: 'budget', refused: 'refused' },
}

/**
 * A WASI command that calls every function of preview 1 once, with zeros for parameters, and grows its memory. It is in the
 * form that the rewriter gives to modules, so that a process need not load that for it.
 */
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
    section(6, [[2, VALUE.i64, 1, 0x42, 0, 0x0b, VALUE.i32, 1, 0x41, 0, 0x0b]]),
    section(7, [
      [4, ...name('memory'), 2, 0, ...name('_start'), 0, ...u32(calls.length)],
      [...name(WARM_UP_FACTS.exports.budget), 3, 0, ...name(WARM_UP_FACTS.exports.refused), 3, 1],
    ]),
    section(10, [[1], u32(code.length), code]),
  ])
}
