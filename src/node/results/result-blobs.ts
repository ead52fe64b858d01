import { open } from 'node:fs/promises'
import type { ArtifactStore } from '../../artifacts/store.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { ServedBlob } from '../../protocol/network/task-service.ts'
import type { Account, Accounts } from '../payments/accounts.ts'
import { NOTHING_YET } from '../payments/exposure.ts'
import { isSettled } from '../journal/task-state.ts'
import type { TaskTable } from '../journal/task-table.ts'

/**
 * A result file, for the requester of a task that produced it. Undefined for everybody else, and for every
 * other blob, whether it is in the store or not: nobody learns what others have here.
 */
export async function openResultBlob(request: {
  readonly peer: string
  readonly sha256: string
  readonly tasks: TaskTable
  readonly store: ArtifactStore
  readonly accounts: Pick<Accounts, 'get' | 'isPaid'>
}): Promise<ServedBlob | undefined> {
  const { peer, sha256, tasks, store, accounts } = request
  const having = tasks.of(peer).filter(({ record }) => {
    if (!isSettled(record) || record.result.kind !== 'receipt') return false
    return record.result.receipt.outputs.some((output) => 'sha256' in output && output.sha256 === sha256)
  })
  const path = having.length > 0 ? store.path({ owner: peer, sha256 }) : undefined
  if (path === undefined) return undefined
  if (!having.some(({ record, dueWei }) => accounts.isPaid({ ...record, dueWei })))
    throw unpaidResult(accounts.get(having[0]?.record.channelId ?? ''))
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

function unpaidResult(account: Account | undefined): SoukError<'PAYMENT_REQUIRED'> {
  const { chargedWei, receivedWei } = account?.standing ?? NOTHING_YET
  return new SoukError({
    code: 'PAYMENT_REQUIRED',
    message: `The result is kept back until it is paid: ${chargedWei} wei are charged, the newest voucher is for ${receivedWei}`,
    details: {
      channelId: account?.channelId ?? '',
      askedWei: String(chargedWei),
      receivedWei: String(receivedWei),
    },
  })
}
