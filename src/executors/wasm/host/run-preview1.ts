import type { TrapName } from '../../../protocol/execution.ts'
import { REFUSED } from '../module/meters.ts'
import type { RewrittenModule } from '../module/rewrite.ts'
import { realClock, virtualClock, type Clock } from './clocks.ts'
import { clockCalls } from './clock-calls.ts'
import { descriptorCalls } from './descriptor-calls.ts'
import { Descriptors } from './descriptors.ts'
import { Errno, ERRNO } from './errno.ts'
import type { FileSystem } from './file-system.ts'
import { fuelTank, type FuelTank } from './fuel.ts'
import { GuestMemory } from './guest-memory.ts'
import { GuestExit } from './guest-exit.ts'
import type { Host } from './host.ts'
import { ioCalls } from './io-calls.ts'
import { pathCalls } from './path-calls.ts'
import { processCalls } from './process-calls.ts'
import type { MemoryBudget, Quota } from './quota.ts'
import { seededRandom, systemRandom } from './random.ts'
import { PREVIEW1, PREVIEW1_NAMES, type Preview1Calls, type Preview1Name } from './signatures.ts'
import { Streams, type StreamPort } from './streams.ts'
import { isStackOverflow, trapName } from './traps.ts'
import type { Wasmer } from './wasmer.ts'

/** How the guest came to its end; `output` and `fuel` are limits that it met. */
export type GuestEnd = GuestExit['reason'] | { readonly kind: 'trapped'; readonly trap: TrapName }

/** What a guest gets to run on. The file system and its quota outlive the run. */
export interface Preview1Options {
  /** As the rewriter made it, compiled, and what the rewriter says of it. */
  readonly module: WebAssembly.Module
  readonly facts: Omit<RewrittenModule, 'bytes'>
  /** Memory, tables and files together. */
  readonly memoryBytes: number
  /** How many instructions a metered module may run; as many as it likes where absent. */
  readonly fuel?: number | undefined
  /**
   * Time and random numbers that are the same on every machine, these from a seed of 64 hex digits; and how deep calls may go,
   * in bytes as the rewriter counts them.
   */
  readonly deterministic?: { readonly seed: string; readonly depthBytes: number } | undefined
  /** Where the operator wants @wasmer/wasi: it answers what it can be trusted with, in place of ours. */
  readonly wasmer?: Wasmer | undefined
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Folder of relative paths, absolute. Where absent no folder is preopened: there are no files. */
  readonly workdir?: string | undefined
  readonly openFileSystem: (
    budget: MemoryBudget,
    clock: Clock,
  ) => { readonly fileSystem: FileSystem; readonly quota: Quota }
  readonly streams: { readonly port: StreamPort; readonly outputBytes: number }
  /** Called just before the guest's first instruction. */
  readonly onStarting: () => void
  /** Called when the most memory that the guest has had may have changed. */
  readonly onMemory: (peakBytes: number) => void
}

export interface Preview1Run {
  readonly end: GuestEnd
  readonly fileSystem: FileSystem
  readonly quota: Quota
  /** Present where the module is metered. */
  readonly fuelUsed?: number
}

/** The host itself failed: neither an errno for the guest nor an end of it. */
export class HostFault extends Error {
  override readonly name = 'HostFault'
}

/**
 * Runs a WASI preview 1 command to its end, synchronously, on the calling thread.
 *
 * @throws WebAssembly errors when the module cannot be instantiated, HostFault when a call of ours is broken.
 */
export function runPreview1(options: Preview1Options): Preview1Run {
  const { facts, deterministic, args, env } = options
  const bound: Bound = { steady: deterministic !== undefined }
  const guest = instantiate(options, bound)
  guest.budget.leftBytes = options.memoryBytes - facts.initialBytes
  const clock = deterministic === undefined ? realClock() : virtualClock()
  const { fileSystem, quota } = options.openFileSystem(guest.budget, clock)
  const descriptors = new Descriptors({
    quota,
    onClosed: (descriptor) => {
      if (descriptor.kind === 'file') fileSystem.release(descriptor.node)
    },
  })
  if (options.workdir !== undefined) preopen(descriptors, fileSystem, options.workdir)
  const memory = new GuestMemory(guest.memory)
  const host: Host = {
    memory,
    fileSystem,
    descriptors,
    streams: new Streams({ ...options.streams, wholeReads: deterministic !== undefined }),
    clock,
    random: deterministic === undefined ? systemRandom : seededRandom(deterministic.seed),
    args,
    env,
  }
  const { random_get, ...wasmer } = options.wasmer?.({ args, env, memory: guest.memory })(memory) ?? {}
  bound.calls = {
    ...preview1Calls(host),
    ...wasmer,
    ...(deterministic === undefined && random_get !== undefined && { random_get }),
  }
  bound.afterCall = () => {
    quota.noteMemory()
    options.onMemory(quota.memoryPeakBytes)
  }
  const fuel = fuelTank(guest.globals.fuel, options.fuel)
  bound.fuel = fuel
  const { depth } = guest.globals
  if (depth !== undefined && deterministic !== undefined) depth.value = deterministic.depthBytes

  options.onStarting()
  const end = runToEnd(guest, bound)
  quota.noteMemory()
  if (guest.globals.refused.value === REFUSED.budget) quota.hit.add('memory')
  return { end, fileSystem, quota, ...(fuel !== undefined && { fuelUsed: fuel.used() }) }
}

/** What the imported functions call: there are none yet when the module is instantiated, nor is anything run then. */
interface Bound {
  calls?: Preview1Calls
  afterCall?: () => void
  fuel?: FuelTank | undefined
  /** What a call answers may not depend on how much memory this machine has left. */
  readonly steady: boolean
  /** What a call of ours threw that it should not have. */
  fault?: Error
}

