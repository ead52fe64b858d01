import type { ModuleShape } from './inspect.ts'
import { PAGE_FUEL, REFUSED, TABLE_ELEMENT_BYTES, PAGE_BYTES, type Meter } from './meters.ts'
import { ModuleRefused } from './reader.ts'
import { VALUE, type FunctionType } from './types.ts'
import { signed, u32 } from './writer.ts'

/** V8's bound on the elements of a table, held to in place of V8 so that it is the module's own. */
const MAX_TABLE_ELEMENTS = 10_000_000
const MAX_PAGES = 65_536

interface AddedFunction {
  readonly type: number
  readonly body: readonly number[]
}

const get = (local: number): number[] => [0x20, ...u32(local)]
const set = (local: number): number[] => [0x21, ...u32(local)]
const getGlobal = (global: number): number[] => [0x23, ...u32(global)]
const setGlobal = (global: number): number[] => [0x24, ...u32(global)]
const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value))]
const i64 = (value: number): number[] => [0x42, ...signed(BigInt(value))]
const when = (...code: readonly number[]): number[] => [0x04, 0x40, ...code, 0x0b]
const EXTEND = 0xad // i64.extend_i32_u
const ADD = 0x7c
const SUBTRACT = 0x7d
const MULTIPLY = 0x7e
const SHIFT_RIGHT = 0x88
const LESS = 0x53 // i64.lt_s
const GREATER = 0x55 // i64.gt_s
const UNREACHABLE = 0x00
const RETURN = 0x0f

/** The functions and types that a module gets for its meters, each made when it is first asked for. */
export class AddedFunctions {
  readonly functions: AddedFunction[] = []
  readonly types: FunctionType[] = []
  readonly #shape: ModuleShape
  readonly #meters: ReadonlyMap<Meter, number>
  readonly #deterministic: boolean
  readonly #indices = new Map<string, number>()

  constructor({
    shape,
    meters,
    deterministic,
  }: {
    readonly shape: ModuleShape
    readonly meters: ReadonlyMap<Meter, number>
    readonly deterministic: boolean
  }) {
    this.#shape = shape
    this.#meters = meters
    this.#deterministic = deterministic
  }

