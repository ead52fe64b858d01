import type { AddedFunctions } from './added-functions.ts'
import { EDIT } from './edits.ts'
import type { ModuleShape } from './inspect.ts'
import type { Meter } from './meters.ts'
import { ModuleRefused } from './reader.ts'
import { MAX_LOCALS, type BodyScanner } from './scan.ts'
import { VALUE } from './types.ts'
import { signed, u32, type ByteWriter } from './writer.ts'

/** V8's bound on the code of one function. */
const MAX_BODY_BYTES = 7_654_321

/** The type of the local variable that an edit computes in. */
const SCRATCH: Readonly<Record<number, number>> = {
  [EDIT.chargeAndCheck]: VALUE.i64,
  [EDIT.canonF32]: VALUE.f32,
  [EDIT.canonF64]: VALUE.f64,
  [EDIT.canonF32x4]: VALUE.v128,
  [EDIT.canonF64x2]: VALUE.v128,
}
const SCRATCH_TYPES = [VALUE.i64, VALUE.f32, VALUE.f64, VALUE.v128] as const

const NAN_F32 = [0, 0, 0xc0, 0x7f]
const NAN_F64 = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]
const END = 0x0b
const TRAP_IF = [0x04, 0x40, 0x00, END]

/** Writes function bodies as their scanner says. */
export class BodyWriter {
  readonly #shape: ModuleShape
  readonly #scanner: BodyScanner
  readonly #added: AddedFunctions
  readonly #out: ByteWriter
  readonly #fuel: readonly number[]
  readonly #depth: readonly number[]

  constructor({
    shape,
    scanner,
    added,
    meters,
    out,
  }: {
    readonly shape: ModuleShape
    readonly scanner: BodyScanner
    readonly added: AddedFunctions
    readonly meters: ReadonlyMap<Meter, number>
    readonly out: ByteWriter
  }) {
    this.#shape = shape
    this.#scanner = scanner
    this.#added = added
    this.#out = out
    this.#fuel = u32(meters.get('fuel') ?? 0)
    this.#depth = u32(meters.get('depth') ?? 0)
  }

  /** Writes the function scanned last, which has index `index`, with its length before it. */
  write(index: number, bodyEnd: number): void {
    const out = this.#out
    const { bytes } = this.#shape
    const { frameBytes, edits } = this.#scanner
    const lengthAt = out.length
    out.skip(4)
    const scratch = this.#declare()
    let copied = this.#scanner.declarations.end
    if (frameBytes > 0) this.#enter(index, frameBytes)
    for (let edit = 1; edit < edits.count; edit += 1) {
      const kind = edits.kind[edit] ?? EDIT.none
      if (kind === EDIT.none) continue
      const at = edits.at[edit] ?? 0
      if (at > copied) out.copy(bytes, copied, at)
      copied = at + (edits.length[edit] ?? 0)
      this.#apply(kind, edits.value[edit] ?? 0, scratch)
    }
    out.copy(bytes, copied, bodyEnd)
    if (frameBytes > 0) {
      this.#addDepth(frameBytes)
      out.byte(END)
    }
    const length = out.length - lengthAt - 4
    if (length > MAX_BODY_BYTES) throw new ModuleRefused('the module is too large: a function with its meters')
    out.u32At(lengthAt, length)
  }

  /** Declares the local variables of the function and those that its edits need; returns the first index of these by type. */
  #declare(): ReadonlyMap<number, number> {
    const { edits, declarations, locals } = this.#scanner
    const needed = new Set<number>()
    for (let edit = 1; edit < edits.count; edit += 1) {
      const type = SCRATCH[edits.kind[edit] ?? EDIT.none]
      if (type !== undefined) needed.add(type)
    }
    const types = SCRATCH_TYPES.filter((type) => needed.has(type))
    if (locals + types.length > MAX_LOCALS)
      throw new ModuleRefused(`a function has more than ${MAX_LOCALS} local variables with its meters`)
    this.#out.u32(declarations.groups + types.length)
    this.#out.copy(this.#shape.bytes, declarations.start, declarations.end)
    for (const type of types) this.#out.copy([1, type])
    return new Map(types.map((type, place) => [type, locals + place]))
  }

  /** Takes the depth of the call, and opens a block that every branch out of the function then leads to the end of. */
  #enter(index: number, frameBytes: number): void {
    const out = this.#out
    const results = this.#shape.types[this.#shape.functions[index] ?? 0]?.results ?? []
    this.#addDepth(-frameBytes)
    out.byte(0x23)
    out.copy(this.#depth)
    out.copy([0x41, 0, 0x48, ...TRAP_IF]) // depth < 0
    out.byte(0x02)
    if (results.length > 1) out.natural(this.#added.type({ parameters: [], results }))
    else out.byte(results[0] ?? 0x40)
  }

  #addDepth(bytes: number): void {
    const out = this.#out
    out.byte(0x23)
    out.copy(this.#depth)
    out.byte(0x41)
    out.copy(signed(BigInt(bytes)))
    out.byte(0x6a)
    out.byte(0x24)
    out.copy(this.#depth)
  }

  #apply(kind: number, value: number, scratch: ReadonlyMap<number, number>): void {
    const out = this.#out
    switch (kind) {
      case EDIT.charge:
        if (value > 0) this.#charge(value)
        return
      case EDIT.chargeAndCheck:
        this.#charge(value, scratch.get(VALUE.i64))
        return
      case EDIT.replaceByCall:
      case EDIT.call:
        out.byte(0x10)
        out.u32(value)
        return
      case EDIT.release:
        this.#addDepth(this.#scanner.frameBytes)
        return
      case EDIT.index:
        out.u32(value)
        return
      default:
        this.#canonicalise(kind, u32(scratch.get(SCRATCH[kind] ?? 0) ?? 0))
    }
  }

  /** Takes `value` of the fuel; where there is a local variable to keep what is left, traps when that is below 0. */
  #charge(value: number, left?: number): void {
    const out = this.#out
    out.byte(0x23)
    out.copy(this.#fuel)
    out.byte(0x42)
    out.natural(value)
    out.byte(0x7d)
    if (left !== undefined) {
      out.byte(0x22)
      out.u32(left)
    }
    out.byte(0x24)
    out.copy(this.#fuel)
    if (left === undefined) return
    out.byte(0x20)
    out.u32(left)
    out.byte(0x42)
    out.byte(0)
    out.byte(0x53)
    out.copy(TRAP_IF)
  }

  /** x = x == x ? x : NaN; vectors lane by lane. */
  #canonicalise(kind: number, local: readonly number[]): void {
    const out = this.#out
    const [get, tee] = [0x20, 0x22]
    out.byte(tee)
    out.copy(local)
    if (kind === EDIT.canonF32) out.copy([0x43, ...NAN_F32])
    else if (kind === EDIT.canonF64) out.copy([0x44, ...NAN_F64])
    else if (kind === EDIT.canonF32x4) out.copy([0xfd, 12, ...NAN_F32, ...NAN_F32, ...NAN_F32, ...NAN_F32])
    else out.copy([0xfd, 12, ...NAN_F64, ...NAN_F64])
    out.byte(get)
    out.copy(local)
    out.byte(get)
    out.copy(local)
    if (kind === EDIT.canonF32) out.copy([0x5b, 0x1b])
    else if (kind === EDIT.canonF64) out.copy([0x61, 0x1b])
    else out.copy([0xfd, kind === EDIT.canonF32x4 ? 65 : 71, 0xfd, 82]) // eq, bitselect
  }
}
