import type { BlobRef } from '../protocol/task.ts'
import type { BlobKey, Hold } from './ledger.ts'
import type { Waiter } from './shared-transfer.ts'

export interface StoreUsage {
  /** As it counts against the quotas: whole blocks of 4 KiB, one at least for each blob. */
  readonly bytes: number
  /** Of these, what somebody holds; the rest makes room when it is needed. */
  readonly heldBytes: number
  readonly quotaBytes: number
  readonly ownerQuotaBytes: number
  readonly blobs: number
}

/**
 * Blobs by owner and digest. Each peer has its own: a digest is no secret (receipts name those of results), so that
 * whoever names one has to bring the bytes, and learns nothing of what others have here; and no peer's bad source
 * is another's. Whether a peer may have a blob of its own, too, is for the caller to say.
 *
 * A blob stays while somebody holds it, and after that until its room is needed.
 */
export interface ArtifactStore {
  /**
   * Counts and holds blobs before anything is transferred: all, or none. What nobody holds makes room.
   * @throws SoukError STORAGE_FULL; INVALID_INPUT where a length contradicts another one of the same digest.
   */
  reserve(hold: Hold): Promise<void>
  /**
   * Brings in a blob that is held, and resolves to the path of the file: whole, checked, durable, read-only. It goes on
   * with what an earlier transfer has left. All who ask for one blob share one transfer, each with a signal of its own.
   * @throws SoukError as `receive` does; the signal's reason.
   */
  fetch(request: { readonly owner: string; readonly blob: BlobRef } & Waiter): Promise<string>
  /**
   * Takes over a file whose digest the caller has computed, and holds it: by rename where that can be, else by a copy
   * that is checked. The file is gone afterwards; where the blob is there already, it need not have been.
   * @throws SoukError STORAGE_FULL; INTERNAL where the file is not what it is said to be.
   */
  adopt(request: {
    readonly holder: string
    readonly owner: string
    readonly file: string
    readonly blob: BlobRef
  }): Promise<void>
  /** The file of a blob that is here whole. Any name may be asked for. */
  path(key: BlobKey): string | undefined
  has(key: BlobKey): boolean
  /** Ends all that `holder` holds; what is not known is no error. */
  release(request: { readonly holder: string }): void
  /** At start, from the journal: holds again, whatever the quotas. Returns the blobs that are not here whole. */
  restore(hold: Hold): readonly BlobRef[]
  usage(): StoreUsage
  /** What one owner holds, as it counts against the quotas. */
  heldBy(owner: string): number
  /** What the owners that `matches` picks hold, together. */
  heldByMatching(matches: (owner: string) => boolean): number
  /** Ends all transfers; what they have brought stays for the next time. */
  close(): Promise<void>
}
