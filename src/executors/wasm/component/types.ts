import { ModuleRefused, type ModuleReader } from '../module/reader.ts'

/**
 * What a type index of a component stands for. Types are kept as text, in which two types are equal when they are
 * the same; a resource is a mark (`#3`) until it is known under which name it was imported.
 */
export type ComponentType =
  | { readonly kind: 'value' | 'function' | 'resource'; readonly text: string }
  | { readonly kind: 'instance'; readonly exports: InstanceExports }
  /** A component's type, or a type whose definition lies in what this reader does not follow. */
  | { readonly kind: 'opaque' }

export type InstanceExports = ReadonlyMap<string, ComponentType>

/** The types that can be named at one place of a component, and those around it. */
export class Scope {
  readonly types: ComponentType[] = []
  readonly instances: InstanceExports[] = []
  readonly budget: TypeBudget
  readonly #parent: Scope | undefined

  constructor(budget: TypeBudget, parent?: Scope) {
    this.budget = budget
    this.#parent = parent
  }

  /** The type of that index in the scope `levels` further out. */
  outer(levels: number, index: number): ComponentType {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- it walks outwards from here
    let scope: Scope | undefined = this
    for (let level = 0; level < levels; level += 1) scope = scope?.parent
    return scope?.types[index] ?? malformed('an alias of no type')
  }

  get parent(): Scope | undefined {
    return this.#parent
  }

  get(index: number): ComponentType {
    return this.types[index] ?? malformed('a type that is not there')
  }
}

/** Types nest, and each may stand in another twice: what is written out is bounded in all. */
export class TypeBudget {
  #left = 8 * 1024 * 1024
  #resources = 0

