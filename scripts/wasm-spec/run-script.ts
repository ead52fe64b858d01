import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspectModule } from '../../src/executors/wasm/module/inspect.ts'
import { METERS, type Meter, type RewriteOptions } from '../../src/executors/wasm/module/meters.ts'
import { ModuleRefused } from '../../src/executors/wasm/module/reader.ts'
import { METER_MODULE, rewriteModule, type RewrittenModule } from '../../src/executors/wasm/module/rewrite.ts'
import { meterModule, spectestModule } from './host-modules.ts'
import { callerModule, matches, referenceArguments, type SpecValue } from './values.ts'

interface Action {
  readonly type: 'invoke' | 'get'
  readonly module?: string
  readonly field: string
  readonly args?: readonly SpecValue[]
}

export interface Command {
  readonly type: string
  readonly line: number
  readonly name?: string
  readonly as?: string
  readonly filename?: string
  readonly module_type?: 'binary' | 'text'
  readonly action?: Action
  readonly expected?: readonly SpecValue[]
}

/** How the modules of a script are run: as they are, or rewritten; the meters are their own wherever they can be. */
export type Treatment = Omit<RewriteOptions, 'meters'> | undefined

/** `skipped` tells why: what souk refuses by name, and what is about the text format. */
export type Verdict = { readonly kind: 'passed' } | { readonly kind: 'failed' | 'skipped'; readonly why: string }

type Exports = WebAssembly.Instance['exports']
interface Running {
  readonly exports: Exports
  readonly meters: ReadonlyMap<Meter, WebAssembly.Global>
}

const PASSED: Verdict = { kind: 'passed' }
const failed = (why: string): Verdict => ({ kind: 'failed', why })
const START: Readonly<Record<Meter, number | bigint>> = {
  budget: 1n << 34n,
  refused: 0,
  fuel: 1n << 62n,
  depth: 600_000,
}

const instantiate = (bytes: Uint8Array, imports: Readonly<Record<string, Exports>> = {}): Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports

/** Runs one script of the suite, in order, on instances of its own. */
export class ScriptRun {
  readonly #folder: string
  readonly #treatment: Treatment
  readonly #registered = new Map<string, Exports>([['spectest', instantiate(spectestModule())]])
  readonly #named = new Map<string, Running | ModuleRefused>()
  readonly #shared: Exports = instantiate(meterModule())
  #last: Running | ModuleRefused | undefined

  constructor(folder: string, treatment: Treatment) {
    this.#folder = folder
    this.#treatment = treatment
  }