  /** Index of a function that does what `memory.grow` does, out of the budget. */
  memoryGrower(): number {
    return this.#function('memory', () => {
      const { memory, memoryImported } = this.#shape
      const body = this.#grower({
        parameters: 1,
        size: [0x3f, 0],
        grow: [...get(0), 0x40, 0],
        maximum: Math.min(memory?.maximum ?? MAX_PAGES, MAX_PAGES),
        imported: memoryImported,
        itemBytes: PAGE_BYTES,
        itemFuel: PAGE_FUEL,
      })
      return { type: { parameters: [VALUE.i32], results: [VALUE.i32] }, body }
    })
  }

  /** Index of a function that does what `table.grow` of table `index` does, out of the budget. */
  tableGrower(index: number): number {
    return this.#function(`table ${index}`, () => {
      const table = this.#shape.tables[index]
      if (table === undefined) throw new ModuleRefused('the module is malformed: table.grow of no table')
      const body = this.#grower({
        parameters: 2,
        size: [0xfc, 16, ...u32(index)],
        grow: [...get(0), ...get(1), 0xfc, 15, ...u32(index)],
        maximum: Math.min(table.limits.maximum ?? MAX_TABLE_ELEMENTS, MAX_TABLE_ELEMENTS),
        imported: index < this.#shape.importedTables,
        itemBytes: TABLE_ELEMENT_BYTES,
        itemFuel: 1,
      })
      return { type: { parameters: [table.type, VALUE.i32], results: [VALUE.i32] }, body }
    })
  }

  /** Index of a function that takes and returns a count of bytes, and charges 1 for every 8. */
  byteCharger(): number {
    return this.#charger('bytes', [...i64(3), SHIFT_RIGHT])
  }

  /** Index of a function that takes and returns a count of elements, and charges 1 for each. */
  elementCharger(): number {
    return this.#charger('elements', [])
  }

  /** Index of a type. */
  type(wanted: FunctionType): number {
    const key = `type ${wanted.parameters.join()} ${wanted.results.join()}`
    const known = this.#indices.get(key)
    if (known !== undefined) return known
    const index = this.#shape.types.length + this.types.push(wanted) - 1
    this.#indices.set(key, index)
    return index
  }

  #function(key: string, make: () => { readonly type: FunctionType; readonly body: readonly number[] }): number {
    const known = this.#indices.get(key)
    if (known !== undefined) return known
    const { type, body } = make()
    const index = this.#shape.functions.length + this.functions.push({ type: this.type(type), body }) - 1
    this.#indices.set(key, index)
    return index
  }

  /** Function that only calls another, which takes and returns nothing. */
  caller(index: number): number {
    return this.#function(`call ${index}`, () => ({
      type: { parameters: [], results: [] },
      body: [0, 0x10, ...u32(index), 0x0b],
    }))
  }

  #meter(meter: Meter): number {
    const index = this.#meters.get(meter)
    if (index === undefined) throw new Error(`the meter ${meter} is not there`)
    return index
  }

  /** Takes what is on the operand stack, an i64, of the fuel. A 32-bit count for each item at most: it cannot wrap. */
  #burn(scratch: number): number[] {
    const fuel = this.#meter('fuel')
    return [
      ...[...set(scratch), ...getGlobal(fuel), ...get(scratch), SUBTRACT, ...setGlobal(fuel)],
      ...[...getGlobal(fuel), ...i64(0), LESS, ...when(UNREACHABLE)],
    ]
  }

  #charger(key: string, scale: readonly number[]): number {
    return this.#function(key, () => ({
      type: { parameters: [VALUE.i32], results: [VALUE.i32] },
      body: [1, 1, VALUE.i64, ...get(0), EXTEND, ...scale, ...this.#burn(1), ...get(0), 0x0b],
    }))
  }

  /**
   * The last parameter is by how many items to grow. What the module's own maximum forbids fails for that; then the
   * budget must have what is needed, and what was really grown is taken from it.
   */
  #grower(growth: {
    readonly parameters: number
    readonly size: readonly number[]
    readonly grow: readonly number[]
    readonly maximum: number
    readonly imported: boolean
    readonly itemBytes: number
    readonly itemFuel: number
  }): number[] {
    const budget = this.#meter('budget')
    const refused = this.#meter('refused')
    const delta = growth.parameters - 1
    const [need, result] = [growth.parameters, growth.parameters + 1]
    const failed = [...i32(-1), RETURN]
    const refuse = (why: number): number[] => [...i32(why), ...setGlobal(refused)]
    const charge = this.#meters.has('fuel')
      ? [...get(delta), EXTEND, ...i64(growth.itemFuel), MULTIPLY, ...this.#burn(need)]
      : []
    // What an imported memory may grow to is its own module's to say, so a refusal may be that.
    const isFault = this.#deterministic && !growth.imported
    return [
      ...[2, 1, VALUE.i64, 1, VALUE.i32],
      ...[...growth.size, EXTEND, ...get(delta), EXTEND, ADD, ...i64(growth.maximum), GREATER, ...when(...failed)],
      ...[...get(delta), EXTEND, ...i64(growth.itemBytes), MULTIPLY, ...set(need)],
      ...[...get(need), ...getGlobal(budget), GREATER, ...when(...refuse(REFUSED.budget), ...failed)],
      ...[...growth.grow, ...set(result), ...get(result), ...i32(-1), 0x46], // result == -1
      ...when(...(isFault ? [...refuse(REFUSED.engine), UNREACHABLE] : failed)),
      ...[...getGlobal(budget), ...get(need), SUBTRACT, ...setGlobal(budget), ...charge, ...get(result), 0x0b],
    ]
  }
}
