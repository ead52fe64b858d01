import { ConstantScanner, type ConstantSection } from './constants.ts'
import { Edits } from './edits.ts'
import { EXPORT_KIND, SECTION, type ModuleImport, type ModuleShape } from './inspect.ts'
import { ModuleReader, ModuleRefused } from './reader.ts'
import { concat, name, section, u32 } from './writer.ts'

export type Part = Uint8Array | readonly number[]
const KINDS = ['function', 'table', 'memory', 'global'] as const

/** The imports of a module that may import functions alone. Throws ModuleRefused. */
export function functionImports(
  shape: ModuleShape,
): readonly (ModuleImport & { readonly kind: typeof EXPORT_KIND.function })[] {
  return shape.imports.map((one) => {
    if (one.kind === EXPORT_KIND.function) return one
    const subject = `${one.module}.${one.name}`
    throw new ModuleRefused(`the module imports a ${KINDS[one.kind]}, ${subject}`, subject)
  })
}

/** Checks what the sections name that the rewriter adds to: functions and globals. Throws ModuleRefused. */
export function checkIndices(shape: ModuleShape): void {
  for (const [exported, { kind, index }] of shape.exports) {
    const most =
      kind === EXPORT_KIND.function
        ? shape.functions.length
        : kind === EXPORT_KIND.global
          ? shape.globalCount
          : Number.POSITIVE_INFINITY
    if (index >= most) throw new ModuleRefused(`the module is malformed: it exports ${exported}, which is not there`)
  }
  if (shape.start === undefined) return
  const type = shape.types[shape.functions[shape.start] ?? -1]
  if (type === undefined || type.parameters.length > 0 || type.results.length > 0)
    throw new ModuleRefused('the module is malformed: its start function is none')
}

/** A section with more entries after its own; a new one where the module has none. */
export function grown(shape: ModuleShape, id: number, extra: readonly Part[]): Part {
  return withMore(id, contentOf(shape, id), extra)
}

export function unchanged(shape: ModuleShape, id: number): Part {
  const content = contentOf(shape, id)
  return content === undefined ? [] : section(id, [content])
}

/** A section with constant expressions, checked, its globals moved, and with more entries after its own. */
export function constantSection(
  shape: ModuleShape,
  id: ConstantSection,
  { globalShift, extra = [] }: { readonly globalShift: number; readonly extra?: readonly Part[] },
): Part {
  const edits = new Edits()
  new ConstantScanner({ shape, edits, globalShift }).scan(id)
  const range = shape.sections.get(id)
  if (range === undefined || edits.count === 1) return withMore(id, contentOf(shape, id), extra)
  const parts: Part[] = []
  let copied = range.start
  for (let edit = 1; edit < edits.count; edit += 1) {
    const at = edits.at[edit] ?? 0
    parts.push(shape.bytes.subarray(copied, at), u32(edits.value[edit] ?? 0))
    copied = at + (edits.length[edit] ?? 0)
  }
  parts.push(shape.bytes.subarray(copied, range.end))
  return withMore(id, concat(parts), extra)
}

/** The exports with their globals moved, and more after them. */
export function exportSection(
  shape: ModuleShape,
  { globalShift, extra }: { readonly globalShift: number; readonly extra: readonly Part[] },
): Part {
  if (globalShift === 0) return grown(shape, SECTION.export, extra)
  const moved = [...shape.exports].map(([exported, { kind, index }]) => {
    const moves = kind === EXPORT_KIND.global && index >= shape.importedGlobals
    return [...name(exported), kind, ...u32(moves ? index + globalShift : index)]
  })
  return withMore(SECTION.export, undefined, [...moved, ...extra])
}

function contentOf(shape: ModuleShape, id: number): Uint8Array | undefined {
  const range = shape.sections.get(id)
  return range && shape.bytes.subarray(range.start, range.end)
}

function withMore(id: number, content: Uint8Array | undefined, extra: readonly Part[]): Part {
  if (content === undefined) return extra.length === 0 ? [] : section(id, [u32(extra.length), ...extra])
  if (extra.length === 0) return section(id, [content])
  const reader = new ModuleReader(content)
  const count = reader.u32()
  return section(id, [u32(count + extra.length), content.subarray(reader.offset), ...extra])
}