  run(command: Command): Verdict {
    try {
      return this.#run(command)
    } catch (error) {
      if (error instanceof ModuleRefused) return { kind: 'skipped', why: `refused: ${error.subject ?? error.message}` }
      return failed(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
    }
  }

  #run(command: Command): Verdict {
    switch (command.type) {
      case 'module':
        return this.#module(command)
      case 'register':
        this.#registered.set(command.as ?? '', this.#running(command.name).exports)
        return PASSED
      case 'action':
        this.#perform(command)
        return PASSED
      case 'assert_return': {
        const expected = command.expected ?? []
        return matches(this.#perform(command), expected) ? PASSED : failed('another result')
      }
      case 'assert_trap':
        return this.#fails(
          () => this.#perform(command),
          (error) => error instanceof WebAssembly.RuntimeError && !this.#exhausted(),
        )
      case 'assert_exhaustion':
        return this.#fails(
          () => this.#perform(command),
          (error) => (this.#treatment?.deterministic === true ? this.#exhausted() : error instanceof RangeError),
        )
      case 'assert_uninstantiable':
        return this.#fails(
          () => this.#instance(command),
          (error) => error instanceof WebAssembly.RuntimeError,
        )
      case 'assert_unlinkable':
        return this.#fails(
          () => this.#instance(command),
          (error) => error instanceof WebAssembly.LinkError || error instanceof TypeError,
        )
      case 'assert_invalid':
      case 'assert_malformed':
        if (command.module_type === 'text') return { kind: 'skipped', why: 'about the text format' }
        return this.#isRefused(command)
      default:
        return failed(`an unknown command, ${command.type}`)
    }
  }

  #module(command: Command): Verdict {
    try {
      this.#last = this.#instance(command)
    } catch (error) {
      this.#last = error instanceof ModuleRefused ? error : new ModuleRefused('an instance that failed')
      throw error
    } finally {
      if (command.name !== undefined && this.#last !== undefined) this.#named.set(command.name, this.#last)
    }
    return PASSED
  }

  #running(named?: string): Running {
    const found = named === undefined ? this.#last : this.#named.get(named)
    if (found === undefined) throw new Error('no such module')
    if (found instanceof ModuleRefused) throw found
    return found
  }

  #fails(run: () => unknown, as: (error: unknown) => boolean): Verdict {
    try {
      run()
    } catch (error) {
      if (error instanceof ModuleRefused) throw error
      return as(error) ? PASSED : failed(`another error: ${String(error)}`)
    }
    return failed('it worked')
  }

  #isRefused(command: Command): Verdict {
    const bytes = this.#bytes(command)
    if (WebAssembly.validate(bytes))
      return { kind: 'skipped', why: 'this version does not have what the engine takes from a later one' }
    if (this.#treatment === undefined) return PASSED
    const ways: readonly RewriteOptions['meters'][] = ['own', 'imported']
    for (const meters of ways) {
      try {
        const rewritten = rewriteModule(inspectModule(bytes), { ...this.#treatment, meters })
        if (WebAssembly.validate(rewritten.bytes)) return failed(`it is valid with meters, ${meters}`)
      } catch (error) {
        if (!(error instanceof ModuleRefused)) throw error
      }
    }
    return PASSED
  }

  #bytes(command: Command): Uint8Array {
    return readFileSync(join(this.#folder, command.filename ?? ''))
  }

  #instance(command: Command): Running {
    const bytes = this.#bytes(command)
    const imports = { ...Object.fromEntries(this.#registered), [METER_MODULE]: this.#shared }
    if (this.#treatment === undefined) return { exports: instantiate(bytes, imports), meters: new Map() }
    const shape = inspectModule(bytes)
    const meters = shape.imports.every(({ kind }) => kind === 0) ? 'own' : 'imported'
    const rewritten = rewriteModule(shape, { ...this.#treatment, meters })
    this.#reset(metersOf(this.#shared, SHARED_NAMES))
    const exports = instantiate(rewritten.bytes, imports)
    const running = {
      exports,
      meters: meters === 'own' ? metersOf(exports, rewritten.exports) : metersOf(this.#shared, SHARED_NAMES),
    }
    this.#reset(running.meters)
    const start = rewritten.startExport === undefined ? undefined : exports[rewritten.startExport]
    if (typeof start === 'function') start()
    return running
  }

  #reset(meters: Running['meters']): void {
    for (const [meter, global] of meters) global.value = START[meter]
  }

  #everyMeter(): readonly Running['meters'][] {
    const running = [...this.#named.values(), this.#last].flatMap((one) =>
      one === undefined || one instanceof ModuleRefused ? [] : [one.meters],
    )
    return [metersOf(this.#shared, SHARED_NAMES), ...running]
  }

  #exhausted(): boolean {
    return this.#everyMeter().some(
      (meters) => Number(meters.get('depth')?.value ?? 0) < 0 || Number(meters.get('fuel')?.value ?? 0) < 0,
    )
  }

  #perform({ action, expected = [] }: Command): unknown {
    if (action === undefined) throw new Error('a command without an action')
    const { exports } = this.#running(action.module)
    const found = exports[action.field]
    if (action.type === 'get') return found instanceof WebAssembly.Global ? globalBits(found, expected) : undefined
    if (typeof found !== 'function') throw new Error(`no function ${action.field}`)
    for (const meters of this.#everyMeter()) this.#reset(meters)
    const args = action.args ?? []
    const caller = instantiate(callerModule(args, expected), { spec: { f: found } })['call']
    return typeof caller === 'function' ? caller(...referenceArguments(args)) : undefined
  }
}

const SHARED_NAMES: RewrittenModule['exports'] = { budget: 'budget', refused: 'refused', fuel: 'fuel', depth: 'depth' }

function metersOf(exports: Exports, names: RewrittenModule['exports']): Running['meters'] {
  const found = new Map<Meter, WebAssembly.Global>()
  for (const meter of Object.keys(METERS) as Meter[]) {
    const global = exports[names[meter] ?? '']
    if (global instanceof WebAssembly.Global) found.set(meter, global)
  }
  return found
}

/** A global's value as the bits that a call would give. */
function globalBits({ value }: WebAssembly.Global, [expected]: readonly SpecValue[]): unknown {
  const view = new DataView(new ArrayBuffer(8))
  if (expected?.type === 'f32') {
    view.setFloat32(0, Number(value))
    return view.getInt32(0)
  }
  if (expected?.type !== 'f64') return value
  view.setFloat64(0, Number(value))
  return view.getBigInt64(0)
}
