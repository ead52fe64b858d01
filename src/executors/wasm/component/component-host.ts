import type { Clock } from '../host/clocks.ts'
import { Errno, ERRNO } from '../host/errno.ts'
import type { FileSystem } from '../host/file-system.ts'
import { GuestExit } from '../host/guest-exit.ts'
import type { MemoryBudget, Quota } from '../host/quota.ts'
import type { Random } from '../host/random.ts'
import type { Streams } from '../host/streams.ts'
import { isStackOverflow } from '../host/traps.ts'
import type { ErrorCode } from './wasi-types.ts'

/** What the resources and functions that a component imports work on. */
export interface HostParts {
  readonly fileSystem: FileSystem
  readonly quota: Quota
  readonly budget: MemoryBudget
  readonly streams: Streams
  readonly clock: Clock
  readonly random: Random
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  /** What a call answers may not depend on how much memory this machine has left. */
  readonly steady: boolean
  /** Called before each call of the host: it ends a guest that is out of fuel. */
  readonly onCall: () => void
  readonly onCalled: () => void
}

/** `result` as the generated JavaScript takes it. */
export type Result<Ok, Err> = { readonly tag: 'ok'; readonly val: Ok } | { readonly tag: 'err'; readonly val: Err }

/** Of one answer: while the guest's copy is made there are two, and only that one is counted. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Handles of all kinds that a task may hold at once; open files have a limit of their own beside it. */
const MAX_RESOURCES = 16_384

const ERROR_CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [ERRNO.badf, 'bad-descriptor'],
  [ERRNO.busy, 'busy'],
  [ERRNO.exist, 'exist'],
  [ERRNO.ilseq, 'illegal-byte-sequence'],
  [ERRNO.inval, 'invalid'],
  [ERRNO.io, 'io'],
  [ERRNO.isdir, 'is-directory'],
  [ERRNO.loop, 'loop'],
  // WASI 0.2 has no word for too many open files.
  [ERRNO.mfile, 'quota'],
  [ERRNO.nametoolong, 'name-too-long'],
  [ERRNO.noent, 'no-entry'],
  [ERRNO.nomem, 'insufficient-memory'],
  [ERRNO.nospc, 'insufficient-space'],
  [ERRNO.notdir, 'not-directory'],
  [ERRNO.notempty, 'not-empty'],
  [ERRNO.perm, 'not-permitted'],
  [ERRNO.notcapable, 'not-permitted'],
  [ERRNO.rofs, 'read-only'],
  [ERRNO.spipe, 'invalid-seek'],
  [ERRNO.xdev, 'cross-device'],
])

/** The guest broke the component model's rules: that ends it as a trap does. */
export function trap(what: string): never {
  throw new WebAssembly.RuntimeError(what)
}

/** The host of one running component. */
export class ComponentHost {
  readonly parts: HostParts
  /** How the guest ended itself, or a limit of a call ended it; whatever the generated JavaScript makes of it. */
  ended: GuestExit['reason'] | undefined
  /** What a call of ours threw that it should not have. */
  fault: Error | undefined
  #resources = 0
  #openFiles = 3

  constructor(parts: HostParts) {
    this.parts = parts
  }

  /** Runs a call of the host. What it throws ends the guest. */
  call<T>(body: () => T): T {
    try {
      this.parts.onCall()
      const answer = body()
      this.parts.onCalled()
      return answer
    } catch (error) {
      if (error instanceof GuestExit) this.ended ??= error.reason
      else if (error instanceof RangeError && !isStackOverflow(error) && !this.parts.steady) {
        // Something that the guest asked for, which this process could not make: as in preview 1 no fault of the host.
        this.parts.quota.hit.add('memory')
        trap('the guest asks for more than this process can make')
      } else if (!isStackOverflow(error) && !(error instanceof WebAssembly.RuntimeError))
        this.fault ??= error instanceof Error ? error : new Error('not an error', { cause: error })
      throw error
    }
  }

  /** A call whose errors are wasi:filesystem's. */
  fallible<T>(body: () => T): Result<T, ErrorCode> {
    return this.call(() => {
      try {
        return { tag: 'ok', val: body() }
      } catch (error) {
        return { tag: 'err', val: this.errorCodeOf(error) }
      }
    })
  }

  /** The error code for what a call of ours threw; throws on what is none of the guest's business. */
  errorCodeOf(thrown: unknown): ErrorCode {
    if (thrown instanceof Errno) return ERROR_CODES.get(thrown.code) ?? 'unsupported'
    // An allocation for a file that this process could not make.
    if (thrown instanceof RangeError && !isStackOverflow(thrown) && !this.parts.steady) return 'insufficient-memory'
    throw thrown
  }

  exit(code: number): never {
    throw new GuestExit({ kind: 'exited', code })
  }

  takeResource(): void {
    if (this.#resources >= MAX_RESOURCES) {
      this.parts.quota.hit.add('openFiles')
      trap(`more than ${MAX_RESOURCES} resources are open`)
    }
    this.#resources += 1
  }

  returnResource(): void {
    this.#resources -= 1
  }

  /** Counts an open file, as preview 1 does: the three standard streams among them. EMFILE when there are too many. */
  takeOpenFile(): void {
    const { quota } = this.parts
    if (this.#openFiles >= quota.limits.openFiles) {
      quota.hit.add('openFiles')
      throw new Errno(ERRNO.mfile)
    }
    this.#openFiles += 1
  }

  returnOpenFile(): void {
    this.#openFiles -= 1
  }

  /** Memory of this process for something that the guest asked for and must be given whole. */
  checkMemory(bytes: bigint): number {
    if (bytes > BigInt(Math.max(0, Math.min(this.parts.budget.leftBytes, MAX_ANSWER_BYTES)))) {
      this.parts.quota.hit.add('memory')
      trap('the guest asks for more bytes than it has memory left, or than are given at once')
    }
    return Number(bytes)
  }
}

/**
 * Something that a component holds by a handle. The generated JavaScript makes an object without state where a
 * handle is not one that was given out, so each use asks for the state first.
 */
export class Resource<State> {
  readonly #host: ComponentHost
  #state: State | undefined

  constructor(host: ComponentHost, state: State) {
    host.takeResource()
    this.#host = host
    this.#state = state
  }

  get host(): ComponentHost {
    return #host in this ? this.#host : trap('unknown handle')
  }

  get state(): State {
    return (#state in this ? this.#state : undefined) ?? trap('unknown handle')
  }

  /** Lets go of what the resource held. */
  protected dropped(_state: State): void {}

  /** Called by the generated JavaScript when the guest drops its handle. */
  [Symbol.dispose](): void {
    if (!(#state in this) || this.#state === undefined) return
    const state = this.#state
    this.#state = undefined
    this.#host.returnResource()
    this.dropped(state)
  }
}
