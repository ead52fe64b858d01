import type { PreparedModule } from '../module/prepare.ts'
import { clockCalls } from './clock-calls.ts'
import { descriptorCalls } from './descriptor-calls.ts'
import { Descriptors } from './descriptors.ts'
import { Errno, ERRNO, fail } from './errno.ts'
import type { DirectoryNode, FileSystem } from './file-system.ts'
import { GuestMemory } from './guest-memory.ts'
import { GuestExit } from './guest-exit.ts'
import type { Host } from './host.ts'
import { pathCalls } from './path-calls.ts'
import type { MemoryBudget, Quota } from './quota.ts'
import { PREVIEW1, PREVIEW1_NAMES, type Preview1Calls, type Preview1Name } from './signatures.ts'
import type { Streams } from './streams.ts'
import { isStackOverflow, trapName } from './traps.ts'
import type { Wasmer } from './wasmer.ts'
import type { TrapName } from '../../../protocol/execution.ts'

/** How the guest came to its end; `output` is the limit, met at a write. */
export type GuestEnd = GuestExit['reason'] | { readonly kind: 'trapped'; readonly trap: TrapName }

/** What a guest gets to run on. The file system and its quota outlive the run. */
export interface Preview1Options {
  readonly prepared: PreparedModule
  readonly wasmer: Wasmer
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Folder of relative paths, absolute. */
  readonly workdir: string
  readonly openFileSystem: (budget: MemoryBudget) => { readonly fileSystem: FileSystem; readonly quota: Quota }
  readonly streams: Streams
  /** Called just before the guest's first instruction. */
  readonly onStarting: () => void
  /** Called when the most memory that the guest has had may have changed. */
  readonly onMemory: (peakBytes: number) => void
}

export interface Preview1Run {
  readonly end: GuestEnd
  readonly fileSystem: FileSystem
  readonly quota: Quota
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
  const { prepared, streams, args, env } = options
  const bound: Bound = {}
  const guest = instantiate(prepared, bound)
  const { fileSystem, quota } = options.openFileSystem(guest.budget)
  const descriptors = new Descriptors({
    quota,
    onClosed: (descriptor) => {
      if (descriptor.kind === 'file') fileSystem.release(descriptor.node)
    },
  })
  preopen(descriptors, fileSystem, options.workdir)
  const memory = new GuestMemory(guest.memory)
  const wasmer = options.wasmer({ args, env, memory: guest.memory })(memory)
  bound.calls = allCalls({ memory, fileSystem, descriptors, streams }, wasmer)
  bound.afterCall = () => {
    quota.noteMemory()
    options.onMemory(quota.memoryPeakBytes)
  }

  options.onStarting()
  const end = runToEnd(guest.entries, bound)
  quota.noteMemory()
  if (guest.growthRefused()) quota.hit.add('memory')
  return { end, fileSystem, quota }
}

/** What the imported functions call: there are none yet when the module is instantiated, nor is anything run then. */
interface Bound {
  calls?: Preview1Calls
  afterCall?: () => void
  /** What a call of ours threw that it should not have. */
  fault?: Error
}

interface Guest {
  readonly memory: WebAssembly.Memory
  readonly budget: MemoryBudget
  /** The start function, where there is one, and `_start`. */
  readonly entries: readonly (() => unknown)[]
  readonly growthRefused: () => boolean
}

function instantiate(prepared: PreparedModule, bound: Bound): Guest {
  const imports = Object.fromEntries(PREVIEW1_NAMES.map((name) => [name, imported(name, bound)]))
  const { exports } = new WebAssembly.Instance(prepared.module, { [PREVIEW1]: imports })
  const memory = exports['memory']
  const budget = exports[prepared.budgetExport]
  const refused = exports[prepared.refusedExport]
  const names = prepared.startExport === undefined ? ['_start'] : [prepared.startExport, '_start']
  const entries = names.map((name) => exports[name]).filter((entry) => typeof entry === 'function')
  if (
    !(memory instanceof WebAssembly.Memory) ||
    !(budget instanceof WebAssembly.Global) ||
    !(refused instanceof WebAssembly.Global) ||
    entries.length !== names.length
  ) {
    throw new HostFault('the instance lacks what the rewritten module exports')
  }
  return {
    memory,
    entries,
    growthRefused: () => refused.value === 1,
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

function runToEnd(entries: Guest['entries'], bound: Bound): GuestEnd {
  try {
    for (const entry of entries) entry()
    return { kind: 'exited', code: 0 }
  } catch (error) {
    const { fault } = bound
    if (fault !== undefined) throw new HostFault(`a call of the host failed: ${fault.message}`, { cause: fault })
    if (error instanceof GuestExit) return error.reason
    return { kind: 'trapped', trap: trapName(error) }
  }
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
  const folders = [...fileSystem.root.entries].filter(
    (entry): entry is [string, { node: DirectoryNode; sequence: number }] => entry[1].node.kind === 'directory',
  )
  for (const [name, { node }] of folders) descriptors.preopen(`/${name}`, node)
}

function allCalls(host: Host, wasmer: ReturnType<ReturnType<Wasmer>>): Preview1Calls {
  return {
    ...wasmer,
    ...descriptorCalls(host),
    ...pathCalls(host),
    ...clockCalls(host),
    proc_exit: (code) => {
      throw new GuestExit({ kind: 'exited', code: code >>> 0 })
    },
    proc_raise: () => fail('nosys'),
    sock_accept: () => fail('notsup'),
    sock_recv: () => fail('notsup'),
    sock_send: () => fail('notsup'),
    sock_shutdown: () => fail('notsup'),
  }
}

/** A call as the guest imports it: an errno for what goes wrong in it, and nothing else but the guest's own end. */
function imported(name: Preview1Name, bound: Bound): (...values: never[]) => number {
  return (...values) => {
    try {
      const call: ((...values: never[]) => void) | undefined = bound.calls?.[name]
      call?.(...values)
      bound.afterCall?.()
      return 0
    } catch (error) {
      if (error instanceof Errno) return error.code
      if (error instanceof GuestExit || isStackOverflow(error)) throw error
      // Any other RangeError is an allocation for a file that this process could not make.
      if (error instanceof RangeError) return ERRNO.nomem
      bound.fault = error instanceof Error ? error : new Error('not an error', { cause: error })
      throw error
    }
  }
}
