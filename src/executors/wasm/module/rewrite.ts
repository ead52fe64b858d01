import { AddedFunctions } from './added-functions.ts'
import { BodyWriter } from './emit.ts'
import { EXPORT_KIND, MAX_FUNCTIONS, SECTION, type ModuleShape } from './inspect.ts'
import { METERS, meterIndices, PAGE_BYTES, TABLE_ELEMENT_BYTES, type Meter, type RewriteOptions } from './meters.ts'
import { ModuleReader, ModuleRefused } from './reader.ts'
import { BodyScanner } from './scan.ts'
import { checkIndices, constantSection, exportSection, functionImports, grown, unchanged } from './sections.ts'
import { VALUE, type FunctionType } from './types.ts'
import { ByteWriter, concat, name, u32 } from './writer.ts'

/** Raised whenever the same module comes out otherwise than before. */
export const REWRITE_VERSION = 1

/** A rewritten module. All but `bytes` can be JSON. */
export interface RewrittenModule {
  readonly bytes: Uint8Array
  /** What its memory and tables take from the start; none of it is taken from the budget by the module itself. */
  readonly initialBytes: number
  /** Names of its meters: of exports, or of imports from `souk`. All are 0 until the host writes them. */
  readonly exports: {
    readonly budget: string
    readonly refused: string
    readonly fuel?: string | undefined
    readonly depth?: string | undefined
  }
  /** A function that the host has to call first; absent where there is none, or the module calls it itself. */
  readonly startExport?: string | undefined
}

export const METER_MODULE = 'souk'
/** A rewritten module has at most so many bytes: no module of a size that is let in comes near it, but one made to. */
const MAX_REWRITTEN_BYTES = 256 * 1024 * 1024 - 1
/** Of the code section, with lengths of four bytes. */
const HEADER_BYTES = 9
const tooLarge = (): ModuleRefused => new ModuleRefused('the module is too large with its meters')

/**
 * Puts meters into a module. Every `memory.grow` and `table.grow` becomes a call of an added function that draws on
 * a budget; the rest is as the options say. Added types, functions and the meters of `own` come last, so no index of
 * the module moves then; imported meters move the module's own globals.
 *
 * The module need not be valid: each index in it that could name what is added is checked, and so the result is valid
 * exactly when the module was. Custom sections are dropped. With meters of its own, the start function becomes an
 * export, so that nothing runs at instantiation.
 *
 * @throws ModuleRefused
 */
export function rewriteModule(shape: ModuleShape, options: RewriteOptions): RewrittenModule {
  const own = options.meters === 'own'
  if (own) functionImports(shape)
  checkIndices(shape)
  const meters = meterIndices(shape, options)
  const globalShift = own ? 0 : meters.size
  const added = new AddedFunctions({ shape, meters, deterministic: options.deterministic })
  // Exported itself it would count as declared, and ref.func might name it.
  const startCaller = own && shape.start !== undefined ? added.caller(shape.start) : undefined
  const code = rewriteCode(shape, { options, meters, added, globalShift })

  const freshName = (wanted: string): string => (shape.exports.has(wanted) ? freshName(`${wanted}'`) : wanted)
  const nameOf = (meter: Meter): string => (own ? freshName(`${METER_MODULE}:${meter}`) : meter)
  const startExport = startCaller === undefined ? undefined : freshName(`${METER_MODULE}:start`)
  const meterGlobals = [...meters.keys()].map((meter) => [METERS[meter], 1])
  const exported = [...meters].map(([meter, index]) => [...name(nameOf(meter)), EXPORT_KIND.global, ...u32(index)])
  if (startExport !== undefined && startCaller !== undefined)
    exported.push([...name(startExport), EXPORT_KIND.function, ...u32(startCaller)])
  const imported = [...meters.keys()].map((meter) => [
    ...[...name(METER_MODULE), ...name(meter), EXPORT_KIND.global],
    ...[METERS[meter], 1],
  ])
  const bytes = concat([
    shape.bytes.subarray(0, 8),
    grown(shape, SECTION.type, added.types.map(functionType)),
    grown(shape, SECTION.import, own ? [] : imported),
    grown(
      shape,
      SECTION.function,
      added.functions.map(({ type }) => u32(type)),
    ),
    unchanged(shape, SECTION.table),
    unchanged(shape, SECTION.memory),
    constantSection(shape, SECTION.global, {
      globalShift,
      extra: own ? meterGlobals.map((type) => [...type, type[0] === VALUE.i64 ? 0x42 : 0x41, 0, 0x0b]) : [],
    }),
    exportSection(shape, { globalShift, extra: own ? exported : [] }),
    own ? [] : unchanged(shape, SECTION.start),
    constantSection(shape, SECTION.element, { globalShift }),
    unchanged(shape, SECTION.dataCount),
    code,
    constantSection(shape, SECTION.data, { globalShift }),
  ])
  return {
    bytes,
    initialBytes: initialSize(shape),
    exports: {
      budget: nameOf('budget'),
      refused: nameOf('refused'),
      ...(meters.has('fuel') && { fuel: nameOf('fuel') }),
      ...(meters.has('depth') && { depth: nameOf('depth') }),
    },
    startExport,
  }
}

interface CodeRewrite {
  readonly options: RewriteOptions
  readonly meters: ReadonlyMap<Meter, number>
  readonly added: AddedFunctions
  readonly globalShift: number
}

function rewriteCode(shape: ModuleShape, { options, meters, added, globalShift }: CodeRewrite): Uint8Array {
  const range = shape.sections.get(SECTION.code)
  const out = new ByteWriter({
    bytes: 1024 + (range === undefined ? 0 : (range.end - range.start) * (meters.has('fuel') ? 2 : 1)),
    maxBytes: MAX_REWRITTEN_BYTES,
    onFull: tooLarge,
  })
  out.skip(HEADER_BYTES)
  const { deterministic } = options
  const scanner = new BodyScanner({ shape, added, fuel: meters.has('fuel'), deterministic, globalShift })
  const bodies = new BodyWriter({ shape, scanner, added, meters, out })
  if (range !== undefined) {
    const reader = new ModuleReader(shape.bytes, range.start, range.end)
    reader.u32()
    for (let index = shape.importedFunctions; index < shape.functions.length; index += 1) {
      const body = reader.slice(reader.u32())
      scanner.scan(body, index)
      bodies.write(index, body.end)
    }
    reader.expectEnd('the code')
  }
  for (const { body } of added.functions) {
    out.u32(body.length)
    out.copy(body)
  }
  const functions = shape.functions.length - shape.importedFunctions + added.functions.length
  if (functions > MAX_FUNCTIONS || shape.types.length + added.types.length > MAX_FUNCTIONS) throw tooLarge()
  // Over what was left free for it: the section's number and length, and how many functions there are.
  out.bytes[0] = SECTION.code
  out.u32At(1, out.length - 5)
  out.u32At(5, functions)
  return out.written()
}

const functionType = ({ parameters, results }: FunctionType): number[] => [
  0x60,
  ...[...u32(parameters.length), ...parameters],
  ...[...u32(results.length), ...results],
]

/** Bytes of the memory and tables that the module itself defines. */
function initialSize(shape: ModuleShape): number {
  const pages = shape.memoryImported ? 0 : (shape.memory?.minimum ?? 0)
  const elements = shape.tables.slice(shape.importedTables).reduce((sum, table) => sum + table.limits.minimum, 0)
  return pages * PAGE_BYTES + elements * TABLE_ELEMENT_BYTES
}
