import type { AddedFunctions } from './added-functions.ts'
import { Control, type BlockArity } from './control.ts'
import { EDIT, Edits, NOWHERE } from './edits.ts'
import type { ModuleShape } from './inspect.ts'
import {
  malformed,
  readBlockType,
  readVectorOpcode,
  refuseOpcode,
  skipBulkImmediates,
  skipHeapType,
  skipMemoryArgument,
  skipMemoryIndex,
} from './immediates.ts'
import { FLOATS, NUMERIC, storesVector, VECTOR } from './opcodes.ts'
import { Operands } from './operands.ts'
import { ModuleRefused, type ModuleReader } from './reader.ts'
import { readValueType, VALUE } from './types.ts'

/** V8's bound on the local variables of a function, parameters included. */
export const MAX_LOCALS = 50_000
/** A function that runs at most so many instructions, without a loop or a call, is charged but not checked. */
const UNCHECKED_INSTRUCTIONS = 40
/** The same for depth: a frame of such a function is in the reserve. */
const UNCOUNTED_FRAME_BYTES = 4096

export interface ScanOptions {
  readonly shape: ModuleShape
  readonly added: AddedFunctions
  readonly fuel: boolean
  readonly deterministic: boolean
  /** How far the indices of the module's own globals move. */
  readonly globalShift: number
}

const NO_VALUES: BlockArity = { parameters: 0, results: 0 }
const ONE_RESULT: BlockArity = { parameters: 0, results: 1 }

/**
 * Walks through function bodies and notes what is to be done to them. Knows every instruction of the core
 * specification 2.0 and of tail calls with its immediates, and refuses the rest by name. Checks each index that could
 * name what is added: of functions, types, globals, local variables and labels.
 */
export class BodyScanner {
  readonly edits = new Edits()
  /** Of the function scanned last: where its declarations of local variables are, how many groups, and how many variables with the parameters. */
  declarations = { groups: 0, start: 0, end: 0 }
  locals = 0
  /** What a call of it counts as; 0 where it is not counted. */
  frameBytes = 0
  readonly #options: ScanOptions
  readonly #control: Control
  readonly #operands: Operands | undefined
  readonly #typesHaveVectors: boolean
  #calls = false
  #instructions = 0

