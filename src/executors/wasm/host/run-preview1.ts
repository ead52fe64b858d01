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
  const { prepared } = options
  let calls: Preview1Calls | undefined
  let faulted: unknown
  let onCall = (): void => {}
  const onFault = (error: unknown): never => {
    faulted = error
    throw error
  }
  const call = (name: Preview1Name, values: never[]): void => {
    const { [name]: known } = calls ?? {}
    ;(known as (...values: never[]) => void)(...values)
    onCall()
  }
  const functions = Object.fromEntries(PREVIEW1_NAMES.map((name) => [name, guarded((values) => call(name, values), onFault)]))
  const { exports } = new WebAssembly.Instance(prepared.module, { [PREVIEW1]: functions })
  const memory = exports['memory']
  const budgetGlobal = exports[prepared.budgetExport]
  const refusedGlobal = exports[prepared.refusedExport]
  const start = exports['_start']
  if (!(memory instanceof WebAssembly.Memory) || !(budgetGlobal instanceof WebAssembly.Global) || !(refusedGlobal instanceof WebAssembly.Global) || typeof start !== 'function') {
    throw new HostFault('the instance lacks what the rewritten module exports')
  }
  const budget: MemoryBudget = {
    get leftBytes() {
      return Number(budgetGlobal.value)
    },
    set leftBytes(bytes) {
      budgetGlobal.value = BigInt(bytes)
    },
  }
  const { fileSystem, quota } = options.openFileSystem(budget)
  const descriptors = new Descriptors({
    quota,
    onClosed: (descriptor) => {
      if (descriptor.kind === 'file') fileSystem.release(descriptor.node)
    },
  })
  preopen(descriptors, fileSystem, options.workdir)
  onCall = () => {
    quota.noteMemory()
    options.onMemory(quota.memoryPeakBytes)
  }
  const guest = new GuestMemory(memory)
  const host: Host = { memory: guest, fileSystem, descriptors, streams: options.streams }
  calls = allCalls(host, options.wasmer({ args: options.args, env: options.env, memory })(guest))

  const begin = prepared.startExport === undefined ? undefined : exports[prepared.startExport]
  options.onStarting()
  let end: GuestEnd = { kind: 'exited', code: 0 }
  try {
    if (typeof begin === 'function') begin()
    start()
  } catch (error) {
    if (faulted !== undefined) throw new HostFault(`a call of the host failed: ${String(faulted)}`, { cause: faulted })
    if (error instanceof GuestExit) end = error.reason
    else end = { kind: 'trapped', trap: trapName(error) }
  }
  quota.noteMemory()
  if (refusedGlobal.value === 1) quota.hit.add('memory')
  return { end, fileSystem, quota }
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
  const folders = [...fileSystem.root.entries].filter((entry): entry is [string, { node: DirectoryNode; sequence: number }] => entry[1].node.kind === 'directory')
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
function guarded(call: (values: never[]) => void, onFault: (error: unknown) => never): (...values: never[]) => number {
  return (...values) => {
    try {
      call(values)
      return 0
    } catch (error) {
      if (error instanceof Errno) return error.code
      if (error instanceof GuestExit || isStackOverflow(error)) throw error
      // Any other RangeError is an allocation for a file that this process could not make.
      if (error instanceof RangeError) return ERRNO.nomem
      return onFault(error)
    }
  }
}
