import { EXPORT_KIND, SECTION, type FunctionBody, type ModuleShape } from './inspect.ts'
import { ModuleRefused } from './reader.ts'
import { VALUE, type SizeLimits } from './types.ts'
import { concat, name, section, signed, u32 } from './writer.ts'

export const PAGE_BYTES = 65_536
/** What one element of a table is counted as: a reference and V8's dispatch entry beside it. */
export const TABLE_ELEMENT_BYTES = 32
const PAGE_SHIFT = 16n
const TABLE_ELEMENT_SHIFT = 5n
const MAX_PAGES = 65_536

/** A module whose growth is metered, and the names under which it exports what the host needs. */
export interface RewrittenModule {
  readonly bytes: Uint8Array
  /** The names of the globals that were added. */
  readonly exports: {
    /** An i64: bytes that memory, tables and the file system may still take. The host writes it too. */
    readonly budget: string
    /** An i32: 1 once a growth was refused for want of budget. */
    readonly refused: string
    /** An i64, where the module is metered: how many more instructions it may run. */
    readonly fuel?: string
  }
  /** The module's start function, now run by the host; absent where it has none. */
  readonly startExport: string | undefined
  readonly initialBytes: number
}

interface NewFunction {
  readonly parameters: readonly number[]
  readonly results: readonly number[]
  readonly body: readonly number[]
}

/**
 * Caps a module: the maxima of its memory and tables are lowered to what `memoryBytes` holds, and every
 * `memory.grow` and `table.grow` becomes a call of an added function that draws on a budget which memory, tables
 * and the file system share. Added types, functions and globals come last, so no index of the module moves; its
 * own code cannot name them, because the unchanged module must be valid too (checked by the caller). Custom
 * sections are dropped, and a start function becomes an export, so that nothing runs at instantiation.
 *
 * @throws ModuleRefused when the memory or tables that the module starts with are above `memoryBytes`.
 */
export function rewriteModule(shape: ModuleShape, { memoryBytes }: { readonly memoryBytes: number }): RewrittenModule {
  const initialBytes = initialSize(shape, memoryBytes)
  const functionBase = shape.imports.length + shape.functions.length
  const budget = shape.globalCount
  const refused = budget + 1
  const added: NewFunction[] = []
  const growers = new Map<string, number>()
  const growerOf = ({ kind, index }: { readonly kind: 'memory' | 'table'; readonly index: number }): number => {
    const key = `${kind} ${index}`
    const known = growers.get(key)
    if (known !== undefined) return known
    const table = shape.tables[index]
    if (kind === 'table' && table === undefined)
      throw new ModuleRefused('the module is malformed: table.grow of no table')
    const made =
      kind === 'memory' || table === undefined
        ? memoryGrower({ budget, refused })
        : tableGrower({ budget, refused, table: index, type: table.type })
    const functionIndex = functionBase + added.push(made) - 1
    growers.set(key, functionIndex)
    return functionIndex
  }
  const bodies = shape.bodies.map((body) => rewriteBody(shape.bytes, body, growerOf))

  const freshName = (wanted: string): string => (shape.exports.has(wanted) ? freshName(`${wanted}'`) : wanted)
  const budgetExport = freshName('souk:budget')
  const refusedExport = freshName('souk:refused')
  const startExport = shape.start === undefined ? undefined : freshName('souk:start')
  const exportsAdded = [
    [...name(budgetExport), EXPORT_KIND.global, ...u32(budget)],
    [...name(refusedExport), EXPORT_KIND.global, ...u32(refused)],
  ]
  if (startExport !== undefined && shape.start !== undefined)
    exportsAdded.push([...name(startExport), EXPORT_KIND.function, ...u32(shape.start)])

  const grown = (id: number, count: number, extra: readonly (readonly number[])[]): Uint8Array => {
    const range = shape.sections.get(id)
    if (range === undefined) return section(id, [u32(extra.length), ...extra])
    const old = shape.bytes.subarray(range.start, range.end)
    return section(id, [u32(count + extra.length), old.subarray(u32LengthAt(old)), ...extra])
  }
  const unchanged = (id: number): Uint8Array | readonly number[] => {
    const range = shape.sections.get(id)
    return range === undefined ? [] : section(id, [shape.bytes.subarray(range.start, range.end)])
  }
  const budgetGlobal = [VALUE.i64, 1, 0x42, ...signed(BigInt(memoryBytes - initialBytes)), 0x0b]
  const refusedGlobal = [VALUE.i32, 1, 0x41, 0, 0x0b]
  const bytes = concat([
    shape.bytes.subarray(0, 8),
    grown(
      SECTION.type,
      shape.types.length,
      added.map((made) => [
        0x60,
        ...u32(made.parameters.length),
        ...made.parameters,
        ...u32(made.results.length),
        ...made.results,
      ]),
    ),
    unchanged(SECTION.import),
    grown(
      SECTION.function,
      shape.functions.length,
      added.map((_, index) => u32(shape.types.length + index)),
    ),
    tableSection(shape, memoryBytes),
    memorySection(shape, memoryBytes),
    grown(SECTION.global, shape.globalCount, [budgetGlobal, refusedGlobal]),
    grown(SECTION.export, shape.exports.size, exportsAdded),
    unchanged(SECTION.element),
    unchanged(SECTION.dataCount),
    section(SECTION.code, [
      u32(bodies.length + added.length),
      ...bodies,
      ...added.flatMap((made) => [u32(made.body.length), made.body]),
    ]),
    unchanged(SECTION.data),
  ])
  return { bytes, exports: { budget: budgetExport, refused: refusedExport }, startExport, initialBytes }
}

