/** What is done at an offset of the module; `value` is what it is done with. */
export const EDIT = {
  /** Nothing: an edit that was taken back. */
  none: 0,
  /** Take `value` of fuel. */
  charge: 1,
  /** The same, and end the task when there is none left. */
  chargeAndCheck: 2,
  /** Leave out the instruction, of `length` bytes, and call function `value` instead. */
  replaceByCall: 3,
  /** Call function `value`, which returns what it takes. */
  call: 4,
  /** Make the NaN on top of the operand stack the canonical one. */
  canonF32: 5,
  canonF64: 6,
  canonF32x4: 7,
  canonF64x2: 8,
  /** Give back the function's depth. */
  release: 9,
  /** Put `value` in the place of an index of `length` bytes. */
  index: 10,
} as const

/** Where nothing is charged: code that is never reached. */
export const NOWHERE = 0

/** The edits to one stretch of a module, in the order of their offsets. */
export class Edits {
  count = 1
  at = new Int32Array(256)
  kind = new Uint8Array(256)
  length = new Uint8Array(256)
  value = new Uint32Array(256)

  clear(): void {
    this.count = 1
  }

  /** Returns the edit's number. */
  add(kind: number, at: number, value = 0, length = 0): number {
    const number = this.count
    if (number === this.at.length) this.#grow()
    this.at[number] = at
    this.kind[number] = kind
    this.length[number] = length
    this.value[number] = value
    this.count += 1
    return number
  }

  /** Adds to what an edit charges. */
  charge(number: number, amount: number): void {
    this.value[number] = (this.value[number] ?? 0) + amount
  }

  takeBack(number: number): void {
    this.kind[number] = EDIT.none
  }

  #grow(): void {
    const size = this.at.length * 2
    const grown = <A extends Int32Array | Uint8Array | Uint32Array>(to: A, from: A): A => {
      to.set(from)
      return to
    }
    this.at = grown(new Int32Array(size), this.at)
    this.kind = grown(new Uint8Array(size), this.kind)
    this.length = grown(new Uint8Array(size), this.length)
    this.value = grown(new Uint32Array(size), this.value)
  }
}
