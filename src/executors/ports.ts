import type { Readable, Writable } from 'node:stream'
import type { ResultCollector } from './results.ts'

/*
 * The ports through which runtimes use the native launcher: the wasm and docker runtimes need them, src/native implements them, and
 * src/node/create-executors.ts connects the two.
 */

/** A file or folder of this host that a confined program sees, read-only. */
export interface ConfinedBind {
  readonly source: string
  /** Absolute path inside. */
  readonly target: string
  readonly executable: boolean
}

export interface ConfinedProgram {
  /** Absolute path inside the sandbox; it and its libraries come from the host's /usr and `binds`. */
  readonly program: string
  /** `argv`, the program's own name first. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly binds: readonly ConfinedBind[]
  /** Further pipes beside 0, 1 and 2, by the descriptor that each has inside. */
  readonly channels: readonly { readonly descriptor: number; readonly direction: 'in' | 'out' }[]
  readonly limits: {
    readonly memoryBytes?: number
    readonly pids?: number
    readonly openFiles?: number
    readonly stackBytes?: number
    readonly cpuCores?: number
    readonly cpuShares?: number
    /** Its writable space, /tmp; 0 for none. */
    readonly diskBytes: number
    readonly inodes: number
  }
}

/** A program that runs confined. Once `ended` resolves, all of its processes are dead and nothing of its sandbox is left. */
export interface ConfinedProcess {
  /** Its process id on this host. */
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Ends of the `in` channels, by descriptor. */
  readonly inputs: ReadonlyMap<number, Writable>
  /** Ends of the `out` channels, by descriptor. */
  readonly outputs: ReadonlyMap<number, Readable>
  /** Never rejects; `code` and `signal` are null where the sandbox itself failed. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  kill(): void
  /** Closes its pipes. */
  destroy(): void
}

/** Starts programs in the native sandbox: no network, only the files that they need, a seccomp filter. */
export interface Confinement {
  /** The walls that it puts up, outermost first, in the vocabulary of an isolation's `layers`. */
  readonly layers: readonly string[]
  /** @throws SoukError EXECUTOR_FAILED, RUNTIME_UNAVAILABLE. */
  start(program: ConfinedProgram): Promise<ConfinedProcess>
}

/** A file system of its own, capped in bytes and inodes, mounted for one task of another runtime. */
export interface StorageLease {
  /** Folders of this host inside it, mode 0755 (tmp: 1777), owned by the task's user. */
  readonly tmp: string
  readonly work: string
  /** One per output, in order. */
  readonly outputs: readonly string[]
  /** Hands over the result files; symbolic links are not followed. Everything that could write must be dead. */
  collect(collector: ResultCollector): Promise<{ readonly diskFull: boolean; readonly inodesFull: boolean }>
  /**
   * Changes its caps.
   * @throws SoukError EXECUTOR_FAILED if more is in use than the new caps allow; the old caps stay then.
   */
  resize(caps: { readonly diskBytes: number; readonly inodes: number }): Promise<void>
  /** Unmounts it; what is in it is gone. */
  release(): Promise<void>
}

export interface CappedStorage {
  /** Why there is none on this host; undefined where it works. */
  unavailable(): Promise<string | undefined>
  /**
   * @param mountPoint an empty folder of the caller, in another one of its own where the disk is to outlive the node.
   * @throws SoukError EXECUTOR_FAILED, RUNTIME_UNAVAILABLE.
   */
  lease(options: {
    readonly mountPoint: string
    readonly diskBytes: number
    readonly inodes: number
    readonly uid: number
    readonly gid: number
    /** Absolute paths inside the sandbox, as results are to be named. */
    readonly outputs: readonly string[]
    /** It stays mounted until it is released, whatever becomes of this process and the launcher, and can be adopted. */
    readonly outlivesNode?: boolean
  }): Promise<StorageLease>
  /**
   * Takes over a disk that outlived its node, with the caps that it has.
   *
   * @param outputs those that it was leased with.
   * @throws SoukError EXECUTOR_FAILED where there is none, RUNTIME_UNAVAILABLE.
   */
  adopt(options: { readonly mountPoint: string; readonly outputs: readonly string[] }): Promise<StorageLease>
  /**
   * Unmounts what a dead node left mounted at or below `folder`, but for what is at or below one of `keep`; resolves to
   * how many.
   */
  unmountLeftovers(options: { readonly folder: string; readonly keep: readonly string[] }): Promise<number>
}
