import { realClock, virtualClock } from '../host/clocks.ts'
import type { FileSystem } from '../host/file-system.ts'
import { fuelTank } from '../host/fuel.ts'
import { GuestExit } from '../host/guest-exit.ts'
import type { DirectoryNode } from '../host/nodes.ts'
import type { MemoryBudget, Quota } from '../host/quota.ts'
import { seededRandom, systemRandom } from '../host/random.ts'
import { HostFault, type GuestEnd, type Preview1Options, type Preview1Run } from '../host/run-preview1.ts'
import { Streams } from '../host/streams.ts'
import { isStackOverflow, trapName } from '../host/traps.ts'
import { REFUSED } from '../module/meters.ts'
import { compileModule } from '../module/compile.ts'
import { ModuleRefused } from '../module/reader.ts'
import { METER_MODULE } from '../module/rewrite.ts'
import type { Bundle, BundledModule } from './bundle.ts'
import { ComponentHost, trap } from './component-host.ts'
import { CountedCalls } from './counted-calls.ts'
import { wasiImports, type ComponentImports } from './wasi-imports.ts'

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: ComponentImports,
  instantiateCore: (module: WebAssembly.Module, imports?: Record<string, unknown>) => WebAssembly.Instance,
) => unknown

interface CompiledModule extends Omit<BundledModule, 'bytes'> {
  readonly module: WebAssembly.Module
}

export interface PreparedComponent {
  readonly instantiate: Instantiate
  readonly entry: string
  /** Its fuel is counted. */
  readonly metered: boolean
  readonly modules: readonly CompiledModule[]
  /** Memory and tables that its core modules start with. */
  readonly initialBytes: number
}

/**
 * What the generated JavaScript need not see of the process. Nothing of a component is in its text but names that
 * were checked; should jco be wrong about one, it finds nothing here.
 */
const HIDDEN = [
  'WebAssembly',
  'globalThis',
  'global',
  'process',
  'console',
  'require',
  'module',
  'fetch',
  'Buffer',
  'navigator',
  'performance',
  'queueMicrotask',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'structuredClone',
  'Worker',
  'WebSocket',
  'EventSource',
  'BroadcastChannel',
  'MessageChannel',
  'FinalizationRegistry',
] as const
/** A trap of the component model. jco rewrites the messages of errors of its class, and core modules' traps are known by theirs. */
class ComponentTrap extends WebAssembly.RuntimeError {}
/** No destructor of a component's is called when garbage happens to be collected. */
class NoFinalization {
  register(): void {}
  unregister(): void {}
}
/** Without what suspends a stack: nothing here is asynchronous. */
const ENGINE = Object.freeze({ Global: WebAssembly.Global, RuntimeError: ComponentTrap })
const SEEN: Partial<Record<(typeof HIDDEN)[number], unknown>> = {
  WebAssembly: ENGINE,
  globalThis: Object.freeze({ WebAssembly: ENGINE }),
  FinalizationRegistry: NoFinalization,
  console: Object.freeze({ debug() {}, error() {}, log() {}, warn() {} }),
}

/** Compiles a bundle's core modules, and its JavaScript. Throws ModuleRefused where the engine takes one of them not. */
export function prepareComponent(bundle: Bundle, { optimise }: { readonly optimise: boolean }): PreparedComponent {
  const modules = bundle.modules.map(({ bytes, ...module }) => ({
    ...module,
    module: compileModule(bytes, { optimise }),
  }))
  return {
    instantiate: instantiator(bundle.javascript),
    entry: bundle.entry,
    metered: bundle.metered,
    modules,
    initialBytes: modules.reduce((sum, { initialBytes }) => sum + initialBytes, 0),
  }
}

