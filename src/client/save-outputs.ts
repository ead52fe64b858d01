import { lstat, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFile } from '../artifacts/digest-file.ts'
import { receive } from '../artifacts/receive.ts'
import { storageError } from '../artifacts/store-errors.ts'
import { invalidReceipt } from '../identity/receipt.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { Output } from '../protocol/execution.ts'
import type { BlobRef } from '../protocol/task.ts'
import { PARTIAL_FOLDER, planOutputs, type PlannedOutput } from './output-paths.ts'
import type { Persistence } from './resumed-events.ts'

export interface SaveProgress {
  /** The file inside the sandbox that is being fetched. */
  readonly path: string
  /** Of all files together; files that were there already count. */
  readonly fetchedBytes: number
  readonly totalBytes: number
}

export interface SavedOutput {
  /** Inside the sandbox. */
  readonly path: string
  /** On this side. */
  readonly file: string
  readonly sha256: string
  readonly bytes: number
}

export interface SaveOutputsOptions {
  readonly dir: string
  readonly outputs: readonly Output[]
  readonly read: (request: {
    readonly blob: BlobRef
    readonly offset: number
    readonly signal: AbortSignal
  }) => AsyncIterable<Uint8Array>
  /** For each file anew. */
  readonly patience: () => Persistence
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: SaveProgress) => void
}

/** See {@link file://./remote-task.ts}, `saveOutputs`. Outputs that have an error instead of a file are left out. */
export async function saveOutputs(options: SaveOutputsOptions): Promise<readonly SavedOutput[]> {
  const { dir } = options
  const planned = planOutputs(options.outputs)
  try {
    await mkdir(dir, { recursive: true })
    const missing: PlannedOutput[] = []
    // Whatever is in the way shows before anything is fetched.
    for (const output of planned) if (!(await isThere({ ...options, output }))) missing.push(output)
    if (missing.length > 0) await fetchAll({ ...options, planned, missing })
  } catch (thrown) {
    throw saveError(dir, thrown)
  }
  return planned.map(({ path, segments, blob }) => ({ path, file: join(dir, ...segments), ...blob }))
}

async function fetchAll(
  options: SaveOutputsOptions & {
    readonly planned: readonly PlannedOutput[]
    readonly missing: readonly PlannedOutput[]
  },
): Promise<void> {
  const { dir, planned, missing, onProgress } = options
  const bytesOf = (outputs: readonly PlannedOutput[]): number => outputs.reduce((sum, { blob }) => sum + blob.bytes, 0)
  const totalBytes = bytesOf(planned)
  let doneBytes = totalBytes - bytesOf(missing)
  await makeFolder(dir, [PARTIAL_FOLDER])
  for (const output of missing) {
    const { path, blob, segments } = output
    const partial = join(dir, PARTIAL_FOLDER, blob.sha256)
    const done = doneBytes
    await fetchOne({
      ...options,
      output,
      file: partial,
      onProgress: (bytes) => onProgress?.({ path, fetchedBytes: done + bytes, totalBytes }),
    })
    await makeFolder(dir, segments.slice(0, -1))
    // Once more, now that it took a while: rename(2) replaces a file silently.
    if (await isThere({ ...options, output })) await rm(partial)
    else await rename(partial, join(dir, ...segments))
    doneBytes += blob.bytes
  }
  // What another result has left there is to be gone on with.
  await rmdir(join(dir, PARTIAL_FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY') throw error
  })
}

interface FetchOptions extends Pick<SaveOutputsOptions, 'dir' | 'read' | 'patience' | 'signal'> {
  readonly output: PlannedOutput
  readonly file: string
  readonly onProgress: (fetchedBytes: number) => void
}

