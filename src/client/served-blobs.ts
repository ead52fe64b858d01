import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { BlobService, ServedBlob } from '../protocol/network/task-service.ts'
import type { BlobSource, LoadedTask } from './load-task.ts'

/**
 * The blobs that this requester serves: to the provider that its tasks were sent to, those that these tasks
 * name, for as long as they run. For every other peer, and every other blob, there is nothing here.
 */
export class ServedBlobs implements BlobService {
  readonly #provider: string
  readonly #ofTask = new Map<string, LoadedTask['blobs']>()

  constructor({ provider }: { readonly provider: string }) {
    this.#provider = provider
  }

  offer(taskId: string, blobs: LoadedTask['blobs']): void {
    if (blobs.size > 0) this.#ofTask.set(taskId, blobs)
  }

  forget(taskId: string): void {
    this.#ofTask.delete(taskId)
  }

  async open({ peer, sha256 }: { readonly peer: string; readonly sha256: string }): Promise<ServedBlob | undefined> {
    if (peer !== this.#provider) return undefined
    const blob = this.#find(sha256)
    if (blob === undefined) return undefined
    return 'data' in blob ? servedData(blob.data) : servedFile(blob)
  }

  #find(sha256: string): BlobSource | undefined {
    for (const blobs of this.#ofTask.values()) {
      const found = blobs.get(sha256)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function servedData(data: Uint8Array): ServedBlob {
  return {
    bytes: data.byteLength,
    read: ({ offset, length }) => Promise.resolve(data.subarray(offset, offset + length)),
    close: () => Promise.resolve(),
  }
}

/**
 * A file that is gone, or is no file any more, is as one that nobody named. One that has changed is served as it
 * is, up to the length it had: the provider finds that its digest is another.
 */
async function servedFile({
  path,
  bytes,
}: {
  readonly path: string
  readonly bytes: number
}): Promise<ServedBlob | undefined> {
  // O_NONBLOCK: to open a FIFO would wait for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined)
  if (handle === undefined) return undefined
  const stats = await handle.stat()
  if (!stats.isFile() || stats.size < bytes) {
    await handle.close()
    return undefined
  }
  return {
    bytes,
    async read({ offset, length, room }) {
      const wanted = Math.max(0, Math.min(length, bytes - offset))
      const buffer = room?.subarray(0, wanted) ?? new Uint8Array(wanted)
      let filled = 0
      while (filled < buffer.byteLength) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return buffer.subarray(0, filled)
    },
    close: () => handle.close(),
  }
}
