import { $init, generate } from '@bytecodealliance/jco-transpile/component'
import { inspectModule, type ModuleShape } from '../module/inspect.ts'
import { ModuleRefused } from '../module/reader.ts'
import { METER_MODULE, rewriteModule } from '../module/rewrite.ts'
import { MAX_CORE_MODULES, type Bundle, type BundledModule } from './bundle.ts'
import { checkComponent } from './check-component.ts'
import { inspectComponent } from './inspect-component.ts'

export interface ComponentMeters {
  readonly fuel: boolean
  readonly deterministic: boolean
}

const MAX_JAVASCRIPT_BYTES = 32 * 1024 * 1024
/** Names of core modules end up in the generated JavaScript. These need no escaping in it, whatever jco does. */
const SAFE_NAME = /^[A-Za-z0-9_$.:/@<>[\]()#!?%&*+,;=~|{} -]{0,500}$/
const EXPORTED_FUNCTION = 'export function instantiate('
const EXPORTED_UTIL = 'export const _util ='

/** Loads jco: 50 ms, so it is done before there is a component. */
export async function loadTranspiler(): Promise<void> {
  await $init
}

/**
 * From the hostile bytes of a component to what runs it, every core module metered.
 *
 * @throws ModuleRefused naming what is wrong: an import, an export, a feature, the transpiler's own complaint.
 */
export function transpile(component: Uint8Array, meters: ComponentMeters): Bundle {
  const shape = inspectComponent(component)
  const entry = checkComponent(shape)
  if (shape.coreModules > MAX_CORE_MODULES)
    throw new ModuleRefused(`the component has ${shape.coreModules} core modules; ${MAX_CORE_MODULES} are taken`)
  const files = generateFiles(component)
  const script = files.find(([name]) => name.endsWith('.js'))
  const core = files.filter(([name]) => name.endsWith('.wasm'))
  if (script === undefined) throw new Error('jco made no JavaScript')
  // Components inside it may be used more than once, and what passes strings between them is a module too.
  if (core.length > MAX_CORE_MODULES)
    throw new ModuleRefused(`the component makes ${core.length} core modules; ${MAX_CORE_MODULES} are taken`)
  if (script[1].length > MAX_JAVASCRIPT_BYTES)
    throw new ModuleRefused('the component is too large: calling it takes too much JavaScript', 'types')
  return {
    entry,
    metered: meters.fuel || meters.deterministic,
    javascript: functionBody(new TextDecoder().decode(script[1])),
    modules: core.map(([name, bytes]) => meteredModule(name, bytes, meters)),
  }
}

function generateFiles(component: Uint8Array): [string, Uint8Array][] {
  try {
    return generate(component, {
      name: 'component',
      instantiation: { tag: 'sync' },
      noTypescript: true,
      noNodejsCompat: true,
      base64Cutoff: 0,
      noNamespacedExports: false,
      noComponentErrorWrapping: true,
      tlaCompat: false,
      tracing: false,
      validLiftingOptimization: false,
      multiMemory: false,
      strict: true,
    }).files
  } catch (error) {
    const said = error instanceof Error ? error.message : typeof error === 'string' ? error : 'it does not say why'
    throw new ModuleRefused(`the component cannot be transpiled: ${said}`)
  }
}

/** jco makes a module with two exports; a function needs no loader, and sees no more of the process than it is given. */
function functionBody(module: string): string {
  if (!module.includes(EXPORTED_FUNCTION) || /^\s*import\b/m.test(module))
    throw new Error('jco made JavaScript of another form')
  return `'use strict';\n${module
    .replace(EXPORTED_FUNCTION, 'function instantiate(')
    .replace(EXPORTED_UTIL, 'const _util =')
    // It keeps every handle's number ever given out, and never looks at them: memory that a long task runs out of.
    .replaceAll('table._createdReps.add(rep);', '')}\nreturn instantiate`
}

function meteredModule(name: string, bytes: Uint8Array, { fuel, deterministic }: ComponentMeters): BundledModule {
  const shape = inspectModule(bytes)
  checkNames(shape)
  const {
    bytes: metered,
    initialBytes,
    startExport,
  } = rewriteModule(shape, { fuel, deterministic, meters: 'imported' })
  return { name, bytes: metered, initialBytes, startExport }
}

function checkNames(shape: ModuleShape): void {
  const imported = shape.imports.flatMap(({ module, name }) => [module, name])
  for (const name of [...imported, ...shape.exports.keys()])
    if (!SAFE_NAME.test(name))
      throw new ModuleRefused(
        'a core module of the component imports or exports something under an unusual name',
        'names',
      )
  if (shape.imports.some(({ module }) => module === METER_MODULE))
    throw new ModuleRefused(
      `a core module of the component imports from ${METER_MODULE}, which means its meters`,
      METER_MODULE,
    )
}
