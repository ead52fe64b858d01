import { VALUE } from '../../src/executors/wasm/module/types.ts'
import { concat, name, section, signed, u32 } from '../../src/executors/wasm/module/writer.ts'

/** A value as wast2json writes it; floats and integers are their bits in decimal, or `nan:canonical`, `nan:arithmetic`. */
export interface SpecValue {
  readonly type: string
  readonly value?: string | readonly string[]
  readonly lane_type?: string
}

const LANE_BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 }
const MANTISSA_BITS: Readonly<Record<string, bigint>> = { f32: 23n, f64: 52n }

const codeOf = (type: string): number => {
  const code = (VALUE as Readonly<Record<string, number>>)[type]
  if (code === undefined) throw new Error(`a value of type ${type}`)
  return code
}

/** The parts of a value: one of its own type, or the lanes of a vector. */
function lanesOf({ type, value, lane_type: lane }: SpecValue): {
  readonly kind: string
  readonly parts: readonly string[]
} {
  if (type === 'v128' && lane !== undefined && typeof value === 'object') return { kind: lane, parts: value }
  return { kind: type, parts: [String(value)] }
}

const bitsOf = (kind: string): number => LANE_BITS[kind] ?? 0

function bytesOf(value: SpecValue): number[] {
  const { kind, parts } = lanesOf(value)
  return parts.flatMap((part) => {
    const bits = BigInt.asUintN(bitsOf(kind), BigInt(part))
    return Array.from({ length: bitsOf(kind) / 8 }, (_, place) => Number((bits >> BigInt(8 * place)) & 0xffn))
  })
}

/** A constant instruction; what no constant can be is a parameter of the caller. */
function constant(value: SpecValue, parameter: number): number[] {
  switch (value.type) {
    case 'i32':
      return [0x41, ...signed(BigInt.asIntN(32, BigInt(String(value.value))))]
    case 'i64':
      return [0x42, ...signed(BigInt.asIntN(64, BigInt(String(value.value))))]
    case 'f32':
      return [0x43, ...bytesOf(value)]
    case 'f64':
      return [0x44, ...bytesOf(value)]
    case 'v128':
      return [0xfd, 12, ...bytesOf(value)]
    default:
      return value.value === 'null' ? [0xd0, codeOf(value.type)] : [0x20, ...u32(parameter)]
  }
}

/** How a result leaves: floats as the integers of their bits, vectors as two of them, since JavaScript keeps neither. */
const LEAVES: Readonly<
  Record<string, { readonly types: readonly number[]; code(local: readonly number[]): number[] }>
> = {
  f32: { types: [VALUE.i32], code: (local) => [0x20, ...local, 0xbc] },
  f64: { types: [VALUE.i64], code: (local) => [0x20, ...local, 0xbd] },
  v128: { types: [VALUE.i64, VALUE.i64], code: (local) => [0x20, ...local, 0xfd, 29, 0, 0x20, ...local, 0xfd, 29, 1] },
}

/** A module that imports a function as `spec.f`, calls it with constants and exports that as `call`. */
export function callerModule(args: readonly SpecValue[], expected: readonly SpecValue[]): Uint8Array {
  const references = args.filter(({ type, value }) => type.endsWith('ref') && value !== 'null')
  const leaves = expected.map(
    ({ type }) => LEAVES[type] ?? { types: [codeOf(type)], code: (local: readonly number[]) => [0x20, ...local] },
  )
  const locals = expected.map((_, place) => references.length + place)
  const type = (parameters: readonly number[], results: readonly number[]): number[] => [
    0x60,
    ...[...u32(parameters.length), ...parameters],
    ...[...u32(results.length), ...results],
  ]
  const body = [
    ...[...u32(expected.length), ...expected.flatMap((value) => [1, codeOf(value.type)])],
    ...args.flatMap((value) => constant(value, references.indexOf(value))),
    ...[0x10, 0],
    ...locals.toReversed().flatMap((local) => [0x21, ...u32(local)]),
    ...leaves.flatMap(({ code }, place) => code(u32(locals[place] ?? 0))),
    0x0b,
  ]
  return concat([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [
      [2],
      type(
        args.map((value) => codeOf(value.type)),
        expected.map((value) => codeOf(value.type)),
      ),
      type(
        references.map((value) => codeOf(value.type)),
        leaves.flatMap(({ types }) => types),
      ),
    ]),
    section(2, [[1, ...name('spec'), ...name('f'), 0, 0]]),
    section(3, [[1, 1]]),
    section(7, [[1, ...name('call'), 0, 1]]),
    section(10, [[1], u32(body.length), body]),
  ])
}

/** The values of the arguments that {@link callerModule} takes. */
export const referenceArguments = (args: readonly SpecValue[]): unknown[] =>
  args.filter(({ type, value }) => type.endsWith('ref') && value !== 'null').map(({ value }) => value)

/** Whether what `call` returned is what was expected. */
export function matches(returned: unknown, expected: readonly SpecValue[]): boolean {
  const values: unknown[] = expected.length === 0 ? [] : Array.isArray(returned) ? [...returned] : [returned]
  return expected.every((wanted) => {
    if (wanted.type.endsWith('ref')) {
      const got = values.shift()
      if (wanted.value === 'null') return got === null
      return wanted.type === 'funcref' ? typeof got === 'function' : got === wanted.value
    }
    const words = wanted.type === 'v128' ? [values.shift(), values.shift()] : [values.shift()]
    const bits = words.reduce<bigint>(
      (joined, word, place) => joined | (BigInt.asUintN(64, BigInt(word as number | bigint)) << BigInt(64 * place)),
      0n,
    )
    const { kind, parts } = lanesOf(wanted)
    const width = BigInt(bitsOf(kind))
    return parts.every((part, lane) =>
      matchesBits(BigInt.asUintN(Number(width), bits >> (width * BigInt(lane))), kind, part),
    )
  })
}

function matchesBits(bits: bigint, kind: string, wanted: string): boolean {
  if (!wanted.startsWith('nan:')) return bits === BigInt.asUintN(bitsOf(kind), BigInt(wanted))
  const mantissa = MANTISSA_BITS[kind] ?? 0n
  const canonical = ((1n << (BigInt(bitsOf(kind)) - mantissa)) - 1n) << (mantissa - 1n)
  const magnitude = BigInt.asUintN(bitsOf(kind) - 1, bits)
  const quiet = BigInt.asUintN(bitsOf(kind) - 1, canonical)
  return wanted === 'nan:canonical' ? magnitude === quiet : (magnitude & quiet) === quiet
}
