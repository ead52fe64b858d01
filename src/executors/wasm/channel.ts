import type { GuestEnd } from './host/run-preview1.ts'

/**
 * What node and sandbox process say to each other. The node writes one job: a little-endian u32, that many bytes
 * of JSON ({@link JobHeader}), the module's bytes, then each input's. The process answers in frames: a
 * little-endian u32 length, a byte that tells JSON ({@link Report}) from bytes of the file announced last, content.
 */
export const DESCRIPTOR = { diagnostics: 2, job: 3, lifeline: 4, reports: 5, stdin: 6, stdout: 7, stderr: 8 } as const
/** Which way each pipe beside 0, 1 and 2 goes, as the sandbox process sees it. */
export const DIRECTION = {
  [DESCRIPTOR.job]: 'in',
  [DESCRIPTOR.lifeline]: 'in',
  [DESCRIPTOR.reports]: 'out',
  [DESCRIPTOR.stdin]: 'in',
  [DESCRIPTOR.stdout]: 'out',
  [DESCRIPTOR.stderr]: 'out',
} as const
export const FRAME_KIND = { report: 0, data: 1 } as const
export const FRAME_HEADER_BYTES = 5
export const MAX_JOB_HEADER_BYTES = 4 * 1024 * 1024
export const MAX_REPORT_BYTES = 64 * 1024
export const MAX_DATA_BYTES = 256 * 1024

export interface JobHeader {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly moduleBytes: number
  readonly inputs: readonly { readonly target: string; readonly bytes: number }[]
  readonly outputs: readonly string[]
  readonly limits: {
    readonly memoryBytes: number
    readonly diskBytes: number
    readonly inodes: number
    readonly openFiles: number
    readonly outputBytes: number
  }
  /** After this long the process ends itself, should the node not have done it. */
  readonly backstopMs: number
}

export type Report =
  /** Warmed up and without privileges: the job may come. */
  | { readonly event: 'ready' }
  /** The module is in and is being checked and compiled. */
  | { readonly event: 'received' }
  | { readonly event: 'refused'; readonly reason: string; readonly subject?: string | undefined }
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
    }
  /** A result file; data frames of that many bytes follow. */
  | { readonly event: 'output'; readonly path: string; readonly bytes: number }
  /** What is no result, though it lies where results do. */
  | { readonly event: 'unfit'; readonly path: string; readonly code: 'SYMLINK' | 'HARD_LINK' }
  | { readonly event: 'complete' }
  /** The sandbox itself failed. */
  | { readonly event: 'fault'; readonly reason: string }
