import type { GuestEnd } from './host/run-preview1.ts'
import type { RewrittenModule } from './module/rewrite.ts'

/**
 * What node and sandbox process say to each other. The node writes jobs, one after the other: a little-endian u32, that
 * many bytes of JSON ({@link JobHeader}), the program's bytes unless the process has them, each input's, and then the
 * task's standard input in pieces, each after its length as a u32, until one of length 0. The process answers in frames: a
 * little-endian u32 length, a byte that tells what it is, content.
 */
export const DESCRIPTOR = { diagnostics: 2, job: 3, reports: 4, lifeline: 5 } as const
export const FRAME_KIND = { report: 0, data: 1, stdout: 2, stderr: 3 } as const
export const FRAME_HEADER_BYTES = 5
export const MAX_JOB_HEADER_BYTES = 4 * 1024 * 1024
export const MAX_REPORT_BYTES = 64 * 1024
/** Of one frame of a file or of output. */
export const MAX_DATA_BYTES = 256 * 1024

/** Programs that a process keeps compiled for its requester; the one compiled first goes first. */
export const MAX_COMPILED = 4

/** What is known of a module that has been rewritten, beside its bytes. */
export type RewrittenFacts = Omit<RewrittenModule, 'bytes'>

/** The program of a job, and what of it is already done. */
export interface JobProgram {
  /** What it is kept under, in the process as in the node: digest, and how it was rewritten. */
  readonly key: string
  /** How many bytes follow; 0 where the process has compiled it before. */
  readonly bytes: number
  /** The requester's bytes; what came of a module; or a component that has been transpiled, with its modules rewritten. */
  readonly form: { readonly kind: 'source' | 'bundle' } | { readonly kind: 'rewritten'; readonly facts: RewrittenFacts }
}

export interface JobHeader {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly program: JobProgram
  /** Whether instructions are counted. */
  readonly metered: boolean
  readonly deterministic?: { readonly seed: string; readonly depthBytes: number }
  readonly inputs: readonly { readonly target: string; readonly bytes: number }[]
  readonly outputs: readonly string[]
  readonly limits: {
    readonly memoryBytes: number
    readonly diskBytes: number
    readonly inodes: number
    readonly openFiles: number
    readonly outputBytes: number
    readonly fuel?: number
  }
  /** After this long the process ends itself, should the node not have done it. */
  readonly backstopMs: number
  /** Whether another job of the same requester may follow. */
  readonly reusable: boolean
}

export type Report =
  /** Warmed up and without privileges: a job may come. */
  | { readonly event: 'ready' }
  /** The program is in and is being checked and compiled. */
  | { readonly event: 'received' }
  | { readonly event: 'refused'; readonly reason: string; readonly subject?: string | undefined }
  /** What came of the program's bytes; data frames of that many bytes follow, and nothing of them has been compiled yet. */
  | { readonly event: 'rewritten'; readonly facts: RewrittenFacts; readonly bytes: number }
  | { readonly event: 'compiled' }
  /** The guest's first instruction is next. */
  | { readonly event: 'started' }
  | { readonly event: 'memory'; readonly peakBytes: number }
  | {
      readonly event: 'ended'
      readonly end: GuestEnd
      readonly cpuTimeMs: number
      readonly memoryPeakBytes: number
      readonly limitsHit: readonly ('memory' | 'disk' | 'inodes' | 'openFiles')[]
      readonly fuelUsed?: number | undefined
    }
  /** A result file; data frames of that many bytes follow. */
  | { readonly event: 'output'; readonly path: string; readonly bytes: number }
  /** What is no result, though it lies where results do. */
  | { readonly event: 'unfit'; readonly path: string; readonly code: 'SYMLINK' | 'HARD_LINK' }
  | { readonly event: 'complete' }
  /** The sandbox itself failed. */
  | { readonly event: 'fault'; readonly reason: string }