interface Guest {
  readonly memory: WebAssembly.Memory
  readonly budget: MemoryBudget
  readonly globals: {
    readonly refused: WebAssembly.Global
    readonly fuel: WebAssembly.Global | undefined
    readonly depth: WebAssembly.Global | undefined
  }
  /** The start function, where there is one, and `_start`. */
  readonly entries: readonly (() => unknown)[]
}

function instantiate({ module, facts }: Pick<Preview1Options, 'module' | 'facts'>, bound: Bound): Guest {
  const imports = Object.fromEntries(PREVIEW1_NAMES.map((name) => [name, imported(name, bound)]))
  const { exports } = new WebAssembly.Instance(module, { [PREVIEW1]: imports })
  const globalOf = (name: string): WebAssembly.Global => {
    const exported = exports[name]
    return exported instanceof WebAssembly.Global ? exported : missing(name)
  }
  const entryOf = (name: string): (() => unknown) => {
    const exported = exports[name]
    return typeof exported === 'function' ? exported : missing(name)
  }
  const memory = exports['memory']
  const { startExport, exports: added } = facts
  const budget = globalOf(added.budget)
  return {
    memory: memory instanceof WebAssembly.Memory ? memory : missing('memory'),
    entries: (startExport === undefined ? ['_start'] : [startExport, '_start']).map(entryOf),
    globals: {
      refused: globalOf(added.refused),
      fuel: added.fuel === undefined ? undefined : globalOf(added.fuel),
      depth: added.depth === undefined ? undefined : globalOf(added.depth),
    },
    budget: {
      get leftBytes() {
        return Number(budget.value)
      },
      set leftBytes(bytes) {
        budget.value = BigInt(bytes)
      },
    },
  }
}

const missing = (name: string): never => {
  throw new HostFault(`the instance lacks ${name}, which the rewritten module exports`)
}

function runToEnd({ entries, globals }: Guest, bound: Bound): GuestEnd {
  let end: GuestEnd = { kind: 'exited', code: 0 }
  try {
    for (const entry of entries) entry()
  } catch (error) {
    const { fault } = bound
    if (fault !== undefined) throw new HostFault(`a call of the host failed: ${fault.message}`, { cause: fault })
    end = error instanceof GuestExit ? error.reason : trapOf(error, globals)
    const machine = bound.steady ? shortage(error, globals) : undefined
    if (machine !== undefined) throw new HostFault(`this machine ran out of ${machine} before the task did`)
  }
  // The meter traps where fuel ran out; and a guest may come to another end before it looks.
  return bound.fuel?.isEmpty() === true ? { kind: 'fuel' } : end
}

/** A trap of the module's own, or that of the meter of its calls' depth. */
function trapOf(error: unknown, { depth }: Guest['globals']): GuestEnd {
  return { kind: 'trapped', trap: depth !== undefined && depth.value < 0 ? 'stackOverflow' : trapName(error) }
}

/** What a trap shows this machine to have had too little of, where all are to come to the same. */
function shortage(error: unknown, { refused }: Guest['globals']): 'stack' | 'memory' | undefined {
  if (isStackOverflow(error)) return 'stack'
  return refused.value === REFUSED.engine ? 'memory' : undefined
}

/**
 * libc finds files by the longest preopened name that begins a path, and takes `/x` and `x` for the same where
 * `/` or `.` is preopened. So where there is a working folder it becomes `.`, and each folder of the root is
 * preopened by its own name; without one, `/` is all there is.
 */
function preopen(descriptors: Descriptors, fileSystem: FileSystem, workdir: string): void {
  if (workdir === '/') return descriptors.preopen('/', fileSystem.root)
  const found = fileSystem.resolve(fileSystem.root, workdir.slice(1)).node
  if (found?.kind !== 'directory') throw new HostFault('the working folder was not made')
  descriptors.preopen('.', found)
  for (const [name, { node }] of fileSystem.root.entries)
    if (node.kind === 'directory') descriptors.preopen(`/${name}`, node)
}

/** Every call of preview 1, over one host. */
export function preview1Calls(host: Host): Preview1Calls {
  return { ...processCalls(host), ...clockCalls(host), ...descriptorCalls(host), ...ioCalls(host), ...pathCalls(host) }
}

type Parameter = number | bigint | undefined

/**
 * A call as the guest imports it: an errno for what goes wrong in it, and nothing else but the guest's own end. It
 * has as many parameters as the call that has most, so that none is passed in an array.
 */
function imported(name: Preview1Name, bound: Bound): (...values: never[]) => number {
  return (
    a: Parameter,
    b: Parameter,
    c: Parameter,
    d: Parameter,
    e: Parameter,
    f: Parameter,
    g: Parameter,
    h: Parameter,
    i: Parameter,
  ) => {
    try {
      if (bound.fuel?.isEmpty() === true) throw new GuestExit({ kind: 'fuel' })
      const call = bound.calls?.[name] as ((...values: readonly Parameter[]) => void) | undefined
      call?.(a, b, c, d, e, f, g, h, i)
      bound.afterCall?.()
      return 0
    } catch (error) {
      if (error instanceof Errno) return error.code
      if (error instanceof GuestExit || isStackOverflow(error)) throw error
      // Any other RangeError is an allocation for a file that this process could not make.
      if (error instanceof RangeError && !bound.steady) return ERRNO.nomem
      bound.fault = error instanceof Error ? error : new Error('not an error', { cause: error })
      throw error
    }
  }
}
