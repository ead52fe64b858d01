import type { BlobRef } from '../protocol/task.ts'
import { contradictingLength, misused, quotaFull } from './store-errors.ts'

/** A blob counts as the blocks that it takes up, and one at least: or a quota of bytes would allow any number of files. */
const BLOCK_BYTES = 4096
/** What a blob of so many bytes counts against a quota. */
export const chargeOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES

/** What is on disk of a blob. */
export type BlobState = 'absent' | 'partial' | 'complete'

export interface BlobKey {
  /** Whose blob it is: `0x` and 40 lower-case hex digits. */
  readonly owner: string
  readonly sha256: string
}

/** One blob of one owner. Changed by the ledger alone. */
export interface Entry extends BlobKey {
  readonly bytes: number
  readonly state: BlobState
}

/** The blobs that a holder needs, all of one owner. */
export interface Hold {
  readonly holder: string
  readonly owner: string
  readonly blobs: readonly BlobRef[]
}

interface MutableEntry extends BlobKey {
  bytes: number
  state: BlobState
  /** Work in progress on its files: while there is any, it stays. */
  users: number
  readonly holders: Set<string>
}

interface Sums {
  bytes: number
  heldBytes: number
}

/**
 * Who holds which blobs, and what they count: the store's arithmetic, without a file in sight. A blob that nobody
 * holds is *idle*: it stays until its room is needed, the one that has been idle for longest going first.
 */
export class Ledger {
  readonly #quotaBytes: number
  readonly #ownerQuotaBytes: number
  readonly #entries = new Map<string, MutableEntry>()
  readonly #holders = new Map<string, { readonly owner: string; readonly entries: Set<MutableEntry> }>()
  readonly #owners = new Map<string, Sums>()
  readonly #total: Sums = { bytes: 0, heldBytes: 0 }
  /** In the order in which they became idle. */
  readonly #idle = new Set<MutableEntry>()

  constructor(quotas: { readonly quotaBytes: number; readonly ownerQuotaBytes: number }) {
    this.#quotaBytes = quotas.quotaBytes
    this.#ownerQuotaBytes = quotas.ownerQuotaBytes
  }

  /** Takes in a blob that was found on disk, idle. */
  add({ owner, sha256, bytes, state }: Entry): void {
    this.#idle.add(this.#create({ owner, sha256, bytes, state }))
  }

  find(key: BlobKey): Entry | undefined {
    return this.#entries.get(keyOf(key))
  }

