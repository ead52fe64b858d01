import type { OutputOffsets, TaskEvent, TaskSummary } from '../events.ts'
import type { SignedQuote } from '../quote.ts'
import type { CloseConsent, Statement, Voucher } from '../payment.ts'
import type { SignedTask } from '../receipt.ts'

/** A task as a peer submits it. */
export interface Submission {
  readonly peer: string
  readonly task: SignedTask
  /** This provider's quote for it, which the requester brings back. */
  readonly quote?: SignedQuote
  /** Names the channel that the task is charged to, and may pay ahead. */
  readonly voucher?: Voucher
}

/**
 * What the task protocol serves; the provider's node implements it. `peer` is the Ethereum address of the connection's authenticated key.
 * Every method throws SoukError. A task of another requester is NOT_FOUND, just like one that does not exist.
 */
export interface TaskService {
  /** Resolves when the task is durably accepted, and the voucher with it. Throws INVALID_INPUT or REFUSED with every reason. */
  submit(submission: Submission): Promise<{ readonly taskId: string }>
  /** Resolves when the cancellation is noted; the task's own `finished` event tells what came of it. */
  cancel(request: { readonly peer: string; readonly taskId: string }): Promise<void>
  list(request: { readonly peer: string }): Promise<readonly TaskSummary[]>
  show(request: { readonly peer: string; readonly taskId: string }): Promise<TaskSummary>
  /** Events from now on, output from `offsets`; ends after `finished`, or when `signal` aborts. */
  follow(request: {
    readonly peer: string
    readonly taskId: string
    readonly offsets: OutputOffsets
    readonly signal: AbortSignal
  }): AsyncIterable<TaskEvent>
  /** Resolves when the voucher is durable, or an older one than what is there. Throws REFUSED with every reason. */
  pay(request: { readonly peer: string; readonly voucher: Voucher }): Promise<Statement>
  /** Throws NOT_FOUND for a channel that is not the peer's. */
  account(request: { readonly peer: string; readonly channelId: string }): Promise<Statement>
  /**
   * Consents to closing the channel. Resolves when it is durable that nothing more is accepted on it; to the same answer each time.
   * Throws NOT_FOUND for a channel that is not the peer's, REFUSED (retryable) while a task of it has not ended or is not paid.
   */
  close(request: { readonly peer: string; readonly channelId: string }): Promise<CloseConsent>
}

/** What the quote protocol serves: implemented by the provider's node. */
export interface QuoteService {
  /** A signed quote for running the task now. Throws INVALID_INPUT, or REFUSED with every reason. */
  quote(request: { readonly peer: string; readonly spec: Uint8Array }): Promise<SignedQuote>
}

/** Read access to one blob that the asking peer may have. */
export interface ServedBlob {
  readonly bytes: number
  /**
   * Up to `length` bytes from `offset`; fewer only at the end of the blob. They may be returned in `room`, a buffer of at least `length`
   * bytes that the caller reuses for its next read.
   */
  read(range: { readonly offset: number; readonly length: number; readonly room?: Uint8Array }): Promise<Uint8Array>
  close(): Promise<void>
}

/**
 * What the blob protocol serves. Both sides implement it: a requester serves the blobs named by tasks that it has sent to `peer`, a
 * provider those named by the results of `peer`'s tasks. `open` resolves to undefined for any other blob, whether it exists or not, and
 * the peer gets NOT_FOUND.
 */
export interface BlobService {
  open(request: {
    readonly peer: string
    readonly sha256: string
    readonly signal: AbortSignal
  }): Promise<ServedBlob | undefined>
}