/** Brings a file into place, over as many connections as it takes. */
async function fetchOne({
  dir,
  read,
  patience: newPatience,
  signal,
  output,
  file,
  onProgress,
}: FetchOptions): Promise<void> {
  const { blob, path } = output
  const patience = newPatience()
  let mostBytes = 0
  for (;;) {
    try {
      await receive({
        file,
        blob,
        signal: signal ?? new AbortController().signal,
        source: (offset, stop) => read({ blob, offset, signal: stop }),
        onProgress({ fetchedBytes }) {
          if (fetchedBytes > mostBytes) patience.progress()
          mostBytes = Math.max(mostBytes, fetchedBytes)
          onProgress(fetchedBytes)
        },
      })
      return await giveToOwner(dir, file)
    } catch (thrown) {
      if (isSoukError(thrown, 'INVALID_INPUT'))
        throw invalidReceipt([`output ${path} came with another content than its digest says`])
      await patience.afterFailure(thrown)
    }
  }
}

/** Its owner may change it, and nobody else may read it who may not read the folder it goes to. */
async function giveToOwner(dir: string, file: string): Promise<void> {
  const { mode } = await stat(dir)
  const handle = await open(file, 'r')
  try {
    await handle.chmod((mode & 0o044) | 0o600)
  } finally {
    await handle.close()
  }
}

/** Whether the very file is there. @throws SoukError INVALID_INPUT where something else is in its way */
async function isThere({
  dir,
  output,
  signal,
}: Pick<SaveOutputsOptions, 'dir' | 'signal'> & { readonly output: PlannedOutput }): Promise<boolean> {
  const { path, segments, blob } = output
  for (let depth = 1; depth <= segments.length; depth++) {
    const file = join(dir, ...segments.slice(0, depth))
    const stats = await lstat(file).catch(ifMissing)
    if (stats === undefined) return false
    if (depth < segments.length && !stats.isDirectory())
      throw inTheWay({ path, file, what: stats.isSymbolicLink() ? 'a symbolic link' : 'not a folder' })
    if (depth < segments.length) continue
    if (!stats.isFile()) throw inTheWay({ path, file, what: stats.isSymbolicLink() ? 'a symbolic link' : 'not a file' })
    const there =
      stats.size === blob.bytes ? await digestFile({ file, ...(signal !== undefined && { signal }) }) : undefined
    if (there?.sha256 !== blob.sha256) throw inTheWay({ path, file, what: 'a file with other content' })
  }
  return true
}

/** Makes each folder that is missing, one by one: none is ever reached through a link. */
async function makeFolder(dir: string, segments: readonly string[]): Promise<void> {
  let folder = dir
  for (const segment of segments) {
    folder = join(folder, segment)
    await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
      if (!(await lstat(folder)).isDirectory())
        throw inTheWay({ path: `/${segments.join('/')}`, file: folder, what: 'not a folder' })
    })
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** A failure of the folder itself is for who named it; only a full disk has a code of its own. */
function saveError(dir: string, thrown: unknown): unknown {
  const cause = isSoukError(thrown, 'INTERNAL') ? thrown.cause : thrown
  if (!(cause instanceof Error && 'syscall' in cause)) return thrown
  const error = storageError(cause)
  if (isSoukError(error, 'STORAGE_FULL')) return error
  const message = `the folder ${dir} cannot be written to: ${cause.message}`
  return new SoukError({
    code: 'INVALID_INPUT',
    phase: 'deliver',
    message: `The result was not saved: ${message}.`,
    details: { issues: [{ path: dir, message }] },
    hint: 'Name a folder that you may write to.',
    cause,
  })
}

function inTheWay({
  path,
  file,
  what,
}: {
  readonly path: string
  readonly file: string
  readonly what: string
}): SoukError<'INVALID_INPUT'> {
  const message = `${file} is in the way of ${path}: it is ${what}`
  return new SoukError({
    code: 'INVALID_INPUT',
    phase: 'deliver',
    message: `The result was not saved: ${message}.`,
    details: { issues: [{ path, message }] },
    hint: 'Name a folder that is empty or does not exist yet.',
  })
}
