import { ModuleRefused } from '../module/reader.ts'
import type { ComponentShape } from './inspect-component.ts'
import type { InstanceExports } from './types.ts'
import { WASI_INTERFACES, type WasiInterface } from './wasi-types.ts'

/** The parts of WASI 0.2 that are known and not given: a task has no network. */
const NOT_GIVEN: ReadonlySet<string> = new Set(['wasi:sockets', 'wasi:http'])
const INTERFACE_NAME = /^(?<package>[a-z0-9-]+:[a-z0-9-]+)\/[a-z0-9-]+@(?<version>[0-9a-z.+-]+)$/
const VERSION_0_2 = /^0\.2\.\d+$/
/** What the transpiler writes into the JavaScript that it makes. */
const SAFE_EXPORT = /^[a-z0-9:/@.+-]{1,200}$/
const RUN = 'wasi:cli/run'

/**
 * Holds what a component imports against what the host gives: only interfaces of WASI 0.2, only their functions
 * and resources, each of exactly the type that WASI gives it. The JavaScript that the transpiler makes believes the
 * component's types: with others it would hand the host's functions whatever the component likes.
 *
 * @returns the name of its `wasi:cli/run`, version and all
 * @throws ModuleRefused naming the import, or the export that is missing
 */
export function checkComponent({ imports, exports }: ComponentShape): string {
  const resources = new Map<string, string>()
  for (const [name, items] of imports) {
    const known = checkImport(name)
    for (const [item, type] of items) {
      if (type.kind === 'resource') bindResource({ name, item, mark: type.text, known, resources })
    }
    checkFunctions({ name, items, known, resources })
  }
  for (const name of exports)
    if (!SAFE_EXPORT.test(name))
      throw new ModuleRefused('the component exports something under an unusual name', 'exports')
  const run = [...exports].filter((name) => name.startsWith(`${RUN}@`))
  const entry = run.find((name) => VERSION_0_2.test(name.slice(RUN.length + 1)))
  if (entry !== undefined) return entry
  const other = run[0]
  if (other !== undefined)
    throw new ModuleRefused(`the component is built for another version of WASI than 0.2: it exports ${other}`, other)
  throw new ModuleRefused(`the component exports no ${RUN}: it is no command`, RUN)
}

function checkImport(name: string): WasiInterface {
  const { package: from, version } = INTERFACE_NAME.exec(name)?.groups ?? {}
  if (from === undefined || version === undefined || !from.startsWith('wasi:'))
    throw new ModuleRefused(`the component imports ${name}, which is no interface of WASI`, name)
  if (NOT_GIVEN.has(from)) throw new ModuleRefused(`the component imports ${name}: a task has no network`, from)
  const known = WASI_INTERFACES.get(name.slice(0, name.lastIndexOf('@')))
  if (!VERSION_0_2.test(version))
    throw new ModuleRefused(`the component is built for another version of WASI than 0.2: it imports ${name}`, name)
  if (known === undefined) throw new ModuleRefused(`the component imports ${name}, which is not given to tasks`, name)
  return known
}

function bindResource({
  name,
  item,
  mark,
  known,
  resources,
}: {
  readonly name: string
  readonly item: string
  readonly mark: string
  readonly known: WasiInterface
  readonly resources: Map<string, string>
}): void {
  const bound = resources.get(mark)
  if (bound === undefined && known.resources.includes(item)) resources.set(mark, item)
  else if (bound !== item)
    throw new ModuleRefused(`the component imports ${name}.${item} as another resource than WASI's`, `${name}.${item}`)
}

function checkFunctions({
  name,
  items,
  known,
  resources,
}: {
  readonly name: string
  readonly items: InstanceExports
  readonly known: WasiInterface
  readonly resources: ReadonlyMap<string, string>
}): void {
  for (const [item, type] of items) {
    const subject = `${name}.${item}`
    if (type.kind === 'resource' || type.kind === 'value') continue
    const expected =
      type.kind === 'function' && Object.hasOwn(known.functions, item) ? known.functions[item] : undefined
    if (expected === undefined || type.kind !== 'function')
      throw new ModuleRefused(`the component imports ${subject}, which WASI 0.2 does not have`, subject)
    const found = type.text.replaceAll(/#\d+/g, (mark) => resources.get(mark) ?? mark)
    if (found !== expected)
      throw new ModuleRefused(`the component imports ${subject} with another type than WASI gives it`, subject)
  }
}
