import { Buffer } from 'node:buffer'
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'

/** So much at a time: written and synced with the commit that comes next. */
const CHUNK_BYTES = 1024 ** 2

/**
 * Keeps zeros behind what is in SQLite's write-ahead log, so that commits write over what is there. A file that grows has its
 * length and its new blocks to be synced with it, which took the disk as long again as the pages themselves.
 *
 * A log ends for SQLite before the first frame that has not the salt and the checksum of those before it, as after every
 * restart of the log, when old frames lie there (https://www.sqlite.org/fileformat2.html#walformat): zeros never have them.
 */
export interface LogReserve {
  /** After a commit, on the thread that makes them: writes more zeros where the log has grown beyond the last ones. */
  renew(): void
  close(): void
}

export function reserveLog({ path, maxBytes }: { readonly path: string; readonly maxBytes: number }): LogReserve {
  let file: number | undefined
  let reservedBytes = 0
  return {
    renew() {
      try {
        file ??= openSync(path, 'r+')
        const { size } = fstatSync(file)
        if (size <= reservedBytes || size >= maxBytes) return
        const zeros = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes - size))
        reservedBytes = size + writeSync(file, zeros, 0, zeros.byteLength, size)
      } catch {
        // Commits do without; a disk that is full is what the next one says.
        reservedBytes = Infinity
      }
    },
    close() {
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}