function initialSize(shape: ModuleShape, memoryBytes: number): number {
  const pages = (shape.memory?.minimum ?? 0) * PAGE_BYTES
  const elements = shape.tables.reduce((sum, table) => sum + table.limits.minimum, 0) * TABLE_ELEMENT_BYTES
  if (pages + elements > memoryBytes) {
    throw new ModuleRefused(
      `the module starts with ${pages + elements} bytes of memory and tables; the task may use ${memoryBytes}`,
      'memory',
    )
  }
  return pages + elements
}

const capped = ({ minimum, maximum }: SizeLimits, cap: number): number[] => [
  1,
  ...u32(minimum),
  ...u32(Math.max(minimum, Math.min(maximum ?? cap, cap))),
]

function tableSection(shape: ModuleShape, memoryBytes: number): Uint8Array | readonly number[] {
  if (shape.tables.length === 0) return []
  const cap = Math.min(Math.floor(memoryBytes / TABLE_ELEMENT_BYTES), 2 ** 32 - 1)
  return section(SECTION.table, [
    u32(shape.tables.length),
    ...shape.tables.map((table) => [table.type, ...capped(table.limits, cap)]),
  ])
}

function memorySection(shape: ModuleShape, memoryBytes: number): Uint8Array | readonly number[] {
  if (shape.memory === undefined) return []
  return section(SECTION.memory, [
    [1, ...capped(shape.memory, Math.min(Math.floor(memoryBytes / PAGE_BYTES), MAX_PAGES))],
  ])
}

function u32LengthAt(bytes: Uint8Array): number {
  let length = 1
  while ((bytes[length - 1] ?? 0) >= 0x80) length += 1
  return length
}

function rewriteBody(
  bytes: Uint8Array,
  body: FunctionBody,
  growerOf: (growth: FunctionBody['growths'][number]) => number,
): Uint8Array {
  const parts: (Uint8Array | readonly number[])[] = []
  let copied = body.start
  for (const growth of body.growths) {
    parts.push(bytes.subarray(copied, growth.start), [0x10, ...u32(growerOf(growth))])
    copied = growth.end
  }
  parts.push(bytes.subarray(copied, body.end))
  const content = concat(parts)
  return concat([u32(content.length), content])
}

interface Globals {
  readonly budget: number
  readonly refused: number
}

/**
 * `(delta, need) => result` shared by both growers: `need` bytes must be left in the budget; what was really
 * grown is taken from it. A growth that fails for another reason (the module's own maximum) is not the limit's.
 */
function meteredGrowth(
  locals: { readonly need: number; readonly result: number },
  { budget, refused }: Globals,
  grow: readonly number[],
): number[] {
  return [
    ...[0x20, ...u32(locals.need), 0x23, ...u32(budget), 0x55, 0x04, 0x40], // if need > budget
    ...[0x41, 1, 0x24, ...u32(refused), 0x41, 0x7f, 0x0f, 0x0b], //   refused = 1; return -1
    ...[...grow, 0x22, ...u32(locals.result), 0x41, 0x7f, 0x47, 0x04, 0x40], // if (result = grow) != -1
    ...[0x23, ...u32(budget), 0x20, ...u32(locals.need), 0x7d, 0x24, ...u32(budget), 0x0b], //   budget -= need
    ...[0x20, ...u32(locals.result), 0x0b],
  ]
}

const bytesOf = (delta: number, shift: bigint, need: number): number[] => [
  0x20,
  ...u32(delta),
  0xad,
  0x42,
  ...signed(shift),
  0x86,
  0x21,
  ...u32(need),
]

function memoryGrower(globals: Globals): NewFunction {
  const [delta, need, result] = [0, 1, 2]
  const grow = [0x20, ...u32(delta), 0x40, 0]
  return {
    parameters: [VALUE.i32],
    results: [VALUE.i32],
    body: [
      2,
      1,
      VALUE.i64,
      1,
      VALUE.i32,
      ...bytesOf(delta, PAGE_SHIFT, need),
      ...meteredGrowth({ need, result }, globals, grow),
    ],
  }
}

function tableGrower({
  table,
  type,
  ...globals
}: Globals & { readonly table: number; readonly type: number }): NewFunction {
  const [value, delta, need, result] = [0, 1, 2, 3]
  const grow = [0x20, ...u32(value), 0x20, ...u32(delta), 0xfc, 15, ...u32(table)]
  return {
    parameters: [type, VALUE.i32],
    results: [VALUE.i32],
    body: [
      2,
      1,
      VALUE.i64,
      1,
      VALUE.i32,
      ...bytesOf(delta, TABLE_ELEMENT_SHIFT, need),
      ...meteredGrowth({ need, result }, globals, grow),
    ],
  }
}