  constructor(options: ScanOptions) {
    this.#options = options
    this.#typesHaveVectors = options.shape.types.some(({ parameters, results }) =>
      [parameters, results].some((types) => types.includes(VALUE.v128)),
    )
    this.#control = new Control(this.edits, options.fuel)
    this.#operands = options.deterministic ? new Operands(this.edits) : undefined
  }

  /** Scans function `index`, whose body `body` is all of. */
  scan(body: ModuleReader, index: number): void {
    this.edits.clear()
    this.#calls = false
    this.#instructions = 0
    const vectors = this.#readLocals(body, this.#functionArity(index).parameters)
    this.#operands?.begin(vectors || this.#typesHaveVectors)
    this.#control.begin(body.offset)
    const entry = this.#control.slot
    this.#walk(body)
    body.expectEnd('a function')
    const leaf = !this.#calls && !this.#control.hasLoop
    if (leaf && entry !== NOWHERE && this.#instructions <= UNCHECKED_INSTRUCTIONS) this.edits.kind[entry] = EDIT.charge
    const frameBytes = this.#operands?.frameBytes(this.locals) ?? 0
    this.frameBytes = !this.#calls && frameBytes <= UNCOUNTED_FRAME_BYTES ? 0 : frameBytes
    if (this.frameBytes === 0) this.#takeBackReleases()
  }

  #takeBackReleases(): void {
    for (let edit = 1; edit < this.edits.count; edit += 1)
      if (this.edits.kind[edit] === EDIT.release) this.edits.takeBack(edit)
  }

  /** Returns whether one is a vector. */
  #readLocals(body: ModuleReader, parameters: number): boolean {
    const groups = body.u32()
    const start = body.offset
    let vectors = false
    this.locals = parameters
    for (let group = 0; group < groups; group += 1) {
      this.locals += body.u32()
      if (this.locals > MAX_LOCALS) throw new ModuleRefused(`a function has more than ${MAX_LOCALS} local variables`)
      if (readValueType(body) === VALUE.v128) vectors = true
    }
    this.declarations = { groups, start, end: body.offset }
    return vectors
  }

  #walk(reader: ModuleReader): void {
    const control = this.#control
    const operands = this.#operands
    const edits = this.edits
    while (!control.ended) {
      const start = reader.offset
      const opcode = reader.byte()
      if (opcode === 0x0b) {
        const { height, results } = control
        control.close(reader.offset)
        operands?.resume(height, results)
        continue
      }
      if (opcode === 0x05) {
        control.openElse(reader.offset)
        operands?.resume(control.height, control.parameters)
        continue
      }
      edits.charge(control.slot, 1)
      this.#instructions += 1
      if (opcode >= 0x45 && opcode <= 0xc4) operands?.operate(opcode, NUMERIC, this.#reachedEnd(reader))
      else if (opcode >= 0x28 && opcode <= 0x3e) {
        skipMemoryArgument(reader)
        if (opcode <= 0x35) operands?.exchange(1, 1)
        else operands?.take(2)
      } else if (opcode >= 0x20 && opcode <= 0x26) this.#variable(reader, opcode)
      else if (opcode >= 0x41 && opcode <= 0x44) {
        if (opcode === 0x41) reader.skipSigned(5)
        else if (opcode === 0x42) reader.skipSigned(10)
        else reader.skip(opcode === 0x43 ? 4 : 8)
        operands?.give(1)
      } else if (opcode <= 0x13) this.#flow(reader, opcode, start)
      else this.#other(reader, opcode, start)
    }
  }

  /** Where an instruction ends that may be reached. */
  #reachedEnd(reader: ModuleReader): number | undefined {
    return this.#control.slot === NOWHERE ? undefined : reader.offset
  }

  #variable(reader: ModuleReader, opcode: number): void {
    const at = reader.offset
    const index = reader.u32()
    const operands = this.#operands
    if (opcode <= 0x22) {
      if (index >= this.locals) malformed('a local variable that is none')
    } else if (opcode <= 0x24) this.#global(index, at, reader.offset)
    if (opcode === 0x20) operands?.give(1)
    else if (opcode === 0x23) operands?.getGlobal()
    else if (opcode === 0x22 || opcode === 0x25) operands?.exchange(1, 1)
    else operands?.take(opcode === 0x26 ? 2 : 1)
  }

  #global(index: number, at: number, end: number): void {
    const { shape, globalShift } = this.#options
    if (index >= shape.globalCount) malformed('a global that is none')
    if (globalShift > 0 && index >= shape.importedGlobals) this.edits.add(EDIT.index, at, index + globalShift, end - at)
  }

  #flow(reader: ModuleReader, opcode: number, start: number): void {
    const control = this.#control
    const operands = this.#operands
    switch (opcode) {
      case 0x00: // unreachable
        control.stop()
        return
      case 0x01: // nop
        return
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
        this.#open(reader, opcode)
        return
      case 0x0c: // br
        control.branch(reader.u32())
        control.stop()
        return
      case 0x0d: // br_if
        control.branch(reader.u32())
        operands?.take(1)
        control.goOn(reader.offset)
        return
      case 0x0e: // br_table
        for (let targets = reader.u32(); targets >= 0; targets -= 1) control.branch(reader.u32())
        control.stop()
        return
      case 0x0f: // return
        this.#leave(start)
        return
      case 0x10: // call
      case 0x12: // return_call
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        this.#call(reader, opcode, start)
        return
      default: // 0x06 to 0x0a
        refuseOpcode(opcode)
    }
  }

  #open(reader: ModuleReader, opcode: number): void {
    const control = this.#control
    const operands = this.#operands
    const arity = this.#blockArity(reader)
    if (opcode === 0x04) operands?.take(1)
    operands?.take(arity.parameters)
    const height = operands?.height ?? 0
    if (opcode === 0x02) control.openBlock(arity, height)
    else if (opcode === 0x03) control.openLoop(arity, height, reader.offset)
    else control.openIf(arity, height, reader.offset)
    operands?.give(arity.parameters)
  }

  #leave(start: number): void {
    if (this.#options.deterministic && this.#control.slot !== NOWHERE) this.edits.add(EDIT.release, start)
    this.#control.leave()
    this.#control.stop()
  }

  #call(reader: ModuleReader, opcode: number, start: number): void {
    this.#calls = true
    const indirect = (opcode & 1) === 1
    const index = reader.u32()
    if (indirect) reader.u32()
    const { parameters, results } = indirect ? this.#typeArity(index) : this.#functionArity(index)
    if (indirect) this.#operands?.take(1)
    this.#operands?.call(parameters, results)
    if (opcode >= 0x12) this.#leave(start)
  }

  #other(reader: ModuleReader, opcode: number, start: number): void {
    const operands = this.#operands
    switch (opcode) {
      case 0x1a: // drop
        operands?.drop()
        return
      case 0x1c: // select with types
        for (let types = reader.u32(); types > 0; types -= 1) readValueType(reader)
        operands?.exchange(3, 1)
        return
      case 0x1b: // select
        operands?.exchange(3, 1)
        return
      case 0x3f: // memory.size
        skipMemoryIndex(reader)
        operands?.give(1)
        return
      case 0x40: // memory.grow
        skipMemoryIndex(reader)
        this.#replace(this.#options.added.memoryGrower(), start, reader.offset)
        operands?.exchange(1, 1)
        return
      case 0xd0: // ref.null
        skipHeapType(reader)
        operands?.give(1)
        return
      case 0xd1: // ref.is_null
        operands?.exchange(1, 1)
        return
      case 0xd2: // ref.func
        this.#functionArity(reader.u32())
        operands?.give(1)
        return
      case 0xfc:
        this.#miscellaneous(reader, start)
        return
      case 0xfd:
        this.#vector(reader)
        return
      default:
        refuseOpcode(opcode)
    }
  }

  #replace(index: number, start: number, end: number): void {
    this.edits.add(EDIT.replaceByCall, start, index, end - start)
  }

  #miscellaneous(reader: ModuleReader, start: number): void {
    const { added } = this.#options
    const operands = this.#operands
    const opcode = reader.u32()
    if (opcode <= 7) {
      operands?.consume(FLOATS.scalar) // saturating truncation
      operands?.give(1)
    } else if (opcode === 15) {
      this.#replace(added.tableGrower(reader.u32()), start, reader.offset)
      operands?.exchange(2, 1)
    } else {
      const bulk = skipBulkImmediates(reader, opcode)
      if (opcode === 16) operands?.give(1) // table.size
      if (bulk === 'none') return
      operands?.take(3)
      if (this.#control.slot === NOWHERE) return
      this.edits.add(EDIT.call, start, bulk === 'bytes' ? added.byteCharger() : added.elementCharger())
    }
  }

  #vector(reader: ModuleReader): void {
    const opcode = readVectorOpcode(reader)
    this.#operands?.noteVector()
    if (storesVector(opcode)) this.#operands?.take(2)
    else this.#operands?.operate(opcode, VECTOR, this.#reachedEnd(reader))
  }

  #functionArity(index: number): BlockArity {
    const type = this.#options.shape.functions[index]
    return type === undefined ? malformed('a function that is none') : this.#typeArity(type)
  }

  #typeArity(index: number): BlockArity {
    const type = this.#options.shape.types[index]
    if (type === undefined) return malformed('a type that is none')
    return { parameters: type.parameters.length, results: type.results.length }
  }

  #blockArity(reader: ModuleReader): BlockArity {
    const index = readBlockType(reader)
    if (typeof index === 'number') return this.#typeArity(index)
    return index === 'nothing' ? NO_VALUES : ONE_RESULT
  }
}
