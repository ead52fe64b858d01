import { UNKNOWN, VECTOR } from './opcodes.ts'
import { ModuleRefused, type ModuleReader } from './reader.ts'
import { readValueType, VALUE } from './types.ts'

const refuse = (feature: string, what: string): never => {
  throw new ModuleRefused(`the module uses ${what}`, feature)
}
export const malformed = (what: string): never => {
  throw new ModuleRefused(`the module is malformed: ${what}`)
}

/** Refuses what is no instruction that souk runs, by the name of its feature. */
export function refuseOpcode(opcode: number): never {
  if ((opcode >= 0x06 && opcode <= 0x0a) || opcode === 0x18 || opcode === 0x19 || opcode === 0x1f)
    return refuse('exception-handling', 'exceptions')
  if (opcode === 0x14 || opcode === 0x15 || (opcode >= 0xd4 && opcode <= 0xd6))
    return refuse('function-references', 'typed function references')
  if (opcode === 0xd3 || opcode === 0xfb) return refuse('gc', 'garbage collection')
  if (opcode === 0xfe) return refuse('threads', 'threads (atomic instructions)')
  return refuse(`opcode 0x${opcode.toString(16)}`, `an unknown instruction, 0x${opcode.toString(16)}`)
}

export function skipMemoryIndex(reader: ModuleReader): void {
  if (reader.u32() !== 0) refuse('multi-memory', 'more than one memory')
}

export function skipMemoryArgument(reader: ModuleReader): void {
  if (reader.u32() >= 0x40) refuse('multi-memory', 'more than one memory')
  reader.u32()
}

/** The number of a vector instruction (after 0xfd), its immediates stepped over. */
export function readVectorOpcode(reader: ModuleReader): number {
  const opcode = reader.u32()
  if (opcode >= 0x100) refuse('relaxed-simd', 'relaxed SIMD, whose results depend on the machine')
  if (VECTOR.takes[opcode] === UNKNOWN) refuse(`opcode 0xfd ${opcode}`, `an unknown instruction, 0xfd ${opcode}`)
  if (opcode <= 11 || opcode === 92 || opcode === 93) skipMemoryArgument(reader)
  else if (opcode === 12 || opcode === 13) reader.skip(16) // v128.const, i8x16.shuffle
  else if (opcode >= 21 && opcode <= 34) reader.skip(1) // lanes
  else if (opcode >= 84 && opcode <= 91) {
    skipMemoryArgument(reader)
    reader.skip(1)
  }
  return opcode
}

/** The type of a block: a type's index, or what it comes to without one. */
export function readBlockType(reader: ModuleReader): number | 'nothing' | 'one result' {
  const first = reader.peek()
  if (first >= 0x40 && first < 0x80) {
    if (first === 0x40) reader.skip(1)
    else readValueType(reader)
    return first === 0x40 ? 'nothing' : 'one result'
  }
  const index = reader.u32()
  // The integer is signed: one of several bytes is negative where the last of them has this bit.
  if (first >= 0x80 && ((reader.bytes[reader.offset - 1] ?? 0) & 0x40) !== 0) malformed('a block of no type')
  return index
}

/** The operand of `ref.null`, in code and in constant expressions. */
export function skipHeapType(reader: ModuleReader): void {
  if (reader.peek() !== VALUE.funcref && reader.peek() !== VALUE.externref) refuse('gc', 'garbage collection')
  reader.skip(1)
}

/** Steps over the immediates of an instruction after 0xfc that has some, and says what it works through, if on many. */
export function skipBulkImmediates(reader: ModuleReader, opcode: number): 'bytes' | 'elements' | 'none' {
  switch (opcode) {
    case 8: // memory.init
      reader.u32()
      skipMemoryIndex(reader)
      return 'bytes'
    case 10: // memory.copy
      skipMemoryIndex(reader)
      skipMemoryIndex(reader)
      return 'bytes'
    case 11: // memory.fill
      skipMemoryIndex(reader)
      return 'bytes'
    case 12: // table.init
    case 14: // table.copy
      reader.u32()
      reader.u32()
      return 'elements'
    case 17: // table.fill
      reader.u32()
      return 'elements'
    case 9: // data.drop
    case 13: // elem.drop
    case 16: // table.size
      reader.u32()
      return 'none'
    default:
      return refuse(`opcode 0xfc ${opcode}`, `an unknown instruction, 0xfc ${opcode}`)
  }
}