  isHeld(key: BlobKey): boolean {
    return (this.#entries.get(keyOf(key))?.holders.size ?? 0) > 0
  }

  holds({ holder, ...key }: BlobKey & { readonly holder: string }): boolean {
    return this.#entries.get(keyOf(key))?.holders.has(holder) ?? false
  }

  /**
   * Holds all of the blobs, or none. Returns the blobs that had to make room, which the ledger has
   * forgotten: their files have to go before anything else happens.
   * @throws SoukError STORAGE_FULL, INVALID_INPUT where a length contradicts what is known of the digest.
   */
  reserve(hold: Hold): readonly Entry[] {
    const blobs = distinct(hold.blobs)
    this.#checkOwner(hold)
    for (const blob of blobs) this.#checkLength({ owner: hold.owner, ...blob })
    const room = this.#roomFor(hold.owner, blobs)
    if (room.neededBytes > 0) {
      const shares = [
        {
          whose: "this peer's share of the store",
          heldBytes: this.heldBytesOf(hold.owner),
          quotaBytes: this.#ownerQuotaBytes,
        },
        { whose: 'the store', heldBytes: this.#total.heldBytes, quotaBytes: this.#quotaBytes },
      ]
      for (const { whose, heldBytes, quotaBytes } of shares) {
        if (heldBytes + room.neededBytes > quotaBytes)
          throw quotaFull({ neededBytes: room.neededBytes, quotaBytes, whose })
      }
    }
    const evicted = this.#makeRoom(hold.owner, blobs, room.addedBytes)
    this.#hold(hold, blobs)
    return evicted
  }

  /**
   * Holds what the journal says is held, whatever the quotas. `missing` are the blobs that are not on disk whole;
   * `damaged` are forgotten: files of another length than was accepted, which have to go.
   */
  restore(hold: Hold): { readonly missing: readonly BlobRef[]; readonly damaged: readonly Entry[] } {
    this.#checkOwner(hold)
    const damaged: Entry[] = []
    const possible: BlobRef[] = []
    const missing: BlobRef[] = []
    for (const blob of distinct(hold.blobs)) {
      const entry = this.#entries.get(keyOf({ owner: hold.owner, ...blob }))
      if (entry?.state !== 'complete' || entry.bytes !== blob.bytes) missing.push(blob)
      if (entry?.state === 'complete' && entry.bytes !== blob.bytes && this.#idle.has(entry)) {
        this.#remove(entry)
        damaged.push(entry)
        possible.push(blob)
      } else if (entry === undefined || entry.bytes === blob.bytes || this.#idle.has(entry)) possible.push(blob)
    }
    this.#hold(hold, possible)
    return { missing, damaged }
  }

  /** Ends every hold of `holder`. */
  release({ holder }: { readonly holder: string }): void {
    for (const { owner, sha256 } of this.#holders.get(holder)?.entries ?? []) this.unhold({ holder, owner, sha256 })
  }

  /** Ends the hold of `holder` on one blob. */
  unhold({ holder, owner, sha256 }: BlobKey & { readonly holder: string }): void {
    const entry = this.#entries.get(keyOf({ owner, sha256 }))
    const held = this.#holders.get(holder)
    if (entry === undefined || held === undefined || !held.entries.delete(entry)) return
    if (held.entries.size === 0) this.#holders.delete(holder)
    this.#change(entry, () => entry.holders.delete(holder))
  }

  /** Keeps a blob while its files are worked on; the returned function ends that, once. */
  use(key: BlobKey): () => void {
    const entry = this.#get(key)
    this.#change(entry, () => entry.users++)
    let ended = false
    return () => {
      if (!ended) this.#change(entry, () => entry.users--)
      ended = true
    }
  }

  setState(key: BlobKey, state: BlobState): void {
    const entry = this.#get(key)
    this.#change(entry, () => {
      entry.state = state
    })
  }

  /** A blob was read: among the idle ones it is now the last to go. */
  touch(key: BlobKey): void {
    const entry = this.#entries.get(keyOf(key))
    if (entry !== undefined && this.#idle.delete(entry)) this.#idle.add(entry)
  }

  /** Bytes as they count against the quotas, altogether and held. */
  usage(): Readonly<Sums> & { readonly blobs: number } {
    return { ...this.#total, blobs: this.#entries.size }
  }

  /** What the owners that `matches` picks hold, as it counts against the quotas. */
  heldBytes(matches: (owner: string) => boolean): number {
    let sum = 0
    for (const [owner, { heldBytes }] of this.#owners) if (matches(owner)) sum += heldBytes
    return sum
  }

  heldBytesOf(owner: string): number {
    return this.#sumsOf(owner).heldBytes
  }

  /** How many bytes the blobs add to what there is, and how many to what is held. */
  #roomFor(owner: string, blobs: readonly BlobRef[]): { readonly addedBytes: number; readonly neededBytes: number } {
    let addedBytes = 0
    let neededBytes = 0
    for (const { sha256, bytes } of blobs) {
      const entry = this.#entries.get(keyOf({ owner, sha256 }))
      addedBytes += chargeOf(bytes) - (entry === undefined ? 0 : chargeOf(entry.bytes))
      if (entry === undefined || this.#idle.has(entry)) neededBytes += chargeOf(bytes)
    }
    return { addedBytes, neededBytes }
  }

  /** Everything idle that is not asked for may go, and since what is held fits, that is enough. */
  #makeRoom(owner: string, blobs: readonly BlobRef[], addedBytes: number): readonly Entry[] {
    const wanted = new Set(blobs.map(({ sha256 }) => keyOf({ owner, sha256 })))
    const evicted: Entry[] = []
    const evictWhile = (isNeeded: () => boolean, mayGo: (entry: BlobKey) => boolean): void => {
      for (const entry of this.#idle) {
        if (!isNeeded()) return
        if (wanted.has(keyOf(entry)) || !mayGo(entry)) continue
        this.#remove(entry)
        evicted.push(entry)
      }
    }
    evictWhile(
      () => this.#sumsOf(owner).bytes + addedBytes > this.#ownerQuotaBytes,
      (entry) => entry.owner === owner,
    )
    evictWhile(
      () => this.#total.bytes + addedBytes > this.#quotaBytes,
      () => true,
    )
    return evicted
  }

  #hold({ holder, owner }: Hold, blobs: readonly BlobRef[]): void {
    if (blobs.length === 0) return
    const held = this.#holders.get(holder) ?? { owner, entries: new Set() }
    this.#holders.set(holder, held)
    for (const { sha256, bytes } of blobs) {
      const entry =
        this.#entries.get(keyOf({ owner, sha256 })) ?? this.#create({ owner, sha256, bytes, state: 'absent' })
      this.#change(entry, () => {
        entry.bytes = bytes
        entry.holders.add(holder)
      })
      held.entries.add(entry)
    }
  }

  #checkOwner({ holder, owner }: Hold): void {
    const held = this.#holders.get(holder)
    if (held === undefined || held.owner === owner) return
    throw misused('one holder cannot hold blobs of two owners')
  }

