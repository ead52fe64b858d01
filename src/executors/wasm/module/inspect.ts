import { ModuleReader, ModuleRefused } from './reader.ts'
import {
  readFunctionType,
  readLimits,
  readReferenceType,
  readValueType,
  type FunctionType,
  type SizeLimits,
} from './types.ts'

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const

/** Sections in the order in which the binary format has them. */
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

export const EXPORT_KIND = { function: 0, table: 1, memory: 2, global: 3 } as const

export interface Range {
  readonly start: number
  readonly end: number
}

export interface TableShape {
  readonly type: number
  readonly limits: SizeLimits
}

/** Something that a module imports; `type` is the index of a function's type. */
export type ModuleImport = { readonly module: string; readonly name: string } & (
  | { readonly kind: typeof EXPORT_KIND.function; readonly type: number }
  | { readonly kind: typeof EXPORT_KIND.table; readonly table: TableShape }
  | { readonly kind: typeof EXPORT_KIND.memory; readonly limits: SizeLimits }
  | { readonly kind: typeof EXPORT_KIND.global }
)

/**
 * What a module is, as far as running it under caps needs to know. Offsets are into the module's bytes; in each index
 * space what is imported comes first.
 */
export interface ModuleShape {
  readonly bytes: Uint8Array
  /** Content of each section but the custom ones, by id. */
  readonly sections: ReadonlyMap<number, Range>
  readonly types: readonly FunctionType[]
  readonly imports: readonly ModuleImport[]
  /** Type index of every function. */
  readonly functions: readonly number[]
  readonly importedFunctions: number
  readonly tables: readonly TableShape[]
  readonly importedTables: number
  readonly memory: SizeLimits | undefined
  readonly memoryImported: boolean
  readonly globalCount: number
  readonly importedGlobals: number
  readonly exports: ReadonlyMap<string, { readonly kind: number; readonly index: number }>
  /** Index of the start function. */
  readonly start: number | undefined
}

/** Bounds beyond which V8 refuses too (its implementation limits), checked before anything is allocated for them. */
export const MAX_FUNCTIONS = 1_000_000
const MAX_ENTRIES = 100_000

/**
 * Reads the sections of a core module, and checks what the rewriter relies on. Instructions are looked at by the
 * rewriter alone; whether the module is valid is left to the engine, which sees the rewritten one.
 *
 * @throws ModuleRefused
 */
export function inspectModule(bytes: Uint8Array): ModuleShape {
  const reader = new ModuleReader(bytes)
  readHeader(reader)
  const sections = readSections(reader)
  const vector = <Item>(id: number, most: number, read: (item: ModuleReader) => Item): Item[] => {
    const range = sections.get(id)
    if (range === undefined) return []
    const content = new ModuleReader(bytes, range.start, range.end)
    const count = content.u32()
    if (count > most) throw new ModuleRefused(`the module is too large: ${count} entries in section ${id}`)
    const items = Array.from({ length: count }, () => read(content))
    content.expectEnd(`section ${id}`)
    return items
  }
  const count = (id: number): number => {
    const range = sections.get(id)
    return range === undefined ? 0 : new ModuleReader(bytes, range.start, range.end).u32()
  }

  const types = vector(SECTION.type, MAX_FUNCTIONS, readFunctionType)
  const imports = vector(SECTION.import, MAX_ENTRIES, readImport)
  const imported = importedThings(imports)
  const defined = vector(SECTION.function, MAX_FUNCTIONS, (item) => item.u32())
  const functions = [...imported.functions, ...defined]
  if (functions.some((type) => type >= types.length))
    throw new ModuleRefused('the module is malformed: a function without a type')
  const tables = vector(SECTION.table, MAX_ENTRIES, readTable)
  const memories = vector(SECTION.memory, MAX_ENTRIES, (item) => readLimits(item, 'memory'))
  if (imported.memories.length + memories.length > 1)
    throw new ModuleRefused('the module has more than one memory', 'multi-memory')
  const globalCount = imported.globals + count(SECTION.global)
  if (globalCount > MAX_ENTRIES) throw new ModuleRefused(`the module is too large: ${globalCount} globals`)
  const bodies = count(SECTION.code)
  if (bodies !== defined.length)
    throw new ModuleRefused(`the module is malformed: ${defined.length} functions and ${bodies} bodies`)
  const start = sections.get(SECTION.start)
  return {
    bytes,
    sections,
    types,
    imports,
    functions,
    importedFunctions: imported.functions.length,
    tables: [...imported.tables, ...tables],
    importedTables: imported.tables.length,
    memory: imported.memories[0] ?? memories[0],
    memoryImported: imported.memories.length > 0,
    globalCount,
    importedGlobals: imported.globals,
    exports: readExports(vector),
    start: start && readStart(new ModuleReader(bytes, start.start, start.end)),
  }
}

