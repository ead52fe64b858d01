import { ModuleRefused, type ModuleReader } from './reader.ts'
import { readValueType, VALUE } from './types.ts'

/** An instruction that the rewriter cares about: where it starts and ends, and what it refers to. */
export interface Growth {
  readonly kind: 'memory' | 'table'
  readonly index: number
  readonly start: number
  readonly end: number
}

const refuse = (feature: string, what: string): never => {
  throw new ModuleRefused(`the module uses ${what}`, feature)
}

/**
 * Walks one expression up to its closing `end` and reports every `memory.grow` and `table.grow`. Knows the
 * immediates of every instruction of the core specification 2.0 and of tail calls; refuses the rest by name.
 */
export function walkExpression(reader: ModuleReader, onGrowth: (growth: Growth) => void): void {
  let depth = 1
  while (depth > 0) {
    const start = reader.offset
    const opcode = reader.byte()
    switch (opcode) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
        depth += 1
        skipBlockType(reader)
        break
      case 0x0b: // end
        depth -= 1
        break
      case 0x0c: // br
      case 0x0d: // br_if
      case 0x10: // call
      case 0x12: // return_call
      case 0x20: // local.get
      case 0x21: // local.set
      case 0x22: // local.tee
      case 0x23: // global.get
      case 0x24: // global.set
      case 0x25: // table.get
      case 0x26: // table.set
      case 0xd2: // ref.func
        reader.u32()
        break
      case 0x0e: // br_table
        for (let targets = reader.u32(); targets >= 0; targets -= 1) reader.u32()
        break
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        reader.u32()
        reader.u32()
        break
      case 0x1c: // select with types
        for (let types = reader.u32(); types > 0; types -= 1) readValueType(reader)
        break
      case 0x3f: // memory.size
        skipMemoryIndex(reader)
        break
      case 0x40: // memory.grow
        skipMemoryIndex(reader)
        onGrowth({ kind: 'memory', index: 0, start, end: reader.offset })
        break
      case 0x41: // i32.const
        reader.skipSigned(5)
        break
      case 0x42: // i64.const
        reader.skipSigned(10)
        break
      case 0x43: // f32.const
        reader.skip(4)
        break
      case 0x44: // f64.const
        reader.skip(8)
        break
      case 0xd0: // ref.null
        if (reader.peek() !== VALUE.funcref && reader.peek() !== VALUE.externref) refuse('gc', 'garbage collection')
        reader.skip(1)
        break
      case 0xfc:
        walkMiscellaneous(reader, start, onGrowth)
        break
      case 0xfd:
        skipVector(reader)
        break
      default:
        skipPlain(reader, opcode)
    }
  }
}

/** The instructions without a case of their own: no immediate, a memory access, or a feature that is refused. */
function skipPlain(reader: ModuleReader, opcode: number): void {
  if (opcode >= 0x28 && opcode <= 0x3e) skipMemoryArgument(reader)
  else if (opcode >= 0x45 && opcode <= 0xc4) return
  else if (
    opcode <= 0x01 ||
    opcode === 0x05 ||
    opcode === 0x0f ||
    opcode === 0x1a ||
    opcode === 0x1b ||
    opcode === 0xd1
  )
    return
  else if ((opcode >= 0x06 && opcode <= 0x0a) || opcode === 0x18 || opcode === 0x19 || opcode === 0x1f)
    refuse('exception-handling', 'exceptions')
  else if (opcode === 0x14 || opcode === 0x15 || (opcode >= 0xd4 && opcode <= 0xd6))
    refuse('function-references', 'typed function references')
  else if (opcode === 0xd3 || opcode === 0xfb) refuse('gc', 'garbage collection')
  else if (opcode === 0xfe) refuse('threads', 'threads (atomic instructions)')
  else refuse(`opcode 0x${opcode.toString(16)}`, `an unknown instruction, 0x${opcode.toString(16)}`)
}

function walkMiscellaneous(reader: ModuleReader, start: number, onGrowth: (growth: Growth) => void): void {
  const opcode = reader.u32()
  if (opcode <= 7) return // saturating truncation
  switch (opcode) {
    case 8: // memory.init
      reader.u32()
      skipMemoryIndex(reader)
      return
    case 9: // data.drop
    case 13: // elem.drop
    case 16: // table.size
    case 17: // table.fill
      reader.u32()
      return
    case 10: // memory.copy
      skipMemoryIndex(reader)
      skipMemoryIndex(reader)
      return
    case 11: // memory.fill
      skipMemoryIndex(reader)
      return
    case 12: // table.init
    case 14: // table.copy
      reader.u32()
      reader.u32()
      return
    case 15: // table.grow
      onGrowth({ kind: 'table', index: reader.u32(), start, end: reader.offset })
      return
    default:
      refuse(`opcode 0xfc ${opcode}`, `an unknown instruction, 0xfc ${opcode}`)
  }
}

function skipVector(reader: ModuleReader): void {
  const opcode = reader.u32()
  if (opcode >= 0x100) refuse('relaxed-simd', 'relaxed SIMD, whose results depend on the machine')
  else if (opcode <= 11 || opcode === 92 || opcode === 93) skipMemoryArgument(reader)
  else if (opcode === 12 || opcode === 13) reader.skip(16) // v128.const, i8x16.shuffle
  else if (opcode >= 21 && opcode <= 34) reader.skip(1) // lanes
  else if (opcode >= 84 && opcode <= 91) {
    skipMemoryArgument(reader)
    reader.skip(1)
  }
}

function skipBlockType(reader: ModuleReader): void {
  const first = reader.peek()
  if (first < 0x40 || first >= 0x80) reader.u32()
  else if (first === 0x40) reader.skip(1)
  else readValueType(reader)
}

function skipMemoryIndex(reader: ModuleReader): void {
  if (reader.u32() !== 0) refuse('multi-memory', 'more than one memory')
}

function skipMemoryArgument(reader: ModuleReader): void {
  if (reader.u32() >= 0x40) refuse('multi-memory', 'more than one memory')
  reader.u32()
}