  #checkLength({ owner, sha256, bytes }: BlobKey & BlobRef): void {
    const entry = this.#entries.get(keyOf({ owner, sha256 }))
    if (entry === undefined || entry.bytes === bytes) return
    // Of an idle partial file it is not known how long it was to become.
    if (entry.state !== 'complete' && this.#idle.has(entry)) return
    throw contradictingLength({ sha256, bytes, otherBytes: entry.bytes })
  }

  #get(key: BlobKey): MutableEntry {
    const entry = this.#entries.get(keyOf(key))
    if (entry === undefined) throw misused('the blob is not in the ledger')
    return entry
  }

  #create({ owner, sha256, bytes, state }: Entry): MutableEntry {
    const entry: MutableEntry = { owner, sha256, bytes, state, users: 0, holders: new Set() }
    this.#entries.set(keyOf(entry), entry)
    this.#count(entry, 1)
    return entry
  }

  #remove(entry: MutableEntry): void {
    this.#count(entry, -1)
    this.#entries.delete(keyOf(entry))
    this.#idle.delete(entry)
  }

  /** Every change of an entry goes through here, so that the sums and the idle ones follow. */
  #change(entry: MutableEntry, change: () => void): void {
    this.#count(entry, -1)
    change()
    this.#count(entry, 1)
    if (isBusy(entry)) this.#idle.delete(entry)
    else if (entry.state === 'absent') this.#remove(entry)
    else this.#idle.add(entry)
  }

  #count(entry: MutableEntry, sign: 1 | -1): void {
    const charge = sign * chargeOf(entry.bytes)
    const owned = this.#sumsOf(entry.owner)
    for (const sums of [this.#total, owned]) {
      sums.bytes += charge
      if (isBusy(entry)) sums.heldBytes += charge
    }
    if (owned.bytes === 0) this.#owners.delete(entry.owner)
    else this.#owners.set(entry.owner, owned)
  }

  #sumsOf(owner: string): Sums {
    return this.#owners.get(owner) ?? { bytes: 0, heldBytes: 0 }
  }
}

const keyOf = ({ owner, sha256 }: BlobKey): string => `${owner}/${sha256}`
const isBusy = (entry: MutableEntry): boolean => entry.holders.size > 0 || entry.users > 0

function distinct(blobs: readonly BlobRef[]): readonly BlobRef[] {
  const byDigest = new Map<string, BlobRef>()
  for (const { sha256, bytes } of blobs) {
    const other = byDigest.get(sha256)
    if (other !== undefined && other.bytes !== bytes)
      throw contradictingLength({ sha256, bytes, otherBytes: other.bytes })
    byDigest.set(sha256, { sha256, bytes })
  }
  return [...byDigest.values()]
}