function readHeader(reader: ModuleReader): void {
  const header = reader.end >= 8 ? Array.from(reader.bytes.subarray(0, 8)) : []
  const isWasm = [0x00, 0x61, 0x73, 0x6d].every((byte, index) => header[index] === byte)
  if (!isWasm) throw new ModuleRefused('the file is not a WebAssembly module: its first bytes are wrong')
  if (header[6] === 1 && header[7] === 0)
    throw new ModuleRefused('the file is a component, not a core module', 'component')
  if (header[4] !== 1 || header[5] !== 0 || header[6] !== 0 || header[7] !== 0)
    throw new ModuleRefused('the module has an unknown version')
  reader.skip(8)
}

/** They are written again in their order, so that they must come in it. */
function readSections(reader: ModuleReader): Map<number, Range> {
  const sections = new Map<number, Range>()
  let place = -1
  while (!reader.done) {
    const id = reader.byte()
    const content = reader.slice(reader.u32())
    if (id === SECTION.custom) {
      content.name()
      continue
    }
    if (id === SECTION.tag) throw new ModuleRefused('the module uses exceptions', 'exception-handling')
    const next = ORDER.indexOf(id)
    if (next <= place) throw new ModuleRefused(`the module is malformed: section ${id}`)
    place = next
    sections.set(id, { start: content.offset, end: content.end })
  }
  return sections
}

function readImport(reader: ModuleReader): ModuleImport {
  const module = reader.name()
  const name = reader.name()
  const kind = reader.byte()
  switch (kind) {
    case EXPORT_KIND.function:
      return { module, name, kind, type: reader.u32() }
    case EXPORT_KIND.table:
      return { module, name, kind, table: readTable(reader) }
    case EXPORT_KIND.memory:
      return { module, name, kind, limits: readLimits(reader, 'memory') }
    case EXPORT_KIND.global:
      readValueType(reader)
      reader.skip(1)
      return { module, name, kind }
    default:
      throw new ModuleRefused(`the module imports a thing of an unknown kind, ${module}.${name}`, `${module}.${name}`)
  }
}

function importedThings(imports: readonly ModuleImport[]): {
  readonly functions: readonly number[]
  readonly tables: readonly TableShape[]
  readonly memories: readonly SizeLimits[]
  readonly globals: number
} {
  const things = { functions: [] as number[], tables: [] as TableShape[], memories: [] as SizeLimits[], globals: 0 }
  for (const one of imports) {
    if (one.kind === EXPORT_KIND.function) things.functions.push(one.type)
    else if (one.kind === EXPORT_KIND.table) things.tables.push(one.table)
    else if (one.kind === EXPORT_KIND.memory) things.memories.push(one.limits)
    else things.globals += 1
  }
  return things
}

function readTable(reader: ModuleReader): TableShape {
  if (reader.peek() === 0x40)
    throw new ModuleRefused('the module uses typed function references', 'function-references')
  return { type: readReferenceType(reader), limits: readLimits(reader, 'table') }
}

function readExports(
  vector: <Item>(id: number, most: number, read: (item: ModuleReader) => Item) => Item[],
): ModuleShape['exports'] {
  const exports = new Map<string, { readonly kind: number; readonly index: number }>()
  vector(SECTION.export, MAX_ENTRIES, (item) => {
    const name = item.name()
    if (exports.has(name)) throw new ModuleRefused(`the module is malformed: it exports ${name} twice`)
    exports.set(name, { kind: item.byte(), index: item.u32() })
  })
  return exports
}

function readStart(content: ModuleReader): number {
  const index = content.u32()
  content.expectEnd('the start section')
  return index
}
