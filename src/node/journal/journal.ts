import type { LedgerRecord, LedgerRow } from './ledger-rows.ts'
import type { TaskEventRecord } from './task-state.ts'

/** What came of an append: all of it is durable, or none, because this task, or its nonce, was there before. */
export type AppendResult = { readonly appended: true } | { readonly appended: false; readonly reason: 'REPLAYED' }

export interface NonceKey {
  readonly requester: string
  readonly nonce: string
}

export type JournalRecord = TaskEventRecord | LedgerRecord

/**
 * What happened to each task and each payment channel, in order, on disk before anybody is told. It is append-only, except that
 * `removed` deletes a task's events. The nonce that the task used stays until its expiry.
 */
export interface Journal {
  /**
   * Resolves when the records are durable, all or none of them. A `finished` that names a channel also charges that channel. Appends
   * become durable in the order of the calls; those made in one turn of the event loop share one write to disk.
   *
   * @throws SoukError STORAGE_FULL when disk or quota is full: nothing was written, a later append may succeed.
   * @throws SoukError INTERNAL when the disk failed: what is on it is not known, every later append fails too.
   */
  append(records: readonly JournalRecord[]): Promise<AppendResult>
  /**
   * Every event of every task that was not removed, in the order of their appends.
   *
   * @throws SoukError START_FAILED when an entry cannot be read.
   */
  load(): Iterable<TaskEventRecord>
  /** Every channel in the books. @throws SoukError START_FAILED when an entry cannot be read. */
  channels(): Iterable<LedgerRow>
  /** Whether a task with this nonce was ever accepted: it counts from its append on, even before it is durable. */
  isNonceUsed(key: NonceKey): boolean
  /** Makes what was appended durable, then unlocks the data folder. Later appends are rejected. */
  close(): Promise<void>
}
