import type { Connection } from '@libp2p/interface'
import type { SoukError } from '../errors.ts'
import { isSoukError } from '../errors.ts'
import { readBlobOver, type BlobRead } from './blob-client.ts'
import type { Connections } from './connections.ts'
import { connectionLost, isNotServed } from './network-errors.ts'

/**
 * A blob over whichever of a peer's connections has it, the newest first: each may be of another process, which
 * serves other blobs, or none. Where one breaks, the next goes on at the offset reached. Never dials.
 * @throws SoukError as `readBlobOver`; of the connections' answers CONNECTION_LOST before any other, as that process may
 *   have had it and come again
 */
export async function* readFromPeer(
  { connections, peer }: { readonly connections: Connections; readonly peer: string },
  { offset = 0, ...read }: BlobRead,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tried = new Set<Connection>()
  let reached = offset
  let failure: SoukError | undefined
  for (;;) {
    const connection = connections.of(peer, tried)
    if (connection === undefined) throw failure ?? connectionLost(`${peer} is not connected`)
    tried.add(connection)
    try {
      for await (const piece of readBlobOver(connection, { ...read, offset: reached })) {
        reached += piece.byteLength
        yield piece
      }
      return
    } catch (thrown) {
      if (!isElsewhere(thrown)) throw thrown
      if (!isSoukError(failure, 'CONNECTION_LOST')) failure = thrown
    }
  }
}

/** Whether another connection may do better. */
function isElsewhere(thrown: unknown): thrown is SoukError {
  return (
    isSoukError(thrown, 'CONNECTION_LIMITED') ||
    isSoukError(thrown, 'NOT_FOUND') ||
    isSoukError(thrown, 'CONNECTION_LOST') ||
    isNotServed(thrown)
  )
}
