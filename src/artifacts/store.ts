import { randomBytes } from 'node:crypto'
import { constants, renameSync } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { BlobRef } from '../protocol/task.ts'
import type { ArtifactStore } from './artifact-store.ts'
import {
  BLOB_MODE,
  blobFile,
  ensureFolderOf,
  exists,
  isBlobKey,
  openLayout,
  partialFile,
  syncFolder,
  trashFolder,
} from './layout.ts'
import { Ledger, type BlobKey, type Entry, type Hold } from './ledger.ts'
import { receive } from './receive.ts'
import { SharedTransfer, type Waiter } from './shared-transfer.ts'
import { contradictingLength, misused, storageError } from './store-errors.ts'

export type { ArtifactStore } from './artifact-store.ts'

export interface ArtifactStoreOptions {
  /** The store's own folder, made where it is missing. One process at a time: the caller has locked it. */
  readonly dir: string
  readonly quotaBytes: number
  readonly ownerQuotaBytes: number
}

/**
 * Opens a store, sweeps what a crash left, and keeps what is whole: held again once `restore` says so.
 * @throws SoukError START_FAILED where the folder cannot be used, or holds something else.
 */
export async function openArtifactStore({
  dir,
  quotaBytes,
  ownerQuotaBytes,
}: ArtifactStoreOptions): Promise<ArtifactStore> {
  const ledger = new Ledger({ quotaBytes, ownerQuotaBytes })
  for (const entry of await openLayout({ dir })) ledger.add(entry)
  const transfers = new Map<string, SharedTransfer>()
  const work = new Set<Promise<unknown>>()
  let closed = false

  function checkUse({ owner, blobs }: Pick<Hold, 'owner' | 'blobs'>): void {
    if (closed) throw misused('it is closed')
    for (const { sha256 } of blobs)
      if (!isBlobKey({ owner, sha256 })) throw misused('a blob is named by an address and 64 hex digits')
  }

  /** Until it ends, close() waits. */
  async function tracked<T>(promise: Promise<T>): Promise<T> {
    work.add(promise)
    try {
      return await promise
    } finally {
      work.delete(promise)
    }
  }

  /**
   * Removes the files of blobs that the ledger has forgotten. They are out of the way when this returns, before any
   * new file can have their name; the removal itself, slow for large files, goes on.
   */
  function discard(entries: readonly Entry[]): Promise<void> {
    const removals = entries.map((entry) => {
      const file = join(trashFolder(dir), randomBytes(8).toString('hex'))
      renameSync(entry.state === 'complete' ? blobFile(dir, entry) : partialFile(dir, entry), file)
      return rm(file)
    })
    // What is not removed now is when the store is opened next.
    return tracked(Promise.allSettled(removals).then(() => {}))
  }

  /** Moves a file that is whole and durable to its place; there it counts. */
  async function place(file: string, key: BlobKey): Promise<void> {
    const target = blobFile(dir, key)
    await ensureFolderOf(target)
    await rename(file, target)
    await syncFolder(dirname(target))
    ledger.setState(key, 'complete')
  }

  function transferOf(
    { owner, blob }: { readonly owner: string; readonly blob: BlobRef },
    waiter: Waiter,
  ): Promise<void> {
    const key = { owner, sha256: blob.sha256 }
    const name = `${owner}/${blob.sha256}`
    const running = transfers.get(name)
    if (running !== undefined) return running.join(waiter)
    const endUse = ledger.use(key)
    const transfer = new SharedTransfer({
      async run(request) {
        const file = partialFile(dir, key)
        try {
          await ensureFolderOf(file)
          await receive({ file, blob, ...request })
          // Read-only by now, it could not be gone on with.
          await place(file, key).catch(async (error: unknown) => {
            await rm(file, { force: true })
            throw error
          })
        } catch (error) {
          // A result with the same content may have been adopted meanwhile.
          if (ledger.find(key)?.state === 'complete') await rm(file, { force: true })
          else ledger.setState(key, (await exists(file)) ? 'partial' : 'absent')
          throw storageError(error)
        }
      },
      onEnd() {
        transfers.delete(name)
        endUse()
      },
    })
    transfers.set(name, transfer)
    const joined = transfer.join(waiter)
    void tracked(transfer.settle())
    return joined
  }

  /** Makes `file` the blob, without a copy where it can be moved. */
  async function takeOver({
    file,
    key,
    blob,
  }: {
    readonly file: string
    readonly key: BlobKey
    readonly blob: BlobRef
  }): Promise<void> {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size !== blob.bytes) throw misused(`a result is no file of ${blob.bytes} bytes`)
      await handle.chmod(BLOB_MODE)
      await handle.sync()
      try {
        // Under a second name it could still be changed.
        if (stats.nlink === 1) return await place(file, key)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error
      }
      await placeCopy({ handle, key, blob })
      await rm(file)
    } finally {
      await handle.close()
    }
  }

  async function placeCopy({
    handle,
    key,
    blob,
  }: {
    readonly handle: FileHandle
    readonly key: BlobKey
    readonly blob: BlobRef
  }): Promise<void> {
    const copy = `${partialFile(dir, key)}.${randomBytes(8).toString('hex')}`
    await ensureFolderOf(copy)
    try {
      const source = (start: number) => handle.createReadStream({ start, autoClose: false })
      await receive({ file: copy, blob, source, signal: new AbortController().signal })
      await place(copy, key)
    } catch (error) {
      await rm(copy, { force: true })
      if (isSoukError(error, 'INVALID_INPUT') || isSoukError(error, 'BLOB_UNAVAILABLE'))
        throw misused(`a result is not what it is said to be: ${error.message}`)
      throw error
    }
  }

  return {
    async reserve(hold) {
      checkUse(hold)
      await discard(ledger.reserve(hold))
    },

    async fetch({ owner, blob, ...waiter }) {
      checkUse({ owner, blobs: [blob] })
      waiter.signal.throwIfAborted()
      const key = { owner, sha256: blob.sha256 }
      const entry = ledger.find(key)
      if (entry !== undefined && entry.bytes !== blob.bytes)
        throw contradictingLength({ ...blob, otherBytes: entry.bytes })
      if (!ledger.isHeld(key)) throw misused('a blob is fetched that nobody has reserved')
      if (entry?.state !== 'complete') await transferOf({ owner, blob }, waiter)
      return blobFile(dir, key)
    },

    async adopt({ holder, owner, file, blob }) {
      checkUse({ owner, blobs: [blob] })
      const key = { owner, sha256: blob.sha256 }
      const held = ledger.holds({ holder, ...key })
      const evicted = ledger.reserve({ holder, owner, blobs: [blob] })
      const endUse = ledger.use(key)
      const adopted = async (): Promise<void> => {
        await discard(evicted)
        if (ledger.find(key)?.state === 'complete') await rm(file, { force: true })
        else await takeOver({ file, key, blob })
      }
      try {
        await tracked(adopted())
      } catch (error) {
        if (!held) ledger.unhold({ holder, ...key })
        throw storageError(error)
      } finally {
        endUse()
      }
    },

    path(key) {
      if (!isBlobKey(key) || ledger.find(key)?.state !== 'complete') return undefined
      ledger.touch(key)
      return blobFile(dir, key)
    },

    has: (key) => ledger.find(key)?.state === 'complete',
    release: ({ holder }) => ledger.release({ holder }),

    restore(hold) {
      checkUse(hold)
      const { missing, damaged } = ledger.restore(hold)
      void discard(damaged)
      return missing
    },

    usage: () => ({ ...ledger.usage(), quotaBytes, ownerQuotaBytes }),
    heldBy: (owner) => ledger.heldBytesOf(owner),
    heldByMatching: (matches) => ledger.heldBytes(matches),

    async close() {
      closed = true
      const reason = new SoukError({
        code: 'PROVIDER_STOPPED',
        phase: 'prepare',
        message: 'The artifact store is closing.',
        details: { attempts: 0 },
      })
      for (const transfer of transfers.values()) transfer.abort(reason)
      await Promise.allSettled(work)
    },
  }
}
