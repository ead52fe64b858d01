import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFile } from '../artifacts/digest-file.ts'
import type { BlobRef } from '../protocol/task.ts'
import type { BlobSource } from './resolve-draft.ts'

/** More names than this are looked through in no folder. */
const MAX_NAMES = 100_000

/**
 * Those of `wanted` that are in regular files at or below a folder, by their content, whatever they are called. Only files of a
 * length that is wanted are read; links are not followed; an empty blob needs no file.
 *
 * @throws Error whose message completes "FOLDER …", where it has too many names; what reading fails with; the signal's reason
 */
export async function findBlobs({
  folder,
  wanted,
  signal,
}: {
  readonly folder: string | undefined
  readonly wanted: readonly BlobRef[]
  readonly signal: AbortSignal
}): Promise<{ readonly blobs: ReadonlyMap<string, BlobSource>; readonly missing: readonly BlobRef[] }> {
  const missing = new Map(wanted.map((blob) => [blob.sha256, blob]))
  const blobs = new Map<string, BlobSource>()
  for (const { sha256, bytes } of wanted) {
    if (bytes > 0) continue
    blobs.set(sha256, { data: new Uint8Array() })
    missing.delete(sha256)
  }
  const pending = folder === undefined ? [] : [folder]
  let names = 0
  for (let next = pending.pop(); next !== undefined && missing.size > 0; next = pending.pop()) {
    for await (const entry of await opendir(next)) {
      signal.throwIfAborted()
      names += 1
      if (names > MAX_NAMES) throw new Error(`has more than ${MAX_NAMES} names in it: name a smaller one`)
      const path = join(next, entry.name)
      if (entry.isDirectory()) pending.push(path)
      if (!entry.isFile()) continue
      const { size } = await stat(path)
      if (![...missing.values()].some(({ bytes }) => bytes === size)) continue
      const { sha256, bytes } = await digestFile({ file: path, signal })
      if (missing.delete(sha256)) blobs.set(sha256, { path, bytes })
    }
  }
  return { blobs, missing: [...missing.values()] }
}
