import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Output, OUTPUT_ERROR_CODES } from '../protocol/execution.ts'
import { MAX_RESULT_FILES } from '../protocol/receipt.ts'
import { TASK_BOUNDS } from '../protocol/task.ts'

type OutputErrorCode = (typeof OUTPUT_ERROR_CODES)[number]

export interface ResultLimits {
  /** All result files together. */
  readonly maxBytes: number
  readonly maxFiles: number
}

/** Takes the files of a result, one after the other, into `dir`/results under their sha256. */
export interface ResultCollector {
  /** Stores one file; what is too large, too many or badly named becomes an entry with its error. Reads all of `content`. */
  collect(file: { readonly path: string; readonly content: AsyncIterable<Uint8Array> }): Promise<void>
  /** Notes a file or folder that cannot be had. */
  refuse(refusal: { readonly path: string; readonly code: OutputErrorCode; readonly message: string }): void
  /** Every entry so far, by path. */
  outputs(): Output[]
}

/** Leaves room for one entry that says that there are more files, and one for each declared output. */
const MAX_RESULT_ENTRIES = MAX_RESULT_FILES - TASK_BOUNDS.outputs - 1
const MAX_PATH_BYTES = 4096
/** All file names of a result together: the receipt has them all, and has to fit into one message. */
const MAX_NAME_BYTES = 1024 * 1024
const CONTROL_CHARACTER = /\p{Cc}/u

/** @throws when the files cannot be written, which is the host's fault. */
export async function createResultCollector({
  dir,
  maxBytes,
  maxFiles,
}: ResultLimits & { readonly dir: string }): Promise<ResultCollector> {
  const folder = join(dir, 'results')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const entries: Output[] = []
  let files = 0
  let nameBytes = 0
  let totalBytes = 0
  let full = false

  const note: ResultCollector['refuse'] = ({ path, code, message }) => {
    entries.push({ path: printable(path), error: { code, message } })
  }
  /** Counts a file; the first one that exceeds a limit gets an entry that stands for all further ones. */
  const tooMany = (path: string, limit: number): boolean => {
    files += 1
    nameBytes += Buffer.byteLength(path)
    if (full) return true
    full = files > limit || nameBytes > MAX_NAME_BYTES
    const why = files > limit ? `more than ${limit} files` : `names of more than ${MAX_NAME_BYTES} bytes`
    if (full)
      note({ path, code: 'TOO_MANY', message: `the result has ${why}; this one and those after it are left out` })
    return full
  }
  return {
    refuse(refusal) {
      if (!tooMany(refusal.path, MAX_RESULT_ENTRIES)) note(refusal)
    },
    async collect({ path, content }) {
      if (tooMany(path, Math.min(maxFiles, MAX_RESULT_ENTRIES))) return discard(content)
      if (!isSafePath(path)) {
        note({ path, code: 'UNSAFE_NAME', message: 'the name has control characters or is too long' })
        return discard(content)
      }
      const stored = await store({ folder, content, maxBytes: maxBytes - totalBytes })
      if (stored === undefined) {
        note({ path, code: 'TOO_LARGE', message: `the result has more than ${maxBytes} bytes` })
        return
      }
      totalBytes += stored.bytes
      entries.push({ path, ...stored })
    },
    outputs: () => entries.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path))),
  }
}

/** Writes a file under its digest; resolves to undefined, and keeps nothing, when it is above `maxBytes`. */
async function store(file: {
  readonly folder: string
  readonly content: AsyncIterable<Uint8Array>
  readonly maxBytes: number
}): Promise<{ sha256: string; bytes: number } | undefined> {
  const partial = join(file.folder, '.partial')
  // May exist already, if a node was killed while it wrote one.
  const handle = await open(partial, 'w', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of file.content) {
      bytes += chunk.length
      if (bytes > file.maxBytes) continue
      hash.update(chunk)
      await handle.writeFile(chunk)
    }
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  if (bytes > file.maxBytes) {
    await rm(partial)
    return undefined
  }
  const sha256 = hash.digest('hex')
  await rename(partial, join(file.folder, sha256))
  return { sha256, bytes }
}

async function discard(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of content) continue
}

const isSafePath = (path: string): boolean =>
  !CONTROL_CHARACTER.test(path) && path.isWellFormed() && Buffer.byteLength(path) <= MAX_PATH_BYTES

/** What of a bad name can stand in a receipt, which is signed: no control characters, no half of a character. */
const printable = (path: string): string =>
  path
    .slice(0, MAX_PATH_BYTES / 4)
    .toWellFormed()
    .replaceAll(new RegExp(CONTROL_CHARACTER, 'gu'), '\u{FFFD}')
