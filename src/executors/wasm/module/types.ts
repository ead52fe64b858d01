import { ModuleRefused, type ModuleReader } from './reader.ts'

export const VALUE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b, funcref: 0x70, externref: 0x6f } as const
const VALUE_TYPES: ReadonlySet<number> = new Set(Object.values(VALUE))

export interface FunctionType {
  readonly parameters: readonly number[]
  readonly results: readonly number[]
}

export function readValueType(reader: ModuleReader): number {
  const type = reader.byte()
  if (!VALUE_TYPES.has(type)) throw new ModuleRefused('the module uses types of the garbage collection proposal', 'gc')
  return type
}

export function readReferenceType(reader: ModuleReader): number {
  const type = readValueType(reader)
  if (type !== VALUE.funcref && type !== VALUE.externref)
    throw new ModuleRefused('the module is malformed: a table of numbers')
  return type
}

/** Shared, as a module may have a million types. */
const NONE: readonly number[] = []
const SINGLE: ReadonlyMap<number, readonly number[]> = new Map([...VALUE_TYPES].map((type) => [type, [type]]))

function readValueTypes(reader: ModuleReader): readonly number[] {
  const count = reader.u32()
  if (count > 1000) throw new ModuleRefused('a function has more than 1000 parameters or results')
  if (count === 0) return NONE
  if (count > 1) return Array.from({ length: count }, () => readValueType(reader))
  const type = readValueType(reader)
  return SINGLE.get(type) ?? [type]
}

export function readFunctionType(reader: ModuleReader): FunctionType {
  if (reader.byte() !== 0x60) throw new ModuleRefused('the module uses types of the garbage collection proposal', 'gc')
  return { parameters: readValueTypes(reader), results: readValueTypes(reader) }
}

export interface SizeLimits {
  readonly minimum: number
  readonly maximum: number | undefined
}

/** Limits of a memory or a table; `what` names it in a refusal. */
export function readLimits(reader: ModuleReader, what: 'memory' | 'table'): SizeLimits {
  const flags = reader.byte()
  if ((flags & 0x02) !== 0) throw new ModuleRefused('the module has a shared memory (threads)', 'threads')
  if ((flags & 0x04) !== 0) throw new ModuleRefused(`the module has a 64-bit ${what} (memory64)`, 'memory64')
  if (flags > 1) throw new ModuleRefused(`the module is malformed: limits of a ${what}`)
  const minimum = reader.u32()
  return { minimum, maximum: flags === 1 ? reader.u32() : undefined }
}
