import { ModuleReader, ModuleRefused } from '../module/reader.ts'
import { isComponent } from './format.ts'
import {
  malformed,
  readAlias,
  readExternName,
  readExternType,
  readTypeDefinition,
  readVector,
  refuseAsync,
  Scope,
  SORT,
  TypeBudget,
  type InstanceExports,
} from './types.ts'

/** What a component takes from its host, and what it offers. */
export interface ComponentShape {
  /** By name: the interface and its version. Functions and resources with their types as text. */
  readonly imports: ReadonlyMap<string, InstanceExports>
  readonly exports: ReadonlySet<string>
  /** Its core modules, those of components inside it too. */
  readonly coreModules: number
}

const SECTION = {
  custom: 0,
  coreModule: 1,
  coreInstance: 2,
  coreType: 3,
  component: 4,
  instance: 5,
  alias: 6,
  type: 7,
  canon: 8,
  start: 9,
  import: 10,
  export: 11,
} as const
const MAX_DEPTH = 16
const MAX_SECTIONS = 10_000
/** Canonical built-ins: lift, lower, and three for resources. All after them are of WASI 0.3. */
const CANON = { lift: 0, lower: 1, resourceNew: 2, resourceDrop: 3, resourceRep: 4 } as const
/** Options of a lifted or lowered function: from here on they say that it is asynchronous. */
const ASYNC_OPTION = 6
const FIRST_INDEXED_OPTION = 3

interface Walk {
  readonly imports: Map<string, InstanceExports>
  readonly exports: Set<string>
  readonly budget: TypeBudget
  coreModules: number
  sections: number
}

/**
 * Reads the sections of a component as far as judging it needs: what it imports, with types, what it exports, and
 * whether it uses anything of WASI 0.3. Whether it is valid otherwise is left to the transpiler.
 *
 * @throws ModuleRefused
 */
export function inspectComponent(bytes: Uint8Array): ComponentShape {
  const walk: Walk = { imports: new Map(), exports: new Set(), budget: new TypeBudget(), coreModules: 0, sections: 0 }
  walkComponent(new ModuleReader(bytes), walk, new Scope(walk.budget), 0)
  return walk
}

function walkComponent(reader: ModuleReader, walk: Walk, scope: Scope, depth: number): void {
  if (depth > MAX_DEPTH) throw new ModuleRefused(`components nest more than ${MAX_DEPTH} deep in it`, 'nesting')
  const preamble = reader.slice(8)
  if (!isComponent(reader.bytes.subarray(preamble.offset, preamble.end)))
    throw new ModuleRefused('the component is of an unknown version of the format')
  while (!reader.done) {
    walk.sections += 1
    if (walk.sections > MAX_SECTIONS) throw new ModuleRefused('the component is too large: it has too many sections')
    const id = reader.byte()
    const content = reader.slice(reader.u32())
    readSection(id, content, { walk, scope, depth })
  }
}

function readSection(
  id: number,
  content: ModuleReader,
  { walk, scope, depth }: { readonly walk: Walk; readonly scope: Scope; readonly depth: number },
): void {
  switch (id) {
    case SECTION.custom:
    case SECTION.coreInstance:
    case SECTION.coreType:
      return
    case SECTION.coreModule:
      walk.coreModules += 1
      return
    case SECTION.component:
      walkComponent(content, walk, new Scope(walk.budget, scope), depth + 1)
      return
    case SECTION.instance:
      // What they hold comes from inside: no import can be of a type of theirs.
      for (let count = boundedCount(content); count > 0; count -= 1) scope.instances.push(new Map())
      return
    case SECTION.alias:
      readVector(content, (item) => readAlias(item, scope))
      break
    case SECTION.type:
      readVector(content, (item) => scope.types.push(readTypeDefinition(item, scope)))
      break
    case SECTION.canon:
      readVector(content, readCanon)
      break
    case SECTION.import:
      readVector(content, (item) => readImport(item, { walk, scope, outermost: depth === 0 }))
      break
    case SECTION.export:
      readVector(content, (item) => {
        const name = readExport(item, scope)
        if (depth === 0) walk.exports.add(name)
      })
      break
    default:
      throw new ModuleRefused(`the component is malformed, or uses values: section ${id}`)
  }
  if (!content.done) malformed(`bytes after the end of section ${id}`)
}

function boundedCount(content: ModuleReader): number {
  const count = content.u32()
  return count > content.end - content.offset ? malformed('more entries than bytes') : count
}

function readImport(
  reader: ModuleReader,
  { walk, scope, outermost }: { readonly walk: Walk; readonly scope: Scope; readonly outermost: boolean },
): void {
  const name = readExternName(reader)
  const type = readExternType(reader, scope)
  if (!outermost) return
  if (type.kind !== 'instance')
    throw new ModuleRefused(`the component imports ${name}, which is no interface of WASI`, name)
  walk.imports.set(name, type.exports)
}

function readExport(reader: ModuleReader, scope: Scope): string {
  const name = readExternName(reader)
  const sort = reader.byte()
  if (sort === SORT.core) reader.byte()
  const index = reader.u32()
  if (sort === SORT.type) scope.types.push(scope.get(index))
  else if (sort === SORT.instance) scope.instances.push(scope.instances[index] ?? malformed('an export of no instance'))
  if (reader.byte() !== 0) readAscribedType(reader, scope)
  return name
}

/** The type that an export says it has: it gets no index beside the export's own. */
function readAscribedType(reader: ModuleReader, scope: Scope): void {
  const [types, instances] = [scope.types.length, scope.instances.length]
  readExternType(reader, scope)
  scope.types.length = Math.min(scope.types.length, types)
  scope.instances.length = Math.min(scope.instances.length, instances)
}

function readCanon(reader: ModuleReader): void {
  const code = reader.byte()
  switch (code) {
    case CANON.lift:
      if (reader.byte() !== 0) malformed('a lifted function')
      reader.u32()
      readCanonOptions(reader)
      reader.u32()
      return
    case CANON.lower:
      if (reader.byte() !== 0) malformed('a lowered function')
      reader.u32()
      readCanonOptions(reader)
      return
    case CANON.resourceNew:
    case CANON.resourceDrop:
    case CANON.resourceRep:
      reader.u32()
      return
    default:
      refuseAsync('built-in functions')
  }
}

function readCanonOptions(reader: ModuleReader): void {
  readVector(reader, (item) => {
    const option = item.byte()
    if (option >= ASYNC_OPTION) refuseAsync('asynchronous functions')
    if (option >= FIRST_INDEXED_OPTION) item.u32()
  })
}
