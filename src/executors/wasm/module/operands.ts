import { EDIT, type Edits } from './edits.ts'
import { FLOATS, type Operation } from './opcodes.ts'
import { ModuleRefused } from './reader.ts'

/**
 * What V8 takes for a frame whatever is in it, and some. Measured with V8 13.6, in bytes: the baseline compiler 56, and
 * 8 for each local variable, operand, and parameter or result of a call under way, 16 for a vector; the optimising
 * one less, but what it keeps of results.
 */
const FRAME_BYTES = 96
const SLOT_BYTES = { scalar: 8, vector: 16 } as const
/** An optimising compiler may keep a result across a call in place of computing it twice. */
const RESULT_BYTES = { scalar: 4, vector: 8 } as const
/** A global may be a vector, in a function that has no other. */
const GLOBAL_BYTES = 8
const MAX_OPERANDS = 1_000_000

/**
 * Follows the height of the operand stack through one function, for its depth; and which operand is the fresh result
 * of a floating-point instruction. A NaN whose next use is in such an instruction need not be made canonical: its
 * bits change nothing there. Of an invalid body it says something, and nothing of use.
 */
export class Operands {
  readonly #edits: Edits
  /** By operand: the edit that makes it canonical, where nothing but its maker has had it. */
  #fresh = new Int32Array(256)
  #height = 0
  #highest = 0
  #most = 0
  #resultBytes = 0
  #hasVectors = false

  constructor(edits: Edits) {
    this.#edits = edits
  }

  /** Begins a function; `hasVectors` where its types alone say so. */
  begin(hasVectors: boolean): void {
    this.#hasVectors = hasVectors
    this.#height = 0
    this.#highest = 0
    this.#most = 0
    this.#resultBytes = 0
  }

  get height(): number {
    return this.#height
  }

  take(count: number): void {
    this.#height = Math.max(0, this.#height - count)
  }

  give(count: number): void {
    if (count === 1) this.#push(0)
    if (count <= 1) return
    this.#reserve(count)
    this.#fresh.fill(0, this.#height, this.#height + count)
    this.#height += count
    if (this.#height > this.#highest) this.#highest = this.#height
  }

  exchange(taken: number, given: number): void {
    this.take(taken)
    this.give(given)
  }

  getGlobal(): void {
    this.#resultBytes += GLOBAL_BYTES
    this.#push(0)
  }

  /** A vector instruction is about to be followed. */
  noteVector(): void {
    this.#hasVectors = true
  }

  /** A call: what it takes and returns may lie on the stack beside the operands. */
  call(parameters: number, results: number): void {
    this.#most = Math.max(this.#most, parameters + results)
    this.take(parameters)
    this.give(results)
  }

  /** Goes on at a height that is known: that of an enclosing block, and what it is given there. */
  resume(height: number, given: number): void {
    this.#height = height
    this.give(given)
  }

  /** One instruction; `at` is where it ends, and is absent where it is never reached. */
  operate(opcode: number, operation: Operation, at: number | undefined): void {
    const consumes = operation.consumes[opcode] ?? FLOATS.none
    for (let count = operation.takes[opcode] ?? 0; count > 0; count -= 1) this.consume(consumes)
    const canonical = operation.canonical[opcode] ?? 0
    this.#push(canonical === 0 || at === undefined ? 0 : this.#edits.add(canonical, at))
    this.#resultBytes += canonical >= EDIT.canonF32x4 ? RESULT_BYTES.vector : RESULT_BYTES.scalar
  }

  /** Takes an operand that is computed with as `floats`. */
  consume(floats: number): void {
    if (this.#height === 0) return
    this.#height -= 1
    const edit = this.#fresh[this.#height] ?? 0
    if (edit !== 0 && floats === floatsOf(this.#edits.kind[edit])) this.#edits.takeBack(edit)
  }

  /** Takes an operand that nobody looks at. */
  drop(): void {
    if (this.#height === 0) return
    this.#height -= 1
    const edit = this.#fresh[this.#height] ?? 0
    if (edit !== 0) this.#edits.takeBack(edit)
  }

  /**
   * What a call of the function counts as, in bytes: above what its frame takes on V8's stack, whichever compiler
   * made it, and the same everywhere.
   */
  frameBytes(locals: number): number {
    const slot = this.#hasVectors ? SLOT_BYTES.vector : SLOT_BYTES.scalar
    return FRAME_BYTES + slot * (locals + this.#highest + this.#most) + this.#resultBytes
  }

  #push(edit: number): void {
    this.#reserve(1)
    this.#fresh[this.#height] = edit
    this.#height += 1
    if (this.#height > this.#highest) this.#highest = this.#height
  }

  #reserve(count: number): void {
    const needed = this.#height + count
    if (needed <= this.#fresh.length) return
    if (needed > MAX_OPERANDS) throw new ModuleRefused(`a function has more than ${MAX_OPERANDS} operands at once`)
    const grown = new Int32Array(Math.max(needed, this.#fresh.length * 2))
    grown.set(this.#fresh)
    this.#fresh = grown
  }
}

function floatsOf(edit: number | undefined): number {
  if (edit === EDIT.canonF32 || edit === EDIT.canonF64) return FLOATS.scalar
  if (edit === EDIT.canonF32x4) return FLOATS.f32x4
  return edit === EDIT.canonF64x2 ? FLOATS.f64x2 : -1
}
