import { walkExpression, type Growth } from './instructions.ts'
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

export const EXPORT_KIND = { function: 0, table: 1, memory: 2, global: 3 } as const

interface Range {
  readonly start: number
  readonly end: number
}

export interface FunctionBody extends Range {
  readonly growths: readonly Growth[]
}

export interface FunctionImport {
  readonly module: string
  readonly name: string
  readonly type: FunctionType
}

/** What a module is, as far as running it under caps needs to know. Offsets are into the module's bytes. */
export interface ModuleShape {
  readonly bytes: Uint8Array
  /** Content of each section but the custom ones, by id. */
  readonly sections: ReadonlyMap<number, Range>
  readonly types: readonly FunctionType[]
  readonly imports: readonly FunctionImport[]
  /** Type index of each function that the module defines. */
  readonly functions: readonly number[]
  readonly tables: readonly { readonly type: number; readonly limits: SizeLimits }[]
  readonly memory: SizeLimits | undefined
  readonly globalCount: number
  readonly exports: ReadonlyMap<string, { readonly kind: number; readonly index: number }>
  /** Index of the start function. */
  readonly start: number | undefined
  readonly bodies: readonly FunctionBody[]
}

/** Bounds beyond which V8 refuses too (its implementation limits), checked before anything is allocated for them. */
const MAX_FUNCTIONS = 1_000_000
const MAX_LOCALS = 50_000
const MAX_ENTRIES = 100_000

/**
 * Reads the sections of a core module. It checks what the rewriter relies on and refuses by name every feature
 * that souk does not run; whether the module is valid is left to the engine.
 *
 * @throws ModuleRefused
 */
export function inspectModule(bytes: Uint8Array): ModuleShape {
  const reader = new ModuleReader(bytes)
  readHeader(reader)
  const sections = new Map<number, Range>()
  while (!reader.done) {
    const id = reader.byte()
    const content = reader.slice(reader.u32())
    if (id === SECTION.custom) continue
    if (id === SECTION.tag) throw new ModuleRefused('the module uses exceptions', 'exception-handling')
    if (id > SECTION.tag || sections.has(id)) throw new ModuleRefused(`the module is malformed: section ${id}`)
    sections.set(id, { start: content.offset, end: content.end })
  }
  const open = (id: number): ModuleReader | undefined => {
    const range = sections.get(id)
    return range && new ModuleReader(bytes, range.start, range.end)
  }
  const vector = <Item>(id: number, most: number, read: (item: ModuleReader) => Item): Item[] => {
    const content = open(id)
    if (content === undefined) return []
    const count = content.u32()
    if (count > most) throw new ModuleRefused(`the module is too large: ${count} entries in section ${id}`)
    return Array.from({ length: count }, () => read(content))
  }

  const types = vector(SECTION.type, MAX_FUNCTIONS, readFunctionType)
  const imports = vector(SECTION.import, MAX_ENTRIES, (item) => readImport(item, types))
  const functions = vector(SECTION.function, MAX_FUNCTIONS, (item) => item.u32())
  const tables = vector(SECTION.table, MAX_ENTRIES, readTable)
  const memories = vector(SECTION.memory, MAX_ENTRIES, (item) => readLimits(item, 'memory'))
  if (memories.length > 1) throw new ModuleRefused('the module has more than one memory', 'multi-memory')
  const exports = vector(
    SECTION.export,
    MAX_ENTRIES,
    (item) => [item.name(), { kind: item.byte(), index: item.u32() }] as const,
  )
  const bodies = vector(SECTION.code, MAX_FUNCTIONS, readBody)
  return {
    bytes,
    sections,
    types,
    imports,
    functions,
    tables,
    memory: memories[0],
    globalCount: open(SECTION.global)?.u32() ?? 0,
    exports: new Map(exports),
    start: open(SECTION.start)?.u32(),
    bodies,
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

function readImport(reader: ModuleReader, types: readonly FunctionType[]): FunctionImport {
  const module = reader.name()
  const name = reader.name()
  const kind = reader.byte()
  if (kind !== EXPORT_KIND.function) {
    const what = ['function', 'table', 'memory', 'global'][kind] ?? 'thing of an unknown kind'
    throw new ModuleRefused(`the module imports a ${what}, ${module}.${name}`, `${module}.${name}`)
  }
  const type = types[reader.u32()]
  if (type === undefined) throw new ModuleRefused('the module is malformed: an import without a type')
  return { module, name, type }
}

function readTable(reader: ModuleReader): { type: number; limits: SizeLimits } {
  if (reader.peek() === 0x40)
    throw new ModuleRefused('the module uses typed function references', 'function-references')
  return { type: readReferenceType(reader), limits: readLimits(reader, 'table') }
}

function readBody(section: ModuleReader): FunctionBody {
  const body = section.slice(section.u32())
  const start = body.offset
  let locals = 0
  for (let groups = body.u32(); groups > 0; groups -= 1) {
    locals += body.u32()
    if (locals > MAX_LOCALS) throw new ModuleRefused(`a function has more than ${MAX_LOCALS} local variables`)
    readValueType(body)
  }
  const growths: Growth[] = []
  walkExpression(body, (growth) => growths.push(growth))
  if (!body.done) throw new ModuleRefused('the module is malformed: code after the end of a function')
  return { start, end: body.end, growths }
}