  take(text: string): string {
    this.#left -= text.length
    if (text.length > MAX_TYPE_CHARACTERS || this.#left < 0)
      throw new ModuleRefused('the component is too large: its types expand without bound', 'types')
    return text
  }

  newResource(): ComponentType {
    this.#resources += 1
    return { kind: 'resource', text: `#${this.#resources}` }
  }
}

const MAX_TYPE_CHARACTERS = 65_536
const MAX_ENTRIES = 10_000
const PRIMITIVES: Readonly<Record<number, string>> = {
  0x7f: 'bool',
  0x7e: 's8',
  0x7d: 'u8',
  0x7c: 's16',
  0x7b: 'u16',
  0x7a: 's32',
  0x79: 'u32',
  0x78: 's64',
  0x77: 'u64',
  0x76: 'f32',
  0x75: 'f64',
  0x74: 'char',
  0x73: 'string',
}
/** Sorts of a component's items (Binary.md, `sort`). */
export const SORT = { core: 0, function: 1, value: 2, type: 3, component: 4, instance: 5 } as const

export function malformed(what: string): never {
  throw new ModuleRefused(`the component is malformed: ${what}`)
}

export function refuseAsync(what: string): never {
  throw new ModuleRefused(`the component uses ${what} of WASI 0.3, which is not run here`, 'async')
}

export function readVector<Item>(reader: ModuleReader, read: (reader: ModuleReader) => Item): Item[] {
  const count = reader.u32()
  if (count > MAX_ENTRIES) throw new ModuleRefused(`the component is too large: ${count} entries in one place`)
  return Array.from({ length: count }, () => read(reader))
}

/** The name of an import or an export. */
export function readExternName(reader: ModuleReader): string {
  if (reader.byte() > 1) malformed('a name of an unknown form')
  return reader.name()
}

/** Reads one definition of a type section, or of an instance's or component's type. */
export function readTypeDefinition(reader: ModuleReader, scope: Scope): ComponentType {
  const code = reader.peek()
  switch (code) {
    case 0x40:
      reader.skip(1)
      return { kind: 'function', text: readFunction(reader, scope) }
    case 0x41:
    case 0x42:
      reader.skip(1)
      return readDeclarations(reader, new Scope(scope.budget, scope), code === 0x41)
    case 0x3f:
      reader.skip(1)
      if (reader.byte() !== 0x7f) malformed('a resource of another representation')
      if (reader.byte() !== 0) reader.u32()
      return scope.budget.newResource()
    case 0x3e:
    case 0x43:
      return refuseAsync('asynchronous functions')
    default:
      return { kind: 'value', text: scope.budget.take(readDefinedValue(reader, scope)) }
  }
}

function readFunction(reader: ModuleReader, scope: Scope): string {
  const parameters = readVector(reader, (item) => {
    item.name()
    return readValue(item, scope)
  })
  const named = reader.byte()
  if (named > 1 || (named === 1 && reader.byte() !== 0)) malformed('the results of a function')
  const result = named === 0 ? ` -> ${readValue(reader, scope)}` : ''
  return scope.budget.take(`(${parameters.join(', ')})${result}`)
}

function readValue(reader: ModuleReader, scope: Scope): string {
  const code = reader.peek()
  // One byte of a negative number: a primitive. An index is never negative.
  if ((code & 0xc0) === 0x40) {
    reader.skip(1)
    return primitive(code)
  }
  const type = scope.get(reader.u32())
  return type.kind === 'value' ? type.text : malformed('a value of a type that has none')
}

function primitive(code: number): string {
  if (code === 0x64) refuseAsync('error contexts')
  return PRIMITIVES[code] ?? malformed(`a type of code ${code}`)
}

const optional = (reader: ModuleReader, scope: Scope): string => (reader.byte() === 0 ? '_' : readValue(reader, scope))

function readDefinedValue(reader: ModuleReader, scope: Scope): string {
  const code = reader.byte()
  const value = (): string => readValue(reader, scope)
  const list = <Item>(read: (item: ModuleReader) => Item): string => readVector(reader, read).join(', ')
  switch (code) {
    case 0x72:
      return `record{${list((item) => `${item.name()}: ${readValue(item, scope)}`)}}`
    case 0x71:
      return `variant{${list((item) => {
        const label = item.name()
        const payload = item.byte() === 0 ? '' : `(${readValue(item, scope)})`
        if (item.byte() !== 0) malformed('a case that refines another')
        return `${label}${payload}`
      })}}`
    case 0x70:
      return `list<${value()}>`
    case 0x6f:
      return `tuple<${list((item) => readValue(item, scope))}>`
    case 0x6e:
      return `flags{${list((item) => item.name())}}`
    case 0x6d:
      return `enum{${list((item) => item.name())}}`
    case 0x6b:
      return `option<${value()}>`
    case 0x6a:
      return `result<${optional(reader, scope)}, ${optional(reader, scope)}>`
    case 0x69:
    case 0x68: {
      const type = scope.get(reader.u32())
      const text =
        type.kind === 'resource' ? type.text : type.kind === 'opaque' ? '?' : malformed('a handle of no resource')
      return `${code === 0x69 ? 'own' : 'borrow'}<${text}>`
    }
    case 0x67:
      throw new ModuleRefused('the component uses lists of a fixed length', 'fixed-length-lists')
    case 0x66:
    case 0x65:
      return refuseAsync('streams and futures')
    default:
      return primitive(code)
  }
}

/** The declarations of an instance's type; those of a component's are read, and mean nothing here. */
function readDeclarations(reader: ModuleReader, scope: Scope, ofComponent: boolean): ComponentType {
  const exports = new Map<string, ComponentType>()
  for (let count = reader.u32(); count > 0; count -= 1) {
    const code = reader.byte()
    if (code === 0x01) scope.types.push(readTypeDefinition(reader, scope))
    else if (code === 0x02) readAlias(reader, scope)
    else if (code === 0x04) {
      const name = readExternName(reader)
      exports.set(name, readExternType(reader, scope))
    } else if (code === 0x03 && ofComponent) {
      readExternName(reader)
      readExternType(reader, scope)
    } else if (code === 0x00) throw new ModuleRefused('the component passes core modules about', 'module-types')
    else malformed('a declaration of an unknown form')
  }
  return ofComponent ? { kind: 'opaque' } : { kind: 'instance', exports }
}

/** The type that an import or an export is given; a type or an instance thereby gets an index of its own. */
export function readExternType(reader: ModuleReader, scope: Scope): ComponentType {
  const sort = reader.byte()
  switch (sort) {
    case SORT.core:
      throw new ModuleRefused('the component passes core modules about', 'module-types')
    case SORT.function:
      return scope.get(reader.u32())
    case SORT.type: {
      const bound = reader.byte()
      if (bound > 1) malformed('the bound of a type')
      const type = bound === 0 ? scope.get(reader.u32()) : scope.budget.newResource()
      scope.types.push(type)
      return type
    }
    case SORT.component:
      return scope.get(reader.u32())
    case SORT.instance: {
      const type = scope.get(reader.u32())
      scope.instances.push(type.kind === 'instance' ? type.exports : new Map())
      return type
    }
    default:
      throw new ModuleRefused('the component imports or exports values', 'values')
  }
}

/** Steps over an alias, which adds to the types or instances that can be named. */
export function readAlias(reader: ModuleReader, scope: Scope): void {
  const sort = reader.byte()
  if (sort === SORT.core) reader.byte()
  const target = reader.byte()
  let type: ComponentType = { kind: 'opaque' }
  if (target === 0x02) {
    const [levels, index] = [reader.u32(), reader.u32()]
    if (sort === SORT.type) type = scope.outer(levels, index)
  } else if (target <= 0x01) {
    const exports = target === 0 ? scope.instances[reader.u32()] : void reader.u32()
    const name = reader.name()
    type = exports?.get(name) ?? type
  } else malformed('an alias of an unknown form')
  if (sort === SORT.type) scope.types.push(type)
  else if (sort === SORT.instance) scope.instances.push(type.kind === 'instance' ? type.exports : new Map())
}