function instantiator(javascript: string): Instantiate {
  try {
    // It is made for this component, here, in the process that runs nothing else.
    // oxlint-disable-next-line typescript/no-implied-eval
    const make = new Function(...HIDDEN, javascript) as (...values: readonly unknown[]) => Instantiate
    return make(...HIDDEN.map((name) => SEEN[name]))
  } catch (error) {
    throw new ModuleRefused(`the component cannot be called: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What a component gets to run on: the same as a preview 1 command. */
export interface ComponentOptions extends Omit<Preview1Options, 'module' | 'facts' | 'wasmer' | 'workdir'> {
  readonly prepared: PreparedComponent
  readonly workdir: string
}

/** The meters that all core modules of a component share. */
class Meters {
  readonly budget = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n)
  readonly refused = new WebAssembly.Global({ value: 'i32', mutable: true }, 0)
  readonly fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n)
  readonly depth = new WebAssembly.Global({ value: 'i32', mutable: true }, 0)
}

/**
 * Runs a component that is a WASI 0.2 command to its end, synchronously, on the calling thread. Its core modules are
 * instantiated in it: a component can run code of its own then.
 *
 * @throws HostFault when a call of ours is broken
 */
export function runComponent(options: ComponentOptions): Preview1Run {
  const { prepared, deterministic, onMemory } = options
  const meters = new Meters()
  const budget = budgetOf(meters)
  budget.leftBytes = options.memoryBytes
  if (deterministic !== undefined) meters.depth.value = deterministic.depthBytes
  const fuel = fuelTank(prepared.metered ? meters.fuel : undefined, options.fuel)
  const clock = deterministic === undefined ? realClock() : virtualClock()
  const { fileSystem, quota } = options.openFileSystem(budget, clock)
  const host = new ComponentHost({
    fileSystem,
    quota,
    budget,
    clock,
    streams: new Streams({ ...options.streams, wholeReads: deterministic !== undefined }),
    random: deterministic === undefined ? systemRandom : seededRandom(deterministic.seed),
    args: options.args,
    env: options.env,
    workdir: options.workdir,
    steady: deterministic !== undefined,
    onCall: () => {
      if (fuel?.isEmpty() === true) throw new GuestExit({ kind: 'fuel' })
    },
    onCalled: () => {
      quota.noteMemory()
      onMemory(quota.memoryPeakBytes)
    },
  })
  const imports = wasiImports(host, preopenedFolders(fileSystem, options.workdir))
  options.onStarting()
  const thrown = runToEnd(prepared, imports, { meters, budget, quota, steady: deterministic !== undefined })
  quota.noteMemory()
  if (meters.refused.value === REFUSED.budget) quota.hit.add('memory')
  if (host.fault !== undefined)
    throw new HostFault(`a call of the host failed: ${host.fault.message}`, { cause: host.fault })
  if (deterministic !== undefined && meters.refused.value === REFUSED.engine)
    throw new HostFault('this machine ran out of memory before the task did')
  if (deterministic !== undefined && isShortage(thrown?.error))
    throw new HostFault('this machine ran out of stack or memory before the task did')
  const end: GuestEnd = fuel?.isEmpty() === true ? { kind: 'fuel' } : (host.ended ?? endOf(thrown, meters))
  return { end, fileSystem, quota, ...(fuel !== undefined && { fuelUsed: fuel.used() }) }
}

function budgetOf({ budget }: Meters): MemoryBudget {
  return {
    get leftBytes() {
      return Number(budget.value)
    },
    set leftBytes(bytes) {
      budget.value = BigInt(bytes)
    },
  }
}

/** Nothing was thrown, or what was; `run` says that it failed by throwing nothing. */
type Thrown = { readonly error: unknown } | undefined

function runToEnd(
  { instantiate, entry, modules }: PreparedComponent,
  imports: ComponentImports,
  {
    meters,
    budget,
    quota,
    steady,
  }: { readonly meters: Meters; readonly budget: MemoryBudget; readonly quota: Quota; readonly steady: boolean },
): Thrown {
  const byName = new Map(modules.map((compiled) => [compiled.name, compiled]))
  const byModule = new Map(modules.map((compiled) => [compiled.module, compiled]))
  const calls = new CountedCalls(meters)
  const instantiateCore = (
    module: WebAssembly.Module,
    imported: Record<string, unknown> = {},
  ): WebAssembly.Instance => {
    const { initialBytes, startExport } = byModule.get(module) ?? trap('an unknown core module')
    // A component may use one of its modules more than once.
    if (initialBytes > budget.leftBytes) {
      quota.hit.add('memory')
      trap('the core modules start with more memory than the task may use')
    }
    budget.leftBytes -= initialBytes
    quota.noteMemory()
    const counted: Record<string, unknown> = steady ? calls.counted(imported) : imported
    counted[METER_MODULE] = meters
    const instance = new WebAssembly.Instance(module, counted as WebAssembly.Imports)
    calls.noteGuests(instance)
    const start = startExport === undefined ? undefined : instance.exports[startExport]
    if (typeof start === 'function') start()
    return instance
  }
  try {
    const component = instantiate(
      (name) => byName.get(name)?.module ?? trap('an unknown core module'),
      imports,
      instantiateCore,
    ) as Readonly<Record<string, { readonly run?: () => unknown }>>
    const command = component[entry] ?? trap('its entry is missing')
    command.run?.()
    return undefined
  } catch (error) {
    return { error }
  }
}

function endOf(thrown: Thrown, { depth }: Meters): GuestEnd {
  if (thrown === undefined) return { kind: 'exited', code: 0 }
  if (thrown.error === undefined) return { kind: 'exited', code: 1 }
  return { kind: 'trapped', trap: Number(depth.value) < 0 ? 'stackOverflow' : trapName(thrown.error) }
}

/** What V8 throws where this machine has no room; other RangeErrors (a list beyond memory, say) are the guest's own doing. */
function isShortage(error: unknown): boolean {
  return (
    error instanceof RangeError &&
    (isStackOverflow(error) ||
      /^(Array buffer allocation failed|WebAssembly\.\w+\(\): Out of memory)/.test(error.message))
  )
}

/** The folders that a task finds open, named as preview 1 has them: libc looks for files by the longest name. */
function preopenedFolders(
  fileSystem: FileSystem,
  workdir: string,
): readonly { readonly name: string; readonly node: DirectoryNode }[] {
  if (workdir === '/') return [{ name: '/', node: fileSystem.root }]
  const found = fileSystem.resolve(fileSystem.root, workdir.slice(1)).node
  if (found?.kind !== 'directory') throw new HostFault('the working folder was not made')
  const folders = [...fileSystem.root.entries].flatMap(([name, { node }]) =>
    node.kind === 'directory' ? [{ name: `/${name}`, node }] : [],
  )
  return [{ name: '.', node: found }, ...folders]
}
