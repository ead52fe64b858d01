import { EDIT, NOWHERE, type Edits } from './edits.ts'
import { ModuleRefused } from './reader.ts'

const FUNCTION = 0
const BLOCK = 1
const LOOP = 2
const IF = 3
const ELSE = 4

/** Fields of a frame. */
const KIND = 0
/** The charge that code around it goes to. */
const SLOT = 1
/** The outermost level that is branched to from within it. */
const TARGET = 2
const BRANCHED_TO = 3
/** Where the first arm of an `if` is charged at its end; NOWHERE where that is not reached. */
const THEN_SLOT = 4
/** Of the operand stack, without what it was given. */
const HEIGHT = 5
const PARAMETERS = 6
const RESULTS = 7
const FIELDS = 8

export interface BlockArity {
  readonly parameters: number
  readonly results: number
}

/**
 * The blocks that are open at a point of a function, and the charge that its next instruction belongs to. Two
 * stretches of code are charged together where whenever the one runs the other does: what follows a block that no
 * branch leaves for further out belongs to what came before it. A trap and the end of the task do not count: what
 * would have followed is charged already then, the same everywhere.
 */
export class Control {
  readonly #edits: Edits
  readonly #metered: boolean
  #frames = new Int32Array(64 * FIELDS)
  #level = -1
  /** The charge of the next instruction; NOWHERE where it is never reached, or nothing is metered. */
  slot = NOWHERE
  hasLoop = false

  constructor(edits: Edits, metered: boolean) {
    this.#edits = edits
    this.#metered = metered
  }

  /** Begins a function whose code starts at `at`. */
  begin(at: number): void {
    this.#level = -1
    this.hasLoop = false
    this.slot = NOWHERE
    this.#open(FUNCTION, { parameters: 0, results: 0 }, 0)
    this.slot = this.#start(EDIT.chargeAndCheck, at)
  }

  get ended(): boolean {
    return this.#level < 0
  }

  get height(): number {
    return this.#get(this.#level, HEIGHT)
  }

  get parameters(): number {
    return this.#get(this.#level, PARAMETERS)
  }

  get results(): number {
    return this.#get(this.#level, RESULTS)
  }

  openBlock(arity: BlockArity, height: number): void {
    this.#open(BLOCK, arity, height)
  }

  openLoop(arity: BlockArity, height: number, at: number): void {
    this.hasLoop = true
    this.#open(LOOP, arity, height)
    if (this.slot !== NOWHERE) this.slot = this.#start(EDIT.chargeAndCheck, at)
  }

  openIf(arity: BlockArity, height: number, at: number): void {
    this.#open(IF, arity, height)
    this.goOn(at)
  }

  /** `at` is after the instruction, here and below. */
  openElse(at: number): void {
    const level = this.#level
    if (this.#get(level, KIND) !== IF) throw new ModuleRefused('the module is malformed: an else without an if')
    this.#set(level, KIND, ELSE)
    this.#set(level, THEN_SLOT, this.slot)
    this.slot = this.#get(level, SLOT) === NOWHERE ? NOWHERE : this.#start(EDIT.charge, at)
  }

  close(at: number): void {
    const level = this.#level
    const target = this.#get(level, TARGET)
    this.#level -= 1
    if (level > 0 && target < this.#get(level - 1, TARGET)) this.#set(level - 1, TARGET, target)
    const outer = this.#get(level, SLOT)
    if (outer === NOWHERE) {
      this.slot = NOWHERE
      return
    }
    const left = target < level
    const kind = this.#get(level, KIND)
    const branchedTo = this.#get(level, BRANCHED_TO) === 1 && kind !== LOOP
    const thenSlot = kind === ELSE ? this.#get(level, THEN_SLOT) : NOWHERE
    const reached = this.slot !== NOWHERE || branchedTo || thenSlot !== NOWHERE || kind === IF
    if (!reached) this.slot = NOWHERE
    else if (!left) this.slot = outer
    else if (branchedTo || kind === IF || (thenSlot !== NOWHERE && this.slot !== NOWHERE))
      this.slot = this.#start(EDIT.charge, at)
    else if (thenSlot !== NOWHERE) this.slot = thenSlot
  }

  /** A branch to the label `depth` blocks further out. */
  branch(depth: number): void {
    const target = this.#level - depth
    if (target < 0) throw new ModuleRefused('the module is malformed: a branch to no block')
    this.#set(target, BRANCHED_TO, 1)
    if (target < this.#get(this.#level, TARGET)) this.#set(this.#level, TARGET, target)
  }

  /** Out of the function. */
  leave(): void {
    this.#set(this.#level, TARGET, 0)
  }

  /** After what may have gone elsewhere. */
  goOn(at: number): void {
    if (this.slot !== NOWHERE) this.slot = this.#start(EDIT.charge, at)
  }

  /** After what goes elsewhere or nowhere. */
  stop(): void {
    this.slot = NOWHERE
  }

  #start(kind: number, at: number): number {
    return this.#metered ? this.#edits.add(kind, at) : NOWHERE
  }

  #open(kind: number, { parameters, results }: BlockArity, height: number): void {
    this.#level += 1
    const base = this.#level * FIELDS
    if (base === this.#frames.length) {
      const grown = new Int32Array(base * 2)
      grown.set(this.#frames)
      this.#frames = grown
    }
    const frames = this.#frames
    frames[base + KIND] = kind
    frames[base + SLOT] = this.slot
    frames[base + TARGET] = this.#level
    frames[base + BRANCHED_TO] = 0
    frames[base + THEN_SLOT] = NOWHERE
    frames[base + HEIGHT] = height
    frames[base + PARAMETERS] = parameters
    frames[base + RESULTS] = results
  }

  #get(level: number, field: number): number {
    return this.#frames[level * FIELDS + field] ?? 0
  }

  #set(level: number, field: number, value: number): void {
    this.#frames[level * FIELDS + field] = value
  }
}
