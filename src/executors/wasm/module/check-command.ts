import { EXPORT_KIND, type ModuleShape } from './inspect.ts'
import { ModuleRefused } from './reader.ts'
import { functionImports } from './sections.ts'
import { VALUE } from './types.ts'

const PREVIEW1 = 'wasi_snapshot_preview1'

/** The functions that the host gives, each with its parameter types: `i` is i32, `I` is i64. */
export type HostSignatures = Readonly<Record<string, { readonly parameters: string; readonly results: string }>>

/**
 * Checks that a module is a WASI command which imports nothing but what the host gives.
 *
 * @throws ModuleRefused
 */
export function checkCommand(shape: ModuleShape, host: HostSignatures): void {
  checkImports(shape, host)
  checkExports(shape)
}

const CODES = new Map<number, string>([
  [VALUE.i32, 'i'],
  [VALUE.i64, 'I'],
])
const codes = (types: readonly number[] = []): string => types.map((type) => CODES.get(type) ?? '?').join('')

function checkImports(shape: ModuleShape, host: HostSignatures): void {
  for (const { module, name, type: index } of functionImports(shape)) {
    const type = shape.types[index]
    const subject = `${module}.${name}`
    if (module === 'wasi_unstable')
      throw new ModuleRefused(`the module is built for preview 0 of WASI: it imports ${subject}`, subject)
    const known = module === PREVIEW1 && Object.hasOwn(host, name) ? host[name] : undefined
    if (known === undefined)
      throw new ModuleRefused(`the module imports ${subject}, which is no function of WASI preview 1`, subject)
    if (known.parameters !== codes(type?.parameters) || known.results !== codes(type?.results)) {
      throw new ModuleRefused(
        `the module imports ${subject} with other parameters than WASI preview 1 gives it`,
        subject,
      )
    }
  }
}

function checkExports(shape: ModuleShape): void {
  if (shape.exports.get('memory')?.kind !== EXPORT_KIND.memory)
    throw new ModuleRefused('the module does not export its memory as "memory"', 'memory')
  const start = shape.exports.get('_start')
  if (start?.kind !== EXPORT_KIND.function)
    throw new ModuleRefused('the module exports no function "_start": it is not a WASI command', '_start')
  const type = shape.types[shape.functions[start.index] ?? -1]
  if (type === undefined || type.parameters.length > 0 || type.results.length > 0) {
    throw new ModuleRefused('the function "_start" takes or returns values: it is not that of a WASI command', '_start')
  }
}
