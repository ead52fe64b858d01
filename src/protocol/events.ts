import type { SerialisedError } from './errors.ts'
import type { Outcome, RuntimeName } from './execution.ts'
import type { Receipt } from './receipt.ts'

/** Where a task is on its way. `finished` has a receipt, `failed` an error; both are final. */
export const TASK_STATES = ['queued', 'preparing', 'running', 'finished', 'failed'] as const
export type TaskState = (typeof TASK_STATES)[number]

export type OutputStream = 'stdout' | 'stderr'

/** What a task came to: a receipt once it had started and run to an end of its own, else why not. */
export type TaskResult =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'failed'; readonly error: SerialisedError }

/** What a provider fetches before a task can start: its files from its requester, or an image from a registry. */
export interface PreparingProgress {
  readonly what: 'inputs' | 'image'
  readonly fetchedBytes: number
  readonly totalBytes: number
}

/**
 * What a follower of a task sees, in this order: the state it is in, later states, output from the offsets
 * asked for, and `finished` last, after every byte of output. Output offsets are bytes from the stream's
 * start. A new attempt (`retry`) starts output anew: `started` with a higher attempt, offsets from 0.
 */
export type TaskEvent =
  | { readonly kind: 'queued'; readonly atMs: number; readonly position: number }
  | ({ readonly kind: 'preparing'; readonly atMs: number } & PreparingProgress)
  | { readonly kind: 'started'; readonly atMs: number; readonly attempt: number }
  | { readonly kind: 'output'; readonly stream: OutputStream; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'finished'; readonly atMs: number; readonly result: TaskResult }

/** One line of `souk tasks list`. */
export interface TaskSummary {
  readonly taskId: string
  readonly name: string
  readonly runtime: RuntimeName
  readonly state: TaskState
  readonly attempts: number
  readonly acceptedAtMs: number
  readonly startedAtMs?: number
  readonly finishedAtMs?: number
  readonly outcome?: Outcome
  readonly errorCode?: string
  readonly stdoutBytes: number
  readonly stderrBytes: number
}

/** From where a follower wants each stream: bytes from its start. */
export interface OutputOffsets {
  readonly stdout: number
  readonly stderr: number
}
