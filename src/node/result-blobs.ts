import { open } from 'node:fs/promises'
import type { ArtifactStore } from '../artifacts/store.ts'
import type { ServedBlob } from '../protocol/network/task-service.ts'
import { isSettled } from './task-state.ts'
import type { TaskTable } from './task-table.ts'

/**
 * A result file, for the requester of a task that produced it. Undefined for everybody else, and for every
 * other blob, whether it is in the store or not: nobody learns what others have here.
 */
export async function openResultBlob(request: {
  readonly peer: string
  readonly sha256: string
  readonly tasks: TaskTable
  readonly store: ArtifactStore
}): Promise<ServedBlob | undefined> {
  const { peer, sha256, tasks, store } = request
  const allowed = tasks.of(peer).some(({ record }) => {
    if (!isSettled(record) || record.result.kind !== 'receipt') return false
    return record.result.receipt.outputs.some((output) => 'sha256' in output && output.sha256 === sha256)
  })
  const path = allowed ? store.path({ owner: peer, sha256 }) : undefined
  if (path === undefined) return undefined
  const handle = await open(path, 'r')
  const { size } = await handle.stat()
  return {
    bytes: size,
    async read({ offset, length }) {
      const buffer = new Uint8Array(Math.min(length, Math.max(0, size - offset)))
      const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, offset)
      return buffer.subarray(0, bytesRead)
    },
    close: () => handle.close(),
  }
}
