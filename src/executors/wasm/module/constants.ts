import { EDIT, type Edits } from './edits.ts'
import { skipHeapType } from './immediates.ts'
import { SECTION, type ModuleShape } from './inspect.ts'
import { ModuleReader, ModuleRefused } from './reader.ts'
import { readReferenceType, readValueType } from './types.ts'

export type ConstantSection = typeof SECTION.global | typeof SECTION.element | typeof SECTION.data

const MAX_SEGMENTS = 100_000

/**
 * Checks every index of a function or a global in the sections with constant expressions, and notes the globals that
 * move by `globalShift`.
 */
export class ConstantScanner {
  readonly #shape: ModuleShape
  readonly #edits: Edits
  readonly #globalShift: number

  constructor({
    shape,
    edits,
    globalShift,
  }: {
    readonly shape: ModuleShape
    readonly edits: Edits
    readonly globalShift: number
  }) {
    this.#shape = shape
    this.#edits = edits
    this.#globalShift = globalShift
  }

  /** Scans the section of globals, elements or data; the edits are those to it. */
  scan(id: ConstantSection): void {
    const range = this.#shape.sections.get(id)
    if (range === undefined) return
    const reader = new ModuleReader(this.#shape.bytes, range.start, range.end)
    const count = reader.u32()
    if (count > MAX_SEGMENTS) throw new ModuleRefused(`the module is too large: ${count} entries in section ${id}`)
    for (let index = 0; index < count; index += 1) {
      if (id === SECTION.global) this.#global(reader)
      else if (id === SECTION.element) this.#elements(reader)
      else this.#data(reader)
    }
    reader.expectEnd(`section ${id}`)
  }

  #global(reader: ModuleReader): void {
    readValueType(reader)
    reader.skip(1)
    this.#expression(reader)
  }

  #elements(reader: ModuleReader): void {
    const flags = reader.u32()
    if (flags > 7) throw new ModuleRefused('the module is malformed: an element segment of an unknown kind')
    const active = (flags & 1) === 0
    const byExpression = (flags & 4) !== 0
    if (active) {
      if ((flags & 2) !== 0) reader.u32()
      this.#expression(reader)
    }
    if ((flags & 3) !== 0) {
      if (byExpression) readReferenceType(reader)
      else if (reader.byte() !== 0) throw new ModuleRefused('the module is malformed: elements of an unknown kind')
    }
    for (let count = reader.u32(); count > 0; count -= 1) {
      if (byExpression) this.#expression(reader)
      else this.#function(reader.u32())
    }
  }

  #data(reader: ModuleReader): void {
    const flags = reader.u32()
    if (flags > 2) throw new ModuleRefused('the module is malformed: a data segment of an unknown kind')
    if (flags === 2 && reader.u32() !== 0)
      throw new ModuleRefused('the module uses more than one memory', 'multi-memory')
    if (flags !== 1) this.#expression(reader)
    reader.skip(reader.u32())
  }

  #function(index: number): void {
    if (index >= this.#shape.functions.length)
      throw new ModuleRefused('the module is malformed: a function that is none')
  }

  #expression(reader: ModuleReader): void {
    for (;;) {
      const opcode = reader.byte()
      switch (opcode) {
        case 0x0b: // end
          return
        case 0x23: // global.get
          this.#globalGet(reader)
          break
        case 0xd2: // ref.func
          this.#function(reader.u32())
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
          skipHeapType(reader)
          break
        case 0xfd:
          if (reader.u32() !== 12)
            throw new ModuleRefused('the module is malformed: an expression that is not constant')
          reader.skip(16) // v128.const
          break
        case 0x6a: // i32.add, sub, mul and those of i64: extended constant expressions
        case 0x6b:
        case 0x6c:
        case 0x7c:
        case 0x7d:
        case 0x7e:
          break
        default:
          throw new ModuleRefused('the module is malformed: an expression that is not constant')
      }
    }
  }

  #globalGet(reader: ModuleReader): void {
    const at = reader.offset
    const index = reader.u32()
    if (index >= this.#shape.globalCount) throw new ModuleRefused('the module is malformed: a global that is none')
    if (this.#globalShift > 0 && index >= this.#shape.importedGlobals)
      this.#edits.add(EDIT.index, at, index + this.#globalShift, reader.offset - at)
  }
}
