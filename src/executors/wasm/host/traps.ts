import type { TrapName } from '../../../protocol/execution.ts'

/** V8's message of each trap (its src/common/message-template.h) and our name for it. */
const TRAPS: readonly (readonly [RegExp, TrapName])[] = [
  [/^unreachable/, 'unreachable'],
  [/^(memory access|data segment) out of bounds/, 'memoryOutOfBounds'],
  [/^(table index is|table index|table access|element segment) out of bounds/, 'tableOutOfBounds'],
  [/^(divide|remainder) by zero/, 'divideByZero'],
  [/^divide result unrepresentable/, 'integerOverflow'],
  [/^float unrepresentable/, 'invalidConversion'],
  [/^null function or function signature mismatch/, 'indirectCallTypeMismatch'],
  [/^dereferencing a null pointer/, 'nullReference'],
]

/** The name of a trap, from what V8 threw. */
export function trapName(thrown: unknown): TrapName {
  if (isStackOverflow(thrown)) return 'stackOverflow'
  if (!(thrown instanceof WebAssembly.RuntimeError)) return 'other'
  return TRAPS.find(([message]) => message.test(thrown.message))?.[1] ?? 'other'
}

/** V8 reports a full stack as a RangeError, in WebAssembly as in JavaScript. */
export function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && thrown.message.startsWith('Maximum call stack')
}
